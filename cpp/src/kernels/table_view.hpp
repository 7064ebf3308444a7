// What the tile functions read of a user's profile (profile_table.hpp evaluates it, tabulate.cpp
// makes it).
#pragma once

#include <cstdint>

namespace vicinal::kernels {

// Degree of the polynomials and length of a row: 3 in 4 floats, 5 in 8 doubles (a cache line).
template <class T>
inline constexpr int table_degree = sizeof(T) == 4 ? 3 : 5;
template <class T>
inline constexpr int table_row = sizeof(T) == 4 ? 4 : 8;

// Borrowed from a ProfileTable.
template <class T>
struct TableView {
  const T* rows = nullptr;     // rows[(2 * bucket + side) * table_row + power], side 1: u > origin
  const T* origins = nullptr;  // origins[bucket], or nullptr: all are middles
  T lowest = 0;                // smaller u share the first bucket,
  T highest = 0;               // larger ones the last
  T support = 0;               // u > support has the weight 0,
  T outside = 0;               // which is 0, or -inf in a table of log2-weights; NaN stays NaN
  T least = 0;             // no result is below: 0 for weights that are never negative, else -inf
  std::int32_t shift = 0;  // bucket = (bits of u >> shift) - first
  std::int32_t first = 0;

  bool operator==(const TableView&) const = default;
};

}  // namespace vicinal::kernels
