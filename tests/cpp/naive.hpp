// The oracle: local means by the formula, one loop, in long double. Its exponent range is so wide
// that no weight of these tests underflows, so that it needs no tricks of its own.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "vicinal/local_mean.hpp"

namespace naive {

using Real = long double;
using vicinal::Kernel;
using vicinal::Metric;
using vicinal::Profile;

inline bool takes_inner_product(Profile p) {
  return p == Profile::softmax || p == Profile::polynomial || p == Profile::sigmoid ||
         p == Profile::von_mises_fisher;
}

inline bool takes_categories(Profile p) {
  return p == Profile::aitchison_aitken || p == Profile::wang_van_ryzin;
}

// A pair of points as one factor sees it.
template <class T>
struct Pair {
  const Kernel& kernel;
  const T* q;
  const T* x;
  std::int64_t d;

  std::int64_t width() const {
    return kernel.columns.empty() ? d : static_cast<std::int64_t>(kernel.columns.size());
  }
  std::int64_t column(std::int64_t j) const {
    return kernel.columns.empty() ? j : kernel.columns[static_cast<std::size_t>(j)];
  }
  Real bandwidth(std::int64_t j) const {
    return kernel.bandwidths.empty() ? kernel.bandwidth
                                     : kernel.bandwidths[static_cast<std::size_t>(j)];
  }
  Real query(std::int64_t j) const { return q[column(j)]; }
  Real key(std::int64_t j) const { return x[column(j)]; }
  Real scaled_difference(std::int64_t j) const { return (query(j) - key(j)) / bandwidth(j); }

  Real dot() const {
    Real sum = 0;
    for (std::int64_t j = 0; j < width(); ++j) sum += query(j) * key(j);
    return sum;
  }
  Real cosine() const {  // a zero row is at a right angle to all others
    Real qq = 0, xx = 0;
    for (std::int64_t j = 0; j < width(); ++j) qq += query(j) * query(j), xx += key(j) * key(j);
    if (qq == 0 || xx == 0) return qq == xx ? 1 : 0;
    return dot() / std::sqrt(qq * xx);
  }
  Real mahalanobis() const {
    Real sum = 0;
    for (std::int64_t i = 0; i < kernel.components.rows; ++i) {
      Real t = 0;
      for (std::int64_t j = 0; j < width(); ++j)
        t += kernel.components.row(i)[j] * scaled_difference(j);
      sum += t * t;
    }
    return std::sqrt(sum);
  }
  Real angle(Real unit) const {  // by the haversine formula
    const Real u = std::sin((query(0) - key(0)) * unit / 2);
    const Real v = std::sin((query(1) - key(1)) * unit / 2);
    const Real h = u * u + std::cos(query(0) * unit) * std::cos(key(0) * unit) * v * v;
    return 2 * std::asin(std::min<Real>(1, std::sqrt(h)));
  }
  Real sum_of_powers(int power) const {
    Real sum = 0;
    for (std::int64_t j = 0; j < width(); ++j) {
      const Real t = std::abs(scaled_difference(j));
      sum = power == 0 ? std::max(sum, t) : sum + (power == 1 ? t : t * t);
    }
    return power == 2 ? std::sqrt(sum) : sum;
  }
};

// u = distance / bandwidth.
template <class T>
Real scaled_distance(const Pair<T>& pair) {
  const Real h = pair.bandwidth(0);
  switch (pair.kernel.metric) {
    case Metric::manhattan:
      return pair.sum_of_powers(1);
    case Metric::chebyshev:
      return pair.sum_of_powers(0);
    case Metric::haversine:
      return pair.angle(1) / h;
    case Metric::great_circle:
      return pair.kernel.scale * pair.angle(std::numbers::pi_v<Real> / 180) / h;
    case Metric::mahalanobis:
      return pair.mahalanobis();
    case Metric::cosine:
      return (1 - pair.cosine()) / h;
    default:
      return pair.sum_of_powers(2);
  }
}

inline Real inside(Real u, Real weight) { return u < 1 ? weight : 0; }

inline Real distance_weight(const Kernel& k, Real u) {
  const Real s = u * u, nu = k.shape;
  switch (k.profile) {
    case Profile::gaussian:
      return std::exp(-s / 2);
    case Profile::laplace:
      return std::exp(-u);
    case Profile::logistic:
      return 1 / (std::exp(u) + 2 + std::exp(-u));
    case Profile::cauchy:
      return 1 / (1 + s);
    case Profile::student_t:
      return std::pow(1 + s / nu, -(nu + 1) / 2);
    case Profile::rational_quadratic:
      return std::pow(1 + s / (2 * nu), -nu);
    case Profile::matern: {
      const Real v = std::sqrt(2 * nu) * u;
      if (nu == Real(0.5)) return std::exp(-v);
      return (1 + v + (nu == Real(2.5) ? v * v / 3 : 0)) * std::exp(-v);
    }
    case Profile::epanechnikov:
      return inside(u, 1 - s);
    case Profile::biweight:
      return inside(u, (1 - s) * (1 - s));
    case Profile::triweight:
      return inside(u, (1 - s) * (1 - s) * (1 - s));
    case Profile::tricube:
      return inside(u, std::pow(1 - u * s, Real(3)));
    case Profile::triangular:
      return inside(u, 1 - u);
    case Profile::cosine:
      return inside(u, std::cos(std::numbers::pi_v<Real> / 2 * u));
    case Profile::uniform:
      return u <= 1 ? 1 : 0;
    case Profile::wendland_c2:
      return inside(u, std::pow(1 - u, Real(4)) * (4 * u + 1));
    case Profile::inverse_distance:
      return std::pow(u, -nu);
    case Profile::function:
      return k.function(static_cast<double>(u));
    default:
      return 1;  // constant
  }
}

template <class T>
Real inner_product_weight(const Pair<T>& pair) {
  const Kernel& k = pair.kernel;
  const bool cosine = k.metric == Metric::cosine || k.profile == Profile::von_mises_fisher;
  const Real t = (cosine ? pair.cosine() : pair.dot()) / k.bandwidth;
  if (k.profile == Profile::sigmoid) return std::tanh(t + k.offset);
  if (k.profile != Profile::polynomial)
    return std::exp(k.shape > 0 ? k.shape * std::tanh(t / k.shape) : t);
  const Real base = t + k.offset;
  return k.rectified && base < 0 ? 0 : std::pow(base, Real(k.shape));
}

template <class T>
Real category_weight(const Pair<T>& pair) {
  const Kernel& k = pair.kernel;
  Real weight = 1;
  for (std::int64_t j = 0; j < pair.width(); ++j) {
    const Real h = pair.bandwidth(j), gap = std::abs(pair.query(j) - pair.key(j));
    const Real other =
        k.profile == Profile::aitchison_aitken ? h / (k.shape - 1) : (1 - h) * std::pow(h, gap) / 2;
    weight *= gap == 0 ? 1 - h : other;
  }
  return weight;
}

template <class T>
Real weight(const Kernel& kernel, const T* q, const T* x, std::int64_t d) {
  const Pair<T> pair{kernel, q, x, d};
  if (takes_inner_product(kernel.profile)) return inner_product_weight(pair);
  if (takes_categories(kernel.profile)) return category_weight(pair);
  return distance_weight(kernel, scaled_distance(pair));
}

template <class T>
Real weight(const vicinal::KernelSum& kernel, const T* q, const T* x, std::int64_t d) {
  Real sum = 0;
  for (const auto& term : kernel.terms) {
    Real product = term.coefficient;
    for (const Kernel& factor : term.factors) product *= weight(factor, q, x, d);
    sum += product;
  }
  return sum;
}

// Every statistic of one row, from its weights.
struct Row {
  std::vector<Real> weights, mean, covariance;
  Real mass = 0, magnitude = 0, square = 0;
  std::int64_t count = 0;

