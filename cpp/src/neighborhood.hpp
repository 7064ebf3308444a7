// A set of neighbors, checked and brought into the form in which the engine meets it: gates that a
// group of queries shares on its tiles of keys, or a list of keys for every row.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "plan.hpp"
#include "vicinal/neighbor_set.hpp"

namespace vicinal {

template <class T>
struct Problem;
template <class T>
struct Entry;

template <class T>
struct Neighborhood {
  NeighborSet set;
  std::int64_t query_offset = 0;  // keys are counted from the problem's key_offset
  bool is_piece = false;          // the set may know of more keys than the problem's
  bool listed = false;
  // Not listed: a key must pass all of these, and stand at most `radius` away.
  std::vector<const NeighborSet*> gates;
  double radius = std::numeric_limits<double>::infinity();
  double radius_score = std::numeric_limits<double>::infinity();  // as the kernel scores it
  const NeighborSet* graph = nullptr;  // whose edges are distances or weights
  double edge_scale = 1;               // distances of edges · this: roots of the kernel's scores
  Plan<T> metric;                      // of distances in the units of the data; or no terms
};

// What sets read of a kernel besides its plan. It borrows nothing of it.
template <class T>
struct SetMetric {
  SetMetric(const KernelSum& kernel, const Plan<T>& plan, std::int64_t d);
  Plan<T> plan;          // of distances in the units of the data; or no terms
  double bandwidth = 1;  // radii are shares of it, or of each feature's own
};

// Throws std::invalid_argument for a set that does not fit the problem. Null: all keys.
// `in_pieces`: more keys come in other calls.
template <class T>
std::shared_ptr<const Neighborhood<T>> read_neighbors(const NeighborSet& set,
                                                      std::int64_t query_offset,
                                                      const SetMetric<T>& metric,
                                                      const Problem<T>& problem, bool in_pieces);

struct RowRange {
  std::int64_t first, end;  // of keys
};

// Of windows of rows and segments: those of the keys number first_key … first_key + keys − 1 that
// `row` sees, counted from 0.
RowRange range_of(const NeighborSet& set, std::int64_t row, std::int64_t first_key,
                  std::int64_t keys) noexcept;

// Of a window on a column: what the keys' column may be.
struct ColumnRange {
  double first, last;
  bool holds(double x) const { return (x >= first) & (x <= last); }
};
template <class T>
ColumnRange column_range(const NeighborSet& set, const T* query) noexcept {
  const double at = static_cast<double>(query[set.column]);
  return {at - set.before, at + set.after};
}

// Whether the set, without `nearest` in it, holds the pair.
template <class T>
bool holds(const Neighborhood<T>& n, const NeighborSet& set, const Problem<T>& problem,
           const Entry<T>& entry, std::int64_t row, std::int64_t key) noexcept;
// Whether the pair passes all gates.
template <class T>
bool passes_gates(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                  std::int64_t key) noexcept;

// By differences in double, in the units of the data.
template <class T>
bool is_within(const Neighborhood<T>& n, double radius, const Problem<T>& problem,
               const Entry<T>& entry, std::int64_t row, std::int64_t key) noexcept;

// The parts of a & b & …, however they were joined.
void flatten(const NeighborSet& set, std::vector<const NeighborSet*>& parts);
bool has_nearest(const NeighborSet& set);
inline bool is_radius(const NeighborSet* set) { return set->kind == NeighborSet::Kind::radius; }
// Some part of it looks for keys by their distance, k nearest or a radius.
bool finds_by_distance(const NeighborSet& set);

}  // namespace vicinal
