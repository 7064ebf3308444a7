#include "group.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "chunk.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
constexpr T none = -std::numeric_limits<T>::infinity();

// The tiles of one step, and what is known of them.
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

template <class T>
void score_factor(const Step<T>& s, std::size_t term, std::size_t j, T* out) {
  const FactorPlan<T>& f = s.problem.plan.terms[term].factors[j];
  FactorBuffers<T>& b = s.w.factors[term][j];
  ScoreArguments<T> a;
  a.queries = b.panel.data();
  a.keys = b.coordinates.data() + std::int64_t(s.t) * f.depth * key_stride;
  a.depth = f.depth;
  a.feature_weights = f.feature_weights.data();
  a.scores = out;
  PairSource<T> source;
  if (f.expanded()) {
    s.table().center_queries(b.panel.data(), f.depth,
                             b.centers.data() + std::int64_t(s.t) * f.depth, f.scales.data(),
                             b.centered.data(), b.query_norms.data());
    a.queries = b.centered.data();
    a.query_norms = b.query_norms.data();
    a.key_norms = b.norms.data() + std::int64_t(s.t) * tile_keys;
    source = {s.w.group.query_rows,
              s.entry.keys + s.first * s.problem.key_stride,
              s.problem.key_stride,
              s.lanes,
              f.columns.empty() ? nullptr : f.columns.data(),
              f.scales.data(),
              f.mapped() ? f.components.data() : nullptr,
              f.width,
              f.depth,
              f.unit};
    a.source = &source;
  }
  s.table().score[static_cast<int>(f.similarity)](a, s.rows());
  if (f.square_half) s.table().square_half(out, s.rows());
}

