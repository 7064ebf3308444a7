// Likelihoods of one query's list: Newton's method on Σ w (cumulant(η) − y η) and penalties.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "kernels/table.hpp"
#include "list_fit.hpp"

namespace vicinal {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double inner(const double* a, const double* b, std::int64_t n) noexcept {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Where Newton's method starts: the logit of a value that is moved off the border.
double logit_of(double value) noexcept {
  constexpr double log_3 = 1.0986122886681098;  // of labels
  return value == 0 ? -log_3 : value == 1 ? log_3 : std::log((value + 0.5) / (1.5 - value));
}

}  // namespace

bool ListFit::likelihood(std::int64_t i, std::int64_t y) noexcept {
  bool regularised = factor(basis_.weights(), 0);
  if (!newton(y, 0)) {
    constexpr double floor = 1e-6;
    regularised = true;
    newton(y, floor);
  }
  write_row(i, y);
  const double mean = fits_.fitted.row(i)[y];
  if (fits_.standard_errors.data != nullptr) {
    weigh_squares(curvature_.data());
    write_errors(i, y, 1);
  }
  write_influence(i, options_.family == Family::binomial ? mean * (1 - mean) : mean);
  return regularised && std::isfinite(mean);
}

// Mean, curvature and residual of every key at these coefficients; the sum that is minimised.
double ListFit::evaluate(const double* c, std::int64_t y, double floor) noexcept {
  predict(c, eta_.data());
  double sum = options_.family == Family::binomial
                   ? kernels::table<double>().list_logits({eta_.data(), basis_.values(y),
                                                           basis_.weights(), basis_.size(),
                                                           curvature_.data(), residual_.data()})
                   : evaluate_counts(y);
  for (std::int64_t a = 0; a < r_; ++a)
    sum += (basis_.penalties()[at(a)] + floor) / 2 * c[a] * c[a];
  return sum;
}

double ListFit::evaluate_counts(std::int64_t y) noexcept {
  const double *w = basis_.weights(), *values = basis_.values(y);
  double sums[ListBasis::lanes] = {};
  for (std::int64_t j = 0; j < basis_.size(); ++j) {
    const double eta = eta_[at(j)], mean = std::exp(eta);
    curvature_[at(j)] = w[j] * mean;
    residual_[at(j)] = w[j] * (values[j] - mean);
    if (w[j] > 0) sums[j % ListBasis::lanes] += w[j] * (mean - values[j] * eta);
  }
  return std::accumulate(std::begin(sums), std::end(sums), 0.0);
}

void ListFit::gradient(double floor) noexcept {
  project(residual_.data(), gradient_.data());
  for (std::int64_t a = 0; a < r_; ++a)
    gradient_[at(a)] -= (basis_.penalties()[at(a)] + floor) * beta_[at(a)];
}

// Newton's method with halved steps. False: there is no maximum, or none within reach.
bool ListFit::newton(std::int64_t y, double floor) noexcept {
  constexpr int most_steps = 100, most_halvings = 40;
  start(y, floor);
  double sum = evaluate(beta_.data(), y, floor);
  if (!std::isfinite(sum)) {
    std::fill(beta_.begin(), beta_.end(), 0.0);
    sum = evaluate(beta_.data(), y, floor);
  }
  for (int count = 0; count < most_steps; ++count) {
    gradient(floor);
    if (floor == 0) {
      if (has_no_maximum()) return false;  // else these are the factors that the step needs
    } else {
      factor(curvature_.data(), floor);
    }
    step_ = gradient_;
    solver_.solve(step_.data());
    const double decrement = inner(gradient_.data(), step_.data(), r_);
    if (!std::isfinite(decrement)) {
      std::fill(beta_.begin(), beta_.end(), nan);
      return true;
    }
    const bool last = decrement <= 1e-12 * (1 + std::abs(sum));
    double share = 1, next = 0;
    for (int halving = 0; halving < most_halvings; ++halving, share /= 2) {
      for (std::int64_t a = 0; a < r_; ++a) trial_[at(a)] = beta_[at(a)] + share * step_[at(a)];
      next = evaluate(trial_.data(), y, floor);
      if (last || next <= sum - 1e-4 * share * decrement) break;
    }
    beta_ = trial_;
    sum = next;
    if (last) return floor > 0 || !has_no_maximum();
  }
  return floor > 0;
}

// One weighted least-squares step from the values themselves, moved off the border.
void ListFit::start(std::int64_t y, double floor) noexcept {
  const double *w = basis_.weights(), *values = basis_.values(y);
  const bool binomial = options_.family == Family::binomial;
  for (std::int64_t j = 0; j < basis_.size(); ++j) {
    const double mean = binomial ? (values[j] + 0.5) / 2 : values[j] + 0.1;
    const double v = binomial ? mean * (1 - mean) : mean;
    const double eta = binomial ? logit_of(values[j]) : std::log(mean);
    curvature_[at(j)] = w[j] * v;
    residual_[at(j)] = w[j] * (v * eta + values[j] - mean);
  }
  factor(curvature_.data(), floor);
  project(residual_.data(), beta_.data());
  solver_.solve(beta_.data());
}

// Of a likelihood without a maximum the curvature vanishes along some direction.
bool ListFit::has_no_maximum() noexcept {
  constexpr double vanished = 1e-8;
  fill(curvature_.data(), 0);
  return solver_.trace() < vanished || solver_.factor(0, 1e-11);
}

}  // namespace vicinal
