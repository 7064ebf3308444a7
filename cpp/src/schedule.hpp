// How a call is shared among threads. No choice changes a bit of the result: rows do not see each
// other, and chunks fold in one order.
#pragma once

#include "problem.hpp"

namespace vicinal {

// Rows that meet the keys together: fewer than fit where they would stand in two blocks of a mask.
template <class T>
std::int64_t group_size(const Problem<T>& problem);

struct Schedule {
  std::int64_t rows = 0;    // of a block
  std::int64_t blocks = 0;  // of an entry
  bool team = false;        // parallel over chunks instead of blocks
};

template <class T>
std::int64_t chunk_count(const Problem<T>& problem);

// All keys are one chunk, after which nothing but the means is wanted of a row, and no other pass
// over the keys may follow: the means are written at once.
template <class T>
bool ends_with_its_chunk(const Problem<T>& problem);

// The threads, of those allowed, that have enough to do under so many kernels.
template <class T>
int worthwhile_threads(const Problem<T>& problem, std::size_t kernels, int threads);

template <class T>
Schedule schedule(const Problem<T>& problem, std::size_t kernels, int threads);

}  // namespace vicinal
