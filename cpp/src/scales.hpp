// Bandwidths of keys or of queries besides the kernel's: scores times a number per lane or row.
#pragma once

#include "step.hpp"

namespace vicinal {

// Fills the scales of an entry from the bandwidths of its keys and queries; throws
// std::invalid_argument for one that is NaN or negative, or a kernel of several factors.
template <class T>
void read_bandwidths(const Problem<T>& problem, std::span<const T> of_keys,
                     std::span<const T> of_queries, Entry<T>& entry);

// Takes a tile of scores of the kernel's only factor to what the profile reads.
template <class T>
void scale_scores(const Step<T>& step, T* scores) noexcept;

// Of one pair; 1 where there are none.
template <class T>
T scale_of_pair(const Entry<T>& entry, std::int64_t row, std::int64_t key) noexcept;

}  // namespace vicinal
