#include "list_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double inner(const double* a, const double* b, std::int64_t n) noexcept {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

ListFit::ListFit(const FitLists& lists, const FitDesign& design, View<const double> values,
                 const ListFits& fits, const ListFitOptions& options)
    : lists_(lists),
      fits_(fits),
      options_(options),
      basis_(lists, design, values, options.key_factors),
      solver_(basis_.columns()),
      r_(basis_.columns()),
      p_(values.columns) {
  for (auto* numbers : {&beta_, &step_, &trial_, &gradient_, &work_}) numbers->resize(at(r_));
  if (fits.standard_errors.data != nullptr) squares_.resize(at(r_ * r_));
  for (auto* numbers : {&eta_, &curvature_, &residual_, &product_})
    numbers->resize(at(basis_.capacity()));
  if (options.family == Family::quantile) interior_.emplace(basis_.capacity(), r_);
}

bool ListFit::run(std::int64_t i) noexcept {
  ridge_ = options_.ridges.empty() ? options_.ridge : options_.ridges[at(i)];
  if (!basis_.fill(i, ridge_)) {
    write_nothing(i);
    return false;
  }
  if (options_.family == Family::gaussian) return least_squares(i);
  bool regularised = false;
  for (std::int64_t y = 0; y < p_; ++y)
    regularised |= options_.family == Family::quantile ? quantile(i, y) : likelihood(i, y);
  return regularised;
}

void ListFit::write_nothing(std::int64_t i) noexcept {
  std::fill_n(fits_.fitted.row(i), p_, nan);
  for (const View<double>& view : {fits_.coefficients, fits_.standard_errors})
    if (view.data != nullptr) std::fill_n(view.row(i), r_ * p_, nan);
  if (!fits_.self_weight.empty()) fits_.self_weight[at(i)] = basis_.is_empty() ? 0 : nan;
  if (!fits_.influence.empty())
    std::fill(fits_.influence.begin() + lists_.indptr[at(i)],
              fits_.influence.begin() + lists_.indptr[at(i + 1)], nan);
}

// Σ w x xᵀ + penalties.
void ListFit::fill(const double* weights, double floor) noexcept {
  solver_.clear(r_);
  kernels::table<double>().list_products(basis_.all(), weights, solver_.row(0), r_);
  for (std::int64_t a = 0; a < r_; ++a) solver_.row(a)[a] += basis_.penalties()[at(a)] + floor;
}

// True if it was singular.
bool ListFit::factor(const double* weights, double floor) noexcept {
  fill(weights, floor);
  return solver_.factor() && std::isfinite(solver_.trace());
}

void ListFit::predict(const double* c, double* out) const noexcept {
  kernels::table<double>().list_combination(basis_.all(), c, out);
}

// Keys of weight 0 are not in lists; padding must not meet what is not finite.
void ListFit::residuals(const double* c, std::int64_t y) noexcept {
  predict(c, eta_.data());
  const double *w = basis_.weights(), *values = basis_.values(y);
  for (std::int64_t j = 0; j < basis_.size(); ++j) residual_[at(j)] = values[j] - eta_[at(j)];
  for (std::int64_t j = 0; j < basis_.size(); ++j) product_[at(j)] = w[j] * residual_[at(j)];
}

void ListFit::project(const double* weighted, double* out) const noexcept {
  kernels::table<double>().list_projections(basis_.all(), weighted, out);
}

// Normal equations, and the same again for the residuals: their digits are those of a QR. What was
// added to a singular matrix is a penalty of all coefficients but the constant's.
bool ListFit::least_squares(std::int64_t i) noexcept {
  const std::int64_t n = basis_.size();
  const bool regularised = factor(basis_.weights(), 0);
  const int passes = regularised ? 4 : 2;
  const bool errors = fits_.standard_errors.data != nullptr;
  if (errors) weigh_squares(nullptr);
  const double rest = errors ? free_share() : 0;
  for (std::int64_t y = 0; y < p_; ++y) {
    std::fill(beta_.begin(), beta_.end(), 0.0);
    for (int pass = 0; pass < passes; ++pass) {
      residuals(beta_.data(), y);
      project(product_.data(), step_.data());
      for (std::int64_t a = 0; a < r_; ++a)
        step_[at(a)] -= (basis_.penalties()[at(a)] + added(a)) * beta_[at(a)];
      solver_.solve(step_.data());
      for (std::int64_t a = 0; a < r_; ++a) beta_[at(a)] += step_[at(a)];
    }
    write_row(i, y);
    if (!errors) continue;
    residuals(beta_.data(), y);
    const double variance = dot(product_.data(), residual_.data(), n) / rest;
    // No residual is free where the fit interpolates, but for the share that was added.
    write_errors(i, y, rest > (regularised ? 1e-8 : 1e-12) ? variance : nan);
  }
  write_influence(i, 1);
  return regularised;
}

