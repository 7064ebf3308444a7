#include "weights.hpp"

#include <array>
#include <cmath>

#include "counts.hpp"
#include "gates.hpp"
#include "priors.hpp"
#include "rows.hpp"
#include "scales.hpp"
#include "state.hpp"

namespace vicinal {

template <class T>
ScoreArguments<T> score_arguments(const Step<T>& s, std::size_t term, std::size_t j, int first,
                                  T* out, PairSource<T>& source) noexcept {
  const FactorPlan<T>& f = s.problem.plan.terms[term].factors[j];
  QueryPanels<T>& b = s.w.factors[term][j];
  const KeyPanels<T>& keys = s.w.chunk->factors[term][j];
  ScoreArguments<T> a;
  a.queries = b.panel.data() + first;
  a.keys = keys.coordinates.data() + std::int64_t(s.t) * f.depth * key_stride;
  a.depth = f.depth;
  a.feature_weights = f.feature_weights.data();
  a.scores = out + first * tile_keys;
  a.ahead = s.w.keys_ahead;
  a.panels = s.scored;
  a.dropped = s.dropped_of(first);
  if (f.expanded()) {
    s.table().center_queries(b.panel.data(), f.depth,
                             keys.centers.data() + std::int64_t(s.t) * f.depth, f.scales.data(),
                             b.centered.data(), b.query_norms.data());
    a.queries = b.centered.data() + first;
    a.query_norms = b.query_norms.data() + first;
    a.key_norms = keys.norms.data() + std::int64_t(s.t) * tile_keys;
    const bool ordered = s.entry.order != nullptr;
    source =
        pair_source(f, s.w.group.query_rows + first,
                    ordered ? s.entry.keys : key_row(s.problem, s.entry, s.first),
                    s.problem.key_stride, ordered ? s.entry.order + s.first : nullptr, s.lanes);
    if (!ordered && !in_one_piece(s.problem, s.entry, s.first, s.lanes)) {
      for (int k = 0; k < s.lanes; ++k)
        s.w.key_rows[static_cast<std::size_t>(k)] = key_row(s.problem, s.entry, s.first + k);
      source.key_rows = s.w.key_rows.data();
    }
    a.source = &source;
  }
  return a;
}

template <class T>
void score_rows(const Step<T>& s, std::size_t term, std::size_t j, int first, int count,
                T* out) noexcept {
  const FactorPlan<T>& f = s.problem.plan.terms[term].factors[j];
  PairSource<T> source;
  const ScoreArguments<T> a = score_arguments(s, term, j, first, out, source);
  s.table().score[static_cast<int>(f.similarity)](a, count);
  if (f.square_half) s.table().square_half(a.scores, count);
}

template <class T>
void score_factor(const Step<T>& s, std::size_t term, std::size_t j, T* out) noexcept {
  const std::int64_t count = std::int64_t(s.rows()) * tile_keys,
                     kept = std::int64_t(s.t) * group_rows<T> * tile_keys;
  if (s.w.scores == Scores::reuse)
    std::copy_n(s.w.kept_scores.data() + kept, count, out);
  else
    score_rows(s, term, j, 0, s.rows(), out);
  find_outside(s, out);
  if (s.w.scores == Scores::keep) std::copy_n(out, count, s.w.kept_scores.data() + kept);
}

namespace {

// Weights of one term against the fixed reference, without priors.
template <class T>
void weigh_term(const Step<T>& s, std::size_t term) {
  const auto& factors = s.problem.plan.terms[term].factors;
  for (std::size_t j = 0; j < factors.size(); ++j) {
    T* tile = j == 0 ? s.logs(term) : s.logs(s.terms());
    score_factor(s, term, j, tile);
    scale_scores(s, tile);
    s.table().weigh[static_cast<int>(factors[j].shape)](tile, s.rows(), factors[j].parameters);
    if (j > 0) s.table().multiply(s.logs(term), tile, s.rows());
  }
}

// Log2-weights and factors of one term; returns whether there are factors.
template <class T>
bool log_term(const Step<T>& s, std::size_t term) {
  const auto& factors = s.problem.plan.terms[term].factors;
  bool have = false;
  if (s.hits &&
      std::none_of(factors.begin(), factors.end(), [](const auto& f) { return f.hits; })) {
    std::fill_n(s.logs(term), s.rows() * tile_keys,
                none<T>);  // finite weights are nothing beside infinite ones
    return false;
  }
  for (std::size_t j = 0; j < factors.size(); ++j) {
    const int shape =
        static_cast<int>(s.hits && factors[j].hits ? Shape::coincidence : factors[j].shape);
    T* tile = j == 0 ? s.logs(term) : s.logs(s.terms());
    T* factor = have ? s.factors(s.terms()) : s.factors(term);
    score_factor(s, term, j, tile);
    scale_scores(s, tile);
    s.table().log_weigh[shape](tile, factor, s.rows(), factors[j].parameters, s.scored);
    if (j > 0) s.table().add(s.logs(term), tile, s.rows());
    if (!s.table().has_factor[shape]) continue;
    if (have) s.table().multiply(s.factors(term), factor, s.rows());
    have = true;
  }
  return have;
}

template <class T>
void combine_terms(const Step<T>& s) {
  if (s.problem.plan.terms[0].coefficient != T(1))
    s.table().rescale(s.logs(0), std::int64_t(s.rows()) * tile_keys,
                      s.problem.plan.terms[0].coefficient);
  for (std::size_t i = 1; i < s.terms(); ++i)
    s.table().accumulate(s.logs(0), s.logs(i), s.problem.plan.terms[i].coefficient, s.rows());
}

// The biases of a row's lanes: where the array has them, or written to `out`.
template <class T>
const T* biases_of(const Step<T>& s, std::int64_t row, T* out) {
  const PairBias<T>& bias = s.entry.bias;
  const bool in_order = s.entry.order == nullptr;
  if (in_order && !bias.array && bias.by_position.table.empty()) {
    s.table().distances(out, s.first - row + bias.ahead, -bias.by_position.slope);
    return out;
  }
  if (in_order && !bias.has_positions() && bias.array.column_stride == 1 && s.lanes == tile_keys)
    return bias.array.row(row) + s.first;
  for (int k = 0; k < s.lanes; ++k) out[k] = bias.of(row, s.entry.row_at(s.first + k));
  std::fill(out + s.lanes, out + tile_keys, T(0));
  return out;
}

}  // namespace

template <class T>
void add_bias(const Step<T>& s, std::size_t term) noexcept {
  const Group<T>& g = s.w.group;
  alignas(64) T out[tile_keys];
  for (int r = 0; r < g.rows; ++r)
    s.table().add_bias(s.logs(term) + r * tile_keys, biases_of(s, g.index[r], out));
}

namespace {

// Moves the running peak of every row to cover this tile, whose log2-weights are multiples of what
// stands there, and rescales what was summed, by exact powers of two.
template <class T>
void move_references(const Step<T>& s, T scale = 1) {
  Group<T>& g = s.w.group;
  const auto& table = s.table();
  T peaks[max_group_rows], top[max_group_rows];
  std::fill_n(top, g.rows, none<T>);
  for (std::size_t i = 0; i < s.terms(); ++i) {
    if (s.problem.plan.terms[i].coefficient == T(0)) continue;
    table.row_peaks(s.logs(i), peaks, g.rows, s.summed);
    for (int r = 0; r < g.rows; ++r) top[r] = std::max(top[r], scale * peaks[r]);
  }
  const std::int64_t p = s.problem.p, moments = s.problem.moment_columns();
  for (int r = 0; r < g.rows; ++r) {
    if (!(top[r] > g.reference[r])) continue;
    const T old = g.reference[r],
            peak = 2 * std::ceil(top[r] / 2);  // even: ties of the exponent's rounding fall alike
    g.reference[r] = peak;
    if (old == none<T>) continue;
    const T factor =
        static_cast<T>(power_of_two(static_cast<double>(old) - static_cast<double>(peak)));
    T* header = g.header_lanes.data() + std::int64_t(r) * header_columns * table.lanes;
    table.rescale(header, s.problem.header_lanes(), factor);
    if (s.problem.full_header)
      table.rescale(header + 3 * table.lanes, table.lanes, factor);  // squares scale twice
    const std::int64_t width =
        s.problem.lane_values() ? p * table.lanes : s.problem.padded_values();
    if (p > 0) table.rescale(g.lanes.data() + r * width, width, factor);
    for (std::int64_t c = 0; c < moments; ++c)
      g.moments[r * moments + c] *= static_cast<double>(factor);
    g.own_weight[r] *= factor;
  }
}

// What exponents are taken against: 0 for rows that have met no key.
template <class T>
void finite_references(const Group<T>& g, T* reference) {
  for (int r = 0; r < g.rows; ++r) reference[r] = g.reference[r] == none<T> ? T(0) : g.reference[r];
}

// A positive scale keeps the order of scores: the largest gives the peak, and −inf stays.
template <class T>
void weigh_softmax(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const T scale = s.problem.plan.terms[0].factors[0].parameters.scale;
  T reference[max_group_rows];
  score_factor(s, 0, 0, s.logs(0));
  if (s.flags.absent) s.table().drop_absent(s.logs(0), s.prior, none<T>, g.rows);
  s.drop(s.logs(0), none<T>);
  move_references(s, scale);
  finite_references(g, reference);
  s.table().softmax(s.logs(0), scale, reference, g.header_lanes.data(), g.rows, s.summed);
}

}  // namespace

template <class T>
bool is_softmax(const Step<T>& s) noexcept {
  const Problem<T>& problem = s.problem;
  const Entry<T>& entry = s.entry;
  const TermPlan<T>& term = problem.plan.terms[0];
  const FactorPlan<T>& f = term.factors[0];
  const bool linear = f.shape == Shape::gaussian || f.shape == Shape::linear;
  return s.w.block->mode == Reference::peak && s.terms() == 1 && term.coefficient == T(1) &&
         term.factors.size() == 1 && linear && f.parameters.scale > 0 && !s.flags.prior &&
         !entry.bias && !problem.full_header && !problem.cuts && problem.k == 0 &&
         !problem.is_single() && entry.count == nullptr && entry.key_scales.empty() &&
         entry.query_scales.empty();
}

template <class T>
void weigh_fixed(const Step<T>& s) noexcept {
  for (std::size_t i = 0; i < s.terms(); ++i) {
    if (!s.flags.prior) {
      weigh_term(s, i);
      continue;
    }
    const bool have = log_term(s, i);
    if (have) s.table().drop_absent(s.factors(i), s.prior, T(0), s.rows());
    s.table().weigh_with_prior(s.logs(i), have ? s.factors(i) : nullptr, s.prior, s.rows());
  }
  combine_terms(s);
  if (s.flags.absent && !s.flags.prior) s.table().drop_absent(s.logs(0), s.prior, T(0), s.rows());
}

template <class T>
void weigh_peak(const Step<T>& s) noexcept {
  if (is_softmax(s)) return weigh_softmax(s);
  Group<T>& g = s.w.group;
  const auto& table = s.table();
  bool have_first = false;
  T reference[max_group_rows];
  std::array<bool, 64> have{};
  for (std::size_t i = 0; i < s.terms(); ++i) {
    have[i] = log_term(s, i);
    if (s.flags.prior) table.add_prior(s.logs(i), s.prior, g.rows);
    if (s.flags.absent) {
      table.drop_absent(s.logs(i), s.prior, none<T>, g.rows);
      if (have[i]) table.drop_absent(s.factors(i), s.prior, T(0), g.rows);
    }
    if (s.entry.bias) add_bias(s, i);
    s.drop(s.logs(i), none<T>);
    if (have[i]) s.drop(s.factors(i), T(0));
    if (s.problem.cuts) table.drop_below(s.logs(i), g.cut, none<T>, g.rows);
  }
  have_first = have[0];
  move_references(s);
  const bool sum = s.terms() > 1 || s.problem.plan.terms[0].coefficient != T(1);
  if (s.problem.k > 0 && !sum) offer_ranks(s, have_first);
  if (s.entry.count != nullptr) count_logs(s);
  finite_references(g, reference);
  for (std::size_t i = 0; i < s.terms(); ++i)
    table.exponentiate(s.logs(i), have[i] ? s.factors(i) : nullptr, s.logs(i), reference, g.rows,
                       s.summed);
  combine_terms(s);
  if (s.problem.k == 0 || !sum) return;
  std::copy_n(s.logs(0), g.rows * tile_keys, s.factors(0));  // of a sum the weights themselves rank
  for (int r = 0; r < g.rows; ++r) std::fill_n(s.logs(1) + r * tile_keys, tile_keys, reference[r]);
  offer_ranks(s, true, 1);
}

#define VICINAL_INSTANTIATE(T)                                                                  \
  template ScoreArguments<T> score_arguments(const Step<T>&, std::size_t, std::size_t, int, T*, \
                                             PairSource<T>&) noexcept;                          \
  template void score_rows(const Step<T>&, std::size_t, std::size_t, int, int, T*) noexcept;    \
  template void score_factor(const Step<T>&, std::size_t, std::size_t, T*) noexcept;            \
  template void add_bias(const Step<T>&, std::size_t) noexcept;                                 \
  template bool is_softmax(const Step<T>&) noexcept;                                            \
  template void weigh_fixed(const Step<T>&) noexcept;                                           \
  template void weigh_peak(const Step<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
