// Label propagation against its linear systems in long double; bits of threads; refusals, stopping.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "least_squares.hpp"
#include "vicinal/label_propagation.hpp"
#include "vicinal/local_mean.hpp"

using namespace vicinal;

namespace {

using least_squares::Real;
using least_squares::Square;
constexpr std::int64_t n = 60, classes = 3;
constexpr auto size = static_cast<std::size_t>(n);

// Rows of a ring see each other and some others; every ninth row has a label.
struct Ring {
  std::vector<std::int64_t> indptr{0}, indices, labels = std::vector<std::int64_t>(size, -1);
  std::vector<double> weights;
  Square dense = Square(size, std::vector<Real>(size));

  explicit Ring(bool symmetric) {
    sample::Numbers numbers(3);
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = 0; j < size; ++j) {
        const std::size_t apart = std::min((i + size - j) % size, (j + size - i) % size);
        if (apart <= 2 || numbers.uniform() < 0.02) dense[i][j] = numbers.uniform(0.2, 1);
      }
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        if (symmetric && j < i) dense[i][j] = dense[j][i];
        if (dense[i][j] == 0) continue;
        indices.push_back(static_cast<std::int64_t>(j));
        weights.push_back(static_cast<double>(dense[i][j]));
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
      if (i % 9 == 4) labels[i] = static_cast<std::int64_t>(i / 9) % classes;
    }
  }

  NeighborSet graph() const {
    return vicinal::graph(indptr, indices, std::span<const double>(weights), EdgeData::weight);
  }
  sample::Matrix<double> spread(const LabelPropagationOptions& options,
                                LabelPropagationReport* report = nullptr) const {
    sample::Matrix<double> shares(n, classes);
    const auto told = label_propagation(graph(), labels, shares.view(), options);
    if (report != nullptr) *report = told;
    return shares;
  }
  Real sum(std::size_t at, bool of_column) const {
    Real total = 0;
    for (std::size_t j = 0; j < size; ++j) total += of_column ? dense[j][at] : dense[at][j];
    return total;
  }
  // (I − A)⁻¹ b, rows scaled to sum to 1.
  Square solved(const LabelPropagationOptions& o) const {
    Square a(size, std::vector<Real>(size)), b(size, std::vector<Real>(classes));
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        const Real share = o.alpha && o.balanced
                               ? dense[i][j] / (std::sqrt(sum(i, true)) * std::sqrt(sum(j, true)))
                               : dense[i][j] / sum(i, false);
        a[i][j] = (i == j) - Real(o.alpha.value_or(1)) * (o.alpha || labels[i] < 0 ? share : 0);
      }
      if (labels[i] >= 0) b[i][static_cast<std::size_t>(labels[i])] = 1 - Real(o.alpha.value_or(0));
    }
    const Square inverted = least_squares::inverse(a);
    Square shares(size, std::vector<Real>(classes));
    for (std::size_t i = 0; i < size; ++i) {
      Real total = 0;
      for (std::size_t k = 0; k < classes; ++k) {
        for (std::size_t j = 0; j < size; ++j) shares[i][k] += inverted[i][j] * b[j][k];
        total += shares[i][k];
      }
      for (Real& share : shares[i]) share /= total;
    }
    return shares;
  }
};

void check_close(const sample::Matrix<double>& found, const Square& expected) {
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < classes; ++k)
      CHECK(std::abs(double(found.row(i)[k] -
                            expected[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)])) <
            1e-8);
}

}  // namespace

TEST_CASE("shares are those of the linear system") {
  for (const bool symmetric : {false, true})
    for (const std::optional<double> alpha : {std::optional<double>{}, {0.3}, {0.97}})
      for (const bool balanced : {true, false}) {
        const Ring ring(symmetric);
        LabelPropagationOptions options{.alpha = alpha, .balanced = balanced, .tol = 1e-12};
        options.max_iter = 20000;
        const Square expected = ring.solved(options);
        std::int64_t steps = 0;
        for (const auto solver : {LabelSolver::iterate, LabelSolver::krylov})
          for (const bool told : {false, true}) {
            CAPTURE(symmetric);
            CAPTURE(balanced);
            CAPTURE(alpha.value_or(0));
            options.solver = solver;
            options.symmetric = symmetric && told;
            LabelPropagationReport report;
            check_close(ring.spread(options, &report), expected);
            CHECK(report.residual <= 1e-12);
            if (solver == LabelSolver::iterate) steps = report.iterations;
            if (alpha != 0.3 && solver == LabelSolver::krylov) CHECK(report.iterations < steps);
          }
      }
}

