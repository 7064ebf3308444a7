#include "pair_tile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "rows.hpp"
#include "scales.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
PairTile<T>::PairTile(const Problem<T>& problem, const Entry<T>& entry)
    : problem_(problem),
      entry_(entry),
      is_sum_(problem.plan.terms.size() > 1 || problem.plan.terms[0].coefficient != T(1)),
      scaled_(!entry.key_scales.empty() || !entry.query_scales.empty()),
      priors_(entry.weights != nullptr || entry.log_weights != nullptr || entry.bias) {
  if (const NeighborSet* graph = problem.neighborhood->graph) {
    weights_known_ = graph->data == EdgeData::weight;
    distances_known_ = graph->data == EdgeData::distance;
  }
  panels_.resize(problem.plan.terms.size());
  for (std::size_t t = 0; t < panels_.size(); ++t)
    for (const FactorPlan<T>& f : problem.plan.terms[t].factors) {
      Panels& p = panels_[t].emplace_back();
      p.row.resize(static_cast<std::size_t>(f.depth));
      if (f.expanded()) continue;
      p.queries.resize(std::int64_t(f.depth) * key_stride);
      p.keys.resize(std::int64_t(f.depth) * key_stride);
    }
  tiles_.resize(std::int64_t(2 * panels_.size() + 2) * tile_);
  std::fill_n(tiles_.data(), std::int64_t(2 * panels_.size() + 2) * tile_, T(0));
  runs_.reserve(tile_);
  scratch_.sums.resize(problem.linear_columns());
  scratch_.relative_scales.resize(static_cast<std::size_t>(problem.p));
  scales_.resize(static_cast<std::size_t>(problem.linear_columns()));
  plain_scales_.assign(scales_.size(), 1.0);
  if (const std::int64_t moments = problem.moment_columns(); moments > 0) {
    scratch_.moments.resize(moments);
    scratch_.ones.resize(moments);
    std::fill_n(scratch_.ones.data(), moments, 1.0);
  }
}

template <class T>
void PairTile<T>::add(Block<T>& block, std::int64_t slot, const RowList<T>& list) noexcept {
  const int lanes = problem_.table->lanes;
  const auto length = static_cast<std::int64_t>(list.keys.size());
  for (std::int64_t begin = 0; begin < length; begin += tile_) {
    const int count = static_cast<int>(std::min(tile_, length - begin)),
              padded = (count + lanes - 1) / lanes * lanes;
    if (used_ + padded > tile_) flush(block);
    runs_.push_back({slot, used_, count, padded});
    used_ += padded;
    load(runs_.back(), block.row(slot), list, begin);
  }
}

// --------------------------------------------------------------------------------------- gathering

template <class T>
void PairTile<T>::load(const Run& run, std::int64_t row, const RowList<T>& list,
                       std::int64_t begin) noexcept {
  const T* query = entry_.queries + row * problem_.query_stride;
  std::copy_n(list.keys.data() + begin, run.count, keys_ + run.first);
  std::fill_n(keys_ + run.first + run.count, run.lanes - run.count, keys_[run.first]);
  std::fill_n(query_rows_ + run.first, run.lanes, query);
  prefetch(run, !list.edges.empty());
  if (scaled_)
    for (int k = run.first; k < run.first + run.lanes; ++k)
      scales_of_pairs_[k] = scale_of_pair(entry_, row, keys_[k]);
  if (priors_)
    load_prior(run, row);
  else
    std::fill_n(prior_ + run.first, run.count, T(0));
  std::fill_n(prior_ + run.first + run.count, run.lanes - run.count, none<T>);
  if (!list.edges.empty()) {
    std::copy_n(list.edges.data() + begin, run.count, edges_ + run.first);
    std::fill_n(edges_ + run.first + run.count, run.lanes - run.count, T(0));
    return;
  }
  for (std::size_t t = 0; t < panels_.size(); ++t)
    for (std::size_t j = 0; j < panels_[t].size(); ++j)
      load_factor(problem_.plan.terms[t].factors[j], panels_[t][j], run, query);
}

