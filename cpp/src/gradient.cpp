// Gradients at the door: what is asked for is checked, the forward pass gives every row its mass
// and mean, and the kernel's factors their pulls.
#include "vicinal/gradient.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numbers>

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

namespace {

// Of no queries.
template <class T>
void clear_keys(const GradientItem<T>& item) {
  for (const View<T>& view : {item.keys, item.values})
    for (std::int64_t i = 0; i < view.rows; ++i) std::fill_n(view.row(i), view.columns, T(0));
  std::fill(item.log_weights.begin(), item.log_weights.end(), T(0));
  std::fill(item.key_bandwidths.begin(), item.key_bandwidths.end(), T(0));
  std::fill(item.bandwidth.begin(), item.bandwidth.end(), 0.0);
}

// Brings a mass to a power of four below which it stands, where the reference has digits for it.
template <class T>
RowMass<T> mass_of(double mass, double reference, GradientRow kind) {
  constexpr double most = 1 << 22;
  if (mass == 0) return {T(0), 1.0, GradientRow::still};
  if (!std::isfinite(mass)) return {T(0), 1.0, GradientRow::spoiled};
  if (std::abs(reference) > most) return {static_cast<T>(reference), mass, kind};
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
  const bool in_tree = kind == NeighborSet::Kind::all || kind == NeighborSet::Kind::radius;
  if (kind != NeighborSet::Kind::column_window && !(in_tree && prunes(problem))) return false;
  return item.key_bandwidths.empty() && item.query_bandwidths.empty() &&
         usual_count(kernel, item, options) <= few;
}

template <class T>
Report run_forward(GradientProblem<T>& g, Problem<T>& forward, bool lists,
                   const Options<T>& options) {
  const auto m = static_cast<std::size_t>(forward.m), p = static_cast<std::size_t>(forward.p);
  g.means.resize(g.items.size());
  g.lists.resize(lists ? g.items.size() : 0);
  forward.keeps_states = true;
  forward.lists_weights = lists;
  forward.mean_stride = forward.p;
  for (std::size_t e = 0; e < g.items.size(); ++e) {
    g.means[e].resize(m * p);
    g.rows[e].resize(m);
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

// A problem without values, which packing leaves to the gradient's own chunks.
template <class T>
GradientProblem<T> open_gradient(const KernelSum& kernel, const Problem<T>& forward,
                                 std::span<const GradientItem<T>> batch) {
  GradientProblem<T> g;
  g.problem = forward;
  g.problem.p = 0;
  g.problem.spoiled_are_out = true;
  g.p = forward.p;
  g.value_stride = forward.value_stride;
  g.items = batch;
  g.rows.resize(batch.size());
  read_wishes(kernel, g);
  return g;
}

template <class T>
Problem<T> open_forward(const KernelSum& kernel, std::span<const BatchItem<T>> points,
                        const Options<T>& options) {
  if (options.page_rows != 0) refuse("gradients need keys in one piece, without pages");
  const std::int64_t d = points[0].keys.columns;
  const Plan<T> plan = lower<T>(kernel, d);
  if (options.neighbors.kind == NeighborSet::Kind::all) return open_door<T>(plan, points, options);
  const SetMetric<T> metric(kernel, plan, d);
  return open_door<T>(plan, points, options, &metric);
}

template <class T>
bool run_backward(GradientProblem<T>& g, bool lists, const Options<T>& options) {
  const double pairs = static_cast<double>(g.problem.m) * static_cast<double>(g.problem.n) *
                       static_cast<double>(g.items.size());
  const Watch watch{options.interrupted, options.progress};
  Poll poll(watch, std::max(1.0, pairs));
  const int asked = options.num_threads > 0 ? options.num_threads : max_threads();
  const int threads = std::clamp(asked, 1, 1024);
  lists ? run_listed_gradient(g, threads, poll) : run_gradient(g, threads, poll);
  poll.finish();
  return poll.stopped();
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
  Problem<T> forward = open_forward<T>(kernel, points, options);
  GradientProblem<T> g = open_gradient(kernel, forward, batch);
  if (forward.m == 0) {
    for (const GradientItem<T>& item : batch) clear_keys(item);
    return {};
  }
  const bool lists = goes_by_lists(kernel, forward, points[0], options);
  Report report;
  if (lists || !read_forward(g)) report = run_forward(g, forward, lists, options);
  if (report.interrupted) return report;
  read_pulls(g);
  report.interrupted = run_backward(g, lists, options);
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
