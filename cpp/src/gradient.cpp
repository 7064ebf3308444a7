// Gradients at the door: what is asked for is checked, the forward pass gives every row its mass
// and mean, and the kernel's factors their pulls.
#include "vicinal/gradient.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numbers>
#include <string>

#include "check_item.hpp"
#include "door.hpp"
#include "driver.hpp"
#include "floating_point.hpp"
#include "gradient_call.hpp"
#include "lowering.hpp"
#include "parallel.hpp"
#include "poll.hpp"
#include "pruned.hpp"
#include "results.hpp"

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

// Of no queries.
template <class T>
void clear_keys(const GradientItem<T>& item) {
  for (const View<T>& view : {item.keys, item.values})
    for (std::int64_t i = 0; i < view.rows; ++i) std::fill_n(view.row(i), view.columns, T(0));
  std::fill(item.log_weights.begin(), item.log_weights.end(), T(0));
  std::fill(item.key_bandwidths.begin(), item.key_bandwidths.end(), T(0));
  std::fill(item.bandwidth.begin(), item.bandwidth.end(), 0.0);
}

// What is wanted, by the first item: all are alike.
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
}

// Brings a mass to a power of four below which it stands.
template <class T>
RowMass<T> mass_of(double mass, double reference, GradientRow kind) {
  if (mass == 0) return {T(0), 1.0, GradientRow::still};
  if (!std::isfinite(mass)) return {T(0), 1.0, GradientRow::spoiled};
  const double size = std::log2(std::abs(mass)) + reference, even = 2 * std::ceil(size / 2);
  return {static_cast<T>(even), std::exp2(size - even) * (mass < 0 ? -1 : 1), kind};
}

template <class T>
void take_masses(const Problem<T>& problem, Block<T>& block, std::vector<RowMass<T>>& rows) {
  for (std::int64_t slot = 0; slot < block.rows; ++slot) {
    RowMass<T>& row = rows[static_cast<std::size_t>(block.row(slot))];
    const double reference = block.state.reference[static_cast<std::size_t>(slot)];
    if (block.kind[static_cast<std::size_t>(slot)] == has_nan)
      row = {T(0), 1.0, GradientRow::spoiled};
    else if (is_empty(problem.plan, block.state, slot))
      row = {T(0), 1.0, GradientRow::still};
    else if (std::isinf(reference))  // hits stand alone; so do the nearest keys of the limit h → 0
      row = mass_of<T>(problem.plan.hits ? block.state.sum(slot, 0) : 0.0, 0.0, GradientRow::hit);
    else
      row = mass_of<T>(block.state.sum(slot, 0), reference, GradientRow::ordinary);
  }
}

// Masses by what a forward pass has given; false where its numbers do not say enough.
template <class T>
bool read_forward(GradientProblem<T>& g) {
  const double most = sizeof(T) == 4 ? 32 : 1e6;  // of a size at which digits are left
  if (g.problem.plan.is_signed) return false;
  for (std::size_t e = 0; e < g.items.size(); ++e) {
    const GradientItem<T>& item = g.items[e];
    if (item.mean.data == nullptr || item.log_mass.empty()) return false;
    g.rows[e].clear();
    for (const T log_mass : item.log_mass) {
      const double log = static_cast<double>(log_mass);
      if (std::isfinite(log) ? std::abs(log) > most : log > 0) return false;
      const double size = (log - g.problem.plan.log_constant) * std::numbers::log2e -
                          g.problem.entries[e].prior_shift;
      const double even = std::isfinite(size) ? 2 * std::ceil(size / 2) : 0;
      const GradientRow kind = std::isnan(log)   ? GradientRow::spoiled
                               : std::isinf(log) ? GradientRow::still
                                                 : GradientRow::ordinary;
      g.rows[e].push_back(
          {static_cast<T>(even), std::isfinite(size) ? std::exp2(size - even) : 1.0, kind});
    }
  }
  return true;
}

// Keys that a row sees, on average over some keys in the place of queries: the same for any
// queries.
template <class T>
double usual_count(const KernelSum& kernel, const BatchItem<T>& item, const Options<T>& options) {
  constexpr std::int64_t most = 64;
  const View<const T> keys = item.keys;
  const std::int64_t step = std::max<std::int64_t>(1, keys.rows / most);
  const View<const T> some{keys.data, keys.rows / step, keys.columns, keys.stride * step};
  std::vector<std::int64_t> counts(static_cast<std::size_t>(some.rows));
  Options<T> plain;
  plain.weights = item.weights;
  plain.log_weights = item.log_weights;
  plain.tol = options.tol;
  plain.neighbors = options.neighbors;
  plain.num_threads = options.num_threads;
  local_stats(kernel, some, keys, View<const T>{nullptr, keys.rows, 0}, {.count = counts}, plain);
  double sum = 0;
  for (const std::int64_t count : counts) sum += static_cast<double>(count);
  return sum / static_cast<double>(counts.size());
}

