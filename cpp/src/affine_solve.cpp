#include "affine_solve.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {

template <class T>
AffineSolve<T>::AffineSolve(View<const T> keys, std::int64_t most_neighbors, double reg,
                            Ridge ridge)
    : keys_(keys),
      reg_(std::min(reg, 1e100)),  // beyond it the weights are equal, and nothing overflows
      ridge_(ridge),
      gram_(most_neighbors),
      points_(static_cast<std::size_t>(most_neighbors)),
      differences_(static_cast<std::size_t>(block * most_neighbors)),
      squares_(points_.size()),
      w_(points_.size()) {}

template <class T>
std::int64_t AffineSolve<T>::run(const T* query, std::span<const std::int64_t> rows,
                                 T* weights) noexcept {
  k_ = 0;
  for (const std::int64_t row : rows)
    if (row >= 0) points_[static_cast<std::size_t>(k_++)] = keys_.row(row);
  fill_gram(query, 1);
  double trace = gram_.trace();
  if (!(trace > 1e-200 && trace < 1e200)) {  // squares may have left the range of double
    if (const double largest = largest_difference(query); largest > 0 && std::isfinite(largest)) {
      fill_gram(query, std::exp2(std::clamp(-std::ilogb(largest), -1000, 1000)));
      trace = gram_.trace();
    }
  }
  if (!std::isfinite(trace))
    std::fill_n(w_.data(), k_, std::numeric_limits<double>::quiet_NaN());
  else if (ridge_ == Ridge::trace)
    solve_by_trace(trace);
  else
    solve_by_distance();
  const double* w = w_.data();
  for (const std::int64_t row : rows) *weights++ = row >= 0 ? static_cast<T>(*w++) : T(0);
  return k_;
}

// Gᵢⱼ = (xᵢ − q) · (xⱼ − q), features in index order.
template <class T>
void AffineSolve<T>::fill_gram(const T* query, double scale) noexcept {
  gram_.clear(k_);
  for (std::int64_t first = 0; first < keys_.columns; first += block) {
    const std::int64_t features = std::min(block, keys_.columns - first);
    for (std::int64_t j = 0; j < k_; ++j) {
      const T* x = points_[static_cast<std::size_t>(j)] + first;
      for (std::int64_t f = 0; f < features; ++f)
        differences_[static_cast<std::size_t>(f * k_ + j)] =
            scale * static_cast<double>(x[f]) - scale * static_cast<double>(query[first + f]);
    }
    for (std::int64_t f = 0; f < features; ++f) {
      const double* z = differences_.data() + f * k_;
      for (std::int64_t i = 0; i < k_; ++i) {
        double* g = gram_.row(i);
        for (std::int64_t j = i; j < k_; ++j) g[j] += z[i] * z[j];
      }
    }
  }
}

template <class T>
double AffineSolve<T>::largest_difference(const T* query) const noexcept {
  double largest = 0;
  for (std::int64_t j = 0; j < k_; ++j)
    for (std::int64_t f = 0; f < keys_.columns; ++f) {
      const double size = std::fabs(static_cast<double>(points_[static_cast<std::size_t>(j)][f]) -
                                    static_cast<double>(query[f]));
      if (!(size <= largest)) largest = size;  // NaN stays
      if (std::isnan(largest)) return largest;
    }
  return largest;
}

template <class T>
void AffineSolve<T>::solve_by_trace(double trace) noexcept {
  if (trace == 0) return share_among_coincident();
  std::fill_n(w_.data(), k_, 1.0);
  gram_.factor(reg_ * trace);
  gram_.solve(w_.data());
  normalize();
}

// With D = diag(d): (G + reg · k · D²) w ∝ 1 is (D⁻¹ G D⁻¹ + reg · k · I) (D w) ∝ D⁻¹ 1, whose
// matrix has a unit diagonal however near a key is.
template <class T>
void AffineSolve<T>::solve_by_distance() noexcept {
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t j = 0; j < k_; ++j) {
    squares_[static_cast<std::size_t>(j)] = std::sqrt(gram_.row(j)[j]);
    least = std::min(least, squares_[static_cast<std::size_t>(j)]);
  }
  if (least == 0) return share_among_coincident();
  const double* d = squares_.data();
  for (std::int64_t i = 0; i < k_; ++i) {
    double* g = gram_.row(i);
    g[i] = 1;
    for (std::int64_t j = i + 1; j < k_; ++j) g[j] = g[j] / d[i] / d[j];
    w_[static_cast<std::size_t>(i)] = least / d[i];
  }
  gram_.factor(reg_ * static_cast<double>(k_));
  gram_.solve(w_.data());
  for (std::int64_t i = 0; i < k_; ++i) w_[static_cast<std::size_t>(i)] *= least / d[i];
  normalize();
}

template <class T>
void AffineSolve<T>::share_among_coincident() noexcept {
  for (std::int64_t j = 0; j < k_; ++j)
    w_[static_cast<std::size_t>(j)] = gram_.row(j)[j] == 0 ? 1 : 0;
  normalize();
}

template <class T>
void AffineSolve<T>::normalize() noexcept {
  double sum = 0;
  for (std::int64_t j = 0; j < k_; ++j) sum += w_[static_cast<std::size_t>(j)];
  for (std::int64_t j = 0; j < k_; ++j) w_[static_cast<std::size_t>(j)] /= sum;
}

template class AffineSolve<float>;
template class AffineSolve<double>;

}  // namespace vicinal
