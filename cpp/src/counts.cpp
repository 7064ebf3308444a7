#include "counts.hpp"

namespace vicinal {

namespace {

template <class T>
std::int64_t present_lanes(const Step<T>& s) {
  if (!s.flags.absent) return s.lanes;
  return std::count_if(s.prior, s.prior + s.lanes, [](T x) { return x != none<T>; });
}

}  // namespace

template <class T>
void count_fixed(const Step<T>& s) noexcept {
  Group<T>& g = s.w.group;
  if (!s.problem.plan
           .can_vanish) {  // compact and signed profiles: outside the support the weight is 0
    for (int r = 0; r < g.rows; ++r)
      for (int k = 0; k < tile_keys; ++k) g.count[r] += s.logs(0)[r * tile_keys + k] != 0;
    return;
  }
  const std::int64_t present = present_lanes(s);
  for (int r = 0; r < g.rows; ++r) {
    g.count[r] += present;
    if (!g.drops) continue;
    for (int k = 0; k < s.lanes; ++k)
      g.count[r] -= (g.dropped[r][static_cast<std::size_t>(k / 64)] >> k % 64 & 1) != 0 &&
                    s.prior[k] != none<T>;
  }
}

template <class T>
void count_logs(const Step<T>& s) noexcept {
  Group<T>& g = s.w.group;
  for (int r = 0; r < g.rows; ++r)
    for (int k = 0; k < s.lanes; ++k) {
      bool inside = false;
      for (std::size_t i = 0; i < s.terms(); ++i) inside |= s.logs(i)[r * tile_keys + k] != none<T>;
      g.count[r] += inside;
    }
}

// Ranks for top_k are the log2-weights themselves, so that far rows order rightly too.
template <class T>
void offer_ranks(const Step<T>& s, bool have_factors, std::size_t term) noexcept {
  Group<T>& g = s.w.group;
  T* ranks = s.logs(s.terms());
  s.table().magnitude(s.logs(term), have_factors ? s.factors(0) : nullptr, ranks, g.rows);
  RowState<T>& state = s.w.block->state;
  const bool tree = s.entry.order != nullptr;  // ties do not come in the order of the rows
  for (int r = 0; r < g.rows; ++r) {
    const T* row = ranks + r * tile_keys;
    const T* last = state.top_rank.data() + g.slot[r] * state.k + state.k - 1;
    for (int k = 0; k < s.lanes; ++k)
      if (row[k] > *last || (tree && row[k] == *last)) {
        const double sign = have_factors && s.factors(0)[r * tile_keys + k] < 0 ? -1.0 : 1.0;
        state.offer(g.slot[r], row[k], sign, s.problem.key_offset + s.entry.row_at(s.first + k));
      }
  }
}

template <class T>
void take_own_weights(const Step<T>& s) noexcept {
  Group<T>& g = s.w.group;
  for (int r = 0; r < g.rows; ++r) {
    const std::int64_t k = g.own[r] - s.first;
    if (k >= 0 && k < s.lanes) g.own_weight[r] += s.logs(0)[r * tile_keys + k];
  }
}

template <class T>
void write_weights(const Step<T>& s) noexcept {
  Group<T>& g = s.w.group;
  if (s.problem.lists_weights)
    for (int r = 0; r < g.rows; ++r)
      for (int k = 0; k < s.lanes; ++k)
        s.w.block->keep(g.slot[r], s.entry.row_at(s.first + k), s.logs(0)[r * tile_keys + k],
                        g.reference[r]);
  if (s.entry.weights_out == nullptr) return;
  const std::int64_t tiles = (s.problem.n + tile_keys - 1) / tile_keys, tile = s.first / tile_keys;
  for (int r = 0; r < g.rows; ++r) {
    std::copy_n(s.logs(0) + r * tile_keys, s.lanes,
                s.entry.weights_out + g.index[r] * s.problem.weights_stride + s.first);
    s.w.block->weight_references[g.slot[r] * tiles + tile] = g.reference[r];
  }
}

#define VICINAL_INSTANTIATE(T)                                           \
  template void count_fixed(const Step<T>&) noexcept;                    \
  template void count_logs(const Step<T>&) noexcept;                     \
  template void offer_ranks(const Step<T>&, bool, std::size_t) noexcept; \
  template void take_own_weights(const Step<T>&) noexcept;               \
  template void write_weights(const Step<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
