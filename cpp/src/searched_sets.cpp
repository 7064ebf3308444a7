#include "searched_sets.hpp"

#include <algorithm>

#include "prepared.hpp"

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

// Whether the keys of some part of this kind are listed: nothing that is cheaper to list goes with
// it.
bool lists(const NeighborSet& set, Kind kind) {
  if (set.kind == kind) return true;
  const auto in = [&](const NeighborSet& part) { return lists(part, kind); };
  if (set.kind == Kind::either) return std::any_of(set.parts.begin(), set.parts.end(), in);
  if (set.kind != Kind::both) return false;
  std::vector<const NeighborSet*> parts;
  flatten(set, parts);
  const bool given = std::any_of(parts.begin(), parts.end(), [](const NeighborSet* part) {
    return part->kind == Kind::graph || part->kind == Kind::grid;
  });
  return !given && std::any_of(parts.begin(), parts.end(),
                               [&](const NeighborSet* part) { return in(*part); });
}

// How many keys a row of the set can have, none of them looked for; sets that are given row by row
// count as 0.
std::int64_t most_keys(const NeighborSet& set, std::int64_t n) {
  std::int64_t most = 0;
  switch (set.kind) {
    case Kind::graph:
    case Kind::grid:
      return 0;
    case Kind::window:
      return static_cast<std::int64_t>(
          std::min(set.before + set.after + 1, static_cast<double>(n)));
    case Kind::segments:
      for (std::size_t s = 1; s < set.key_offsets.size(); ++s)
        most = std::max(most, set.key_offsets[s] - set.key_offsets[s - 1]);
      return most;
    case Kind::blocks:
      for (std::int64_t i = 0; i < set.mask.rows; ++i)
        most = std::max<std::int64_t>(
            most, std::count(set.mask.row(i), set.mask.row(i) + set.mask.columns, true));
      return most * set.block;
    case Kind::either:
      for (const NeighborSet& side : set.parts) most += most_keys(side, n);
      return most;
    case Kind::both:
      most = n;
      for (const NeighborSet& part : set.parts) most = std::min(most, most_keys(part, n));
      return most;
    default:
      return n;
  }
}

bool is_short(const NeighborSet& set, std::int64_t k, std::int64_t n) {
  return are_few(most_keys(set, n), k, n);
}

void collect(const NeighborSet& set, std::vector<const NeighborSet*> cut,
             std::vector<NearestSearch>& searches) {
  if (set.kind == Kind::nearest) return searches.push_back({&set, std::move(cut)});
  if (set.kind == Kind::either)
    for (const NeighborSet& side : set.parts) collect(side, cut, searches);
  if (set.kind != Kind::both) return;
  std::vector<const NeighborSet*> parts, late;
  flatten(set, parts);
  for (const NeighborSet* part : parts) (has_nearest(*part) ? late : cut).push_back(part);
  for (const NeighborSet* part : late) collect(*part, cut, searches);
}

// Pairs have a distance, of one metric or of several factors or terms; and no graph gives it.
template <class T>
bool may_search(const Problem<T>& problem) {
  const auto& terms = problem.plan.terms;
  const bool several = terms.size() > 1 || terms[0].factors.size() > 1;
  return problem.neighborhood->graph == nullptr &&
         (several || !problem.neighborhood->metric.terms.empty());
}

template <class T>
bool all_finite(const Problem<T>& problem, const Entry<T>& entry) {
  for (std::int64_t i = 0; i < problem.n; ++i)
    if (is_present(problem, entry, i) && !is_finite(problem, entry, i)) return false;
  return true;
}

constexpr std::int64_t least_rows = 32;  // that look at all keys take as long as planting

}  // namespace

bool are_few(std::int64_t candidates, std::int64_t k, std::int64_t n) {
  const auto c = static_cast<double>(candidates);
  return c * c <= 4.0 * static_cast<double>(k) * static_cast<double>(n);
}

template <class T>
std::vector<NearestSearch> nearest_searches(const Problem<T>& problem, const Entry<T>& entry) {
  const Neighborhood<T>& n = *problem.neighborhood;
  std::vector<NearestSearch> searches;
  if (!may_search(problem)) return searches;
  collect(n.set, {}, searches);
  std::erase_if(searches, [&](const NearestSearch& s) {
    if (!entry.mask && std::all_of(s.cut.begin(), s.cut.end(), is_radius)) return false;
    return std::any_of(s.cut.begin(), s.cut.end(), [&](const NeighborSet* set) {
      return is_radius(set) || is_short(*set, s.set->k, problem.n);
    });
  });
  return searches;
}

template <class T>
bool index_serves(const Problem<T>& problem, const Entry<T>& entry) {
  if (problem.index == nullptr || entry.present < problem.n) return false;
  const Plan<T>& metric = problem.neighborhood->metric;
  return metric.terms.empty() ? problem.tree->space.factor == nullptr
                              : problem_of(*problem.index).plan == metric;
}

template <class T>
bool lists_in_tree_order(const Problem<T>& problem, const Entry<T>& entry) {
  const Neighborhood<T>& n = *problem.neighborhood;
  return (lists(n.set, Kind::radius) || is_cut_by_radius_alone(n.set, true)) && !entry.mask &&
         !n.metric.terms.empty() && n.graph == nullptr;
}

template <class T>
bool searches_tree(const Problem<T>& problem, const Entry<T>& entry) {
  const Neighborhood<T>& n = *problem.neighborhood;
  if (lists_in_tree_order(problem, entry)) return true;
  return may_search(problem) && (problem.m >= least_rows || index_serves(problem, entry)) &&
         (lists(n.set, Kind::radius) || !nearest_searches(problem, entry).empty()) &&
         all_finite(problem, entry);
}

template <class T>
bool searches_columns(const Problem<T>& problem, const Entry<T>& entry) {
  const Neighborhood<T>& n = *problem.neighborhood;
  if (problem.m < least_rows || n.graph != nullptr || !lists(n.set, Kind::column_window))
    return false;
  for (std::int64_t i = 0; i < problem.n; ++i)
    if (!is_finite(problem, entry, i)) return false;
  return true;
}

#define VICINAL_INSTANTIATE(T)                                                              \
  template std::vector<NearestSearch> nearest_searches(const Problem<T>&, const Entry<T>&); \
  template bool lists_in_tree_order(const Problem<T>&, const Entry<T>&);                    \
  template bool searches_tree(const Problem<T>&, const Entry<T>&);                          \
  template bool searches_columns(const Problem<T>&, const Entry<T>&);                       \
  template bool index_serves(const Problem<T>&, const Entry<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
