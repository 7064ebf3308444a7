// One call, after the door: plain pointers and numbers that the house reads.
#pragma once

#include <cstdint>
#include <vector>

#include "neighborhood.hpp"
#include "pair_bias.hpp"
#include "plan.hpp"
#include "vicinal/local_mean.hpp"

namespace vicinal {

// Of queries, keys, values and top_k: int arithmetic on tiles stays safe.
inline constexpr std::int64_t most_columns = 1 << 22;

template <class T>
struct KeyTree;
template <class T>
class PlantedKeys;

// A weight asked out as a list: times 2^reference until its row is done.
template <class T>
struct Kept {
  std::int64_t key;
  T weight, reference;
};

// One problem of a batch: queries against keys. Strides are in elements.
template <class T>
struct Entry {
  const T* queries = nullptr;
  const T* keys = nullptr;
  const T* values = nullptr;
  const T* const* key_pages = nullptr;  // instead of those two, where rows stand in pages
  const T* const* value_pages = nullptr;
  std::int64_t n = 0;  // keys: as many as the problem's, or fewer where they stand in pages
  const T* weights = nullptr;
  const T* log_weights = nullptr;
  PairView<bool> mask{};
  PairBias<T> bias{};
  const std::int64_t* self_indices = nullptr;
  // Where keys are met in another order than they came in: position → row, and back (−1: absent).
  const std::int64_t* order = nullptr;
  const std::int64_t* position = nullptr;
  std::int64_t positions = 0;
  std::vector<T> key_scales, query_scales;  // of scores: bandwidths of keys and of queries
  // Outputs, row 0 of this entry; null = not asked for.
  T* mean = nullptr;
  T* log_mass = nullptr;
  T* ess = nullptr;
  std::int64_t* count = nullptr;
  T* variance = nullptr;
  T* covariance = nullptr;
  T* self_weight = nullptr;
  std::int64_t* top_indices = nullptr;
  T* top_weights = nullptr;
  T* weights_out = nullptr;
  std::vector<Kept<T>>* weight_rows = nullptr;  // m
  // Found at the door, functions of the keys alone.
  double prior_shift =
      0;  // largest log2 prior, rounded up: whole, so that states of other keys merge
  double prior_peak = 0;             // largest natural log prior
  std::vector<T> origin;             // d: where linear maps take their differences from
  std::vector<double> value_center;  // p: moments are taken about it
  std::int64_t present = 0;          // keys of non-zero prior weight

  std::int64_t row_at(std::int64_t at) const { return order == nullptr ? at : order[at]; }
};

template <class T>
struct Problem {
  std::int64_t m = 0, n = 0, d = 0, p = 0;
  std::int64_t query_stride = 0, key_stride = 0, value_stride = 0, weight_stride = 1;
  std::int64_t mean_stride = 0, variance_stride = 0, covariance_stride = 0;
  std::int64_t top_indices_stride = 0, top_weights_stride = 0, weights_stride = 0;
  std::int64_t key_offset = 0, query_offset = 0;
  std::int64_t page_rows = 0;      // of keys and values that stand in pages
  std::int64_t extra_columns = 0;  // that are kept beside a packed key: chunks hold fewer
  int k = 0;                       // of top_k
  bool exclude_self = false;
  bool spoiled_are_out =
      false;                // rows that see a key with a NaN take no part: such keys are absent
  bool needs_self = false;  // own weights are asked for or left out
  bool normalize_weights = true;
  bool full_header = false;  // Σ|w| and Σw² are needed
  bool cuts = false;         // rows have a cut
  bool variance = false;     // second moments: none, diagonal or all pairs
  bool covariance = false;
  bool keeps_states = false;  // whoever asks reads the states of the rows: each has one
  bool take_limits = true;    // rows whose every score overflows take the limit h → 0
  Empty empty = Empty::nan;
  double empty_value = 0;
  double tol = 0;                           // share of a row's mass that may be left out
  const KeyIndex<T>* index = nullptr;       // of the keys
  const KeyTree<T>* tree = nullptr;         // its tree
  const PlantedKeys<T>* planted = nullptr;  // of the one entry: what pruning needs is ready
  bool ordered_queries = false;             // near queries stand together already
  std::shared_ptr<const Neighborhood<T>> neighborhood;  // which keys a query sees; null: all
  bool lists_weights = false;                           // weights are asked for as lists
  std::vector<Entry<T>> entries;
  Plan<T> plan;
  const kernels::Table<T>* table = nullptr;

