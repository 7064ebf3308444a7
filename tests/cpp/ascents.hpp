// Mean shift for tests: groups of points, outputs of a call, and the oracle, one seed after another
// by the formula in long double.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>

#include "sample.hpp"
#include "vicinal/mean_shift.hpp"

namespace ascents {

// Normal points about three centers that stand in a row, `gap` apart.
template <class T>
sample::Matrix<T> groups(std::int64_t n, std::int64_t d, double gap, unsigned seed) {
  auto points = sample::normal<T>(n, d, seed);
  for (std::int64_t i = 0; i < n; ++i) points.row(i)[0] += static_cast<T>(gap * double(i % 3));
  return points;
}

template <class T>
struct Outputs {
  sample::Matrix<T> ends, before;
  std::vector<std::int64_t> iterations, mode;
  std::vector<std::int8_t> status;

  Outputs(std::int64_t seeds, std::int64_t d)
      : ends(seeds, d),
        before(seeds, d),
        iterations(static_cast<std::size_t>(seeds), -7),
        mode(iterations),
        status(iterations.size(), 77) {}
  vicinal::MeanShiftOutputs<T> all() {
    return {ends.view(), iterations, status, mode, before.view()};
  }
  bool operator==(const Outputs& o) const {
    return sample::same_bits(ends, o.ends) && sample::same_bits(before, o.before) &&
           iterations == o.iterations && mode == o.mode && status == o.status;
  }
  std::int64_t count(vicinal::AscentStatus s) const {
    return std::count(status.begin(), status.end(), static_cast<std::int8_t>(s));
  }
};

template <class T>
Outputs<T> shift(const sample::Matrix<T>& keys, const sample::Matrix<T>& seeds,
                 const vicinal::KernelSum& kernel,
                 const vicinal::MeanShiftOptions<T>& options = {}) {
  Outputs<T> out(seeds.rows, seeds.columns);
  vicinal::mean_shift(keys.view(), seeds.view(), kernel, out.all(), options);
  return out;
}

using Real = long double;
using Weight = std::function<Real(const Real* q, std::int64_t key)>;

// Ends and steps of one seed. No weight anywhere: −1 steps.
template <class T>
std::pair<std::vector<Real>, std::int64_t> climb(const T* seed, const sample::Matrix<T>& keys,
                                                 const Weight& weight, double alpha, double tol,
                                                 std::int64_t max_iter) {
  const auto d = static_cast<std::size_t>(keys.columns);
  std::vector<Real> q(seed, seed + d);
  for (std::int64_t taken = 1; taken <= max_iter; ++taken) {
    std::vector<Real> mean(d);
    Real mass = 0, square = 0;
    for (std::int64_t i = 0; i < keys.rows; ++i) {
      const Real w = weight(q.data(), i);
      mass += w;
      for (std::size_t j = 0; j < d; ++j) mean[j] += w * Real(keys.row(i)[j]);
    }
    if (mass == 0) return {q, -1};
    for (std::size_t j = 0; j < d; ++j) {
      const Real step = Real(alpha) * (mean[j] / mass - q[j]);
      q[j] += step;
      square += step * step;
    }
    if (std::sqrt(square) <= Real(tol)) return {q, taken};
  }
  return {q, max_iter};
}

template <class T>
Real squared_distance(const Real* q, const T* x, std::int64_t d) {
  Real sum = 0;
  for (std::int64_t j = 0; j < d; ++j) sum += (q[j] - Real(x[j])) * (q[j] - Real(x[j]));
  return sum;
}

}  // namespace ascents
