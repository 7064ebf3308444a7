// Gradients at the door: what is asked for is checked, and the kernel's factors get their pulls.
#include <numbers>
#include <string>

#include "check_item.hpp"
#include "gradient_call.hpp"
#include "lowering.hpp"

namespace vicinal {

using kernels::Shape;
using kernels::Similarity;

namespace {

void check_shape(const char* name, std::int64_t rows, std::int64_t columns, std::int64_t m,
                 std::int64_t n) {
  if (rows != m || columns != n)
    refuse(std::string(name) + " must have shape " + shape_of(m, n) + ", got " +
           shape_of(rows, columns));
}

bool has_slope(Shape shape, Similarity similarity) {
  return similarity != Similarity::category && shape != Shape::uniform &&
         shape != Shape::constant && shape != Shape::coincidence;
}

// ∂score / ∂(coordinate as packed) beside what the tile functions sum.
template <class T>
std::vector<double> gain_of(const FactorPlan<T>& f, double slope) {
  const bool squares = f.similarity == Similarity::squared || f.expanded() ||
                       f.similarity == Similarity::squared_weighted ||
                       f.similarity == Similarity::scaled_squared;
  // rooted tiles hold t · 2 √s: of (s/2)², whose slope is √s, that is twice too much
  const double constant = slope * (squares ? 2 : 1) * (f.square_half ? 0.5 : 1);
  std::vector<double> gain(static_cast<std::size_t>(f.depth), constant);
  for (std::size_t j = 0; j < gain.size(); ++j) {
    if (f.expanded()) gain[j] *= static_cast<double>(f.scales[j]);
    if (f.similarity == Similarity::squared) gain[j] *= static_cast<double>(f.coordinate_scale);
    if (f.similarity == Similarity::squared_weighted)
      gain[j] *=
          static_cast<double>(f.feature_weights[j]) * static_cast<double>(f.feature_weights[j]);
    if (f.similarity == Similarity::manhattan || f.similarity == Similarity::chebyshev)
      gain[j] *= static_cast<double>(f.feature_weights[j]);
  }
  return gain;
}

}  // namespace

template <class T>
void check_outputs(const GradientItem<T>& item) {
  const BatchItem<T>& a = item.points;
  const auto matrix = [](const char* name, const auto& view, const auto& like) {
    if (view.data != nullptr) check_shape(name, view.rows, view.columns, like.rows, like.columns);
  };
  const auto vector = [](const char* name, const auto& span, std::int64_t size) {
    if (!span.empty()) check_shape(name, std::ssize(span), 1, size, 1);
  };
  check_shape("gradient", item.gradient.rows, item.gradient.columns, a.queries.rows,
              a.values.columns);
  if (item.mean.data != nullptr)
    check_shape("mean", item.mean.rows, item.mean.columns, a.queries.rows, a.values.columns);
  vector("log_mass", item.log_mass, a.queries.rows);
  vector("gradient of log_mass", item.log_mass_gradient, a.queries.rows);
  matrix("gradient of queries", item.queries, a.queries);
  matrix("gradient of keys", item.keys, a.keys);
  matrix("gradient of values", item.values, a.values);
  vector("gradient of log_weights", item.log_weights, a.keys.rows);
  vector("gradient of key_bandwidths", item.key_bandwidths, std::ssize(a.key_bandwidths));
  vector("gradient of query_bandwidths", item.query_bandwidths, std::ssize(a.query_bandwidths));
}

template <class T>
void read_wishes(const KernelSum& kernel, GradientProblem<T>& g) {
  const GradientItem<T>& first = g.items[0];
  g.queries = first.queries.data != nullptr;
  g.keys = first.keys.data != nullptr;
  g.values = first.values.data != nullptr && g.p > 0;
  g.log_weights = !first.log_weights.empty();
  g.bias = first.bias != nullptr;
  g.scores = !first.key_bandwidths.empty() || !first.query_bandwidths.empty();
  if (first.bandwidth.empty()) return;
  if (kernel.terms.size() != 1 || kernel.terms[0].factors.size() != 1)
    refuse("the gradient of a bandwidth needs a kernel of one factor");
  const FactorPlan<T>& f = g.problem.plan.terms[0].factors[0];
  if (f.similarity == Similarity::category)
    refuse("the bandwidth of a category kernel has no gradient here");
  if (listed(g.problem) && g.problem.neighborhood->graph != nullptr)
    refuse("the bandwidth of a graph of distances or weights has no gradient here");
  g.bandwidths = bandwidths_of(kernel.terms[0].factors[0], f.width);
  if (g.bandwidths.size() != first.bandwidth.size())
    refuse("gradient of bandwidth must have " + std::to_string(g.bandwidths.size()) +
           " numbers, got " + std::to_string(first.bandwidth.size()));
  g.of_features = g.bandwidths.size() > 1;
  g.scores |= !g.of_features;
}

template <class T>
void read_pulls(GradientProblem<T>& g) {
  const int lanes = g.problem.table->lanes;
  int column = g.values ? static_cast<int>(g.p) : 0;
  for (std::size_t t = 0; t < g.problem.plan.terms.size(); ++t)
    for (std::size_t j = 0; j < g.problem.plan.terms[t].factors.size(); ++j) {
      const FactorPlan<T>& f = g.problem.plan.terms[t].factors[j];
      FactorPull<T> pull;
      pull.term = t, pull.factor = j;
      pull.moves = g.moves() && has_slope(f.shape, f.similarity);
      pull.constant = pull.moves && (f.shape == Shape::gaussian || f.shape == Shape::linear);
      pull.matrix = f.expanded() || f.similarity == Similarity::dot;
      pull.rooted = adds_distances(f.similarity) || f.square_half;
      pull.stride = pull.matrix ? (f.depth + lanes - 1) / lanes * lanes : f.depth;
      if (pull.constant) pull.slope = static_cast<double>(f.parameters.scale) * std::numbers::ln2;
      pull.gain = gain_of(f, pull.slope);
      pull.first = column;
      if (pull.moves) column += f.depth + (f.expanded() ? 1 : 0);
      g.problem.extra_columns += pull.matrix ? pull.stride : 0;
      g.pulls.push_back(std::move(pull));
    }
  g.log_column = column;
  column += g.log_weights ? 1 : 0;
  g.score_column = column;
  column += g.scores ? 1 : 0;
  g.columns = column;
  g.problem.extra_columns += column + g.p;
}

#define VICINAL_INSTANTIATE(T)                                      \
  template void check_outputs(const GradientItem<T>&);              \
  template void read_wishes(const KernelSum&, GradientProblem<T>&); \
  template void read_pulls(GradientProblem<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