bool ListFit::quantile(std::int64_t i, std::int64_t y) noexcept {
  const bool regularised = factor(basis_.weights(), 0);
  interior_->run(basis_, y, options_.level, beta_.data());
  write_row(i, y);
  return regularised;
}

void ListFit::write_row(std::int64_t i, std::int64_t y) noexcept {
  const double eta = inner(beta_.data(), basis_.query().data(), r_);
  double& fitted = fits_.fitted.row(i)[y];
  fitted = options_.family == Family::binomial  ? 1 / (1 + std::exp(-eta))
           : options_.family == Family::poisson ? std::exp(eta)
                                                : eta;
  if (fits_.coefficients.data == nullptr) return;
  double* coefficients = fits_.coefficients.row(i) + y;
  basis_.write(beta_.data(), coefficients, p_);
  if (basis_.is_polynomial()) coefficients[0] = eta;  // the same number, to its last digit
}

// ∂ fitted / ∂ yⱼ = wⱼ x_qᵀ A⁻¹ xⱼ, times the slope of the mean.
void ListFit::write_influence(std::int64_t i, double slope) noexcept {
  if (fits_.self_weight.empty() && fits_.influence.empty()) return;
  std::copy(basis_.query().begin(), basis_.query().end(), step_.begin());
  solver_.solve(step_.data());
  const double* w = basis_.weights();
  if (!fits_.influence.empty()) {
    predict(step_.data(), eta_.data());
    const std::int64_t begin = lists_.indptr[at(i)], end = lists_.indptr[at(i + 1)];
    for (std::int64_t j = begin; j < end; ++j)
      fits_.influence[at(j)] = slope * w[j - begin] * eta_[at(j - begin)];
  }
  if (fits_.self_weight.empty()) return;
  const std::int64_t own = basis_.place_of(options_.own_keys[at(i)]);
  double sum = 0;
  for (std::int64_t a = 0; own >= 0 && a < r_; ++a) sum += step_[at(a)] * basis_.column(a)[own];
  fits_.self_weight[at(i)] = own < 0 ? 0 : slope * w[own] * sum;
}

// Σ w² v x xᵀ, v the curvature over w.
void ListFit::weigh_squares(const double* curvature) noexcept {
  const double* w = basis_.weights();
  for (std::int64_t j = 0; j < basis_.size(); ++j)
    product_[at(j)] = w[j] * (curvature == nullptr ? w[j] : curvature[j]);
  kernels::table<double>().list_products(basis_.all(), product_.data(), squares_.data(), r_);
  for (std::int64_t a = 0; a < r_; ++a)
    for (std::int64_t b = a; b < r_; ++b) squares_[at(b * r_ + a)] = squares_[at(a * r_ + b)];
}

// tr(W − W X A⁻¹ XᵀW) over Σ w.
double ListFit::free_share() noexcept {
  double trace = 0;
  for (std::int64_t a = 0; a < r_; ++a) {
    std::copy_n(squares_.data() + a * r_, r_, work_.data());
    solver_.solve(work_.data());
    trace += work_[at(a)];
  }
  return 1 - trace;
}

void ListFit::write_errors(std::int64_t i, std::int64_t y, double variance) noexcept {
  double* errors = fits_.standard_errors.row(i);
  for (std::int64_t a = 0; a < r_; ++a) {
    basis_.functional(a, work_.data());
    solver_.solve(work_.data());
    double sum = 0;
    for (std::int64_t b = 0; b < r_; ++b)
      sum += work_[at(b)] * inner(squares_.data() + b * r_, work_.data(), r_);
    errors[a * p_ + y] = basis_.is_constant(a) ? nan : std::sqrt(variance * std::max(sum, 0.0));
  }
}

}  // namespace vicinal
