// local_fit: the door, and constants.
#include "vicinal/local_fit.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "check_item.hpp"
#include "line_fits.hpp"
#include "lowering.hpp"
#include "moment_fit.hpp"

namespace vicinal {

namespace {

std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

LocalFitReport fit_constants(const KernelSum& kernel, View<const double> queries,
                             View<const double> keys, View<const double> values,
                             const LinearFits& fits, const Options<double>& options) {
  if (fits.slopes.data != nullptr)
    refuse("slopes must not be given for degree 0, whose fits are constants");
  if (!fits.pivots.empty()) refuse("pivots must not be given for degree 0, which solves nothing");
  check_fits(fits, queries.rows, 0, values.columns);
  std::vector<double> ess(fits.standard_errors.data == nullptr ? 0 : size_of(queries.rows));
  const Report report = local_stats(kernel, queries, keys, values,
                                    {.mean = fits.fitted,
                                     .ess = ess,
                                     .variance = fits.standard_errors,
                                     .self_weight = fits.self_weight},
                                    options);
  if (!ess.empty() && !report.interrupted)
    for (std::int64_t i = 0; i < queries.rows; ++i) {
      const double free = ess[size_of(i)] - 1;
      for (std::int64_t y = 0; y < values.columns; ++y) {
        double& error = fits.standard_errors.row(i)[y];
        error = free > 1e-12 ? std::sqrt(error / free) : std::numeric_limits<double>::quiet_NaN();
      }
    }
  return {.empty_rows = report.empty_rows,
          .pairs_visited = report.pairs_visited,
          .interrupted = report.interrupted};
}

}  // namespace

LocalFitReport local_fit(const KernelSum& kernel, View<const double> queries,
                         View<const double> keys, View<const double> values, const LinearFits& fits,
                         const LocalFitOptions& fit, const Options<double>& options) {
  if (fit.degree != 0 && fit.degree != 1)
    refuse("degree must be 0 (constants) or 1 (lines), got " + std::to_string(fit.degree));
  check_ridge(fit.ridge);
  check_source("queries", queries, "features");
  check_source("keys", keys, "features");
  check_source("values", values, "columns");
  if (queries.columns != keys.columns)
    refuse("queries and keys must have the same number of features, got " +
           std::to_string(queries.columns) + " and " + std::to_string(keys.columns));
  if (values.rows != keys.rows || values.columns < 1)
    refuse("values must have a row per key (" + std::to_string(keys.rows) +
           ") and a column at least, got " + std::to_string(values.rows) + " x " +
           std::to_string(values.columns));
  LocalFitReport report =
      fit.degree == 0 ? fit_constants(kernel, queries, keys, values, fits, options)
                      : LineFits(kernel, queries, keys, values, fits, fit.ridge, options).run();
  if (!report.interrupted)
    report.edf = std::accumulate(fits.self_weight.begin(), fits.self_weight.end(), 0.0);
  return report;
}

}  // namespace vicinal