// What the run will read travels while the lanes before it are computed.
template <class T>
void PairTile<T>::prefetch(const Run& run, bool values_alone) noexcept {
  constexpr std::int64_t line = 64 / sizeof(T), most = 8;
  for (int k = run.first; k < run.first + run.count; ++k) {
    if (!values_alone) __builtin_prefetch(entry_.keys + keys_[k] * problem_.key_stride);
    const T* y = entry_.values + keys_[k] * problem_.value_stride;
    for (std::int64_t c = 0; c < std::min(problem_.p, most * line); c += line)
      __builtin_prefetch(y + c, 0, 2);
  }
}

template <class T>
void PairTile<T>::load_factor(const FactorPlan<T>& f, Panels& p, const Run& run,
                              const T* query) noexcept {
  if (f.expanded()) return;  // read where they stand
  const auto seen = [&](const T* point) {
    if (!f.copies_rows()) return point;
    map_row(f, point, entry_.origin.data(), p.row.data());
    return static_cast<const T*>(p.row.data());
  };
  const T* q = seen(query);
  for (int j = 0; j < f.depth; ++j)
    std::fill_n(p.queries.data() + j * key_stride + run.first, run.lanes,
                q[j] * f.coordinate_scale);
  for (int k = run.first; k < run.first + run.lanes; ++k) {
    const T* x = seen(entry_.keys + keys_[k] * problem_.key_stride);
    for (int j = 0; j < f.depth; ++j) p.keys[j * key_stride + k] = x[j] * f.coordinate_scale;
  }
}

// The key's prior and the pair's bias.
template <class T>
void PairTile<T>::load_prior(const Run& run, std::int64_t row) noexcept {
  const double shift = entry_.prior_shift;
  for (int k = run.first; k < run.first + run.count; ++k) {
    const std::int64_t at = keys_[k] * problem_.weight_stride;
    double log = 0;
    if (entry_.weights != nullptr)
      log = std::log2(static_cast<double>(entry_.weights[at])) - shift;
    else if (entry_.log_weights != nullptr)
      log =
          (static_cast<double>(entry_.log_weights[at]) - entry_.prior_peak) * std::numbers::log2e +
          (entry_.prior_peak * std::numbers::log2e - shift);
    prior_[k] = static_cast<T>(log);
    if (!entry_.bias) continue;
    const T b =
        entry_.bias.row(row)[keys_[k] * entry_.bias.column_stride] * std::numbers::log2e_v<T>;
    // −inf is an absent pair; +inf or NaN spoils the row.
    prior_[k] = b == none<T> || prior_[k] == none<T> ? none<T>
                : b - b != 0                         ? std::numeric_limits<T>::quiet_NaN()
                                                     : prior_[k] + b;
  }
}

// ---------------------------------------------------------------------------------------- weighing

template <class T>
void PairTile<T>::score(const FactorPlan<T>& f, const Panels& p, T* out) noexcept {
  if (distances_known_) {
    const T scale = static_cast<T>(problem_.neighborhood->edge_scale);
    for (int k = 0; k < used_; ++k) out[k] = (edges_[k] * scale) * (edges_[k] * scale);
    if (scaled_) problem_.table->scale_lanes(out, scales_of_pairs_, 1);
    return;
  }
  PairArguments<T> a;
  a.queries = p.queries.data();
  a.keys = p.keys.data();
  a.depth = f.depth;
  a.lanes = used_;
  a.feature_weights = f.feature_weights.data();
  a.scores = out;
  const PairSource<T> source{query_rows_,
                             entry_.keys,
                             problem_.key_stride,
                             keys_,
                             used_,
                             f.columns.empty() ? nullptr : f.columns.data(),
                             f.scales.data(),
                             f.mapped() ? f.components.data() : nullptr,
                             f.width,
                             f.depth,
                             f.unit};
  a.source = &source;
  problem_.table->score_pairs[static_cast<int>(f.similarity)](a);
  if (f.square_half) problem_.table->square_half(out, 1);
  if (scaled_) problem_.table->scale_lanes(out, scales_of_pairs_, 1);
}