  Real ess() const { return magnitude * magnitude / square; }
  Real log_mass() const { return std::log(std::abs(mass)); }
  Real condition() const { return magnitude / std::abs(mass); }  // 1 for weights of one sign
};

template <class T>
Row row_of(std::vector<Real> weights, vicinal::View<const T> values) {
  Row row;
  const auto p = static_cast<std::size_t>(values.columns);
  row.mean.assign(p, 0);
  row.covariance.assign(p * p, 0);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const T* y = values.row(static_cast<std::int64_t>(k));
    row.mass += weights[k];
    row.magnitude += std::abs(weights[k]);
    row.square += weights[k] * weights[k];
    row.count += weights[k] != 0;
    for (std::size_t c = 0; c < p; ++c) row.mean[c] += weights[k] * y[c];
  }
  for (Real& m : row.mean) m /= row.mass;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const T* y = values.row(static_cast<std::int64_t>(k));
    for (std::size_t a = 0; a < p; ++a)
      for (std::size_t b = 0; b < p; ++b)
        row.covariance[a * p + b] +=
            weights[k] * (y[a] - row.mean[a]) * (y[b] - row.mean[b]) / row.mass;
  }
  row.weights = std::move(weights);
  return row;
}

// Row i of a call with these options.
template <class T>
Row row_of(const vicinal::KernelSum& kernel, std::int64_t i, vicinal::View<const T> queries,
           vicinal::View<const T> keys, vicinal::View<const T> values,
           const vicinal::Options<T>& options = {}) {
  std::vector<Real> weights;
  const std::int64_t own =
      options.self_indices.empty() ? i : options.self_indices[static_cast<std::size_t>(i)];
  for (std::int64_t k = 0; k < keys.rows; ++k) {
    const auto at = static_cast<std::size_t>(k);
    Real w = weight(kernel, queries.row(i), keys.row(k), keys.columns);
    if (!options.weights.empty()) w *= options.weights[at];
    if (!options.log_weights.empty()) w *= std::exp(Real(options.log_weights[at]));
    if (options.bias) w *= std::exp(Real(options.bias.row(i)[k * options.bias.column_stride]));
    if (options.mask && !options.mask.row(i)[k * options.mask.column_stride]) w = 0;
    if (options.exclude_self && own == k) w = 0;
    weights.push_back(w);
  }
  return row_of(std::move(weights), values);
}

}  // namespace naive
