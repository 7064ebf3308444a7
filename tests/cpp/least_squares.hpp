// Local fits for tests: places for the results, and the oracle, weighted least squares of one query
// by its normal equations in long double.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "sample.hpp"
#include "vicinal/local_fit.hpp"

namespace least_squares {

using Real = long double;
using Square = std::vector<std::vector<Real>>;

struct Outputs {
  sample::Matrix<double> fitted, slopes, standard_errors;
  std::vector<double> self_weight;

  Outputs(std::int64_t rows, std::int64_t features, std::int64_t columns)
      : fitted(rows, columns),
        slopes(rows, features * columns),
        standard_errors(rows, (1 + features) * columns),
        self_weight(static_cast<std::size_t>(rows)) {}
  vicinal::LinearFits all() {
    return {fitted.view(), slopes.view(), standard_errors.view(), self_weight};
  }
};

// Gauss and Jordan with pivots.
inline Square inverse(Square a) {
  const std::size_t size = a.size();
  Square b(size, std::vector<Real>(size));
  for (std::size_t i = 0; i < size; ++i) b[i][i] = 1;
  for (std::size_t i = 0; i < size; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i; r < size; ++r)
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    std::swap(a[i], a[pivot]), std::swap(b[i], b[pivot]);
    const Real scale = a[i][i];
    for (std::size_t c = 0; c < size; ++c) a[i][c] /= scale, b[i][c] /= scale;
    for (std::size_t r = 0; r < size; ++r) {
      const Real factor = a[r][i];
      if (r == i || factor == 0) continue;
      for (std::size_t c = 0; c < size; ++c)
        a[r][c] -= factor * a[i][c], b[r][c] -= factor * b[i][c];
    }
  }
  return b;
}

// Σ w (y − a − bᵀ(x − q))² / Σ w + ridge · ‖b‖² at its least; columns of the design: 1, x − q.
struct Line {
  std::vector<Real> q;
  Square inverse;                    // of XᵀWX + ridge Σw
  Square meat;                       // XᵀW²X
  std::vector<std::vector<Real>> b;  // coefficient × column of y
  std::vector<Real> variance;        // σ² of every column of y

  Real coefficient(std::int64_t a, std::int64_t y) const {
    return b[std::size_t(a)][std::size_t(y)];
  }
  // √(σ² A XᵀW²X A)ₐₐ, A = (XᵀWX)⁻¹
  Real error(std::int64_t a, std::int64_t y) const {
    const auto& row = inverse[std::size_t(a)];
    Real sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i)
      for (std::size_t j = 0; j < row.size(); ++j) sum += row[i] * meat[i][j] * row[j];
    return std::sqrt(variance[std::size_t(y)] * sum);
  }
  // ∂a / ∂y of a key of weight w.
  Real influence(const double* x, Real w) const {
    Real sum = inverse[0][0];
    for (std::size_t f = 0; f < q.size(); ++f) sum += inverse[0][1 + f] * (x[f] - q[f]);
    return w * sum;
  }
};

template <class Weight>
Line line_at(const double* query, const sample::Matrix<double>& keys,
             const sample::Matrix<double>& values, const Weight& weight, Real ridge) {
  const auto d = std::size_t(keys.columns), p = std::size_t(values.columns), c = d + 1;
  Line line{{query, query + d}, {}, Square(c, std::vector<Real>(c)), {}, std::vector<Real>(p)};
  Square gram = line.meat;
  std::vector<std::vector<Real>> right(c, std::vector<Real>(p));
  const auto design = [&](std::int64_t j, std::size_t a) {
    return a == 0 ? Real(1) : keys.row(j)[a - 1] - line.q[a - 1];
  };
  Real mass = 0;
  for (std::int64_t j = 0; j < keys.rows; ++j) {
    const Real w = weight(j);
    mass += w;
    for (std::size_t a = 0; a < c; ++a) {
      for (std::size_t b = 0; b < c; ++b) {
        gram[a][b] += w * design(j, a) * design(j, b);
        line.meat[a][b] += w * w * design(j, a) * design(j, b);
      }
      for (std::size_t y = 0; y < p; ++y) right[a][y] += w * design(j, a) * values.row(j)[y];
    }
  }
  for (std::size_t a = 1; a < c; ++a) gram[a][a] += ridge * mass;
  line.inverse = inverse(gram);
  line.b.assign(c, std::vector<Real>(p));
  Real free = mass;  // tr(W − W X A XᵀW)
  for (std::size_t a = 0; a < c; ++a)
    for (std::size_t b = 0; b < c; ++b) {
      free -= line.inverse[a][b] * line.meat[b][a];
      for (std::size_t y = 0; y < p; ++y) line.b[a][y] += line.inverse[a][b] * right[b][y];
    }
  for (std::size_t y = 0; y < p; ++y) {
    for (std::int64_t j = 0; j < keys.rows; ++j) {
      Real r = values.row(j)[y];
      for (std::size_t a = 0; a < c; ++a) r -= line.b[a][y] * design(j, a);
      line.variance[y] += weight(j) * r * r / free;
    }
  }
  return line;
}

}  // namespace least_squares
