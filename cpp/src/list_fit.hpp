// The fit of one query from the list of its keys: a weighted least-squares problem, or Newton's
// method for a likelihood, in the cache.
#pragma once

#include <optional>
#include <vector>

#include "interior_point.hpp"
#include "list_basis.hpp"
#include "small_solve.hpp"

namespace vicinal {

// Memory of one thread.
class ListFit {
 public:
  ListFit(const FitLists& lists, const FitDesign& design, View<const double> values,
          const ListFits& fits, const ListFitOptions& options);

  // Writes row i; true if it was regularised.
  bool run(std::int64_t i) noexcept;

 private:
  static std::size_t at(std::int64_t i) noexcept { return static_cast<std::size_t>(i); }
  double added(std::int64_t a) const noexcept {
    return basis_.is_intercept(a) ? 0 : solver_.added();
  }
  void write_nothing(std::int64_t i) noexcept;
  void fill(const double* weights, double floor) noexcept;
  bool factor(const double* weights, double floor) noexcept;
  bool least_squares(std::int64_t i) noexcept;
  bool likelihood(std::int64_t i, std::int64_t y) noexcept;
  bool quantile(std::int64_t i, std::int64_t y) noexcept;
  bool newton(std::int64_t y, double floor) noexcept;
  void start(std::int64_t y, double floor) noexcept;
  double evaluate(const double* coefficients, std::int64_t y, double floor) noexcept;
  double evaluate_counts(std::int64_t y) noexcept;
  void gradient(double floor) noexcept;
  bool has_no_maximum() noexcept;
  void predict(const double* coefficients, double* out) const noexcept;
  void residuals(const double* coefficients, std::int64_t y) noexcept;
  void project(const double* weighted, double* out) const noexcept;
  void write_row(std::int64_t i, std::int64_t y) noexcept;
  void write_influence(std::int64_t i, double slope) noexcept;
  void write_errors(std::int64_t i, std::int64_t y, double variance) noexcept;
  double free_share() noexcept;
  void weigh_squares(const double* curvature) noexcept;

  const FitLists& lists_;
  const ListFits& fits_;
  const ListFitOptions& options_;
  ListBasis basis_;
  SmallSolve solver_;
  std::optional<InteriorPoint> interior_;
  std::int64_t r_, p_;
  double ridge_ = 0;
  std::vector<double> beta_, step_, trial_, gradient_, work_;  // r
  std::vector<double> squares_;                                // r × r: Σ w² v x xᵀ
  std::vector<double> eta_, curvature_, residual_, product_;   // of the list
};

}  // namespace vicinal
