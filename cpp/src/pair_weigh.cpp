// Scores and weights of the lanes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "pair_tile.hpp"
#include "rows.hpp"
#include "scales.hpp"

namespace vicinal {

using namespace kernels;

// Coordinates of all pairs as the factor sees them; expanded ones are read where they stand.
template <class T>
void PairTile<T>::load_factor(const FactorPlan<T>& f, Panels& p) noexcept {
  if (f.expanded()) return;
  const auto& table = *problem_.table;
  const bool copies = f.copies_rows();
  for (const Run& run : runs_) {
    const T* query = query_rows_[run.first];
    if (copies) map_row(f, query, entry_.origin.data(), p.row.data());
    table.spread_query(copies ? p.row.data() : query, run.lanes, f.depth, f.coordinate_scale,
                       p.queries.data() + run.first);
  }
  if (!copies)
    return table.gather_keys(entry_.keys, problem_.key_stride, keys_, used_, f.depth,
                             f.coordinate_scale, p.keys.data());
  for (int k = 0; k < used_; ++k) {
    map_row(f, entry_.keys + keys_[k] * problem_.key_stride, entry_.origin.data(), p.row.data());
    for (int j = 0; j < f.depth; ++j)
      p.keys[j * key_stride + k] = p.row[static_cast<std::size_t>(j)] * f.coordinate_scale;
  }
}

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
  const PairSource<T> source =
      pair_source(f, query_rows_, entry_.keys, problem_.key_stride, keys_, used_);
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
    if (!distances_known_) load_factor(f, panels_[term][j]);
    score(f, panels_[term][j], tile);
    const bool finite = table.all_finite(tile, used_);
    table.log_weigh[shape](tile, factor, 1, f.parameters, all_panels);
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
  if (priors_) {
    table.add(logs(term), prior_, 1);
    table.drop_absent(logs(term), prior_, none<T>, 1);
    if (have) table.drop_absent(factors(term), prior_, T(0), 1);
    return;
  }
  for (const Run& run : runs_) {  // lanes past the last key
    const int past = run.first + run.count, end = run.first + run.lanes;
    std::fill(logs(term) + past, logs(term) + end, none<T>);
    if (have) std::fill(factors(term) + past, factors(term) + end, T(0));
  }
}

template <class T>
void PairTile<T>::flush(Block<T>& block) noexcept {
  if (runs_.empty()) return;
  bool have[64] = {};
  if (priors_) std::fill(prior_ + used_, prior_ + tile_, none<T>);
  for (std::size_t t = 0; t < panels_.size(); ++t) {
    if (weights_known_) {
      take_edges();
      have[t] = true;
    } else {
      have[t] = weigh_term(t, block.mode);
    }
    drop_lanes(t, have[t]);
  }
  weigh(block, have);
  if (block.writes_means && block.mode == Reference::peak) write_means(block);
  for (const Run& run : runs_) {
    const auto slot = static_cast<std::size_t>(run.slot);
    if (run.peak == std::numeric_limits<T>::infinity())  // a hit: the row goes again
      block.state.reference[slot] = std::numeric_limits<double>::infinity();
    else if (block.kind[slot] != written)
      sum(block, run, run.peak);
  }
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
                        problem_.key_offset + keys_[k]);
}

// Weights of every row against its own peak.
template <class T>
void PairTile<T>::weigh(Block<T>& block, const bool* have) noexcept {
  const auto& table = *problem_.table;
  const std::size_t terms = panels_.size();
  const auto runs = static_cast<int>(runs_.size());
  T* weights = logs(0);
  for (std::size_t t = 0; t < terms; ++t)
    if (problem_.plan.terms[t].coefficient != T(0)) table.run_peaks(logs(t), runs_.data(), runs);
  if (entry_.count != nullptr)
    for (const Run& run : runs_) count(block, run);
  if (problem_.k > 0 && !is_sum_) {
    T* signs = have[0] ? factors(0) : nullptr;
    table.magnitude(weights, signs, logs(terms), 1);
    for (const Run& run : runs_) offer(block, run, logs(terms), signs);
  }
  for (std::size_t t = 0; t < terms; ++t) {
    T* log = logs(t);
    table.exponentiate_runs(log, have[t] ? factors(t) : nullptr, log, runs_.data(), runs);
    const T c = problem_.plan.terms[t].coefficient;
    if (terms == 1 && c == T(1)) continue;
    for (int k = 0; k < used_; ++k) weights[k] = t == 0 ? c * log[k] : weights[k] + c * log[k];
  }
  for (const Run& run : runs_) {
    if (run.peak == std::numeric_limits<T>::infinity()) continue;
    const T reference = run.peak == none<T> ? T(0) : run.peak;
    if (problem_.k > 0 && is_sum_) {  // of a sum the weights themselves rank
      T* ranks = logs(terms);
      for (int k = run.first; k < run.first + run.count; ++k)
        ranks[k] = weights[k] == 0 ? none<T> : std::log2(std::abs(weights[k])) + reference;
      offer(block, run, ranks, weights);
    }
    if (!block.kept.empty())
      for (int k = run.first; k < run.first + run.count; ++k)
        block.keep(run.slot, keys_[k], weights[k], reference);
  }
}

template void PairTile<float>::flush(Block<float>&) noexcept;
template void PairTile<double>::flush(Block<double>&) noexcept;

}  // namespace vicinal
