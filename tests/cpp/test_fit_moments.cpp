// Lines from the statistics of (x, y): they reproduce linear functions; singular ones are counted.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "sample.hpp"
#include "vicinal/local_fit.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t m = 70, n = 300, d = 2, p = 3;

struct Problem {
  sample::Matrix<double> queries{m, d}, keys{n, d}, stacked{n, d + p};
  sample::Matrix<double> mean{m, d + p}, covariance{m, (d + p) * (d + p)};
  std::vector<double> log_mass = std::vector<double>(m);

  // The values are c + (c + 1) x₀ − x₁ for column c; `flat` makes the last feature constant.
  explicit Problem(bool flat = false, double offset = 0) {
    sample::Numbers numbers(7);
    for (double& x : queries.data) x = numbers.normal();
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t f = 0; f < d; ++f)
        stacked.row(j)[f] = keys.row(j)[f] = flat && f == d - 1 ? 0.25 : numbers.normal();
      for (std::int64_t c = 0; c < p; ++c)
        stacked.row(j)[d + c] = value(keys.row(j), static_cast<double>(c));
    }
    for (std::int64_t j = 0; j < d; ++j) queries.row(m - 1)[j] += offset;
    local_stats(Kernel{.profile = Profile::epanechnikov, .bandwidth = 3.0}, queries.view(),
                keys.view(), stacked.view(),
                {.mean = mean.view(), .log_mass = log_mass, .covariance = covariance.view()},
                {.empty = Empty::zero});
  }
  static double value(const double* x, double c) { return c + (c + 1) * x[0] - x[1]; }
  FitMoments moments() const {
    return {.queries = queries.view(),
            .mean = mean.view(),
            .covariance = covariance.view(),
            .log_mass = log_mass};
  }
};

}  // namespace

TEST_CASE("lines reproduce linear functions, for any number of threads") {
  const Problem problem;
  sample::Matrix<double> fitted(m, p), slopes(m, d * p), again(m, p);
  CHECK(fit_moments(problem.moments(), {.fitted = fitted.view(), .slopes = slopes.view()}, 0, 1) ==
        0);
  CHECK(fit_moments(problem.moments(), {.fitted = again.view()}, 0, 3) == 0);
  CHECK(fitted.data == again.data);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t c = 0; c < p; ++c) {
      const double exact = Problem::value(problem.queries.row(i), static_cast<double>(c));
      CHECK(std::fabs(fitted.row(i)[c] - exact) <= 1e-11);
      CHECK(std::fabs(slopes.row(i)[c] - static_cast<double>(c + 1)) <= 1e-11);
      CHECK(std::fabs(slopes.row(i)[p + c] + 1) <= 1e-11);
    }
}

TEST_CASE("a constant feature has slope 0 and is counted; an empty query keeps its mean") {
  const Problem problem(true, 1e3);
  sample::Matrix<double> fitted(m, p), slopes(m, d * p);
  CHECK(fit_moments(problem.moments(), {.fitted = fitted.view(), .slopes = slopes.view()}) ==
        m - 1);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t c = 0; c < p; ++c) {
      const bool empty = i == m - 1;
      const double at[] = {problem.queries.row(i)[0], 0.25};
      const double exact = empty ? 0 : Problem::value(at, static_cast<double>(c));
      CHECK(std::fabs(fitted.row(i)[c] - exact) <= 1e-8);
      CHECK(std::fabs(slopes.row(i)[c] - (empty ? 0 : static_cast<double>(c + 1))) <= 1e-8);
      CHECK(slopes.row(i)[p + c] == 0);
    }
}

// Between two features of unit variance and correlation ρ the pivots are 1 and 1 − ρ².
TEST_CASE("pivots tell how well a line is determined") {
  for (const bool flat : {false, true}) {
    const Problem problem(flat, 1e3);
    sample::Matrix<double> fitted(m, p);
    std::vector<double> pivots(m);
    fit_moments(problem.moments(), {.fitted = fitted.view(), .pivots = pivots});
    for (std::int64_t i = 0; i < m - 1; ++i) {
      const double* c = problem.covariance.row(i);
      const double share = flat ? 0 : 1 - c[1] / c[0] * (c[1] / c[d + p + 1]);
      CHECK(std::fabs(pivots[static_cast<std::size_t>(i)] - share / 2) <= 1e-12);
    }
    CHECK(pivots[m - 1] == 1);  // an empty query
  }
}

TEST_CASE("what does not fit is refused by name") {
  const Problem problem;
  sample::Matrix<double> fitted(m, p), few(m - 1, p);
  const auto message = [&](const FitMoments& moments, const LinearFits& fits, double ridge) {
    try {
      fit_moments(moments, fits, ridge);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const LinearFits fits{.fitted = fitted.view()};
  std::vector<double> own(m);
  CHECK(message(problem.moments(), fits, -1).find("ridge must be") == 0);
  CHECK(message(problem.moments(), {.fitted = few.view()}, 0).find("fitted must be 70 x 3") == 0);
  FitMoments short_mass = problem.moments();
  short_mass.log_mass = short_mass.log_mass.first(3);
  CHECK(message(short_mass, fits, 0).find("log_mass must have 70") == 0);
  CHECK(message(problem.moments(), {.fitted = fitted.view(), .self_weight = own}, 0)
            .find("self_share") == 0);
  CHECK(message(problem.moments(), {.fitted = fitted.view(), .pivots = std::span(own).first(3)}, 0)
            .find("pivots must have 70") == 0);
  CHECK(message(problem.moments(), fits, 0).empty());
}
