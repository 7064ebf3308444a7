// How a call is shared among threads. No choice changes a bit of the result: rows do not see each
// other, and chunks fold in one order.
#pragma once

#include <algorithm>

#include "problem.hpp"

namespace vicinal {

// The rows of a block in groups that meet the keys together: `size` of them, fewer at the end of a
// period, so that no group stands in two large blocks of a mask.
struct Groups {
  std::int64_t rows, period, size;

  std::int64_t first(std::int64_t g) const {
    const std::int64_t each = (period + size - 1) / size;
    return std::min(rows, g / each * period + g % each * size);
  }
  std::int64_t end(std::int64_t g) const {
    const std::int64_t each = (period + size - 1) / size;
    return std::min({rows, first(g) + size, (g / each + 1) * period});
  }
  std::int64_t count() const {
    return rows / period * ((period + size - 1) / size) + (rows % period + size - 1) / size;
  }
};
template <class T>
Groups groups_of(const Problem<T>& problem, std::int64_t rows);

struct Schedule {
  std::int64_t rows = 0;    // of a block
  std::int64_t blocks = 0;  // of an entry
  bool team = false;        // parallel over chunks instead of blocks
};

template <class T>
std::int64_t chunk_count(const Problem<T>& problem);

// Nothing but its mean and log-mass is wanted of a row, and one pass over its keys is all: where
// they stand in one chunk, they are written at once.
template <class T>
bool needs_no_state(const Problem<T>& problem);

// The threads, of those allowed, that have enough to do under so many kernels.
template <class T>
int worthwhile_threads(const Problem<T>& problem, std::size_t kernels, int threads);

template <class T>
Schedule schedule(const Problem<T>& problem, std::size_t kernels, int threads);

}  // namespace vicinal