// A key with an infinite coordinate under a metric is infinitely far, whatever its score says.
template <class T>
void PairTile<T>::drop_infinite_keys(const FactorPlan<T>& f, T* logs, T* factors) noexcept {
  if (!f.distance || distances_known_) return;
  for (int k = 0; k < used_; ++k) {
    const T* x = entry_.keys + keys_[k] * problem_.key_stride;
    bool infinite = false, nan = false;
    for (int j = 0; j < f.width; ++j) {
      const T c = x[f.columns.empty() ? j : f.columns[static_cast<std::size_t>(j)]];
      infinite |= std::isinf(c);
      nan |= std::isnan(c);
    }
    if (!infinite || nan) continue;
    logs[k] = none<T>;
    if (factors != nullptr) factors[k] = 0;
  }
}

// Log2-weights and factors of one term over all lanes; returns whether there are factors.
template <class T>
bool PairTile<T>::weigh_term(std::size_t term, Reference mode) noexcept {
  const auto& table = *problem_.table;
  const auto& plans = problem_.plan.terms[term].factors;
  const std::size_t spare = panels_.size();
  const bool hits = mode == Reference::hits;
  bool have = false;
  if (hits && std::none_of(plans.begin(), plans.end(), [](const auto& f) { return f.hits; })) {
    std::fill_n(logs(term), tile_, none<T>);  // finite weights are nothing beside infinite ones
    return false;
  }
  for (std::size_t j = 0; j < plans.size(); ++j) {
    const FactorPlan<T>& f = plans[j];
    const int shape = static_cast<int>(hits && f.hits ? Shape::coincidence : f.shape);
    T* tile = j == 0 ? logs(term) : logs(spare);
    T* factor = have ? factors(spare) : factors(term);
    score(f, panels_[term][j], tile);
    const bool finite = std::all_of(tile, tile + used_, [](T s) { return std::isfinite(s); });
    table.log_weigh[shape](tile, factor, 1, f.parameters);
    if (!finite) drop_infinite_keys(f, tile, table.has_factor[shape] ? factor : nullptr);
    if (j > 0) table.add(logs(term), tile, 1);
    if (!table.has_factor[shape]) continue;
    if (have) table.multiply(factors(term), factor, 1);
    have = true;
  }
  return have;
}

// The stored numbers are the weights: w = f · 2^l with one whole l for a row, which is exact.
template <class T>
void PairTile<T>::take_edges() noexcept {
  const T most = std::numeric_limits<T>::max();
  for (const Run& run : runs_) {
    const T* e = edges_ + run.first;
    T* log = logs(0) + run.first;
    T* factor = factors(0) + run.first;
    for (int k = 0; k < run.lanes; ++k) log[k] = std::min(std::abs(e[k]), most);
    const T largest = problem_.table->run_peak(log, run.lanes);
    const int exponent = largest > 0 ? 2 * ((std::ilogb(largest) + 2) / 2) : 0;
    const T up = std::ldexp(T(1), -exponent / 2);  // twice: 2^−exponent may be subnormal
    for (int k = 0; k < run.lanes; ++k) factor[k] = e[k] * up * up;
    for (int k = 0; k < run.lanes; ++k) log[k] = e[k] == 0 ? none<T> : static_cast<T>(exponent);
  }
}

template <class T>
void PairTile<T>::drop_lanes(std::size_t term, bool have) noexcept {
  const auto& table = *problem_.table;
  if (priors_) table.add(logs(term), prior_, 1);
  table.drop_absent(logs(term), prior_, none<T>, 1);
  if (have) table.drop_absent(factors(term), prior_, T(0), 1);
}

