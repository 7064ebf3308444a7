#include "check_item.hpp"

#include <cmath>
#include <string>

#include "lowering.hpp"

namespace vicinal {

namespace {

void check_rows(const char* name, std::int64_t got, std::int64_t wanted) {
  if (got != wanted)
    refuse(std::string(name) + " must have " + std::to_string(wanted) + " rows, got " +
           std::to_string(got));
}

template <class T>
void check_view(const char* name, const View<T>& view, std::int64_t rows, std::int64_t columns) {
  if (view.data == nullptr) return;
  if (view.rows != rows || view.columns != columns)
    refuse(std::string(name) + " must have shape " + shape_of(rows, columns) + ", got " +
           shape_of(view.rows, view.columns));
}

template <class T>
void check_span(const char* name, std::span<T> span, std::int64_t size) {
  if (!span.empty() && static_cast<std::int64_t>(span.size()) != size)
    refuse(std::string(name) + " must have " + std::to_string(size) + " elements, got " +
           std::to_string(span.size()));
}

}  // namespace

std::string shape_of(std::int64_t rows, std::int64_t columns) {
  return "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
}

void check_offset(const char* name, std::int64_t offset) {
  if (offset < 0)
    refuse(std::string(name) + " must not be negative, got " + std::to_string(offset));
  if (offset > INT64_MAX / 2)
    refuse(std::string(name) + " must be at most 2^62, got " + std::to_string(offset));
}

template <class T>
void check_source(const char* name, const View<T>& view, const char* what) {
  if (view.rows < 0 || view.columns < 0)
    refuse(std::string(name) + " must not have a negative shape, got " +
           shape_of(view.rows, view.columns));
  if (view.columns > most_columns)
    refuse(std::string(name) + " must have at most " + std::to_string(most_columns) + " " + what +
           ", got " + std::to_string(view.columns));
  if (view.data == nullptr && view.rows > 0 && view.columns > 0)
    refuse(std::string(name) + " must point to data, got a null pointer");
}

template <class T>
void check_alike(const Statistics<T>& a, const Statistics<T>& b) {
  const auto matrix = [](const auto& x, const auto& y) {
    return (x.data == nullptr) == (y.data == nullptr) && x.stride == y.stride;
  };
  const auto vector = [](const auto& x, const auto& y) { return x.empty() == y.empty(); };
  if (!matrix(a.mean, b.mean) || !matrix(a.variance, b.variance) ||
      !matrix(a.covariance, b.covariance) || !matrix(a.top_k_indices, b.top_k_indices) ||
      !matrix(a.top_k_weights, b.top_k_weights) || !matrix(a.weights, b.weights) ||
      (a.weight_lists == nullptr) != (b.weight_lists == nullptr) ||
      !vector(a.log_mass, b.log_mass) || !vector(a.ess, b.ess) || !vector(a.count, b.count) ||
      !vector(a.self_weight, b.self_weight) || a.normalize_weights != b.normalize_weights)
    refuse("all items of a batch must ask for the same statistics with the same strides");
}

template <class T>
void check_item(const BatchItem<T>& item, const Problem<T>& p) {
  check_source("queries", item.queries, "features");
  check_source("keys", item.keys, "features");
  check_source("values", item.values, "columns");
  check_rows("queries", item.queries.rows, p.m);
  const std::int64_t n = p.page_rows > 0 ? item.keys.rows : p.n;
  check_rows("keys", item.keys.rows, item.statistics.weights.data != nullptr ? p.n : n);
  if (item.queries.columns != item.keys.columns)
    refuse("queries and keys must have the same number of features, got " +
           std::to_string(item.queries.columns) + " and " + std::to_string(item.keys.columns));
  if (item.values.columns > 0) check_rows("values", item.values.rows, n);
  if (item.queries.stride != p.query_stride || item.keys.stride != p.key_stride ||
      (item.values.columns > 0 && item.values.stride != p.value_stride))
    refuse("all items of a batch must have the same strides");
  check_span("weights", item.weights, n);
  check_span("log_weights", item.log_weights, n);
  check_span("self_indices", item.self_indices, p.m);
  const std::int64_t pages = p.page_rows > 0 ? (n + p.page_rows - 1) / p.page_rows : 0;
  if (pages > 0 || !item.key_pages.empty())
    check_rows("key_pages", std::ssize(item.key_pages), pages);
  if ((pages > 0 && p.p > 0) || !item.value_pages.empty())
    check_rows("value_pages", std::ssize(item.value_pages), pages);
  check_span("key_bandwidths", item.key_bandwidths, n);
  check_span("query_bandwidths", item.query_bandwidths, p.m);
  if (!item.weights.empty() && !item.log_weights.empty())
    refuse("give weights or log_weights, not both");
  const Statistics<T>& s = item.statistics;
  if (item.values.columns == 0 &&
      (s.mean.data != nullptr || s.variance.data != nullptr || s.covariance.data != nullptr))
    refuse("values are needed for mean, variance and covariance");
  check_view("mean", s.mean, p.m, p.p);
  check_view("variance", s.variance, p.m, p.p);
  check_view("covariance", s.covariance, p.m, p.p * p.p);
  check_view("top_k_indices", s.top_k_indices, p.m, p.k);
  check_view("top_k_weights", s.top_k_weights, p.m, p.k);
  check_view("weights", s.weights, p.m, p.n);
  check_span("log_mass", s.log_mass, p.m);
  check_span("ess", s.ess, p.m);
  check_span("count", s.count, p.m);
  check_span("self_weight", s.self_weight, p.m);
}

// Trees, lists and columns of keys are read where the keys stand in one piece.
template <class T>
void check_pages(const Problem<T>& p) {
  if (p.page_rows < 0) refuse("page_rows must be at least 0, got " + std::to_string(p.page_rows));
  if (p.page_rows == 0) return;
  bool cuts = p.tol > 0 || p.index != nullptr || listed(p);
  for (const auto& term : p.plan.terms)
    for (const auto& factor : term.factors) cuts |= std::isfinite(factor.reach);
  if (p.neighborhood != nullptr) {
    cuts |= std::isfinite(p.neighborhood->radius_score);
    for (const NeighborSet* gate : p.neighborhood->gates)
      cuts |= gate->kind != NeighborSet::Kind::window && gate->kind != NeighborSet::Kind::blocks;
  }
  if (cuts)
    refuse(
        "keys in pages are met in order: compact kernels, tol > 0, an index and neighbors other "
        "than windows and blocks of rows need them in one piece");
}

#define VICINAL_INSTANTIATE(T)                                                \
  template void check_source(const char*, const View<const T>&, const char*); \
  template void check_alike(const Statistics<T>&, const Statistics<T>&);      \
  template void check_item(const BatchItem<T>&, const Problem<T>&);           \
  template void check_pages(const Problem<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
