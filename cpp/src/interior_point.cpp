#include "interior_point.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

InteriorPoint::InteriorPoint(std::int64_t most_keys, std::int64_t columns)
    : r_(columns), solver_(columns) {
  for (auto* numbers : {&a_, &room_, &z_, &v_, &da_, &dz_, &dv_, &q_, &along_, &da_dz_, &da_dv_})
    numbers->resize(at(most_keys));
  for (auto* numbers : {&b_, &db_}) numbers->resize(at(r_));
}

void InteriorPoint::run(const ListBasis& basis, std::int64_t y, double level,
                        double* coefficients) noexcept {
  constexpr int most_steps = 60;
  basis_ = &basis, n_ = basis.size();
  const double size = start(y, level);
  if (!std::isfinite(size))
    std::fill(b_.begin(), b_.end(), std::numeric_limits<double>::quiet_NaN());
  for (int step = 0; step < most_steps && size > 0 && gap() > 1e-14 * size; ++step) {
    for (std::int64_t j = 0; j < n_; ++j)
      q_[at(j)] = 1 / (z_[at(j)] / a_[at(j)] + v_[at(j)] / room_[at(j)]);
    factor(q_);
    find_direction(0, false);
    measure();
    if (std::min(primal_, dual_) < 1) {
      const double mu = centering();
      for (std::int64_t j = 0; j < n_; ++j) {
        da_dz_[at(j)] = da_[at(j)] * dz_[at(j)] / a_[at(j)];
        da_dv_[at(j)] = -da_[at(j)] * dv_[at(j)] / room_[at(j)];
      }
      find_direction(mu, true);
      measure();
    }
    if (!(primal_ > 1e-12 || dual_ > 1e-12)) break;  // the digits are used up
    move();
  }
  std::copy_n(b_.data(), r_, coefficients);
}

// b is the least-squares fit; returns Σ w |r|.
double InteriorPoint::start(std::int64_t y, double level) noexcept {
  const double *w = basis_->weights(), *values = basis_->values(y);
  std::copy_n(w, n_, q_.data());
  for (std::int64_t j = 0; j < n_; ++j) along_[at(j)] = w[j] * values[j];
  const auto& table = kernels::table<double>();
  table.list_projections(basis_->all(), along_.data(), b_.data());
  solver_.clear(r_);
  table.list_products(basis_->all(), w, solver_.row(0), r_);
  solver_.factor();
  solver_.solve(b_.data());
  table.list_combination(basis_->all(), b_.data(), along_.data());
  double size = 0;
  for (std::int64_t j = 0; j < n_; ++j) size += std::abs(w[j] * (values[j] - along_[at(j)]));
  for (std::int64_t j = 0; j < n_; ++j) {
    const double off = 1e-3 * (w[j] > 0 ? w[j] : 1) * size,
                 rest = w[j] * (values[j] - along_[at(j)]);
    a_[at(j)] = 1 - level, room_[at(j)] = level;
    z_[at(j)] = std::max(-rest, 0.0) + off, v_[at(j)] = std::max(rest, 0.0) + off;
  }
  return size;
}

double InteriorPoint::gap() const noexcept {
  const double* w = basis_->weights();
  double sum = 0;
  for (std::int64_t j = 0; j < n_; ++j)
    if (w[j] > 0) sum += z_[at(j)] * a_[at(j)] + v_[at(j)] * room_[at(j)];
  return sum;
}

// Σ q w² x xᵀ.
void InteriorPoint::factor(const std::vector<double>& q) noexcept {
  const double* w = basis_->weights();
  for (std::int64_t j = 0; j < n_; ++j) along_[at(j)] = q[at(j)] * w[j] * w[j];
  solver_.clear(r_);
  kernels::table<double>().list_products(basis_->all(), along_.data(), solver_.row(0), r_);
  solver_.factor();
}

// What z − v has to become less by, beside what the step of b takes.
double InteriorPoint::corrected(std::int64_t j, double mu) const noexcept {
  const double rest = z_[at(j)] - v_[at(j)];
  if (mu == 0) return rest;
  return rest - mu * (1 / a_[at(j)] - 1 / room_[at(j)]) + da_dz_[at(j)] - da_dv_[at(j)];
}

// The Newton step towards z a = v (1 − a) = mu at a feasible point.
void InteriorPoint::find_direction(double mu, bool corrects) noexcept {
  const double* w = basis_->weights();
  const double target = corrects ? mu : 0;
  for (std::int64_t j = 0; j < n_; ++j) along_[at(j)] = w[j] * q_[at(j)] * corrected(j, target);
  const auto& table = kernels::table<double>();
  table.list_projections(basis_->all(), along_.data(), db_.data());
  solver_.solve(db_.data());
  table.list_combination(basis_->all(), db_.data(), along_.data());
  for (std::int64_t j = 0; j < n_; ++j) {
    const double a = a_[at(j)], room = room_[at(j)], z = z_[at(j)], v = v_[at(j)];
    const double da = w[j] > 0 ? q_[at(j)] * (w[j] * along_[at(j)] - corrected(j, target)) : 0;
    da_[at(j)] = da;
    dz_[at(j)] = target / a - z - z * da / a - (target > 0 ? da_dz_[at(j)] : 0);
    dv_[at(j)] = target / room - v + v * da / room - (target > 0 ? da_dv_[at(j)] : 0);
  }
}

// The longest steps, up to 1, that stay inside.
void InteriorPoint::measure() noexcept {
  constexpr double inside = 0.99995;
  double primal = 1 / inside, dual = 1 / inside;
  const double* w = basis_->weights();
  for (std::int64_t j = 0; j < n_; ++j) {
    if (w[j] == 0) continue;
    const double da = da_[at(j)], dz = dz_[at(j)], dv = dv_[at(j)];
    if (da < 0) primal = std::min(primal, -a_[at(j)] / da);
    if (da > 0) primal = std::min(primal, room_[at(j)] / da);
    if (dz < 0) dual = std::min(dual, -z_[at(j)] / dz);
    if (dv < 0) dual = std::min(dual, -v_[at(j)] / dv);
  }
  primal_ = std::min(1.0, inside * primal), dual_ = std::min(1.0, inside * dual);
}

// Mehrotra's mu: the mean gap, times the cube of the share that the predictor would leave.
double InteriorPoint::centering() const noexcept {
  const double* w = basis_->weights();
  double left = 0;
  std::int64_t count = 0;
  for (std::int64_t j = 0; j < n_; ++j) {
    if (w[j] == 0) continue;
    const double step = primal_ * da_[at(j)];
    left += (z_[at(j)] + dual_ * dz_[at(j)]) * (a_[at(j)] + step) +
            (v_[at(j)] + dual_ * dv_[at(j)]) * (room_[at(j)] - step);
    ++count;
  }
  const double now = gap(), share = left / now;
  return std::max(now * share * share * share / static_cast<double>(2 * count), 1e-300);
}

void InteriorPoint::move() noexcept {
  for (std::int64_t j = 0; j < n_; ++j) {
    if (basis_->weights()[j] == 0) continue;
    a_[at(j)] += primal_ * da_[at(j)], room_[at(j)] -= primal_ * da_[at(j)];
    z_[at(j)] += dual_ * dz_[at(j)], v_[at(j)] += dual_ * dv_[at(j)];
  }
  // z − v = w (xᵀb − y): the multipliers of b are −b.
  for (std::int64_t c = 0; c < r_; ++c) b_[at(c)] -= dual_ * db_[at(c)];
}

}  // namespace vicinal