template <class T>
void PairTile<T>::flush(Block<T>& block) noexcept {
  if (runs_.empty()) return;
  bool have[64] = {};
  std::fill(prior_ + used_, prior_ + tile_, none<T>);
  for (std::size_t t = 0; t < panels_.size(); ++t) {
    if (weights_known_) {
      take_edges();
      have[t] = true;
    } else {
      have[t] = weigh_term(t, block.mode);
    }
    drop_lanes(t, have[t]);
  }
  if (problem_.k > 0 && !is_sum_)
    problem_.table->magnitude(logs(0), have[0] ? factors(0) : nullptr, logs(panels_.size()), 1);
  for (const Run& run : runs_) weigh(block, run, have);
  runs_.clear();
  used_ = 0;
}

template <class T>
void PairTile<T>::count(Block<T>& block, const Run& run) noexcept {
  for (int k = run.first; k < run.first + run.count; ++k) {
    bool inside = false;
    for (std::size_t t = 0; t < panels_.size(); ++t) inside |= logs(t)[k] != none<T>;
    block.state.count[static_cast<std::size_t>(run.slot)] += inside;
  }
}

// Log2 magnitudes of the run's weights, with the signs of their factors.
template <class T>
void PairTile<T>::offer(Block<T>& block, const Run& run, const T* ranks,
                        const T* factors) noexcept {
  for (int k = run.first; k < run.first + run.count; ++k)
    if (ranks[k] != none<T>)
      block.state.offer(run.slot, ranks[k], factors != nullptr && factors[k] < 0 ? -1.0 : 1.0,
                        keys_[k]);
}

// Weights of one row against its own peak.
template <class T>
void PairTile<T>::weigh(Block<T>& block, const Run& run, const bool* have) noexcept {
  const auto& table = *problem_.table;
  const std::size_t terms = panels_.size();
  const auto slot = static_cast<std::size_t>(run.slot);
  T top = none<T>;
  for (std::size_t t = 0; t < terms; ++t)
    if (problem_.plan.terms[t].coefficient != T(0))
      top = std::max(top, table.run_peak(logs(t) + run.first, run.lanes));
  if (entry_.count != nullptr) count(block, run);
  if (problem_.k > 0 && !is_sum_) offer(block, run, logs(terms), have[0] ? factors(0) : nullptr);
  const T peak =
      2 * std::ceil(top / 2);  // even, so that ties of the exponent's rounding fall alike
  if (peak == std::numeric_limits<T>::infinity()) {  // a hit: the row goes again
    block.state.reference[slot] = std::numeric_limits<double>::infinity();
    return;
  }
  const T reference = peak == none<T> ? T(0) : peak;
  for (std::size_t t = 0; t < terms; ++t) {
    T* log = logs(t) + run.first;
    table.exponentiate_run(log, have[t] ? factors(t) + run.first : nullptr, log, run.lanes,
                           reference);
    const T c = problem_.plan.terms[t].coefficient;
    if (terms == 1 && c == T(1)) continue;
    for (int k = 0; k < run.lanes; ++k)
      logs(0)[run.first + k] = t == 0 ? c * log[k] : logs(0)[run.first + k] + c * log[k];
  }
  if (problem_.k > 0 && is_sum_) {  // of a sum the weights themselves rank
    T* ranks = logs(terms);
    for (int k = run.first; k < run.first + run.count; ++k)
      ranks[k] = logs(0)[k] == 0 ? none<T> : std::log2(std::abs(logs(0)[k])) + reference;
    offer(block, run, ranks, logs(0));
  }
  if (!block.kept.empty())
    for (int k = run.first; k < run.first + run.count; ++k)
      block.keep(run.slot, keys_[k], logs(0)[k], reference);
  sum(block, run, peak);
}

template class PairTile<float>;
template class PairTile<double>;

}  // namespace vicinal
