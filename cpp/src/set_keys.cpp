#include "set_keys.hpp"

#include "neighborhood.hpp"

namespace vicinal {

using Kind = NeighborSet::Kind;

namespace {

// Pixels near pixel `row`, in C order.
void list_grid(const NeighborSet& set, std::int64_t row, KeyRange keys,
               std::vector<std::int64_t>& out) {
  const std::size_t axes = set.shape.size();
  std::vector<std::int64_t> low(axes), high(axes), at(axes);
  for (std::size_t a = axes; a-- > 0; row /= set.shape[a]) {
    const std::int64_t i = row % set.shape[a];
    at[a] = low[a] = std::max<std::int64_t>(i - set.reach[a], 0);
    high[a] = std::min(i + std::min(set.reach[a], set.shape[a]), set.shape[a] - 1);
  }
  const auto pixel_at = [&](const std::vector<std::int64_t>& place) {
    std::int64_t pixel = 0;
    for (std::size_t a = 0; a < axes; ++a) pixel = pixel * set.shape[a] + place[a];
    return pixel;
  };
  if (keys.row(pixel_at(low)) == keys.row(pixel_at(high) + 1)) return;  // none of these keys
  for (;;) {
    const std::int64_t pixel = pixel_at(at);
    const std::int64_t end = keys.row(pixel + high[axes - 1] - at[axes - 1] + 1);
    for (std::int64_t key = keys.row(pixel); key < end; ++key) out.push_back(key);
    std::size_t a = axes - 1;
    while (a-- > 0 && at[a] == high[a]) at[a] = low[a];
    if (a == static_cast<std::size_t>(-1)) return;
    ++at[a];
  }
}

}  // namespace

int cost_of(const NeighborSet& set) {
  const auto worst = [&] {
    int cost = 0;
    for (const NeighborSet& part : set.parts) cost = std::max(cost, cost_of(part));
    return cost;
  };
  switch (set.kind) {
    case Kind::graph:
    case Kind::grid:
      return 0;
    case Kind::segments:
    case Kind::window:
      return 1;
    case Kind::blocks:
      return 2;
    case Kind::either:
      return worst();
    default:
      return 3;
  }
}

void list_keys(const NeighborSet& set, std::int64_t row, KeyRange keys,
               std::vector<std::int64_t>& out) {
  const auto add = [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t key = first; key < end; ++key) out.push_back(key);
  };
  switch (set.kind) {
    case Kind::graph: {
      const auto at = static_cast<std::size_t>(row);
      for (std::int64_t i = set.indptr[at]; i < set.indptr[at + 1]; ++i)
        if (const std::int64_t key = set.key_of_edge(i); keys.holds(key))
          out.push_back(key - keys.first);
      if (!std::is_sorted(out.begin(), out.end())) std::sort(out.begin(), out.end());
      return;
    }
    case Kind::grid:
      return list_grid(set, row, keys, out);
    case Kind::segments:
    case Kind::window: {
      const RowRange range = range_of(set, row, keys.first, keys.count);
      return add(range.first, range.end);
    }
    case Kind::blocks: {
      const bool* uses = set.mask.row(row / set.block);
      for (std::int64_t key = 0; key < keys.count;) {
        const std::int64_t number = keys.first + key,
                           end = key + std::min(set.block - number % set.block, keys.count - key);
        if (uses[number / set.block]) add(key, end);
        key = end;
      }
      return;
    }
    default:
      return add(0, keys.count);  // and tested one by one
  }
}

}  // namespace vicinal