// Weights of one term against the fixed reference, without priors.
template <class T>
void weigh_term(const Step<T>& s, std::size_t term) {
  const auto& factors = s.problem.plan.terms[term].factors;
  for (std::size_t j = 0; j < factors.size(); ++j) {
    T* tile = j == 0 ? s.logs(term) : s.logs(s.terms());
    score_factor(s, term, j, tile);
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
    s.table().log_weigh[shape](tile, factor, s.rows(), factors[j].parameters);
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

// ------------------------------------------------------------------------------------------- gates

// Calls action(row, lane) for every pair that the mask or exclude_self takes away.
template <class T, class F>
void each_dropped(const Step<T>& s, F&& action) {
  const Group<T>& g = s.w.group;
  if (s.entry.mask)
    for (int r = 0; r < g.rows; ++r) {
      // any byte but 0 means used, whatever the caller's language calls a boolean
      const auto* use = reinterpret_cast<const unsigned char*>(s.entry.mask.row(g.index[r])) +
                        s.first * s.entry.mask.column_stride;
      for (int k = 0; k < s.lanes; ++k)
        if (use[k * s.entry.mask.column_stride] == 0) action(r, k);
    }
  if (s.problem.exclude_self)
    for (int r = 0; r < g.rows; ++r) {
      const std::int64_t k = g.own[r] < 0 ? -1 : g.own[r] - s.problem.key_offset - s.first;
      if (k >= 0 && k < s.lanes) action(r, static_cast<int>(k));
    }
}

template <class T>
void add_bias(const Step<T>& s, std::size_t term) {
  const Group<T>& g = s.w.group;
  for (int r = 0; r < g.rows; ++r) {
    const T* bias = s.entry.bias.row(g.index[r]) + s.first * s.entry.bias.column_stride;
    T* log = s.logs(term) + r * tile_keys;
    for (int k = 0; k < s.lanes; ++k) {
      const T b = bias[k * s.entry.bias.column_stride] * std::numbers::log2e_v<T>;
      // −inf is an absent pair; +inf or NaN spoils the row.
      log[k] = log[k] == none<T> || b == none<T> ? none<T>
               : b - b != 0                      ? std::numeric_limits<T>::quiet_NaN()
                                                 : log[k] + b;
    }
  }
}

// -------------------------------------------------------------------------------------- statistics
template <class T>
std::int64_t present_lanes(const Step<T>& s) {
  if (!s.flags.absent) return s.lanes;
  return std::count_if(s.prior, s.prior + s.lanes, [](T x) { return x != none<T>; });
}

template <class T>
void count_fixed(const Step<T>& s) {
  Group<T>& g = s.w.group;
  if (!s.problem.plan
           .can_vanish) {  // compact and signed profiles: outside the support the weight is 0
    for (int r = 0; r < g.rows; ++r)
      for (int k = 0; k < tile_keys; ++k) g.count[r] += s.logs(0)[r * tile_keys + k] != 0;
    return;
  }
  const std::int64_t present = present_lanes(s);
  for (int r = 0; r < g.rows; ++r) g.count[r] += present;
  each_dropped(s, [&](int r, int k) { g.count[r] -= s.prior[k] != none<T>; });
}

template <class T>
void count_logs(const Step<T>& s) {
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
void offer_ranks(const Step<T>& s, bool have_factors) {
  Group<T>& g = s.w.group;
  T* ranks = s.logs(s.terms());
  s.table().magnitude(s.logs(0), have_factors ? s.factors(0) : nullptr, ranks, g.rows);
  RowState<T>& state = s.w.block->state;
  for (int r = 0; r < g.rows; ++r) {
    const T* row = ranks + r * tile_keys;
    const T* last = state.top_rank.data() + g.slot[r] * state.k + state.k - 1;
    for (int k = 0; k < s.lanes; ++k)
      if (row[k] > *last) {
        const double sign = have_factors && s.factors(0)[r * tile_keys + k] < 0 ? -1.0 : 1.0;
        state.offer(g.slot[r], row[k], sign, s.problem.key_offset + s.first + k);
      }
  }
}

// - references Moves the running peak of every row to cover this tile and rescales what was summed,
// by exact powers of two.
template <class T>
void move_references(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const auto& table = s.table();
  T peaks[max_group_rows], top[max_group_rows];
  std::fill_n(top, g.rows, none<T>);
  for (std::size_t i = 0; i < s.terms(); ++i) {
    if (s.problem.plan.terms[i].coefficient == T(0)) continue;
    table.row_peaks(s.logs(i), peaks, g.rows);
    for (int r = 0; r < g.rows; ++r) top[r] = std::max(top[r], peaks[r]);
  }
  const std::int64_t p = s.problem.p, moments = s.problem.moment_columns();
  for (int r = 0; r < g.rows; ++r) {
    const T peak =
        2 * std::ceil(top[r] / 2);  // even, so that ties of the exponent's rounding fall alike
    if (!(peak > g.reference[r])) continue;
    const T factor = static_cast<T>(
        power_of_two(static_cast<double>(g.reference[r]) - static_cast<double>(peak)));
    const bool fresh = g.reference[r] == none<T>;
    g.reference[r] = peak;
    if (fresh) continue;
    T* header = g.header_lanes.data() + std::int64_t(r) * header_columns * table.lanes;
    table.rescale(header, header_columns * table.lanes, factor);
    table.rescale(header + 3 * table.lanes, table.lanes, factor);  // squares scale twice
    const std::int64_t width =
        s.problem.lane_values() ? p * table.lanes : s.problem.padded_values();
    if (p > 0) table.rescale(g.lanes.data() + r * width, width, factor);
    for (std::int64_t c = 0; c < moments; ++c)
      g.moments[r * moments + c] *= static_cast<double>(factor);
    g.own_weight[r] *= factor;
  }
}

template <class T>
void weigh_fixed(const Step<T>& s) {
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
void weigh_peak(const Step<T>& s) {
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
    each_dropped(s, [&](int r, int k) {
      s.logs(i)[r * tile_keys + k] = none<T>;
      if (have[i]) s.factors(i)[r * tile_keys + k] = 0;
    });
  }
  have_first = have[0];
  move_references(s);
  if (s.problem.k > 0) offer_ranks(s, have_first);
  if (s.entry.count != nullptr) count_logs(s);
  for (int r = 0; r < g.rows; ++r) reference[r] = g.reference[r] == none<T> ? T(0) : g.reference[r];
  for (std::size_t i = 0; i < s.terms(); ++i)
    table.exponentiate(s.logs(i), have[i] ? s.factors(i) : nullptr, s.logs(i), reference, g.rows);
  combine_terms(s);
}

// ------------------------------------------------------------------------------------------ reduce

// A value that is not finite counts only where its weight is not 0.
template <class T>
void reduce_bad_values(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const Chunk<T>& chunk = s.w.chunk;
  const bool lanes = s.problem.lane_values();
  const std::int64_t width = lanes ? s.problem.p * s.table().lanes : s.problem.padded_values();
  for (int k = 0; k < s.lanes; ++k) {
    if (chunk.bad_values[s.t * tile_keys + k] == 0) continue;
    const T* y = s.entry.values + (s.first + k) * s.problem.value_stride;
    for (std::int64_t c = 0; c < s.problem.p; ++c) {
      if (std::isfinite(y[c])) continue;
      for (int r = 0; r < g.rows; ++r) {
        const T w = s.logs(0)[r * tile_keys + k];
        if (w != 0) g.lanes[r * width + c * (lanes ? s.table().lanes : 1)] += w * y[c];
      }
    }
  }
}

// Product columns about the center, in double: 1, z, then z² or all z z′.
template <class T>
void fill_product(const Step<T>& s, std::int64_t column, double* out) {
  const std::int64_t p = s.problem.p;
  const Chunk<T>& chunk = s.w.chunk;
  const bool lanes = s.problem.lane_values();
  const std::int64_t key = lanes ? 1 : s.problem.padded_values(), feature = lanes ? tile_keys : 1;
  const T* values =
      chunk.values.data() + std::int64_t(s.t) * tile_keys * (lanes ? p : s.problem.padded_values());
  const auto centered = [&](std::int64_t c, int k) {
    const auto at = static_cast<std::size_t>(c);
    return static_cast<double>(values[k * key + c * feature]) * chunk.scales[at + header_columns] -
           s.problem.value_center[at];
  };
  if (column == 0) return std::fill_n(out, tile_keys, 1.0), void();
  if (column <= p) {
    for (int k = 0; k < tile_keys; ++k) out[k] = centered(column - 1, k);
    return;
  }
  std::int64_t a = column - 1 - p, b = a;
  if (s.problem.covariance) {  // pairs (a ≤ b), row by row of the upper triangle
    for (a = 0, b = column - 1 - p; b >= p - a; ++a) b -= p - a;
    b += a;
  }
  for (int k = 0; k < tile_keys; ++k) out[k] = centered(a, k) * centered(b, k);
}

template <class T>
void reduce_moments(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const auto& wide = table<double>();
  constexpr std::int64_t panel = 64;
  const std::int64_t moments = s.problem.moment_columns();
  for (std::int64_t i = 0; i < std::int64_t(g.rows) * tile_keys; ++i)
    g.wide[i] = static_cast<double>(s.logs(0)[i]);
  for (std::int64_t c = 0; c < moments; c += panel) {
    const int columns = static_cast<int>(std::min(panel, moments - c));
    for (int i = 0; i < columns; ++i) fill_product(s, c + i, g.products.data() + i * tile_keys);
    const std::int64_t row_lanes = columns * wide.lanes;
    std::fill_n(g.product_lanes.data(), g.rows * row_lanes, 0.0);
    wide.reduce_lanes(g.wide.data(), {g.products.data(), columns, columns}, g.product_lanes.data(),
                      g.rows);
    double sums[panel];
    for (int r = 0; r < g.rows; ++r) {
      wide.close_lanes(g.product_lanes.data() + r * row_lanes, columns, sums);
      for (int i = 0; i < columns; ++i) g.moments[r * moments + c + i] += sums[i];
    }
  }
}

template <class T>
void take_own_weights(const Step<T>& s) {
  Group<T>& g = s.w.group;
  for (int r = 0; r < g.rows; ++r) {
    const std::int64_t k = g.own[r] < 0 ? -1 : g.own[r] - s.problem.key_offset - s.first;
    if (k >= 0 && k < s.lanes) g.own_weight[r] += s.logs(0)[r * tile_keys + k];
  }
}

template <class T>
void write_weights(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const std::int64_t tiles = (s.problem.n + tile_keys - 1) / tile_keys, tile = s.first / tile_keys;
  for (int r = 0; r < g.rows; ++r) {
    std::copy_n(s.logs(0) + r * tile_keys, s.lanes,
                s.entry.weights_out + g.index[r] * s.problem.weights_stride + s.first);
    s.w.block->weight_references[g.slot[r] * tiles + tile] = g.reference[r];
  }
}

template <class T>
void reduce(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const auto& table = s.table();
  const int p = static_cast<int>(s.problem.p), padded = static_cast<int>(s.problem.padded_values());
  if (s.problem.needs_self) take_own_weights(s);
  if (s.entry.weights_out != nullptr) write_weights(s);
  const std::int64_t tile = std::int64_t(s.t) * tile_keys;
  if (p == 1 && s.problem.lane_values() && !s.problem.full_header)
    table.reduce_single(s.logs(0), s.w.chunk.values.data() + tile, g.header_lanes.data(),
                        g.lanes.data(), g.rows);
  else
    table.reduce_header(s.logs(0), g.header_lanes.data(), s.problem.full_header, g.rows);
  if (p > 0) {
    if (!s.problem.lane_values())
      table.reduce_rows(s.logs(0), {s.w.chunk.values.data() + tile * padded, p, padded},
                        g.lanes.data(), padded, g.rows);
    else if (p > 1 || s.problem.full_header)
      table.reduce_lanes(s.logs(0), {s.w.chunk.values.data() + tile * p, p, p}, g.lanes.data(),
                         g.rows);
    if (s.flags.not_finite) reduce_bad_values(s);
  }
  if (s.problem.moment_columns() > 0) reduce_moments(s);
}

template <class T>
void clear_group(const Problem<T>& problem, Group<T>& g, Reference mode) {
  const int lanes = problem.table->lanes;
  const std::int64_t width = problem.lane_values() ? problem.p * lanes : problem.padded_values();
  std::fill_n(g.header_lanes.data(), std::int64_t(g.rows) * header_columns * lanes, T(0));
  std::fill_n(g.lanes.data(), g.rows * width, T(0));
  if (problem.moment_columns() > 0)
    std::fill_n(g.moments.data(), g.rows * problem.moment_columns(), 0.0);
  std::fill_n(g.reference, g.rows, mode == Reference::fixed ? T(0) : none<T>);
  std::fill_n(g.own_weight, g.rows, T(0));
  std::fill_n(g.count, g.rows, std::int64_t{0});
}

// float64 values near 1e308: a column whose exponent leaves double's comfort moves the unit of that
// row's sums.
template <class T>
void settle_units(const Problem<T>& problem, const Chunk<T>& chunk, RowState<T>& state,
                  std::int64_t row, double* scales) {
  for (std::int64_t c = 0; c < problem.p; ++c) {
    const double scale = chunk.scales[static_cast<std::size_t>(header_columns + c)];
    const int exponent = std::ilogb(scale);
    int& unit = state.unit[static_cast<std::size_t>(row * problem.p + c)];
    if (exponent - unit > 400) {
      const double factor = power_of_two(unit - exponent);
      state.hi_row(row)[header_columns + c] *= factor;
      state.lo_row(row)[header_columns + c] *= factor;
      unit = exponent;
    }
    scales[c] = std::ldexp(scale, -unit);
  }
}

template <class T>
Step<T> step_of(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) {
  const Chunk<T>& chunk = w.chunk;
  const std::int64_t offset = std::int64_t(t) * tile_keys;
  return {problem,
          entry,
          w,
          t,
          std::min(tile_keys, chunk.count - t * tile_keys),
          chunk.first + offset,
          chunk.prior.data() + offset,
          chunk.flags[static_cast<std::size_t>(t)]};
}

}  // namespace

template <class T>
const T* score_tile(const Problem<T>& problem, const Entry<T>& entry, int t,
                    Workspace<T>& w) noexcept {
  const Step<T> s = step_of(problem, entry, t, w);
  score_factor(s, 0, 0, s.logs(0));
  return s.logs(0);
}

template <class T>
void run_group(const Problem<T>& problem, const Entry<T>& entry, Reference mode,
               Workspace<T>& w) noexcept {
  const Chunk<T>& chunk = w.chunk;
  clear_group(problem, w.group, mode);
  for (int t = 0; t < chunk.tiles; ++t) {
    Step<T> s = step_of(problem, entry, t, w);
    s.hits = mode == Reference::hits;
    if (s.flags.empty && entry.weights_out == nullptr) continue;
    if (mode != Reference::fixed) {
      weigh_peak(s);
    } else {
      weigh_fixed(s);
      each_dropped(s, [&](int r, int k) { s.logs(0)[r * tile_keys + k] = 0; });
      if (entry.count != nullptr) count_fixed(s);
    }
    reduce(s);
  }
}

template <class T>
void fold_group(const Problem<T>& problem, Workspace<T>& w) noexcept {
  Group<T>& g = w.group;
  RowState<T>& state = w.block->state;
  const auto& table = *problem.table;
  const std::int64_t p = problem.p, moments = problem.moment_columns(),
                     linear = problem.linear_columns();
  const std::int64_t width = problem.lane_values() ? p * table.lanes : problem.padded_values();
  for (int r = 0; r < g.rows; ++r) {
    T* sums = g.sums.data();
    table.close_lanes(g.header_lanes.data() + std::int64_t(r) * header_columns * table.lanes,
                      header_columns, sums);
    if (!problem.full_header) sums[2] = sums[0];
    sums[1] = g.own_weight[r];
    state.count[static_cast<std::size_t>(g.slot[r])] += g.count[r];
    if (sums[2] == 0) continue;  // no weight in this chunk: not merged
    if (problem.lane_values())
      table.close_lanes(g.lanes.data() + r * width, static_cast<int>(p), sums + header_columns);
    else
      std::copy_n(g.lanes.data() + r * width, p, sums + header_columns);
    double& reference = state.reference[static_cast<std::size_t>(g.slot[r])];
    const double chunk_reference =
        g.reference[r] == none<T> ? 0.0 : static_cast<double>(g.reference[r]);
    const Rescale scale = common_reference(reference, chunk_reference);
    double* hi = state.hi_row(g.slot[r]);
    double* lo = state.lo_row(g.slot[r]);
    const double old = scale.old_factor, fresh = scale.new_factor;
    const double* scales = w.chunk.scales.data();
    table.fold(hi, lo, sums, scales, 3, old, fresh);
    table.fold(hi + 3, lo + 3, sums + 3, scales + 3, 1, old * old, fresh * fresh);
    if (w.chunk.extreme || state.has_units(g.slot[r])) {
      settle_units(problem, w.chunk, state, g.slot[r], w.chunk.relative_scales.data());
      scales = w.chunk.relative_scales.data() - header_columns;
    }
    table.fold(hi + header_columns, lo + header_columns, sums + header_columns,
               scales + header_columns, static_cast<int>(p), old, fresh);
    if (moments > 0)
      kernels::table<double>().fold(hi + linear, lo + linear, g.moments.data() + r * moments,
                                    g.ones.data(), static_cast<int>(moments), old, fresh);
    reference = scale.reference;
  }
}

template const float* score_tile(const Problem<float>&, const Entry<float>&, int,
                                 Workspace<float>&) noexcept;
template const double* score_tile(const Problem<double>&, const Entry<double>&, int,
                                  Workspace<double>&) noexcept;
template void run_group(const Problem<float>&, const Entry<float>&, Reference,
                        Workspace<float>&) noexcept;
template void run_group(const Problem<double>&, const Entry<double>&, Reference,
                        Workspace<double>&) noexcept;
template void fold_group(const Problem<float>&, Workspace<float>&) noexcept;
template void fold_group(const Problem<double>&, Workspace<double>&) noexcept;

}  // namespace vicinal
