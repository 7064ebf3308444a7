#include "gradient_results.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

namespace vicinal {

using namespace kernels;

template <class T>
GradientResults<T>::GradientResults(const GradientProblem<T>& g, std::size_t item)
    : g_(g), item_(g.items[item]), at_(item) {
  const auto m = static_cast<std::size_t>(g.problem.m), d = static_cast<std::size_t>(g.problem.d);
  if (g.queries || g.of_features) queries_.assign(m * d, 0.0);
  if (g.scores) scores_.assign(m, 0.0);
  int depth = 1;
  for (const FactorPull<T>& pull : g.pulls)
    depth = std::max(depth, g.problem.plan.terms[pull.term].factors[pull.factor].depth);
  packed_.resize(static_cast<std::size_t>(depth));
  gathered_.resize(static_cast<std::size_t>(width()));
  features_.assign(d, 0.0);
  origin_.assign(d, 0.0);
  ones_.assign(std::max(d, static_cast<std::size_t>(g.p)), 1.0);
  find_straight();
  const View<const T> keys = item_.points.keys;
  if (g.of_features && keys.rows > 0)  // any point among the data does
    for (std::size_t j = 0; j < d; ++j)
      if (std::isfinite(keys.row(0)[j])) origin_[j] = static_cast<double>(keys.row(0)[j]);
}

template <class T>
void GradientResults<T>::find_straight() noexcept {
  if (g_.pulls.size() != 1 || g_.log_weights || g_.scores || g_.of_features) return;
  const FactorPlan<T>& f = g_.problem.plan.terms[0].factors[0];
  const bool whole = !f.copies_rows() && f.width == g_.problem.d && f.depth == f.width;
  straight_rows_ = whole && g_.pulls[0].moves;
  straight_keys_ = whole && !f.expanded() && (g_.pulls[0].moves || !g_.keys);
}

namespace {

// The gradient of a row of the group by what it has met, in `features`: d.
template <class T>
void read_row(const GradientProblem<T>& g, int r, GradientWorker<T>& worker, double* features) {
  std::fill_n(features, g.problem.d, 0.0);
  for (std::size_t f = 0; f < g.pulls.size(); ++f) {
    const FactorPull<T>& pull = g.pulls[f];
    if (!pull.moves) continue;
    const FactorPlan<T>& plan = g.problem.plan.terms[pull.term].factors[pull.factor];
    std::copy_n(worker.query_sums[f].data() + r * pull.stride, plan.depth, worker.packed.data());
    add_row_gradient(plan, pull, worker.w.group.query_rows[r], worker.packed.data(), features);
  }
}

void add(const std::vector<double>& numbers, std::vector<double>& into) {
  std::transform(numbers.begin(), numbers.end(), into.begin(), into.begin(), std::plus<>());
}

}  // namespace

template <class T>
void GradientResults<T>::add_rows(GradientWorker<T>& worker) noexcept {
  const std::int64_t d = g_.problem.d;
  for (int r = 0; r < worker.w.group.rows; ++r) {
    const std::int64_t row = worker.w.group.index[r];
    if (!scores_.empty()) scores_[static_cast<std::size_t>(row)] += worker.score_sums[r];
    if (queries_.empty()) continue;
    double* out = queries_.data() + row * d;
    if (straight_rows_) {
      const FactorPull<T>& pull = g_.pulls[0];
      g_.problem.table->add_scaled(worker.query_sums[0].data() + r * pull.stride, pull.gain.data(),
                                   static_cast<int>(d), out);
      continue;
    }
    read_row(g_, r, worker, worker.features.data());
    std::transform(out, out + d, worker.features.data(), out, std::plus<>());
  }
}

template <class T>
void GradientResults<T>::keep_rows(GradientWorker<T>& worker, RowSums& kept) const noexcept {
  for (int r = 0; r < worker.w.group.rows; ++r) {
    const std::int64_t row = worker.w.group.index[r];
    if (!scores_.empty()) kept.scores[static_cast<std::size_t>(row)] = worker.score_sums[r];
    if (!queries_.empty()) read_row(g_, r, worker, kept.queries.data() + row * g_.problem.d);
  }
}

template <class T>
void GradientResults<T>::add_rows(const RowSums& kept) noexcept {
  add(kept.queries, queries_);
  add(kept.scores, scores_);
}

template <class T>
void GradientResults<T>::add_features(const T* row, const double* gradient) noexcept {
  for (std::size_t j = 0; j < features_.size(); ++j)  // what does not pull need not be finite
    if (gradient[j] != 0) features_[j] += (static_cast<double>(row[j]) - origin_[j]) * gradient[j];
}

template <class T>
template <class S>
void GradientResults<T>::read_key(const Entry<T>& entry, const GradientChunk<T>& chunk,
                                  const S* sums, int t, int k, double* packed,
                                  double* gathered) const noexcept {
  sums += std::int64_t(t) * g_.columns * key_stride + k;
  const auto sum = [&](int column) {
    return static_cast<double>(sums[std::int64_t(column) * key_stride]);
  };
  double* features = gathered + g_.p;
  std::fill_n(features, g_.problem.d + 2, 0.0);
  if (g_.values)
    for (int c = 0; c < g_.p; ++c) gathered[c] = sum(c);
  if (g_.log_weights) features[g_.problem.d] = sum(g_.log_column);
  if (g_.scores) features[g_.problem.d + 1] = g_.pulls[0].slope * sum(g_.score_column);
  if (!g_.keys && !g_.of_features) return;
  const std::int64_t key = entry.row_at(chunk.keys.first + std::int64_t(t) * tile_keys + k);
  for (const FactorPull<T>& pull : g_.pulls) {
    if (!pull.moves) continue;
    const FactorPlan<T>& f = g_.problem.plan.terms[pull.term].factors[pull.factor];
    const T* x = chunk.keys.factors[pull.term][pull.factor].coordinates.data() +
                 std::int64_t(t) * f.depth * key_stride + k;
    for (int j = 0; j < f.depth; ++j) packed[j] = sum(pull.first + j);
    if (f.expanded()) {
      const double total = sum(pull.first + f.depth);
      for (int j = 0; j < f.depth; ++j)
        packed[j] = static_cast<double>(x[j * key_stride]) * total - packed[j];
    }
    add_row_gradient(f, pull, item_.points.keys.row(key), packed, features);
  }
}

template <class T>
void GradientResults<T>::write_key(std::int64_t key, const double* gathered) noexcept {
  const double* features = gathered + g_.p;
  const std::int64_t d = g_.problem.d;
  const auto at = static_cast<std::size_t>(key);
  const auto round = [](double x) { return static_cast<T>(x); };
  if (g_.values) std::transform(gathered, features, item_.values.row(key), round);
  if (g_.keys) std::transform(features, features + d, item_.keys.row(key), round);
  if (g_.of_features) add_features(item_.points.keys.row(key), features);
  if (g_.log_weights) item_.log_weights[at] = round(features[d]);
  if (item_.key_bandwidths.empty()) return;
  const double h = static_cast<double>(item_.points.key_bandwidths[at]);
  item_.key_bandwidths[at] = round(power_of_bandwidth() * features[d + 1] / h);
}

// Sums are turned from a key in every lane to a key in every row, and scaled as they are written.
template <class T>
template <class S>
void GradientResults<T>::write_straight_keys(const Entry<T>& entry, const GradientChunk<T>& chunk,
                                             const S* sums, int t) noexcept {
  const Table<T>& table = *g_.problem.table;
  const std::int64_t first = chunk.keys.first + std::int64_t(t) * tile_keys;
  const int count = std::min(tile_keys, chunk.keys.count - t * tile_keys);
  const auto write = [&](int column, std::int64_t columns, const double* scales,
                         const View<T>& out) {
    const int width = static_cast<int>(columns), lanes = kernels::table<S>().lanes,
              padded = (width + lanes - 1) / lanes * lanes;
    S* rows = chunk.template room<S>();
    kernels::table<S>().transpose(sums + (std::int64_t(t) * g_.columns + column) * key_stride,
                                  key_stride, width, tile_keys, rows, padded, padded);
    const auto write_rows = [&](int k, int number) {
      T* to = out.row(entry.row_at(first + k));
      if constexpr (std::is_same_v<S, T>)
        table.write_scaled(rows + k * padded, padded, number, width, scales, to, out.stride);
      else
        table.write_wide(rows + k * padded, padded, number, width, scales, to, out.stride);
    };
    if (entry.order == nullptr) return write_rows(0, count);
    for (int k = 0; k < count; ++k) write_rows(k, 1);
  };
  if (g_.values) write(0, g_.p, ones_.data(), item_.values);
  if (g_.keys) write(g_.pulls[0].first, g_.problem.d, g_.pulls[0].gain.data(), item_.keys);
}

template <class T>
template <class S>
void GradientResults<T>::write_keys(const Entry<T>& entry, const GradientChunk<T>& chunk,
                                    const S* sums) noexcept {
  for (int t = 0; t < chunk.keys.tiles; ++t) {
    if (straight_keys_) {
      write_straight_keys(entry, chunk, sums, t);
      continue;
    }
    for (int k = 0; k < std::min(tile_keys, chunk.keys.count - t * tile_keys); ++k) {
      read_key(entry, chunk, sums, t, k, packed_.data(), gathered_.data());
      write_key(entry.row_at(chunk.keys.first + std::int64_t(t) * tile_keys + k), gathered_.data());
    }
  }
}

// Scores go with this power of the bandwidth.
template <class T>
double GradientResults<T>::power_of_bandwidth() const noexcept {
  return g_.problem.plan.terms[0].factors[0].squares() ? -2 : -1;
}

template <class T>
void GradientResults<T>::write_bandwidth() noexcept {
  if (item_.bandwidth.empty()) return;
  const FactorPlan<T>& f = g_.problem.plan.terms[0].factors[0];
  const auto column = [&](std::size_t j) {
    return f.columns.empty() ? j : static_cast<std::size_t>(f.columns[j]);
  };
  if (g_.of_features) {  // the kernel sees (q − x) / h alone: Euler's theorem
    for (std::size_t j = 0; j < item_.bandwidth.size(); ++j)
      item_.bandwidth[j] = -features_[column(j)] / g_.bandwidths[j];
    return;
  }
  double sum = 0;
  for (const double x : scores_) sum += x;
  item_.bandwidth[0] = power_of_bandwidth() * sum / g_.bandwidths[0];
}

template <class T>
void GradientResults<T>::write_rows() noexcept {
  const std::int64_t d = g_.problem.d;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (std::int64_t i = 0; i < g_.problem.m; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool spoiled = g_.rows[at_][at].kind == GradientRow::spoiled;
    const double* row = queries_.empty() ? nullptr : queries_.data() + i * d;
    if (g_.of_features && !spoiled) add_features(item_.points.queries.row(i), row);
    if (g_.queries && spoiled)
      std::fill_n(item_.queries.row(i), d, nan);
    else if (g_.queries)
      g_.problem.table->write_wide(row, d, 1, static_cast<int>(d), ones_.data(),
                                   item_.queries.row(i), d);
    if (item_.query_bandwidths.empty()) continue;
    const double h = static_cast<double>(item_.points.query_bandwidths[at]);
    item_.query_bandwidths[at] =
        spoiled ? nan : static_cast<T>(power_of_bandwidth() * scores_[at] / h);
  }
  write_bandwidth();
}

#define VICINAL_INSTANTIATE(T, S)                                                                \
  template void GradientResults<T>::write_keys(const Entry<T>&, const GradientChunk<T>&,         \
                                               const S*) noexcept;                               \
  template void GradientResults<T>::read_key(const Entry<T>&, const GradientChunk<T>&, const S*, \
                                             int, int, double*, double*) const noexcept;
template class GradientResults<float>;
template class GradientResults<double>;
VICINAL_INSTANTIATE(float, float)
VICINAL_INSTANTIATE(float, double)
VICINAL_INSTANTIATE(double, double)

}  // namespace vicinal
