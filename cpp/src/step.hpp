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

  const Table<T>& table() const { return *problem.table; }
  int rows() const { return w.group.rows; }
  T* logs(std::size_t term) const {
    return w.group.tiles.data() + std::int64_t(2 * term) * group_rows<T> * tile_keys;
  }
  T* factors(std::size_t term) const { return logs(term) + group_rows<T> * tile_keys; }
  std::size_t terms() const { return problem.plan.terms.size(); }
};

// Calls action(row, lane) for every pair that the mask or exclude_self takes away.
template <class T, class F>
void each_dropped(const Step<T>& s, F&& action) {
  const Group<T>& g = s.w.group;
  if (s.entry.mask)
    for (int r = 0; r < g.rows; ++r) {
      // any byte but 0 means used, whatever the caller's language calls a boolean
      const auto* use = reinterpret_cast<const unsigned char*>(s.entry.mask.row(g.index[r]));
      for (int k = 0; k < s.lanes; ++k)
        if (use[s.entry.row_at(s.first + k) * s.entry.mask.column_stride] == 0) action(r, k);
    }
  if (s.problem.exclude_self)
    for (int r = 0; r < g.rows; ++r) {
      const std::int64_t k = g.own[r] - s.first;
      if (k >= 0 && k < s.lanes) action(r, static_cast<int>(k));
    }
}

}  // namespace vicinal
