// The linear fit of one query from the weighted moments of (x, y).
#pragma once

#include <vector>

#include "small_solve.hpp"
#include "vicinal/local_fit.hpp"

namespace vicinal {

// Throws std::invalid_argument for outputs that are not those of m queries, d slopes and p values.
void check_fits(const LinearFits& fits, std::int64_t m, std::int64_t d, std::int64_t p);
void check_ridge(double ridge);

// Memory of one thread: O(d²).
class MomentFit {
 public:
  MomentFit(const FitMoments& moments, const LinearFits& fits, double ridge);

  // Writes row i; true if it was regularised.
  bool run(std::int64_t i) noexcept;

 private:
  double covariance(std::int64_t i, std::int64_t a, std::int64_t b) const noexcept {
    return moments_.covariance.row(i)[a * (d_ + p_) + b];
  }
  void write_empty(std::int64_t i) noexcept;
  double fill(std::int64_t i) noexcept;
  void solve(double* b) const noexcept;
  void write_slopes(std::int64_t i) noexcept;
  void write_self_weight(std::int64_t i) noexcept;
  void write_errors(std::int64_t i) noexcept;
  double squared_norm(std::int64_t i, const double* v) const noexcept;
  double residual_variance(std::int64_t i, std::int64_t y) const noexcept;

  const FitMoments& moments_;
  const LinearFits& fits_;
  double ridge_;
  std::int64_t d_, p_;
  SmallSolve solver_;
  std::vector<double> unit_;     // d: standard deviations of the features, ∞ for constant ones
  std::vector<double> slopes_;   // p × d
  std::vector<double> offset_;   // d: q − x̄
  std::vector<double> towards_;  // d: C_xx⁻¹ (q − x̄)
  std::vector<double> shift_;    // d: mean of x under w² − x̄
  std::vector<double> inverse_;  // d × d, rows of C_xx⁻¹
};

}  // namespace vicinal
