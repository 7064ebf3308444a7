// fit_lists: the door, and the loop over queries.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "floating_point.hpp"
#include "list_fit.hpp"
#include "lowering.hpp"
#include "moment_fit.hpp"
#include "parallel.hpp"

namespace vicinal {

namespace {

constexpr std::int64_t most_columns = 1024;

template <class T>
void check_matrix(const char* name, const View<T>& view, std::int64_t rows, std::int64_t columns) {
  if (view.rows != rows || view.columns != columns || (view.data == nullptr && rows > 0))
    refuse(std::string(name) + " must be " + std::to_string(rows) + " x " +
           std::to_string(columns) + ", got " + std::to_string(view.rows) + " x " +
           std::to_string(view.columns));
}

template <class T>
void check_column(const char* name, std::span<T> column, std::int64_t rows) {
  if (!column.empty() && static_cast<std::int64_t>(column.size()) != rows)
    refuse(std::string(name) + " must have " + std::to_string(rows) + " elements, got " +
           std::to_string(column.size()));
}

void check_lists(const FitLists& lists, std::int64_t m, std::int64_t n) {
  if (static_cast<std::int64_t>(lists.indptr.size()) != m + 1)
    refuse("indptr must have " + std::to_string(m + 1) + " elements, got " +
           std::to_string(lists.indptr.size()));
  const auto entries = static_cast<std::int64_t>(lists.indices.size());
  if (lists.indptr.front() != 0 || lists.indptr.back() != entries ||
      !std::is_sorted(lists.indptr.begin(), lists.indptr.end()))
    refuse("indptr must rise from 0 to the number of indices, " + std::to_string(entries));
  check_column("weights", lists.weights, entries);
  if (std::any_of(lists.indices.begin(), lists.indices.end(),
                  [n](std::int64_t key) { return key < 0 || key >= n; }))
    refuse("indices must be from 0 to below " + std::to_string(n));
  if (std::any_of(lists.weights.begin(), lists.weights.end(), [](double w) { return w < 0; }))
    refuse("weights must not be negative");
}

std::int64_t columns_of(const FitDesign& design) {
  if (design.queries.columns != design.keys.columns || design.keys.columns < 1)
    refuse("queries and keys of a design must have the same number of columns, at least 1, got " +
           std::to_string(design.queries.columns) + " and " + std::to_string(design.keys.columns));
  if (design.degree < -1 || design.degree > 3)
    refuse("degree must be from 0 to 3, or -1 for columns that are given, got " +
           std::to_string(design.degree));
  double columns = 1;  // (d + degree)! / (d! degree!)
  for (int k = 1; k <= design.degree; ++k)
    columns *= static_cast<double>(design.keys.columns + k) / k;
  if (design.degree < 0) columns = static_cast<double>(design.keys.columns);
  if (columns > most_columns)
    refuse("a local fit must have at most " + std::to_string(most_columns) + " columns, got " +
           std::to_string(static_cast<std::int64_t>(columns + 0.5)));
  return static_cast<std::int64_t>(columns + 0.5);
}

void check_outputs(const ListFits& fits, const ListFitOptions& options, std::int64_t m,
                   std::int64_t r, std::int64_t p, std::int64_t entries) {
  check_matrix("fitted", fits.fitted, m, p);
  if (fits.coefficients.data != nullptr) check_matrix("coefficients", fits.coefficients, m, r * p);
  if (fits.standard_errors.data != nullptr)
    check_matrix("standard_errors", fits.standard_errors, m, r * p);
  check_column("self_weight", fits.self_weight, m);
  check_column("influence", fits.influence, entries);
  if (!fits.self_weight.empty() && static_cast<std::int64_t>(options.own_keys.size()) != m)
    refuse("own_keys must have " + std::to_string(m) + " elements for self_weight, got " +
           std::to_string(options.own_keys.size()));
  const bool influence = !fits.self_weight.empty() || !fits.influence.empty();
  if (influence && options.family != Family::gaussian && p != 1)
    refuse("self_weight and influence of a likelihood need one column of values, got " +
           std::to_string(p));
}

void check_quantile(const ListFits& fits, const ListFitOptions& options) {
  if (!(options.level > 0 && options.level < 1))
    refuse("level must be above 0 and below 1, got " + std::to_string(options.level));
  if (options.ridge > 0 || !options.ridges.empty()) refuse("ridge must be 0 for quantiles");
  if (fits.standard_errors.data != nullptr || !fits.self_weight.empty() || !fits.influence.empty())
    refuse("standard_errors, self_weight and influence are not available for quantiles");
}

void check_options(const ListFitOptions& options, std::int64_t m, std::int64_t n) {
  check_ridge(options.ridge);
  check_column("ridges", options.ridges, m);
  std::for_each(options.ridges.begin(), options.ridges.end(), check_ridge);
  check_column("key_factors", options.key_factors, n);
  if (std::any_of(options.key_factors.begin(), options.key_factors.end(),
                  [](double f) { return !(f >= 0 && std::isfinite(f)); }))
    refuse("key_factors must be finite and at least 0");
}

}  // namespace

std::int64_t fit_lists(const FitLists& lists, const FitDesign& design, View<const double> values,
                       const ListFits& fits, const ListFitOptions& options) {
  constexpr std::int64_t step = 8;
  const DefaultFloatingPoint modes;
  const std::int64_t m = design.queries.rows, n = design.keys.rows;
  check_lists(lists, m, n);
  const std::int64_t r = columns_of(design);
  if (values.columns > 0 || n > 0) check_matrix("values", values, n, values.columns);
  check_outputs(fits, options, m, r, values.columns,
                static_cast<std::int64_t>(lists.indices.size()));
  check_options(options, m, n);
  if (options.family == Family::quantile) check_quantile(fits, options);
  const int asked = options.num_threads > 0 ? options.num_threads : max_threads();
  const auto threads =
      static_cast<int>(std::clamp<std::int64_t>((m + step - 1) / step, 1, std::min(asked, 1024)));
  std::vector<ListFit> solvers;
  solvers.reserve(static_cast<std::size_t>(threads));
  for (int worker = 0; worker < threads; ++worker)
    solvers.emplace_back(lists, design, values, fits, options);
  std::atomic<std::int64_t> next{0}, regularised{0};
  parallel(
      threads,
      [&](int worker) {
        ListFit& solver = solvers[static_cast<std::size_t>(worker)];
        std::int64_t count = 0;
        for (std::int64_t first; (first = next.fetch_add(step)) < m;)
          for (std::int64_t i = first; i < std::min(first + step, m); ++i) count += solver.run(i);
        regularised += count;
      },
      [] {});
  return regularised;
}

}  // namespace vicinal
