#include "nearest_source.hpp"

#include <algorithm>

namespace vicinal {

using Kind = NeighborSet::Kind;

void find_radii(const NeighborSet& set, std::vector<const NeighborSet*>& radii) {
  if (set.kind == Kind::radius) radii.push_back(&set);
  for (const NeighborSet& part : set.parts) find_radii(part, radii);
}

namespace {

// Whether nothing but a radius cuts before some `nearest` of the set.
bool is_cut_by_radius_alone(const NeighborSet& set, bool open) {
  if (set.kind == Kind::nearest) return open;
  std::vector<const NeighborSet*> parts;
  if (set.kind == Kind::both)
    flatten(set, parts);
  else
    for (const NeighborSet& side : set.parts) parts.push_back(&side);
  if (set.kind == Kind::both)
    for (const NeighborSet* part : parts) open &= has_nearest(*part) || part->kind == Kind::radius;
  return std::any_of(parts.begin(), parts.end(),
                     [&](const NeighborSet* part) { return is_cut_by_radius_alone(*part, open); });
}

// Whether the keys of some radius are listed: nothing that is cheaper to list goes with it.
bool lists_ball(const NeighborSet& set) {
  if (set.kind == Kind::radius) return true;
  if (set.kind == Kind::either) return std::any_of(set.parts.begin(), set.parts.end(), lists_ball);
  if (set.kind != Kind::both) return false;
  std::vector<const NeighborSet*> parts;
  flatten(set, parts);
  const bool given = std::any_of(parts.begin(), parts.end(), [](const NeighborSet* part) {
    return part->kind == Kind::graph || part->kind == Kind::grid;
  });
  return !given && std::any_of(parts.begin(), parts.end(),
                               [](const NeighborSet* part) { return lists_ball(*part); });
}

}  // namespace

template <class T>
NearestSource<T>::NearestSource(const Problem<T>& problem, const Entry<T>& entry, int threads,
                                Poll& poll) {
  const Plan<T>& metric = problem.neighborhood->metric;
  const bool serves = problem.index != nullptr && entry.present == problem.n &&
                      problem_of(*problem.index).plan == metric;
  if (serves) {
    problem_ = problem_of(*problem.index);
    packed_ = &packed_of(*problem.index);
  } else {
    problem_.plan = metric;
    problem_.table = problem.table;
    problem_.n = problem.n;
    problem_.d = problem.d;
    problem_.key_stride = problem.key_stride;
    problem_.weight_stride = problem.weight_stride;
    problem_.entries.resize(1);
  }
  problem_.m = problem.m;
  problem_.query_stride = problem.query_stride;
  problem_.exclude_self = problem.exclude_self;
  problem_.needs_self = problem.needs_self;
  Entry<T>& own = problem_.entries[0];
  own.queries = entry.queries;
  own.self_indices = entry.self_indices;
  if (serves) return;
  own.keys = entry.keys;
  own.weights = entry.weights;
  own.log_weights = entry.log_weights;
  own.origin = entry.origin;
  own.prior_shift = entry.prior_shift;
  own.prior_peak = entry.prior_peak;
  own.present = entry.present;
  plant(problem_, own, threads, poll, planted_);
  follow(planted_, own);
  planted_keys_ = std::make_unique<PackedKeys<T>>(planted_);
  planted_keys_->allocate(problem_);
  packed_ = planted_keys_.get();
}

template <class T>
bool searches_tree(const Problem<T>& problem, const Entry<T>& entry) {
  const Neighborhood<T>& n = *problem.neighborhood;
  return (lists_ball(n.set) || is_cut_by_radius_alone(n.set, true)) && !entry.mask &&
         !n.metric.terms.empty() && n.graph == nullptr;
}

#define VICINAL_INSTANTIATE(T)     \
  template class NearestSource<T>; \
  template bool searches_tree(const Problem<T>&, const Entry<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
