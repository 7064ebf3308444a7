// The orthonormal axes along which points vary most.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace vicinal {

// Coordinate i of a row is Σⱼ row[j] · axes[j · number + i].
struct Axes {
  int number = 0;
  std::vector<double> axes;
};

// Columns of d numbers, and what is done with them.
class AxisColumns {
 public:
  AxisColumns(int d, int number)
      : d_(d),
        number_(number),
        at_(static_cast<std::size_t>(d) * static_cast<std::size_t>(number)) {}

  int number() const { return number_; }
  double operator()(int j, int i) const { return at_[static_cast<std::size_t>(j * number_ + i)]; }
  double& operator()(int j, int i) { return at_[static_cast<std::size_t>(j * number_ + i)]; }

  // The columns that are independent of the ones before, made orthonormal: Gram–Schmidt, twice.
  AxisColumns orthonormal() const {
    AxisColumns v = *this;
    int kept = 0;
    for (int i = 0; i < number_; ++i) {
      const double before = std::sqrt(v.product(i, i));
      for (int pass = 0; pass < 2; ++pass)
        for (int other = 0; other < kept; ++other) {
          const double along = v.product(i, other);
          for (int j = 0; j < d_; ++j) v(j, i) -= along * v(j, other);
        }
      const double after = std::sqrt(v.product(i, i));
      if (!(after > 1e-10 * before)) continue;
      for (int j = 0; j < d_; ++j) v(j, kept) = v(j, i) / after;
      ++kept;
    }
    AxisColumns out(d_, kept);
    for (int j = 0; j < d_; ++j)
      for (int i = 0; i < kept; ++i) out(j, i) = v(j, i);
    return out;
  }

  // The coordinates of a row.
  void project(const double* row, std::vector<double>& out) const {
    std::fill(out.begin(), out.end(), 0.0);
    const double* v = at_.data();
    for (int j = 0; j < d_; ++j)
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += row[j] * *v++;
  }

  // The scatter matrix of the rows times the columns.
  AxisColumns scattered(const std::vector<double>& rows) const {
    AxisColumns out(d_, number_);
    std::vector<double> at(static_cast<std::size_t>(number_));
    for (std::size_t first = 0; first < rows.size(); first += static_cast<std::size_t>(d_)) {
      project(rows.data() + first, at);
      double* sum = out.at_.data();
      for (int j = 0; j < d_; ++j)
        for (const double y : at) *sum++ += rows[first + static_cast<std::size_t>(j)] * y;
    }
    return out;
  }

 private:
  double product(int a, int b) const {
    double sum = 0;
    for (int j = 0; j < d_; ++j) sum += (*this)(j, a) * (*this)(j, b);
    return sum;
  }

  int d_, number_;
  std::vector<double> at_;  // d × number
};

// At most `most` axes of centered rows of d features, largest variance first. They are nearly the
// principal axes, by subspace iteration (Golub & Van Loan, Matrix Computations, 8.2.4), and
// orthonormal to the rounding of double.
inline Axes principal_axes(const std::vector<double>& rows, int d, int most) {
  constexpr int iterations = 2;
  const std::int64_t count = static_cast<std::int64_t>(rows.size()) / d;
  AxisColumns v(d, static_cast<int>(std::min<std::int64_t>({most, d, count})));
  for (int i = 0; i < v.number(); ++i)  // begins with rows themselves
    for (int j = 0; j < d; ++j)
      v(j, i) = rows[static_cast<std::size_t>(i * count / v.number() * d + j)];
  v = v.orthonormal();
  for (int k = 0; k < iterations; ++k) v = v.scattered(rows).orthonormal();
  std::vector<double> variances(static_cast<std::size_t>(v.number())), at(variances.size());
  for (std::int64_t r = 0; r < count; ++r) {
    v.project(rows.data() + r * d, at);
    for (std::size_t i = 0; i < at.size(); ++i) variances[i] += at[i] * at[i];
  }
  std::vector<std::size_t> order(variances.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return variances[a] > variances[b]; });
  Axes found{v.number(), {}};
  for (int j = 0; j < d; ++j)
    for (const std::size_t i : order) found.axes.push_back(v(j, static_cast<int>(i)));
  return found;
}

}  // namespace vicinal
