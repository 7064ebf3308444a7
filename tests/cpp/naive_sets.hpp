// The oracle of neighbor sets: which keys a query sees, by the words of neighbor_set.hpp, key by
// key.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "vicinal/neighbor_set.hpp"

namespace naive {

using vicinal::NeighborSet;
using Keys = std::vector<char>;  // n, 1 = in the set

inline bool finds_nearest(const NeighborSet& set) {
  return set.kind == NeighborSet::Kind::nearest ||
         std::any_of(set.parts.begin(), set.parts.end(), finds_nearest);
}

// One query and all keys, Euclidean.
template <class T>
struct Seen {
  const T* query;
  std::int64_t row;  // as the set counts
  vicinal::View<const T> keys;

  double distance(std::int64_t key) const {
    double sum = 0;
    for (std::int64_t j = 0; j < keys.columns; ++j) {
      const double t = double(query[j]) - double(keys.row(key)[j]);
      sum += t * t;
    }
    return std::sqrt(sum);
  }

  static bool near_pixel(const NeighborSet& set, std::int64_t a, std::int64_t b) {
    bool near = true;
    for (std::size_t axis = set.shape.size(); axis-- > 0;) {
      near &= std::abs(a % set.shape[axis] - b % set.shape[axis]) <= set.reach[axis];
      a /= set.shape[axis];
      b /= set.shape[axis];
    }
    return near;
  }

  static bool in_segment(const NeighborSet& set, std::int64_t row, std::int64_t key) {
    bool in = false;
    for (std::size_t s = 0; s + 1 < set.query_offsets.size(); ++s) {
      const auto behind = static_cast<double>(
          set.at_end ? (key - set.key_offsets[s + 1]) - (row - set.query_offsets[s + 1])
                     : (key - set.key_offsets[s]) - (row - set.query_offsets[s]));
      in |= row >= set.query_offsets[s] && row < set.query_offsets[s + 1] &&
            key >= set.key_offsets[s] && key < set.key_offsets[s + 1] &&
            behind >= static_cast<double>(set.offset) - set.before &&
            behind <= static_cast<double>(set.offset) + set.after;
    }
    return in;
  }

  static bool is_edge(const NeighborSet& set, std::int64_t row, std::int64_t key) {
    const auto at = static_cast<std::size_t>(row);
    bool found = false;
    for (std::int64_t e = set.indptr[at]; e < set.indptr[at + 1]; ++e)
      found |= set.indices[static_cast<std::size_t>(e)] == key;
    return found;
  }

  // Of sets that look at one pair alone.
  bool holds(const NeighborSet& set, std::int64_t key) const {
    using Kind = NeighborSet::Kind;
    switch (set.kind) {
      case Kind::radius:
        return distance(key) <= set.radius;
      case Kind::window: {
        const double behind = double(key - row - set.offset);
        return behind >= -set.before && behind <= set.after;
      }
      case Kind::column_window: {
        const double a = double(query[set.column]), b = double(keys.row(key)[set.column]);
        return b >= a - set.before && b <= a + set.after;
      }
      case Kind::segments:
        return in_segment(set, row, key);
      case Kind::blocks:
        return set.mask.row(row / set.block)[key / set.block];
      case Kind::grid:
        return near_pixel(set, row, key);
      case Kind::graph:
        return is_edge(set, row, key);
      default:
        return true;
    }
  }

  Keys nearest(std::int64_t k, const Keys& candidates) const {
    std::vector<std::pair<double, std::int64_t>> order;
    for (std::int64_t key = 0; key < keys.rows; ++key)
      if (candidates[static_cast<std::size_t>(key)]) order.emplace_back(distance(key), key);
    std::sort(order.begin(), order.end());
    order.resize(std::min(order.size(), static_cast<std::size_t>(k)));
    Keys in(candidates.size(), 0);
    for (const auto& found : order) in[static_cast<std::size_t>(found.second)] = 1;
    return in;
  }

  // Every set but `nearest` cuts; what `nearest` is joined with by & cuts before it.
  Keys of(const NeighborSet& set, Keys candidates) const {
    using Kind = NeighborSet::Kind;
    if (set.kind == Kind::nearest) return nearest(set.k, candidates);
    if (set.kind == Kind::either) {
      Keys a = of(set.parts[0], candidates);
      const Keys b = of(set.parts[1], candidates);
      for (std::size_t i = 0; i < a.size(); ++i) a[i] |= b[i];
      return a;
    }
    if (set.kind != Kind::both) {
      for (std::int64_t key = 0; key < keys.rows; ++key)
        candidates[static_cast<std::size_t>(key)] &= holds(set, key);
      return candidates;
    }
    std::vector<const NeighborSet*> parts;
    collect(set, parts);
    std::stable_partition(parts.begin(), parts.end(), [](auto* s) { return !finds_nearest(*s); });
    Keys in;
    for (const NeighborSet* part : parts) {
      if (!finds_nearest(*part)) {
        candidates = of(*part, std::move(candidates));
        continue;
      }
      const Keys more = of(*part, candidates);
      if (in.empty()) in = more;
      for (std::size_t i = 0; i < in.size(); ++i) in[i] &= more[i];
    }
    return in.empty() ? candidates : in;
  }

 private:
  static void collect(const NeighborSet& set, std::vector<const NeighborSet*>& parts) {
    if (set.kind != NeighborSet::Kind::both) return parts.push_back(&set);
    for (const NeighborSet& part : set.parts) collect(part, parts);
  }
};

}  // namespace naive
