// One step of a group: its queries against one packed tile of keys, as the tile functions see it.
#pragma once

#include <algorithm>
#include <limits>

#include "group.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
struct Step {
  const Problem<T>& problem;
  const Entry<T>& entry;
  Workspace<T>& w;
  int t;               // tile of the chunk
  int lanes;           // its keys, padding included only in the arrays
  std::int64_t first;  // position of its first key
  const T* prior;
  TileFlags flags;
  bool hits = false;  // inverse distance counts coincident keys only
  // Panels of which some row may use a lane: only these are scored, and where weights are nothing
  // but summed, `summed`, which is else all, is the same.
  Panels scored = all_panels, summed = all_panels;
  // Lanes of each row that need not be scored, and weigh 0; nullptr: none.
  const LaneBits* dropped = nullptr;

  const Table<T>& table() const { return *problem.table; }
  int rows() const { return w.group.rows; }
  T* logs(std::size_t term) const {
    return w.group.tiles.data() + std::int64_t(2 * term) * group_rows<T> * tile_keys;
  }
  T* factors(std::size_t term) const { return logs(term) + group_rows<T> * tile_keys; }
  std::size_t terms() const { return problem.plan.terms.size(); }

  const std::uint64_t* dropped_of(int row) const {
    return dropped == nullptr ? nullptr : dropped[row].data();
  }

  // Lanes that their rows may not use take this value: those of summed panels, or, where they are
  // counted too, all.
  void drop(T* tile, T value) const {
    if (!w.group.drops) return;
    const Panels read = entry.count == nullptr ? summed : all_panels;
    for (int r = 0; r < rows(); ++r)
      table().drop_bits(tile + r * tile_keys, w.group.dropped[r].data(), value, read);
  }
};

}  // namespace vicinal
