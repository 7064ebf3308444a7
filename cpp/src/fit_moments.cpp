// fit_moments: the door, and the loop over queries.
#include <atomic>
#include <cmath>
#include <string>

#include "floating_point.hpp"
#include "lowering.hpp"
#include "moment_fit.hpp"
#include "parallel.hpp"

namespace vicinal {

namespace {

template <class T>
void check_matrix(const char* name, const View<T>& view, std::int64_t rows, std::int64_t columns) {
  if (view.rows != rows || view.columns != columns || (view.data == nullptr && rows > 0))
    refuse(std::string(name) + " must be " + std::to_string(rows) + " x " +
           std::to_string(columns) + ", got " + std::to_string(view.rows) + " x " +
           std::to_string(view.columns));
}

template <class T>
void check_column(const char* name, std::span<T> column, std::int64_t rows) {
  if (static_cast<std::int64_t>(column.size()) != rows)
    refuse(std::string(name) + " must have " + std::to_string(rows) + " elements, got " +
           std::to_string(column.size()));
}

void check(const FitMoments& moments, const LinearFits& fits, double ridge) {
  const std::int64_t m = moments.queries.rows, d = moments.queries.columns;
  const std::int64_t p = fits.fitted.columns;
  if (d < 1) refuse("queries must have at least one feature, got 0");
  check_ridge(ridge);
  check_fits(fits, m, d, p);
  check_matrix("mean", moments.mean, m, d + p);
  check_matrix("covariance", moments.covariance, m, (d + p) * (d + p));
  check_column("log_mass", moments.log_mass, m);
  if (!fits.self_weight.empty()) {
    check_column("self_share", moments.self_share, m);
    check_matrix("self_points", moments.self_points, m, d);
  }
  if (fits.standard_errors.data != nullptr) {
    check_matrix("squared_mean", moments.squared_mean, m, d);
    check_matrix("squared_covariance", moments.squared_covariance, m, d * d);
    check_column("squared_log_mass", moments.squared_log_mass, m);
  }
}

}  // namespace

void check_ridge(double ridge) {
  if (!(ridge >= 0 && std::isfinite(ridge)))
    refuse("ridge must be finite and at least 0, got " + std::to_string(ridge));
}

void check_fits(const LinearFits& fits, std::int64_t m, std::int64_t d, std::int64_t p) {
  check_matrix("fitted", fits.fitted, m, p);
  if (fits.slopes.data != nullptr) check_matrix("slopes", fits.slopes, m, d * p);
  if (!fits.self_weight.empty()) check_column("self_weight", fits.self_weight, m);
  if (!fits.pivots.empty()) check_column("pivots", fits.pivots, m);
  if (fits.standard_errors.data != nullptr)
    check_matrix("standard_errors", fits.standard_errors, m, (1 + d) * p);
}

std::int64_t fit_moments(const FitMoments& moments, const LinearFits& fits, double ridge,
                         int num_threads) {
  constexpr std::int64_t step = 64;
  const DefaultFloatingPoint modes;
  check(moments, fits, ridge);
  const std::int64_t m = moments.queries.rows;
  const int asked = num_threads > 0 ? num_threads : max_threads();
  const auto threads =
      static_cast<int>(std::clamp<std::int64_t>((m + step - 1) / step, 1, std::min(asked, 1024)));
  std::vector<MomentFit> solvers(static_cast<std::size_t>(threads),
                                 MomentFit(moments, fits, ridge));
  std::atomic<std::int64_t> next{0}, regularised{0};
  parallel(
      threads,
      [&](int worker) {
        MomentFit& solver = solvers[static_cast<std::size_t>(worker)];
        std::int64_t count = 0;
        for (std::int64_t first; (first = next.fetch_add(step)) < m;)
          for (std::int64_t i = first; i < std::min(first + step, m); ++i) count += solver.run(i);
        regularised += count;
      },
      [] {});
  return regularised;
}

}  // namespace vicinal
