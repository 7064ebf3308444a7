// Points, values and outputs of the tests: the same numbers in every run and on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "vicinal/local_mean.hpp"

namespace sample {

// Normal numbers by Box and Muller: std::normal_distribution differs between libraries.
class Numbers {
 public:
  explicit Numbers(unsigned seed) : engine_(seed) {}
  double uniform() { return (static_cast<double>(engine_()) + 0.5) / 4294967296.0; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(uniform() * double(n)); }

 private:
  std::mt19937 engine_;
};

template <class T>
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<T> data;

  Matrix(std::int64_t m, std::int64_t n)
      : rows(m), columns(n), data(static_cast<std::size_t>(m * n)) {}
  vicinal::View<T> view() { return {data.data(), rows, columns}; }
  vicinal::View<const T> view() const { return {data.data(), rows, columns}; }
  const T* row(std::int64_t i) const { return data.data() + i * columns; }
  T* row(std::int64_t i) { return data.data() + i * columns; }
};

template <class T, class Draw>
Matrix<T> filled(std::int64_t rows, std::int64_t columns, Draw&& draw) {
  Matrix<T> matrix(rows, columns);
  for (T& x : matrix.data) x = static_cast<T>(draw());
  return matrix;
}

template <class T>
Matrix<T> normal(std::int64_t rows, std::int64_t columns, unsigned seed) {
  Numbers numbers(seed);
  return filled<T>(rows, columns, [&] { return numbers.normal(); });
}

// One problem: m queries, n keys of d features, values of p columns.
template <class T>
struct Points {
  Matrix<T> queries, keys, values;

  Points(std::int64_t m, std::int64_t n, std::int64_t d, std::int64_t p, unsigned seed = 1)
      : queries(normal<T>(m, d, seed)),
        keys(normal<T>(n, d, seed + 1)),
        values(normal<T>(n, p, seed + 2)) {}

  vicinal::Report mean(const vicinal::KernelSum& kernel, Matrix<T>& out,
                       const vicinal::Options<T>& options = {}) const {
    return vicinal::local_mean(kernel, queries.view(), keys.view(), values.view(), out.view(),
                               options);
  }
  Matrix<T> mean(const vicinal::KernelSum& kernel, const vicinal::Options<T>& options = {}) const {
    Matrix<T> out(queries.rows, values.columns);
    mean(kernel, out, options);
    return out;
  }
};

// Room for every statistic.
template <class T>
struct Outputs {
  Matrix<T> mean, variance, covariance, top_k_weights, weights;
  Matrix<std::int64_t> top_k_indices;
  std::vector<T> log_mass, ess, self_weight;
  std::vector<std::int64_t> count;

  Outputs(std::int64_t m, std::int64_t n, std::int64_t p, std::int64_t k)
      : mean(m, p),
        variance(m, p),
        covariance(m, p * p),
        top_k_weights(m, k),
        weights(m, n),
        top_k_indices(m, k),
        log_mass(static_cast<std::size_t>(m)),
        ess(log_mass),
        self_weight(log_mass),
        count(static_cast<std::size_t>(m)) {}

  vicinal::Statistics<T> all() {
    return {.mean = mean.view(),
            .log_mass = log_mass,
            .ess = ess,
            .count = count,
            .variance = variance.view(),
            .covariance = covariance.view(),
            .self_weight = self_weight,
            .top_k_indices = top_k_indices.view(),
            .top_k_weights = top_k_weights.view(),
            .weights = weights.view()};
  }
  bool operator==(const Outputs& o) const {
    const auto same = [](const auto& a, const auto& b) {
      return a.size() == b.size() &&
             (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
    };
    return same(mean.data, o.mean.data) && same(variance.data, o.variance.data) &&
           same(covariance.data, o.covariance.data) && same(weights.data, o.weights.data) &&
           same(top_k_weights.data, o.top_k_weights.data) &&
           same(top_k_indices.data, o.top_k_indices.data) && same(log_mass, o.log_mass) &&
           same(ess, o.ess) && same(self_weight, o.self_weight) && same(count, o.count);
  }
};

// Equal to the bit, NaN included.
template <class T>
bool same_bits(const Matrix<T>& a, const Matrix<T>& b) {
  return a.data.size() == b.data.size() &&
         (a.data.empty() ||
          std::memcmp(a.data.data(), b.data.data(), a.data.size() * sizeof(T)) == 0);
}

}  // namespace sample
