#include "gradient_results.hpp"

#include <algorithm>
#include <limits>

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
  row_.resize(d);
  features_.assign(d, 0.0);
  origin_.assign(d, 0.0);
  const View<const T> keys = item_.points.keys;
  if (g.of_features && keys.rows > 0)  // any point among the data does
    for (std::size_t j = 0; j < d; ++j) origin_[j] = static_cast<double>(keys.row(0)[j]);
}

template <class T>
void GradientResults<T>::add_rows(GradientWorker<T>& worker) noexcept {
  const Group<T>& group = worker.w.group;
  for (int r = 0; r < group.rows; ++r) {
    const std::int64_t row = group.index[r];
    if (!scores_.empty()) scores_[static_cast<std::size_t>(row)] += worker.score_sums[r];
    if (queries_.empty()) continue;
    double* out = queries_.data() + row * g_.problem.d;
    for (std::size_t f = 0; f < g_.pulls.size(); ++f) {
      const FactorPull<T>& pull = g_.pulls[f];
      if (!pull.moves) continue;
      const FactorPlan<T>& plan = g_.problem.plan.terms[pull.term].factors[pull.factor];
      const T* sums = worker.query_sums[f].data() + r * pull.stride;
      std::copy_n(sums, plan.depth, worker.packed.data());
      add_row_gradient(plan, pull, group.query_rows[r], worker.packed.data(), out);
    }
  }
}

template <class T>
void GradientResults<T>::add_features(const T* row, const double* gradient) noexcept {
  for (std::size_t j = 0; j < features_.size(); ++j)
    features_[j] += (static_cast<double>(row[j]) - origin_[j]) * gradient[j];
}

template <class T>
void GradientResults<T>::write_key(const Entry<T>& entry, const GradientChunk<T>& chunk, int t,
                                   int k) noexcept {
  const std::int64_t key = entry.row_at(chunk.keys.first + std::int64_t(t) * tile_keys + k);
  const double* sums = chunk.sums.data() + std::int64_t(t) * g_.columns * key_stride + k;
  const auto sum = [&](int column) { return sums[std::int64_t(column) * key_stride]; };
  if (g_.values)
    for (int c = 0; c < g_.p; ++c) item_.values.row(key)[c] = static_cast<T>(sum(c));
  const auto at = static_cast<std::size_t>(key);
  if (g_.log_weights) item_.log_weights[at] = static_cast<T>(sum(g_.log_column));
  if (!item_.key_bandwidths.empty()) {
    const FactorPlan<T>& f = g_.problem.plan.terms[0].factors[0];
    const double power = f.squares() ? -2 : -1,
                 h = static_cast<double>(item_.points.key_bandwidths[at]);
    item_.key_bandwidths[at] = static_cast<T>(power * g_.pulls[0].slope * sum(g_.score_column) / h);
  }
  if (!g_.keys && !g_.of_features) return;
  std::fill(row_.begin(), row_.end(), 0.0);
  for (const FactorPull<T>& pull : g_.pulls) {
    if (!pull.moves) continue;
    const FactorPlan<T>& f = g_.problem.plan.terms[pull.term].factors[pull.factor];
    const T* x = chunk.keys.factors[pull.term][pull.factor].coordinates.data() +
                 std::int64_t(t) * f.depth * key_stride + k;
    for (int j = 0; j < f.depth; ++j) {
      double& packed = packed_[static_cast<std::size_t>(j)];
      packed = sum(pull.first + j);
      if (pull.matrix && f.expanded())
        packed = static_cast<double>(x[j * key_stride]) * sum(pull.first + f.depth) - packed;
    }
    add_row_gradient(f, pull, item_.points.keys.row(key), packed_.data(), row_.data());
  }
  if (g_.of_features) add_features(item_.points.keys.row(key), row_.data());
  if (g_.keys)
    std::transform(row_.begin(), row_.end(), item_.keys.row(key),
                   [](double x) { return static_cast<T>(x); });
}

template <class T>
void GradientResults<T>::write_keys(const Entry<T>& entry, const GradientChunk<T>& chunk) noexcept {
  for (int t = 0; t < chunk.keys.tiles; ++t)
    for (int k = 0; k < std::min(tile_keys, chunk.keys.count - t * tile_keys); ++k)
      write_key(entry, chunk, t, k);
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
  item_.bandwidth[0] = (f.squares() ? -2 : -1) * sum / g_.bandwidths[0];
}

template <class T>
void GradientResults<T>::write_rows() noexcept {
  const std::int64_t d = g_.problem.d;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const FactorPlan<T>& f = g_.problem.plan.terms[0].factors[0];
  for (std::int64_t i = 0; i < g_.problem.m; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool spoiled = g_.rows[at_][at].kind == GradientRow::spoiled;
    const double* row = queries_.empty() ? nullptr : queries_.data() + i * d;
    if (g_.of_features && !spoiled) add_features(item_.points.queries.row(i), row);
    if (g_.queries)
      for (std::int64_t j = 0; j < d; ++j)
        item_.queries.row(i)[j] = spoiled ? nan : static_cast<T>(row[j]);
    if (item_.query_bandwidths.empty()) continue;
    const double h = static_cast<double>(item_.points.query_bandwidths[at]);
    item_.query_bandwidths[at] =
        spoiled ? nan : static_cast<T>((f.squares() ? -2 : -1) * scores_[at] / h);
  }
  write_bandwidth();
}

template class GradientResults<float>;
template class GradientResults<double>;

}  // namespace vicinal