TEST_CASE("any local mean can be the walk") {
  const auto points = sample::normal<double>(n, 2, 5);
  Ring ring(true);
  std::vector<double> masses(size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      const double *a = points.row(std::int64_t(i)), *b = points.row(std::int64_t(j));
      ring.dense[i][j] = std::exp(-Real(std::pow(a[0] - b[0], 2) + std::pow(a[1] - b[1], 2)) / 2);
    }
    masses[i] = 7 * static_cast<double>(ring.sum(i, false));  // any factor
  }
  LabelWalk walk{.masses = masses};
  walk.means = [&](View<const double> values, View<double> means) {
    return !local_mean(Kernel{}, points.view(), points.view(), values, means).interrupted;
  };
  for (const std::optional<double> alpha : {std::optional<double>{}, {0.95}}) {
    const LabelPropagationOptions options{.alpha = alpha, .symmetric = true, .tol = 1e-12};
    sample::Matrix<double> shares(n, classes);
    label_propagation(walk, ring.labels, shares.view(), options);
    check_close(shares, ring.solved(options));
  }
}

TEST_CASE("rows without a way to a label get 0, threads change no bit") {
  Ring ring(false);
  ring.labels[size - 2] = -1;
  for (std::size_t i = 0; i < size; ++i)  // the last four see themselves alone
    for (std::int64_t e = ring.indptr[i]; e < ring.indptr[i + 1]; ++e)
      if ((i >= size - 4) != (ring.indices[static_cast<std::size_t>(e)] >= n - 4))
        ring.weights[static_cast<std::size_t>(e)] = 0;
  for (const std::optional<double> alpha : {std::optional<double>{}, {0.5}, {0.95}}) {
    LabelPropagationOptions options{.alpha = alpha, .tol = 1e-9};
    options.num_threads = 1;
    const auto one = ring.spread(options);
    options.num_threads = 3;
    CHECK(ring.spread(options).data == one.data);
    for (std::int64_t i = 0; i < n; ++i) {
      const double total = one.row(i)[0] + one.row(i)[1] + one.row(i)[2];
      CHECK(total == doctest::Approx(i < n - 4 ? 1 : 0));
    }
  }
}

TEST_CASE("refusals and stopping") {
  const Ring ring(false);
  CHECK_THROWS_AS(ring.spread({.alpha = 1.0}), std::invalid_argument);
  CHECK_THROWS_AS(ring.spread({.tol = -1}), std::invalid_argument);
  CHECK_THROWS_AS(ring.spread({.max_iter = 0}), std::invalid_argument);
  sample::Matrix<double> shares(n, classes);
  const std::vector<std::int64_t> none(size, -1), wrong(size, classes);
  CHECK_THROWS_AS(label_propagation(ring.graph(), none, shares.view()), std::invalid_argument);
  CHECK_THROWS_AS(label_propagation(ring.graph(), wrong, shares.view()), std::invalid_argument);
  CHECK_THROWS_AS(label_propagation(nearest(3), ring.labels, shares.view()), std::invalid_argument);
  CHECK_THROWS_AS(label_propagation(LabelWalk{}, ring.labels, shares.view()),
                  std::invalid_argument);
  Ring broken(false);
  broken.indices[5] = n;
  CHECK_THROWS_AS(broken.spread({}), std::invalid_argument);

  LabelPropagationReport report;
  std::int64_t rounds = 0;
  LabelPropagationOptions options{.solver = LabelSolver::iterate};
  options.callback = [&](const LabelRound& round) { return (rounds = round.iteration) == 2; };
  ring.spread(options, &report);
  CHECK(rounds == 2);
  CHECK(!report.interrupted);
  LabelWalk walk;
  walk.means = [](View<const double>, View<double>) { return false; };
  CHECK(label_propagation(walk, ring.labels, shares.view(), {.alpha = 0.5, .balanced = false})
            .interrupted);
}
