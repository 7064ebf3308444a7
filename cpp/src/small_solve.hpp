// Symmetric positive semidefinite systems of a few unknowns, one after the other.
//
//   A x = b by A = Uᵀ D U, U unit upper triangular (Golub & Van Loan, Matrix Computations, §4.1.2)
//
// A thread has an object of its own. Memory is taken by the constructor alone, so that work inside
// a parallel region cannot fail. Everything is in double.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

namespace vicinal {

class SmallSolve {
 public:
  explicit SmallSolve(std::int64_t most_unknowns)
      : matrix_(square(most_unknowns)), factors_(matrix_.size()) {}

  // The upper triangle of A, 0 at first: entry (i, j), i ≤ j, is row(i)[j].
  void clear(std::int64_t unknowns) noexcept {
    n_ = unknowns;
    std::fill_n(matrix_.data(), n_ * n_, 0.0);
  }
  double* row(std::int64_t i) noexcept { return matrix_.data() + i * n_; }
  const double* row(std::int64_t i) const noexcept { return matrix_.data() + i * n_; }
  double trace() const noexcept {
    double sum = 0;
    for (std::int64_t i = 0; i < n_; ++i) sum += row(i)[i];
    return sum;
  }

  // Factors A + ridge · I. Where a pivot is under 1e-12 of the trace, or under the share of it that
  // is rounding, the matrix is singular for all that is known: then 1e-10 · max(trace, ε), or that
  // share of it, is added besides, and the answer is true.
  bool factor(double ridge = 0, double rounding = 0) noexcept {
    const double sum = trace() + static_cast<double>(n_) * ridge;
    added_ = 0;
    if (eliminate(ridge, std::max(1e-12, rounding) * sum)) return false;
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    added_ = std::max(1e-10, rounding) * std::max(sum, epsilon);
    eliminate(ridge + added_, -std::numeric_limits<double>::infinity());
    return true;
  }

  // The smallest pivot of the last factor() over the trace.
  double least_pivot() const noexcept {
    double least = std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < n_; ++j) least = std::min(least, factors(j)[j]);
    return least / trace();
  }

  // What the last factor() put on the diagonal besides the ridge.
  double added() const noexcept { return added_; }

  // After factor(): b becomes x.
  void solve(double* b) const noexcept {
    for (std::int64_t j = 0; j < n_; ++j) {
      const double* u = factors(j);
      const double share = b[j] / u[j];
      for (std::int64_t i = j + 1; i < n_; ++i) b[i] -= share * u[i];
    }
    for (std::int64_t j = n_ - 1; j >= 0; --j) {
      const double* u = factors(j);
      double rest = b[j];
      for (std::int64_t i = j + 1; i < n_; ++i) rest -= u[i] * b[i];
      b[j] = rest / u[j];
    }
  }

 private:
  static std::size_t square(std::int64_t n) {
    if (n >= std::int64_t{1} << 30) throw std::bad_alloc();  // beyond what memory can be
    return static_cast<std::size_t>(n * n);
  }
  double* factors(std::int64_t j) noexcept { return factors_.data() + j * n_; }
  const double* factors(std::int64_t j) const noexcept { return factors_.data() + j * n_; }

  // Row j of `factors` becomes row j of D U. False: a pivot is not above `least`.
  bool eliminate(double ridge, double least) noexcept {
    std::copy_n(matrix_.data(), n_ * n_, factors_.data());
    for (std::int64_t j = 0; j < n_; ++j) factors(j)[j] += ridge;
    for (std::int64_t j = 0; j < n_; ++j) {
      const double* u = factors(j);
      if (!(u[j] > least)) return false;
      for (std::int64_t i = j + 1; i < n_; ++i) {
        double* a = factors(i);
        const double share = u[i] / u[j];
        for (std::int64_t l = i; l < n_; ++l) a[l] -= share * u[l];
      }
    }
    return true;
  }

  std::int64_t n_ = 0;
  double added_ = 0;
  std::vector<double> matrix_, factors_;
};

}  // namespace vicinal
