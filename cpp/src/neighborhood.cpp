#include "neighborhood.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "check_sets.hpp"
#include "lowering.hpp"
#include "nearest.hpp"

namespace vicinal {

using Kind = NeighborSet::Kind;

namespace {

bool any_of(const NeighborSet& set, auto&& test) {
  return test(set) || std::any_of(set.parts.begin(), set.parts.end(),
                                  [&](const NeighborSet& part) { return any_of(part, test); });
}

template <class T>
bool is_single(const Plan<T>& plan) {
  return plan.terms.size() == 1 && plan.terms[0].factors.size() == 1;
}

// Scores of this factor grow with a distance; and its error is a share of itself (mapped points are
// rounded apart).
template <class T>
bool scores_distance(const FactorPlan<T>& f) {
  return f.distance && !f.unit && !f.geographic;
}
template <class T>
bool scores_tightly(const FactorPlan<T>& f) {
  return scores_distance(f) && !f.mapped();
}

template <class T>
double score_of_radius(double radius, double bandwidth, const FactorPlan<T>& f) {
  if (std::isinf(radius)) return radius;
  double root = radius;  // of the score
  if (f.inverse_bandwidth > 0) root = radius / bandwidth / f.inverse_bandwidth;
  return root * root;
}

template <class T>
void find_gates(double bandwidth, const Problem<T>& problem, Neighborhood<T>& n) {
  std::vector<const NeighborSet*> parts;
  flatten(n.set, parts);
  const FactorPlan<T>& f = problem.plan.terms[0].factors[0];
  for (const NeighborSet* part : parts) {
    switch (part->kind) {
      case Kind::all:
        break;
      case Kind::window:
      case Kind::column_window:
      case Kind::segments:
      case Kind::blocks:
        n.gates.push_back(part);
        break;
      case Kind::radius:
        n.listed |= !is_single(problem.plan) || !scores_tightly(f);
        n.radius = std::min(n.radius, part->radius);
        break;
      default:
        n.listed = true;
    }
    if (part->kind == Kind::graph && part->data != EdgeData::pattern) n.graph = part;
  }
  if (n.listed) return;
  n.radius_score = score_of_radius(n.radius, bandwidth, f);
  const double most = static_cast<double>(std::numeric_limits<T>::max()) / 4;
  n.listed = std::isfinite(n.radius) && n.radius_score > most;  // a key beyond may score the same
}

template <class T>
void check_metric_of_radius(const Neighborhood<T>& n, double radius) {
  if (n.metric.terms.empty())
    refuse("a radius needs a kernel of one metric distance, not a product, sum or category kernel");
  if (radius < 0 && n.metric.terms[0].factors[0].similarity != kernels::Similarity::dot)
    refuse("radius must be at least 0, got " + std::to_string(radius));
}

}  // namespace

void flatten(const NeighborSet& set, std::vector<const NeighborSet*>& parts) {
  if (set.kind != Kind::both) return parts.push_back(&set);
  for (const NeighborSet& part : set.parts) flatten(part, parts);
}

bool has_nearest(const NeighborSet& set) {
  return any_of(set, [](const NeighborSet& s) { return s.kind == Kind::nearest; });
}

bool finds_by_distance(const NeighborSet& set) {
  return any_of(
      set, [](const NeighborSet& s) { return s.kind == Kind::nearest || s.kind == Kind::radius; });
}

template <class T>
SetMetric<T>::SetMetric(const KernelSum& kernel, const Plan<T>& kernel_plan, std::int64_t d) {
  const Kernel& first = kernel.terms[0].factors[0];
  if (first.bandwidths.size() < 2)
    bandwidth = first.bandwidths.empty() ? first.bandwidth : first.bandwidths[0];
  if (is_single(kernel_plan) && metric_of(first) != Metric::category)
    plan = lower<T>(metric_kernel(first), d);
}

template <class T>
std::shared_ptr<const Neighborhood<T>> read_neighbors(const NeighborSet& set,
                                                      std::int64_t query_offset,
                                                      const SetMetric<T>& metric,
                                                      const Problem<T>& problem, bool in_pieces) {
  if (set.kind == Kind::all) return nullptr;
  if (in_pieces && has_nearest(set))
    refuse("neighbors must not hold k nearest, which need all keys at once: these come in pieces");
  auto n = std::make_shared<Neighborhood<T>>();
  n->set = set;
  n->query_offset = query_offset;
  n->metric = metric.plan;
  n->is_piece = in_pieces || problem.key_offset > 0;
  check_set<T>(set,
               {query_offset, problem.key_offset, problem.m, problem.n, problem.d, n->is_piece});
  find_gates(metric.bandwidth, problem, *n);
  any_of(set, [&](const NeighborSet& s) {
    if (s.kind == Kind::radius) check_metric_of_radius(*n, s.radius);
    return false;
  });
  if (n->graph != nullptr && n->graph->data == EdgeData::weight && has_nearest(set))
    refuse("a graph of weights has no distances: it does not go with k nearest");
  check_single_graph(n->set, n->graph);
  if (n->graph != nullptr && n->graph->data == EdgeData::distance) {
    if (!is_single(problem.plan) || !scores_distance(problem.plan.terms[0].factors[0]))
      refuse(
          "a graph of distances needs a kernel of one distance, not a product, sum, category or "
          "inner product kernel");
    n->edge_scale =
        std::sqrt(score_of_radius(1, metric.bandwidth, problem.plan.terms[0].factors[0]));
  }
  return n;
}

namespace {

// Of the keys in `among` those in the set's window about `position`.
RowRange windowed(const NeighborSet& set, double position, RowRange among) {
  const double least = static_cast<double>(among.first), most = static_cast<double>(among.end);
  const double first = std::clamp(position - set.before, least, most),
               end = std::clamp(position + set.after + 1, first, most);
  return {static_cast<std::int64_t>(first), static_cast<std::int64_t>(end)};
}

}  // namespace

RowRange range_of(const NeighborSet& set, std::int64_t row, std::int64_t first_key,
                  std::int64_t keys) noexcept {
  if (set.kind == Kind::window)
    return windowed(set, static_cast<double>(row - first_key) + static_cast<double>(set.offset),
                    {0, keys});
  const auto next = std::upper_bound(set.query_offsets.begin(), set.query_offsets.end(), row);
  const auto s = next - set.query_offsets.begin() - 1;
  if (s < 0 || next == set.query_offsets.end()) return {0, 0};
  const auto at = static_cast<std::size_t>(s);
  const std::int64_t first = set.key_offsets[at], end = set.key_offsets[at + 1];
  const std::int64_t start = set.at_end ? end - set.query_offsets[at + 1]  // aligned at the ends
                                        : first - set.query_offsets[at];
  const RowRange seen = windowed(
      set, static_cast<double>(row + start) + static_cast<double>(set.offset), {first, end});
  return {std::clamp<std::int64_t>(seen.first - first_key, 0, keys),
          std::clamp<std::int64_t>(seen.end - first_key, 0, keys)};
}

template <class T>
bool is_within(const Neighborhood<T>& n, double radius, const Problem<T>& problem,
               const Entry<T>& entry, std::int64_t row, std::int64_t key) noexcept {
  const FactorPlan<T>& f = n.metric.terms[0].factors[0];
  return distance_of(f, pair_rank(f, entry.queries + row * problem.query_stride,
                                  entry.keys + key * problem.key_stride)) <= radius;
}

namespace {

// Pixels of the grid along axis a.
bool in_grid(const NeighborSet& set, std::int64_t row, std::int64_t key) {
  for (std::size_t a = set.shape.size(); a-- > 0;) {
    const std::int64_t i = row % set.shape[a], j = key % set.shape[a];
    if (std::abs(i - j) > set.reach[a]) return false;
    row /= set.shape[a];
    key /= set.shape[a];
  }
  return true;
}

bool in_graph(const NeighborSet& set, std::int64_t row, std::int64_t key) {
  const auto at = static_cast<std::size_t>(row);
  for (std::int64_t i = set.indptr[at]; i < set.indptr[at + 1]; ++i)
    if (set.key_of_edge(i) == key) return true;
  return false;
}

}  // namespace

template <class T>
bool holds(const Neighborhood<T>& n, const NeighborSet& set, const Problem<T>& problem,
           const Entry<T>& entry, std::int64_t row, std::int64_t key) noexcept {
  const std::int64_t number = row + n.query_offset, key_number = key + problem.key_offset;
  const auto in = [&](const NeighborSet& part) { return holds(n, part, problem, entry, row, key); };
  switch (set.kind) {
    case Kind::window:
    case Kind::segments: {
      const RowRange range = range_of(set, number, problem.key_offset, problem.n);
      return key >= range.first && key < range.end;
    }
    case Kind::column_window:
      return column_range(set, entry.queries + row * problem.query_stride)
          .holds(static_cast<double>(entry.keys[key * problem.key_stride + set.column]));
    case Kind::blocks:
      return set.mask.row(number / set.block)[key_number / set.block];
    case Kind::radius:
      return is_within(n, set.radius, problem, entry, row, key);
    case Kind::grid:
      return in_grid(set, number, key_number);
    case Kind::graph:
      return in_graph(set, number, key_number);
    case Kind::both:
      return std::all_of(set.parts.begin(), set.parts.end(), in);
    case Kind::either:
      return std::any_of(set.parts.begin(), set.parts.end(), in);
    default:
      return true;
  }
}

template <class T>
bool passes_gates(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                  std::int64_t key) noexcept {
  const Neighborhood<T>* n = problem.neighborhood.get();
  if (n == nullptr || n->listed) return true;
  for (const NeighborSet* gate : n->gates)
    if (!holds(*n, *gate, problem, entry, row, key)) return false;
  return std::isinf(n->radius) || is_within(*n, n->radius, problem, entry, row, key);
}

#define VICINAL_INSTANTIATE(T)                                                                \
  template struct SetMetric<T>;                                                               \
  template std::shared_ptr<const Neighborhood<T>> read_neighbors(                             \
      const NeighborSet&, std::int64_t, const SetMetric<T>&, const Problem<T>&, bool);        \
  template bool is_within(const Neighborhood<T>&, double, const Problem<T>&, const Entry<T>&, \
                          std::int64_t, std::int64_t) noexcept;                               \
  template bool holds(const Neighborhood<T>&, const NeighborSet&, const Problem<T>&,          \
                      const Entry<T>&, std::int64_t, std::int64_t) noexcept;                  \
  template bool passes_gates(const Problem<T>&, const Entry<T>&, std::int64_t,                \
                             std::int64_t) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