  std::int64_t pair_columns() const { return covariance ? p * (p + 1) / 2 : variance ? p : 0; }
  std::int64_t moment_columns() const { return pair_columns() == 0 ? 0 : 1 + p + pair_columns(); }
  std::int64_t linear_columns() const { return kernels::header_columns + p; }
  std::int64_t state_columns() const { return linear_columns() + moment_columns(); }
  // Of a row's header, what is summed lane by lane: Σw alone, or all slots.
  std::int64_t header_lanes() const {
    return (full_header ? kernels::header_columns : 1) * table->lanes;
  }
  // Few columns stand feature-major (see reduce.hpp).
  bool lane_values() const { return 4 * p <= 3 * table->lanes; }
  // One column and Σw are summed at once.
  bool is_single() const { return p == 1 && lane_values() && !full_header; }
  std::int64_t padded_values() const {
    return (p + table->lanes - 1) / table->lanes * table->lanes;
  }
};

// Where a row of the keys and of the values stands.
template <class T>
const T* key_row(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row) noexcept {
  if (entry.key_pages == nullptr) return entry.keys + row * problem.key_stride;
  return entry.key_pages[row / problem.page_rows] + row % problem.page_rows * problem.key_stride;
}
template <class T>
const T* value_row(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row) noexcept {
  if (entry.value_pages == nullptr) return entry.values + row * problem.value_stride;
  return entry.value_pages[row / problem.page_rows] +
         row % problem.page_rows * problem.value_stride;
}

// The keys of so many positions stand one behind the other.
template <class T>
bool in_one_piece(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                  std::int64_t count) noexcept {
  return entry.order == nullptr &&
         (entry.key_pages == nullptr || first % problem.page_rows + count <= problem.page_rows);
}

// Some keys are cut by more than a radius: the nearest key may be one that a row does not see.
template <class T>
bool gated(const Problem<T>& problem) {
  return problem.neighborhood != nullptr && !problem.neighborhood->gates.empty();
}

// Some keys go whatever the set of neighbors: by the mask, their weight or as a row's own.
template <class T>
bool filters_keys(const Problem<T>& problem, const Entry<T>& entry) {
  return entry.mask || problem.exclude_self || entry.present < problem.n;
}

// Every row has a list of keys of its own.
template <class T>
bool listed(const Problem<T>& problem) {
  return problem.neighborhood != nullptr && problem.neighborhood->listed;
}

// Nothing but the means is asked for, or these and the log-masses.
template <class T>
bool wants_means_and_masses(const Problem<T>& problem, const Entry<T>& e) {
  return !problem.keeps_states && e.mean != nullptr && problem.moment_columns() == 0 &&
         problem.k == 0 && !problem.lists_weights && e.weights_out == nullptr && e.ess == nullptr &&
         e.self_weight == nullptr && e.count == nullptr;
}
template <class T>
bool wants_means_alone(const Problem<T>& problem, const Entry<T>& e) {
  return wants_means_and_masses(problem, e) && e.log_mass == nullptr;
}

// Row among these keys of a query's own one; −1: it has none, or it comes before them. Past the
// last key: it comes after them.
template <class T>
std::int64_t own_key(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row) noexcept {
  if (!problem.needs_self) return -1;
  const std::int64_t own = entry.self_indices != nullptr ? entry.self_indices[row] : row;
  return own < problem.key_offset ? -1 : own - problem.key_offset;
}

}  // namespace vicinal
