// Label propagation: checks, the walk over a graph, then steps until shares rest.
#include "vicinal/label_propagation.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "floating_point.hpp"
#include "label_steps.hpp"
#include "lowering.hpp"
#include "vicinal/local_mean.hpp"

namespace vicinal {
namespace {

constexpr double far = 0.9;     // an alpha from which on steps are so many that solving is faster
constexpr double solved = 0.5;  // of tol: what the solver aims at

void check_options(const LabelPropagationOptions& o) {
  if (o.alpha && !(*o.alpha > 0 && *o.alpha < 1))
    refuse("alpha must be none (labels are held) or between 0 and 1, got " +
           std::to_string(*o.alpha));
  if (!(o.tol >= 0 && std::isfinite(o.tol)))
    refuse("tol must be finite and at least 0, got " + std::to_string(o.tol));
  if (o.max_iter < 1) refuse("max_iter must be at least 1, got " + std::to_string(o.max_iter));
}

void check_labels(std::span<const std::int64_t> labels, const View<double>& shares) {
  if (shares.columns < 1 || shares.rows != static_cast<std::int64_t>(labels.size()))
    refuse("shares must have one row per label (" + std::to_string(labels.size()) +
           ") and one column per class, got " + std::to_string(shares.rows) + " x " +
           std::to_string(shares.columns));
  bool any = false;
  for (const std::int64_t label : labels) {
    if (label < -1 || label >= shares.columns)
      refuse("labels must be -1 (none) or a column of shares, below " +
             std::to_string(shares.columns) + ", got " + std::to_string(label));
    any |= label >= 0;
  }
  if (!any) refuse("labels must not all be -1 (none); label at least one row");
}

void check_walk(const LabelWalk& walk, std::size_t n, const LabelPropagationOptions& o) {
  if (!walk.means) refuse("walk.means must be a function");
  const bool needed = o.symmetric || (o.alpha && o.balanced);
  if (needed && walk.masses.size() != n)
    refuse("walk.masses must have one number per row (" + std::to_string(n) + "), got " +
           std::to_string(walk.masses.size()));
  if (!walk.arrivals.empty() && walk.arrivals.size() != n)
    refuse("walk.arrivals must be empty or have one number per row (" + std::to_string(n) +
           "), got " + std::to_string(walk.arrivals.size()));
}

void check_graph(const NeighborSet& graph, std::size_t n) {
  if (graph.kind != NeighborSet::Kind::graph || graph.data != EdgeData::weight)
    refuse(
        "graph must be a graph of weights; write graph(indptr, indices, weights, "
        "EdgeData::weight)");
  if (graph.edges_f64.size() != static_cast<std::size_t>(graph.edge_count()))
    refuse("graph must have weights in double, one per edge");
  if (graph.indptr.size() != n + 1)
    refuse("graph must have one row per label (" + std::to_string(n) + "), got " +
           std::to_string(graph.indptr.size()) + " row starts");
}

LabelPropagationReport spread(const LabelWalk& walk, std::span<const std::int64_t> labels,
                              View<double> shares, const LabelPropagationOptions& o) {
  const bool solve = o.solver == LabelSolver::krylov ||
                     (o.solver == LabelSolver::automatic && (!o.alpha || *o.alpha >= far));
  LabelSteps steps(walk, labels, shares.columns, o,
                   o.num_threads > 0 ? o.num_threads : max_threads());
  RowsOfShares now = steps.start(solve);
  if (solve) steps.solve(now, solved * o.tol, o.max_iter - 1);
  RowsOfShares next(now.size());
  LabelPropagationReport report{.residual = std::numeric_limits<double>::infinity()};
  bool rests = false;
  while (!rests && !steps.stopped() &&
         (steps.count() < o.max_iter || std::isinf(report.residual))) {
    report.residual = steps.step(now, next);
    now.swap(next);
    rests = report.residual <= o.tol;
    if (!o.callback) continue;
    steps.write_shares(now, shares);
    rests |= o.callback({steps.count(), report.residual, shares});
  }
  steps.write_shares(now, shares);
  report.iterations = steps.count();
  report.interrupted = steps.stopped();
  return report;
}

}  // namespace

LabelPropagationReport label_propagation(const LabelWalk& walk,
                                         std::span<const std::int64_t> labels, View<double> shares,
                                         const LabelPropagationOptions& options) {
  check_options(options);
  check_labels(labels, shares);
  check_walk(walk, labels.size(), options);
  const DefaultFloatingPoint modes;
  return spread(walk, labels, shares, options);
}

LabelPropagationReport label_propagation(const NeighborSet& graph,
                                         std::span<const std::int64_t> labels, View<double> shares,
                                         const LabelPropagationOptions& options) {
  check_options(options);
  check_labels(labels, shares);
  check_graph(graph, labels.size());
  const auto n = static_cast<std::int64_t>(labels.size());
  const double nowhere = 0;
  const View<const double> points(&nowhere, n, 1, 0);
  Options<double> means{.neighbors = graph, .empty = Empty::zero};
  means.num_threads = options.num_threads;
  means.interrupted = options.interrupted;
  const Kernel kernel{.profile = Profile::constant};
  LabelWalk walk;
  walk.means = [&](View<const double> values, View<double> out) {
    const Report report = local_mean(kernel, points, points, values, out, means);
    means.neighbors.check = false;  // it has been read
    return !report.interrupted;
  };
  std::vector<double> masses(labels.size()), arrivals(labels.size());
  if (graph.check) {  // the first mean reads the whole graph before anything trusts it
    std::vector<double> ones(labels.size(), 1), out(labels.size());
    walk.means({ones.data(), n, 1}, {out.data(), n, 1});
  }
  for (std::size_t i = 0; i < labels.size(); ++i)
    for (std::int64_t e = graph.indptr[i]; e < graph.indptr[i + 1]; ++e) {
      const double weight = graph.edges_f64[static_cast<std::size_t>(e)];
      masses[i] += weight;
      arrivals[static_cast<std::size_t>(graph.key_of_edge(e))] += weight;
      walk.is_signed |= weight < 0;
    }
  means.neighbors.negative = walk.is_signed;
  walk.masses = masses;
  walk.arrivals = arrivals;
  return label_propagation(walk, labels, shares, options);
}

}  // namespace vicinal
