// The small solve against elimination with full pivoting in long double, and its regularisation.
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "sample.hpp"
#include "small_solve.hpp"

using namespace vicinal;

namespace {

using Wide = std::vector<std::vector<long double>>;

// Gauss–Jordan with full pivoting.
std::vector<long double> reference(Wide a, std::vector<long double> b) {
  const std::size_t n = a.size();
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  for (std::size_t j = 0; j < n; ++j) {
    std::size_t row = j, column = j;
    for (std::size_t r = j; r < n; ++r)
      for (std::size_t c = j; c < n; ++c)
        if (std::fabs(a[r][c]) > std::fabs(a[row][column])) row = r, column = c;
    std::swap(a[j], a[row]);
    std::swap(b[j], b[row]);
    for (auto& line : a) std::swap(line[j], line[column]);
    std::swap(order[j], order[column]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == j) continue;
      const long double share = a[r][j] / a[j][j];
      for (std::size_t c = j; c < n; ++c) a[r][c] -= share * a[j][c];
      b[r] -= share * b[j];
    }
  }
  std::vector<long double> x(n);
  for (std::size_t i = 0; i < n; ++i) x[order[i]] = b[i] / a[i][i];
  return x;
}

// ZᵀZ of random Z (d × n), so that its rank is min(d, n).
Wide gram(std::int64_t n, std::int64_t d, unsigned seed) {
  sample::Numbers numbers(seed);
  const auto z = sample::filled<double>(d, n, [&] { return numbers.normal(); });
  Wide a(static_cast<std::size_t>(n), std::vector<long double>(static_cast<std::size_t>(n)));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t f = 0; f < d; ++f)
        a[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] +=
            static_cast<long double>(z.row(f)[i]) * z.row(f)[j];
  return a;
}

void fill(SmallSolve& solver, const Wide& a) {
  const auto n = static_cast<std::int64_t>(a.size());
  solver.clear(n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i; j < n; ++j)
      solver.row(i)[j] =
          static_cast<double>(a[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]);
}

// Both sides solve the matrix as it stands in double.
Wide as_stored(const Wide& a) {
  Wide b = a;
  for (auto& line : b)
    for (auto& entry : line) entry = static_cast<double>(entry);
  return b;
}

}  // namespace

TEST_CASE("well-conditioned systems are solved to rounding, one solver for all sizes") {
  SmallSolve solver(40);
  for (const std::int64_t n : {1, 2, 3, 7, 12, 33, 40}) {
    CAPTURE(n);
    const Wide a = as_stored(gram(n, 4 * n + 20, static_cast<unsigned>(n)));
    fill(solver, a);
    CHECK_FALSE(solver.factor());
    for (int side = 0; side < 2; ++side) {
      std::vector<double> b;
      for (std::int64_t i = 0; i < n; ++i) b.push_back(side == 0 ? 1.0 : double(i % 5) - 2);
      const auto expected = reference(a, {b.begin(), b.end()});
      solver.solve(b.data());
      long double largest = 0;
      for (const long double x : expected) largest = std::max(largest, std::fabs(x));
      for (std::size_t i = 0; i < b.size(); ++i)
        CHECK(std::fabs(b[i] - expected[i]) <= 1e-14L * largest);
    }
  }
}

TEST_CASE("a ridge stands on the diagonal of a matrix of lower rank") {
  const std::int64_t n = 12, d = 3;
  const Wide a = as_stored(gram(n, d, 5));
  SmallSolve solver(n);
  fill(solver, a);
  const double ridge = 1e-3 * solver.trace();
  CHECK_FALSE(solver.factor(ridge));
  Wide with = a;
  for (std::size_t i = 0; i < with.size(); ++i) with[i][i] += ridge;
  const auto expected = reference(with, std::vector<long double>(n, 1));
  std::vector<double> x(n, 1.0);
  solver.solve(x.data());
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(std::fabs(x[i] - expected[i]) <= 1e-12L * std::fabs(expected[i]));
}

TEST_CASE("a singular matrix is regularised by 1e-10 of its trace, and says so") {
  for (const double size : {1e-3, 1.0, 1e8}) {
    Wide a = gram(6, 2, 9);
    for (auto& line : a)
      for (auto& entry : line) entry *= size;
    a = as_stored(a);
    SmallSolve solver(6);
    fill(solver, a);
    CHECK(solver.factor());
    Wide with = a;
    for (std::size_t i = 0; i < with.size(); ++i) with[i][i] += 1e-10L * solver.trace();
    // A right-hand side in the range of A: the solution is as well determined as A there.
    std::vector<long double> side(6, 0);
    for (std::size_t i = 0; i < 6; ++i)
      for (std::size_t j = 0; j < 6; ++j) side[i] += a[i][j];
    const auto expected = reference(with, side);
    std::vector<double> x(side.begin(), side.end());
    solver.solve(x.data());
    for (std::size_t i = 0; i < 6; ++i) CHECK(std::fabs(x[i] - expected[i]) <= 1e-4L);
  }
}

TEST_CASE("the zero matrix gives numbers") {
  SmallSolve solver(3);
  solver.clear(3);
  CHECK(solver.factor());
  std::vector<double> x(3, 0.0);
  solver.solve(x.data());
  CHECK(x == std::vector<double>(3, 0.0));
}
