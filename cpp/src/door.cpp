#include "door.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "check_item.hpp"
#include "floating_point.hpp"
#include "lowering.hpp"
#include "prepared.hpp"
#include "scales.hpp"
#include "vicinal/neighbors.hpp"

namespace vicinal {

namespace {

// A graph's weights may be negative.
template <class T>
void read_edges(Problem<T>& p) {
  const NeighborSet* graph = p.neighborhood->graph;
  if (graph == nullptr || graph->data != EdgeData::weight) return;
  unsigned negative = graph->negative.value_or(false);
  if (!graph->negative)
    for (const T x : graph->edges<T>()) negative |= x < 0;
  p.plan.is_signed |= negative != 0;
  p.full_header |= p.plan.is_signed;
  if (p.tol > 0 && p.plan.is_signed) refuse("tol must be 0 for weights that may be negative");
}

// Keys are looked for by their distance.
template <class T>
bool by_distance(const Problem<T>& p) {
  return p.neighborhood != nullptr && finds_by_distance(p.neighborhood->set);
}

template <class T>
bool is_absent(const BatchItem<T>& item, std::int64_t k) {
  const auto at = static_cast<std::size_t>(k);
  if (!item.weights.empty()) return item.weights[at] == 0;
  return !item.log_weights.empty() && std::isinf(item.log_weights[at]);
}

template <class T>
void refuse_nan(const BatchItem<T>& item, const char* why) {
  for (std::int64_t i = 0; i < item.keys.rows; ++i)
    for (std::int64_t j = 0; j < item.keys.columns; ++j)
      if (std::isnan(item.keys.row(i)[j]) && !is_absent(item, i))
        refuse(std::string("keys must not hold NaN ") + why + ", got one in row " +
               std::to_string(i));
}

// Largest prior and number of keys that have one; NaN, +inf and negative weights are refused here.
template <class T>
void read_priors(const BatchItem<T>& item, std::int64_t n, Entry<T>& entry) {
  entry.present = n;
  if (item.weights.empty() && item.log_weights.empty()) return;
  double largest = -std::numeric_limits<double>::infinity();
  entry.present = 0;
  for (const T w : item.weights) {
    if (!(w >= 0) || std::isinf(w))
      refuse("weights must be finite and ≥ 0, got " + std::to_string(w));
    largest = std::max(largest, static_cast<double>(w));
    entry.present += w > 0;
  }
  if (!item.weights.empty()) largest = std::log(largest);
  for (const T l : item.log_weights) {
    if (std::isnan(l) || l == std::numeric_limits<T>::infinity())
      refuse("log_weights must be below +inf and not NaN (-inf = absent), got " +
             std::to_string(l));
    largest = std::max(largest, static_cast<double>(l));
    entry.present += !std::isinf(l);
  }
  if (!std::isfinite(largest)) return;
  entry.prior_peak = largest;
  entry.prior_shift = std::ceil(largest * std::numbers::log2e);
}

// The mean of the finite keys, where a linear map is part of the kernel.
template <class T>
std::vector<T> origin_of(const BatchItem<T>& item, const Problem<T>& p, const Entry<T>& entry) {
  const auto& terms = p.plan.terms;
  const auto mapped = [](const auto& f) { return f.mapped(); };
  if (std::none_of(terms.begin(), terms.end(), [&](const auto& t) {
        return std::any_of(t.factors.begin(), t.factors.end(), mapped);
      }))
    return {};
  std::vector<double> sum(static_cast<std::size_t>(item.keys.columns));
  double number = 0;
  for (std::int64_t k = 0; k < item.keys.rows; ++k) {
    const std::span<const T> x{key_row(p, entry, k), sum.size()};
    if (is_absent(item, k) ||
        !std::all_of(x.begin(), x.end(), [](T v) { return std::isfinite(v); }))
      continue;
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(x[j]);
    number += 1;
  }
  std::vector<T> origin(sum.size());
  for (std::size_t j = 0; j < sum.size(); ++j)
    origin[j] = number > 0 ? static_cast<T>(sum[j] / number) : T(0);
  return origin;
}

template <class T>
Entry<T> entry_of(const BatchItem<T>& item) {
  Entry<T> e;
  e.n = e.positions = item.keys.rows;
  e.queries = item.queries.data;
  e.keys = item.keys.data;
  e.values = item.values.data;
  e.key_pages = item.key_pages.empty() ? nullptr : item.key_pages.data();
  e.value_pages = item.value_pages.empty() ? nullptr : item.value_pages.data();
  e.weights = item.weights.empty() ? nullptr : item.weights.data();
  e.log_weights = item.log_weights.empty() ? nullptr : item.log_weights.data();
  e.mask = item.mask;
  e.self_indices = item.self_indices.empty() ? nullptr : item.self_indices.data();
  const Statistics<T>& s = item.statistics;
  const auto pointer = [](auto span) { return span.empty() ? nullptr : span.data(); };
  e.mean = s.mean.data;
  e.log_mass = pointer(s.log_mass);
  e.ess = pointer(s.ess);
  e.count = pointer(s.count);
  e.variance = s.variance.data;
  e.covariance = s.covariance.data;
  e.self_weight = pointer(s.self_weight);
  e.top_indices = s.top_k_indices.data;
  e.top_weights = s.top_k_weights.data;
  e.weights_out = s.weights.data;
  read_priors(item, e.n, e);
  return e;
}

template <class T>
PairBias<T> bias_of(const BatchItem<T>& item, const Problem<T>& p) {
  const PositionBias<T>& by_position = item.position_bias;
  if (!std::isfinite(by_position.slope))
    refuse("the slope of position_bias must be finite, got " + std::to_string(by_position.slope));
  if (!by_position.table.empty() && by_position.table.size() % 2 == 0)
    refuse("the table of position_bias must have 2 r + 1 numbers, got " +
           std::to_string(by_position.table.size()));
  if (std::abs(by_position.offset) > INT64_MAX / 4)
    refuse("the offset of position_bias must be a number of rows, got " +
           std::to_string(by_position.offset));
  return {item.bias, by_position, p.key_offset - p.query_offset - by_position.offset};
}

// Moments are taken about the mean of the finite values: a function of the keys alone.
template <class T>
std::vector<double> center_of(const BatchItem<T>& item, const Problem<T>& p,
                              const Entry<T>& entry) {
  std::vector<double> sum(static_cast<std::size_t>(p.p)), number(static_cast<std::size_t>(p.p));
  for (std::int64_t k = 0; k < entry.n; ++k) {
    if (is_absent(item, k)) continue;
    const T* y = value_row(p, entry, k);
    for (std::int64_t c = 0; c < p.p; ++c) {
      if (!std::isfinite(y[c])) continue;
      sum[static_cast<std::size_t>(c)] += static_cast<double>(y[c]);
      number[static_cast<std::size_t>(c)] += 1;
    }
  }
  for (std::size_t c = 0; c < sum.size(); ++c)
    sum[c] = number[c] > 0 && std::isfinite(sum[c]) ? sum[c] / number[c] : 0;
  return sum;
}

template <class T>
void read_statistics(const Statistics<T>& s, Problem<T>& p) {
  p.k = s.top_k_indices.data == nullptr ? 0 : static_cast<int>(s.top_k_indices.columns);
  p.normalize_weights = s.normalize_weights;
  p.lists_weights = s.weight_lists != nullptr;
  p.variance = s.variance.data != nullptr;
  p.covariance = s.covariance.data != nullptr;
  p.mean_stride = s.mean.stride;
  p.variance_stride = s.variance.stride;
  p.covariance_stride = s.covariance.stride;
  p.top_indices_stride = s.top_k_indices.stride;
  p.top_weights_stride = s.top_k_weights.stride;
  p.weights_stride = s.weights.stride;
  if ((s.top_k_indices.data == nullptr) != (s.top_k_weights.data == nullptr))
    refuse("top_k_indices and top_k_weights go together");
  p.full_header = p.plan.is_signed || !s.ess.empty();
  p.needs_self |= !s.self_weight.empty();
  if (p.pair_columns() > 4096)
    refuse("covariance of " + std::to_string(p.p) + " value columns needs " +
           std::to_string(p.pair_columns()) +
           " products, more than 4096; ask for fewer columns at a time");
}

}  // namespace

template <class T>
Problem<T> open_door(const Plan<T>& plan, std::span<const BatchItem<T>> batch,
                     const Options<T>& options, const SetMetric<T>* metric, bool in_pieces) {
  const DefaultFloatingPoint modes;
  Problem<T> p;
  p.table = &kernels::table<T>();
  if (batch.empty()) return p;
  const BatchItem<T>& first = batch[0];
  p.m = first.queries.rows;
  p.n = first.keys.rows;
  if (options.page_rows > 0)
    for (const BatchItem<T>& item : batch) p.n = std::max(p.n, item.keys.rows);
  p.d = first.keys.columns;
  p.p = first.values.columns;
  check_offset("key_offset", options.key_offset);
  if (p.d < 1) refuse("keys must have at least one feature, got shape " + shape_of(p.n, p.d));
  if (first.queries.columns != p.d)
    refuse("queries and keys must have the same number of features, got " +
           std::to_string(first.queries.columns) + " and " + std::to_string(p.d));
  check_source("values", first.values, "columns");
  p.query_stride = first.queries.stride;
  p.key_stride = first.keys.stride;
  p.value_stride = first.values.stride;
  p.key_offset = options.key_offset;
  p.exclude_self = options.exclude_self;
  p.needs_self = options.exclude_self;
  if (!(options.tol >= 0 && options.tol < 1))
    refuse("tol must be at least 0 and below 1, got " + std::to_string(options.tol));
  if (options.tol > 0 && plan.is_signed) refuse("tol must be 0 for a kernel that may be negative");
  p.tol = options.tol;
  if (options.index != nullptr) {
    const View<const T> indexed = options.index->keys();
    if (batch.size() != 1 || indexed.data != first.keys.data || indexed.rows != p.n ||
        indexed.columns != p.d || indexed.stride != p.key_stride)
      refuse("index must be of the same keys, and there must be one problem");
    p.index = options.index;
    p.tree = &tree_of(*options.index);
  }
  p.empty = options.empty;
  p.empty_value = options.empty_value;
  p.plan = plan;
  read_statistics(first.statistics, p);
  check_offset("query_offset", options.query_offset);
  p.query_offset = options.query_offset;
  p.page_rows = options.page_rows;
  if (metric != nullptr)
    p.neighborhood =
        read_neighbors<T>(options.neighbors, options.query_offset, *metric, p, in_pieces);
  if (p.neighborhood != nullptr) read_edges(p);
  const char* cut = p.tol > 0        ? "where some are left out (tol > 0)"
                    : by_distance(p) ? "where the nearest are looked for"
                                     : nullptr;
  check_pages(p);
  if (p.needs_self && first.self_indices.empty() && p.m != p.n)
    refuse("self_indices must be given when queries and keys differ in number, got " +
           std::to_string(p.m) + " and " + std::to_string(p.n));
  for (const BatchItem<T>& item : batch) {
    check_item(item, p);
    check_alike(first.statistics, item.statistics);
    if (cut != nullptr && p.tree == nullptr) refuse_nan(item, cut);
    if (p.needs_self && item.self_indices.empty() != first.self_indices.empty())
      refuse("self_indices must be given for all items of a batch or for none");
    p.entries.push_back(entry_of(item));
    Entry<T>& entry = p.entries.back();
    entry.bias = bias_of(item, p);
    entry.origin = origin_of(item, p, entry);
    if (p.moment_columns() > 0) entry.value_center = center_of(item, p, entry);
    read_bandwidths(p, item.key_bandwidths, item.query_bandwidths, entry);
  }
  return p;
}

template Problem<float> open_door(const Plan<float>&, std::span<const BatchItem<float>>,
                                  const Options<float>&, const SetMetric<float>*, bool);
template Problem<double> open_door(const Plan<double>&, std::span<const BatchItem<double>>,
                                   const Options<double>&, const SetMetric<double>*, bool);

}  // namespace vicinal
