#include "gates.hpp"

#include <bit>

#include "nearest.hpp"

namespace vicinal {

namespace {

using Kind = NeighborSet::Kind;

// Lanes [first, end) of the 64 that begin with lane 64 w.
std::uint64_t lanes_between(std::int64_t first, std::int64_t end, std::int64_t w) {
  const std::int64_t a = std::clamp<std::int64_t>(first - 64 * w, 0, 64),
                     b = std::clamp<std::int64_t>(end - 64 * w, a, 64);
  const auto below = [](std::int64_t n) {
    return n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
  };
  return below(b) & ~below(a);
}

// Lanes [0, first) and [end, 256).
void set_outside(LaneBits& bits, std::int64_t first, std::int64_t end) {
  for (std::int64_t w = 0; w < std::ssize(bits); ++w)
    bits[static_cast<std::size_t>(w)] |= ~lanes_between(first, end, w);
}

// Lanes of the blocks that the query does not see; lane 0 is key `number`.
void set_blocks(LaneBits& bits, const NeighborSet& set, std::int64_t query, std::int64_t number,
                int lanes) {
  const bool* sees = set.mask.row(query / set.block);
  for (std::int64_t at = number, block = number / set.block; at < number + lanes; ++block) {
    const std::int64_t end = std::min(number + lanes, (block + 1) * set.block);
    if (!sees[block])
      for (std::int64_t w = (at - number) / 64; 64 * w < end - number; ++w)
        bits[static_cast<std::size_t>(w)] |= lanes_between(at - number, end - number, w);
    at = end;
  }
}

void set_lane(LaneBits& bits, int lane) {
  bits[static_cast<std::size_t>(lane / 64)] |= std::uint64_t{1} << lane % 64;
}

// Lanes whose key is not inside.
template <class T>
void set_lanes_outside(const Step<T>& s, LaneBits& bits, auto&& inside) {
  for (int k = 0; k < s.lanes; ++k)
    bits[static_cast<std::size_t>(k / 64)] |=
        static_cast<std::uint64_t>(!inside(s.entry.row_at(s.first + k))) << k % 64;
}

template <class T>
void set_gate(const Step<T>& s, const NeighborSet& gate, std::int64_t row, LaneBits& bits) {
  const Neighborhood<T>& n = *s.problem.neighborhood;
  if (gate.kind == Kind::window || gate.kind == Kind::segments) {
    const RowRange range = range_of(gate, row + n.query_offset, s.problem.key_offset, s.problem.n);
    if (s.entry.order == nullptr)
      return set_outside(bits, range.first - s.first, range.end - s.first);
    return set_lanes_outside(
        s, bits, [&](std::int64_t key) { return (key >= range.first) & (key < range.end); });
  }
  if (gate.kind == Kind::blocks && s.entry.order == nullptr)
    return set_blocks(bits, gate, row + n.query_offset, s.first + s.problem.key_offset, s.lanes);
  if (gate.kind == Kind::column_window) {
    const ColumnRange range = column_range(gate, s.entry.queries + row * s.problem.query_stride);
    const T* column = s.entry.keys + gate.column;
    return set_lanes_outside(s, bits, [&](std::int64_t key) {
      return range.holds(static_cast<double>(column[key * s.problem.key_stride]));
    });
  }
  set_lanes_outside(s, bits,
                    [&](std::int64_t key) { return holds(n, gate, s.problem, s.entry, row, key); });
}

// Two rows drop the same lanes: all that cuts is a mask of blocks, and theirs is one.
template <class T>
bool share_blocks(const Step<T>& s, std::int64_t row, std::int64_t other) {
  const Neighborhood<T>& n = *s.problem.neighborhood;
  const NeighborSet& gate = *n.gates[0];
  return n.gates.size() == 1 && gate.kind == Kind::blocks && !s.entry.mask &&
         !s.problem.exclude_self &&
         (row + n.query_offset) / gate.block == (other + n.query_offset) / gate.block;
}

template <class T>
bool has_radius(const Problem<T>& problem) {
  return problem.neighborhood != nullptr && std::isfinite(problem.neighborhood->radius_score);
}

}  // namespace

template <class T>
void find_dropped(const Step<T>& s) noexcept {
  Group<T>& g = s.w.group;
  const bool gated = s.problem.neighborhood != nullptr && !s.problem.neighborhood->gates.empty();
  g.drops = gated || s.entry.mask || s.problem.exclude_self || has_radius(s.problem);
  if (!g.drops) return;
  for (int r = 0; r < g.rows; ++r) {
    LaneBits& bits = g.dropped[r];
    bits = {};
    if (s.entry.mask) {
      // any byte but 0 means used, whatever the caller's language calls a boolean
      const auto* use = reinterpret_cast<const unsigned char*>(s.entry.mask.row(g.index[r]));
      for (int k = 0; k < s.lanes; ++k)
        if (use[s.entry.row_at(s.first + k) * s.entry.mask.column_stride] == 0) set_lane(bits, k);
    }
    if (const std::int64_t own = g.own[r] - s.first;
        s.problem.exclude_self && own >= 0 && own < s.lanes)
      set_lane(bits, static_cast<int>(own));
    if (!gated) continue;
    if (r > 0 && share_blocks(s, g.index[r - 1], g.index[r])) {
      bits = g.dropped[r - 1];
      continue;
    }
    for (const NeighborSet* gate : s.problem.neighborhood->gates)
      set_gate(s, *gate, g.index[r], bits);
  }
}

template <class T>
Panels find_panels(const Problem<T>& problem, Group<T>& g) noexcept {
  if (!g.drops) return all_panels;
  LaneBits some{}, all = g.dropped[0];
  for (int r = 0; r < g.rows; ++r)
    for (std::size_t w = 0; w < all.size(); ++w) {
      some[w] |= g.dropped[r][w];
      all[w] &= g.dropped[r][w];
    }
  g.drops = has_radius(problem) || some != LaneBits{};
  Panels panels = 0;
  for (std::size_t w = 0; w < all.size(); ++w)
    panels |= static_cast<Panels>(all[w] != ~std::uint64_t{0}) << w;
  return panels;
}

template <class T>
void find_outside(const Step<T>& s, const T* scores) noexcept {
  if (!has_radius(s.problem)) return;
  Group<T>& g = s.w.group;
  const Neighborhood<T>& n = *s.problem.neighborhood;
  const FactorPlan<T>& f = s.problem.plan.terms[0].factors[0];
  // Scores that may lie on either side are decided by exact differences.
  const double error = 4 * static_cast<double>(std::numeric_limits<T>::epsilon()) * (f.depth + 64),
               least = static_cast<double>(std::numeric_limits<T>::min()) * (f.depth + 64);
  const T low = static_cast<T>(n.radius_score * (1 - error) - least),
          high = static_cast<T>(n.radius_score * (1 + error) + least);
  for (int r = 0; r < g.rows; ++r) {
    LaneBits inside{}, near{};
    s.table().bits_below(scores + r * tile_keys, tile_keys, low, inside.data());
    s.table().bits_below(scores + r * tile_keys, tile_keys, high, near.data());
    for (std::size_t w = 0; w < inside.size(); ++w) {
      for (std::uint64_t open = near[w] & ~inside[w]; open != 0; open &= open - 1) {
        const int lane = static_cast<int>(64 * w) + std::countr_zero(open);
        if (lane < s.lanes &&
            is_within(n, n.radius, s.problem, s.entry, g.index[r], s.entry.row_at(s.first + lane)))
          inside[w] |= open & -open;
      }
      g.dropped[r][w] |= ~inside[w];
    }
  }
}

template <class T>
bool may_meet(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first_row,
              std::int64_t last_row, std::int64_t first, std::int64_t count) noexcept {
  const Neighborhood<T>* n = problem.neighborhood.get();
  if (n == nullptr || entry.order != nullptr) return true;
  const auto overlaps = [&](const NeighborSet& gate) {
    const std::int64_t a = first_row + n->query_offset, b = last_row + n->query_offset,
                       number = first + problem.key_offset;
    if (gate.kind == Kind::window || gate.kind == Kind::segments)  // neither end ever falls
      return range_of(gate, a, problem.key_offset, problem.n).first < first + count &&
             range_of(gate, b, problem.key_offset, problem.n).end > first;
    if (gate.kind != Kind::blocks) return true;
    for (std::int64_t i = a / gate.block; i <= b / gate.block; ++i)
      for (std::int64_t j = number / gate.block; j <= (number + count - 1) / gate.block; ++j)
        if (gate.mask.row(i)[j]) return true;
    return false;
  };
  return std::all_of(n->gates.begin(), n->gates.end(),
                     [&](const NeighborSet* gate) { return overlaps(*gate); });
}

template <class T>
bool meets_one_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                     std::int64_t chunk) noexcept {
  if (problem.neighborhood == nullptr) return 0 < entry.n && entry.n <= chunk;
  RowRange keys{0, entry.n};
  if (entry.order == nullptr)
    for (const NeighborSet* gate : problem.neighborhood->gates) {
      if (gate->kind != Kind::window && gate->kind != Kind::segments) continue;
      const RowRange range =
          range_of(*gate, row + problem.neighborhood->query_offset, problem.key_offset, problem.n);
      keys = {std::max(keys.first, range.first), std::min(keys.end, range.end)};
    }
  return keys.first < keys.end && keys.first / chunk == (keys.end - 1) / chunk;
}

template <class T>
bool group_may_meet(const Problem<T>& problem, const Entry<T>& entry, const Group<T>& g,
                    std::int64_t first, std::int64_t count) noexcept {
  if (problem.neighborhood == nullptr) return true;
  const auto [low, high] = std::minmax_element(g.index, g.index + g.rows);
  return may_meet(problem, entry, *low, *high, first, count);
}

#define VICINAL_INSTANTIATE(T)                                                                    \
  template void find_dropped(const Step<T>&) noexcept;                                            \
  template Panels find_panels(const Problem<T>&, Group<T>&) noexcept;                             \
  template void find_outside(const Step<T>&, const T*) noexcept;                                  \
  template bool may_meet(const Problem<T>&, const Entry<T>&, std::int64_t, std::int64_t,          \
                         std::int64_t, std::int64_t) noexcept;                                    \
  template bool meets_one_chunk(const Problem<T>&, const Entry<T>&, std::int64_t,                 \
                                std::int64_t) noexcept;                                           \
  template bool group_may_meet(const Problem<T>&, const Entry<T>&, const Group<T>&, std::int64_t, \
                               std::int64_t) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