// Rows meet lists of their keys where they have them, and where a tree leaves few: a function of
// keys and kernel, not of the queries.
template <class T>
bool goes_by_lists(const KernelSum& kernel, const Problem<T>& problem, const BatchItem<T>& item,
                   const Options<T>& options) {
  constexpr double few = 256;
  if (listed(problem)) return true;
  const NeighborSet::Kind kind = options.neighbors.kind;
  if (kind != NeighborSet::Kind::all && kind != NeighborSet::Kind::radius) return false;
  return item.key_bandwidths.empty() && item.query_bandwidths.empty() && prunes(problem) &&
         usual_count(kernel, item, options) <= few;
}

template <class T>
Report run_forward(GradientProblem<T>& g, Problem<T>& forward, bool lists,
                   const Options<T>& options) {
  const auto m = static_cast<std::size_t>(forward.m), p = static_cast<std::size_t>(forward.p);
  std::vector<std::vector<T>> log_masses(g.items.size());  // asked for, so that rows have states
  g.means.resize(g.items.size());
  g.lists.resize(lists ? g.items.size() : 0);
  forward.lists_weights = lists;
  forward.mean_stride = forward.p;
  for (std::size_t e = 0; e < g.items.size(); ++e) {
    g.means[e].resize(m * p);
    g.rows[e].resize(m);
    log_masses[e].resize(m);
    forward.entries[e].log_mass = log_masses[e].data();
    if (lists) {
      g.lists[e].resize(m);
      forward.entries[e].weight_rows = g.lists[e].data();
    }
    forward.entries[e].mean = p > 0 ? g.means[e].data() : nullptr;
  }
  const Report report = run<T>({&forward, 1}, options.num_threads, {options.interrupted, {}},
                               [&](const Problem<T>& problem, std::size_t e, Block<T>& block) {
                                 take_masses(problem, block, g.rows[e]);
                                 return write_results(problem, problem.entries[e], block);
                               })[0];
  return report;
}

template <class T>
Report gradient_of(const KernelSum& kernel, std::span<const GradientItem<T>> batch,
                   const Options<T>& options) {
  if (batch.empty()) return {};
  const DefaultFloatingPoint modes;
  std::vector<BatchItem<T>> points;
  for (const GradientItem<T>& item : batch) {
    check_outputs(item);
    points.push_back(item.points);
    points.back().statistics = {};
  }
  const Plan<T> plan = lower<T>(kernel, points[0].keys.columns);
  const SetMetric<T> metric(kernel, plan, points[0].keys.columns);
  Problem<T> forward = open_door<T>(
      plan, points, options, options.neighbors.kind == NeighborSet::Kind::all ? nullptr : &metric);
  GradientProblem<T> g;
  g.problem = forward;
  g.problem.p = 0;
  g.p = forward.p;
  g.value_stride = forward.value_stride;
  g.items = batch;
  g.rows.resize(batch.size());
  if (forward.m == 0) {
    for (const GradientItem<T>& item : batch) clear_keys(item);
    return {};
  }
  read_wishes(kernel, g);
  Report report;
  const bool lists = goes_by_lists(kernel, forward, points[0], options);
  if (lists || !read_forward(g)) report = run_forward(g, forward, lists, options);
  if (report.interrupted) return report;
  read_pulls(g);
  const double pairs = static_cast<double>(forward.m) * static_cast<double>(forward.n) *
                       static_cast<double>(batch.size());
  const Watch watch{options.interrupted, options.progress};
  Poll poll(watch, std::max(1.0, pairs));
  const int asked = options.num_threads > 0 ? options.num_threads : max_threads();
  const int threads = std::clamp(asked, 1, 1024);
  lists ? run_listed_gradient(g, threads, poll) : run_gradient(g, threads, poll);
  poll.finish();
  report.interrupted = poll.stopped();
  return report;
}

}  // namespace

Report local_mean_gradient(const KernelSum& kernel, std::span<const GradientItem<float>> batch,
                           const Options<float>& options) {
  return gradient_of(kernel, batch, options);
}
Report local_mean_gradient(const KernelSum& kernel, std::span<const GradientItem<double>> batch,
                           const Options<double>& options) {
  return gradient_of(kernel, batch, options);
}

}  // namespace vicinal
