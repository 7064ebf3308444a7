#include "moment_fit.hpp"

#include <cmath>

namespace vicinal {

namespace {

std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

double dot(const double* a, const double* b, std::int64_t n) noexcept {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

MomentFit::MomentFit(const FitMoments& moments, const LinearFits& fits, double ridge)
    : moments_(moments),
      fits_(fits),
      ridge_(ridge),
      d_(moments.queries.columns),
      p_(fits.fitted.columns),
      solver_(d_),
      unit_(size_of(d_)),
      slopes_(size_of(d_ * p_)),
      offset_(unit_.size()),
      towards_(unit_.size()),
      shift_(unit_.size()),
      inverse_(fits.standard_errors.data == nullptr ? 0 : size_of(d_ * d_)) {}

bool MomentFit::run(std::int64_t i) noexcept {
  if (moments_.log_mass[size_of(i)] == -std::numeric_limits<double>::infinity()) {
    write_empty(i);
    return false;
  }
  const double rounding = fill(i);
  const bool finite = std::isfinite(solver_.trace());
  const bool regularised = solver_.factor(0, rounding) && finite;
  if (!fits_.pivots.empty())
    fits_.pivots[size_of(i)] = regularised ? 0 : finite ? solver_.least_pivot() : 1;
  const double* mean = moments_.mean.row(i);
  for (std::int64_t a = 0; a < d_; ++a)
    towards_[size_of(a)] = offset_[size_of(a)] = moments_.queries.row(i)[a] - mean[a];
  solve(towards_.data());
  write_slopes(i);
  if (!fits_.self_weight.empty()) write_self_weight(i);
  if (fits_.standard_errors.data != nullptr) write_errors(i);
  return regularised;
}

void MomentFit::write_empty(std::int64_t i) noexcept {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::int64_t y = 0; y < p_; ++y) {
    const double value = fits_.fitted.row(i)[y] = moments_.mean.row(i)[d_ + y];
    if (fits_.slopes.data == nullptr) continue;
    for (std::int64_t a = 0; a < d_; ++a)
      fits_.slopes.row(i)[a * p_ + y] = std::isnan(value) ? nan : 0;
  }
  if (!fits_.self_weight.empty()) fits_.self_weight[size_of(i)] = 0;
  if (!fits_.pivots.empty()) fits_.pivots[size_of(i)] = 1;
  if (fits_.standard_errors.data != nullptr)
    std::fill_n(fits_.standard_errors.row(i), (1 + d_) * p_, nan);
}

// C_xx + ridge · I between features of unit variance. A variance is the difference of two moments,
// so that its rounding is a few ε of the squared mean. A feature that is constant but for this
// takes no part; for the others the largest share of it in their sum of variances is returned.
double MomentFit::fill(std::int64_t i) noexcept {
  constexpr double epsilon = 16 * std::numeric_limits<double>::epsilon();
  double rounding = 0;
  solver_.clear(d_);
  for (std::int64_t a = 0; a < d_; ++a) {
    const double variance = covariance(i, a, a) + ridge_, mean = moments_.mean.row(i)[a];
    const double noise = epsilon * mean * mean;
    unit_[size_of(a)] =
        variance <= noise ? std::numeric_limits<double>::infinity() : std::sqrt(variance);
    if (variance > noise) rounding = std::max(rounding, noise / variance);
  }
  for (std::int64_t a = 0; a < d_; ++a)
    for (std::int64_t b = a; b < d_; ++b)
      solver_.row(a)[b] =
          (covariance(i, a, b) + (a == b ? ridge_ : 0)) / unit_[size_of(a)] / unit_[size_of(b)];
  return rounding / static_cast<double>(d_);
}

void MomentFit::solve(double* b) const noexcept {
  for (std::int64_t a = 0; a < d_; ++a) b[a] /= unit_[size_of(a)];
  solver_.solve(b);
  for (std::int64_t a = 0; a < d_; ++a) b[a] /= unit_[size_of(a)];
}

void MomentFit::write_slopes(std::int64_t i) noexcept {
  for (std::int64_t y = 0; y < p_; ++y) {
    double* slope = slopes_.data() + y * d_;
    for (std::int64_t a = 0; a < d_; ++a) slope[a] = covariance(i, a, d_ + y);
    solve(slope);
    fits_.fitted.row(i)[y] = moments_.mean.row(i)[d_ + y] + dot(slope, offset_.data(), d_);
    if (fits_.slopes.data != nullptr)
      for (std::int64_t a = 0; a < d_; ++a) fits_.slopes.row(i)[a * p_ + y] = slope[a];
  }
}

// fitted = Σ lⱼ yⱼ with lⱼ = w̃ⱼ (1 + (xⱼ − x̄)ᵀ C_xx⁻¹ (q − x̄)).
void MomentFit::write_self_weight(std::int64_t i) noexcept {
  const double share = moments_.self_share[size_of(i)];
  double sum = 1;
  for (std::int64_t a = 0; share != 0 && a < d_; ++a)
    sum += (moments_.self_points.row(i)[a] - moments_.mean.row(i)[a]) * towards_[size_of(a)];
  fits_.self_weight[size_of(i)] = share == 0 ? 0 : share * sum;
}

// Under w̃², whose mass is A, mean x̄ + s and covariance S:
//   Σ w̃² ((x − x̄)ᵀ v)² = A ((sᵀv)² + vᵀSv),   Σ w̃² (1 + (x − x̄)ᵀ v)² = A ((1 + sᵀv)² + vᵀSv).
void MomentFit::write_errors(std::int64_t i) noexcept {
  const double mass =
      std::exp(moments_.squared_log_mass[size_of(i)] - 2 * moments_.log_mass[size_of(i)]);
  for (std::int64_t a = 0; a < d_; ++a) {
    shift_[size_of(a)] = moments_.squared_mean.row(i)[a] - moments_.mean.row(i)[a];
    double* row = inverse_.data() + a * d_;
    std::fill_n(row, d_, 0.0);
    row[a] = 1;
    solve(row);
  }
  double trace = 1;  // of (XᵀWX)⁻¹ XᵀW²X, over A
  for (std::int64_t a = 0; a < d_; ++a) {
    const double* row = inverse_.data() + a * d_;
    trace += shift_[size_of(a)] * dot(row, shift_.data(), d_) +
             dot(row, moments_.squared_covariance.row(i) + a * d_, d_);
  }
  const double rest = 1 - mass * trace;
  const double towards = dot(shift_.data(), towards_.data(), d_) + 1;
  const double at_query = towards * towards + squared_norm(i, towards_.data());
  double* errors = fits_.standard_errors.row(i);
  for (std::int64_t y = 0; y < p_; ++y) {
    // No residual is free where the fit interpolates.
    const double variance = rest > 1e-12 ? residual_variance(i, y) * mass / rest
                                         : std::numeric_limits<double>::quiet_NaN();
    errors[y] = std::sqrt(variance * at_query);
    for (std::int64_t a = 0; a < d_; ++a) {
      const double* row = inverse_.data() + a * d_;
      const double along = dot(shift_.data(), row, d_);
      errors[(1 + a) * p_ + y] = std::isinf(unit_[size_of(a)])  // nothing determines this slope
                                     ? std::numeric_limits<double>::quiet_NaN()
                                     : std::sqrt(variance * (along * along + squared_norm(i, row)));
    }
  }
}

double MomentFit::squared_norm(std::int64_t i, const double* v) const noexcept {
  double sum = 0;
  for (std::int64_t a = 0; a < d_; ++a)
    sum += v[a] * dot(moments_.squared_covariance.row(i) + a * d_, v, d_);
  return std::max(sum, 0.0);
}

// Σ w̃ r² = C_yy − 2 bᵀC_xy + bᵀC_xx b.
double MomentFit::residual_variance(std::int64_t i, std::int64_t y) const noexcept {
  const double* slope = slopes_.data() + y * d_;
  double sum = covariance(i, d_ + y, d_ + y);
  for (std::int64_t a = 0; a < d_; ++a) {
    double along = -2 * covariance(i, a, d_ + y);
    for (std::int64_t b = 0; b < d_; ++b) along += covariance(i, a, b) * slope[b];
    sum += slope[a] * along;
  }
  return sum < 0 ? 0 : sum;
}

}  // namespace vicinal
