// Windows on a column against boxes that stand in the coordinates of the points.
#pragma once

#include <algorithm>
#include <span>

#include "boxes.hpp"

namespace vicinal {

// Those among the sets, where boxes of this space stand so.
template <class T>
std::vector<const NeighborSet*> boxed_windows(std::span<const NeighborSet* const> sets,
                                              const BoxSpace<T>& space) {
  std::vector<const NeighborSet*> windows;
  if (space.factor != nullptr) return windows;
  for (const NeighborSet* set : sets)
    if (set->kind == NeighborSet::Kind::column_window) windows.push_back(set);
  return windows;
}

// No key of the one box is in all windows of a query of the other.
template <class T>
bool is_outside(std::span<const NeighborSet* const> windows, const Box<T>& queries,
                const Box<T>& keys) noexcept {
  return std::any_of(windows.begin(), windows.end(), [&](const NeighborSet* window) {
    const std::int64_t j = window->column;
    return static_cast<double>(keys.high[j]) < column_range(*window, queries.low).first ||
           static_cast<double>(keys.low[j]) > column_range(*window, queries.high).last;
  });
}

}  // namespace vicinal
