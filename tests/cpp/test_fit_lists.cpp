// Fits from lists: exact polynomials, designs, quantiles and likelihoods; bits of a row; refusals.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "sample.hpp"
#include "vicinal/local_fit.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t m = 9, n = 120, d = 2;

struct Scene {
  sample::Matrix<double> queries = sample::normal<double>(m, d, 1),
                         keys = sample::normal<double>(n, d, 2), values{n, 1};
  std::vector<std::int64_t> indptr{0}, indices;
  std::vector<double> weights;

  Scene() {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = i % 3; j < n; j += 1 + i % 2) {
        indices.push_back(j);
        weights.push_back(1 + std::cos(static_cast<double>(i * j)) / 2);
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
    for (std::int64_t j = 0; j < n; ++j) values.row(j)[0] = cubic(keys.row(j));
  }
  static double cubic(const double* x) {
    return 1 + x[0] - 2 * x[1] + 0.5 * x[0] * x[1] + x[1] * x[1] * x[0] - 0.1 * x[0] * x[0] * x[0];
  }
  FitLists lists() const { return {indptr, indices, weights}; }
  sample::Matrix<double> fit(int degree, const ListFitOptions& options = {}) const {
    sample::Matrix<double> fitted(m, 1);
    fit_lists(lists(), {queries.view(), keys.view(), degree}, values.view(),
              {.fitted = fitted.view()}, options);
    return fitted;
  }
};

template <class Call>
void refused(const std::string& part, Call&& call) {
  std::string message;
  try {
    call();
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  INFO(message);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a degree reproduces its polynomials, by squares and by quantiles") {
  const Scene scene;
  const auto squares = scene.fit(3), median = scene.fit(3, {.family = Family::quantile});
  for (std::int64_t i = 0; i < m; ++i) {
    const double expected = Scene::cubic(scene.queries.row(i));
    CHECK(std::abs(squares.row(i)[0] - expected) < 1e-10);
    CHECK(std::abs(median.row(i)[0] - expected) < 1e-8);
  }
}

TEST_CASE("the influence of values is the fit; a row has its bits on any number of threads") {
  const Scene scene;
  std::vector<double> influence(scene.indices.size());
  sample::Matrix<double> fitted(m, 1), coefficients(m, 6), errors(m, 6);
  const ListFits fits{.fitted = fitted.view(),
                      .coefficients = coefficients.view(),
                      .standard_errors = errors.view(),
                      .influence = influence};
  const FitDesign design{scene.queries.view(), scene.keys.view(), 2};
  CHECK(fit_lists(scene.lists(), design, scene.values.view(), fits, {.num_threads = 1}) == 0);
  for (std::int64_t i = 0; i < m; ++i) {
    double sum = 0, mass = 0;
    for (auto e = scene.indptr[std::size_t(i)]; e < scene.indptr[std::size_t(i + 1)]; ++e) {
      sum += influence[std::size_t(e)] * scene.values.row(scene.indices[std::size_t(e)])[0];
      mass += influence[std::size_t(e)];
    }
    CHECK(sum == doctest::Approx(fitted.row(i)[0]).epsilon(1e-10));
    CHECK(mass == doctest::Approx(1).epsilon(1e-12));
    CHECK(coefficients.row(i)[0] == fitted.row(i)[0]);
  }
  const auto before = coefficients.data;
  fit_lists(scene.lists(), design, scene.values.view(), fits, {.num_threads = 4});
  CHECK(coefficients.data == before);
}

TEST_CASE("a logit's score vanishes at its fit; separable values are counted") {
  Scene scene;
  for (std::int64_t j = 0; j < n; ++j)
    scene.values.row(j)[0] = scene.keys.row(j)[0] + std::sin(double(9 * j)) > 0 ? 1 : 0;
  sample::Matrix<double> fitted(m, 1), b(m, 3);
  const ListFits fits{.fitted = fitted.view(), .coefficients = b.view()};
  const FitDesign design{scene.queries.view(), scene.keys.view(), 1};
  const ListFitOptions options{.family = Family::binomial};
  CHECK(fit_lists(scene.lists(), design, scene.values.view(), fits, options) == 0);
  for (std::int64_t i = 0; i < m; ++i) {
    double score[3] = {};
    for (auto e = scene.indptr[std::size_t(i)]; e < scene.indptr[std::size_t(i + 1)]; ++e) {
      const std::int64_t j = scene.indices[std::size_t(e)];
      const double z[3] = {1, scene.keys.row(j)[0] - scene.queries.row(i)[0],
                           scene.keys.row(j)[1] - scene.queries.row(i)[1]};
      const double eta = b.row(i)[0] + b.row(i)[1] * z[1] + b.row(i)[2] * z[2];
      const double rest = scene.values.row(j)[0] - 1 / (1 + std::exp(-eta));
      for (int a = 0; a < 3; ++a) score[a] += scene.weights[std::size_t(e)] * rest * z[a];
    }
    for (const double part : score) CHECK(std::abs(part) < 1e-8);
  }
  for (std::int64_t j = 0; j < n; ++j) scene.values.row(j)[0] = scene.keys.row(j)[0] > 0 ? 1 : 0;
  CHECK(fit_lists(scene.lists(), design, scene.values.view(), fits, options) == m);
  for (const double number : fitted.data) CHECK(std::isfinite(number));
}

TEST_CASE("what does not fit is refused before any work") {
  const Scene scene;
  refused("degree must be from 0 to 3", [&] { scene.fit(4); });
  refused("ridge must be finite", [&] { scene.fit(1, {.ridge = -1}); });
  refused("ridge must be 0 for quantiles",
          [&] { scene.fit(1, {.family = Family::quantile, .ridge = 1}); });
  refused("level must be above 0", [&] { scene.fit(1, {.family = Family::quantile, .level = 0}); });
  const std::vector<double> factors(n - 1, 1.0);
  refused("key_factors must have 120 elements", [&] { scene.fit(1, {.key_factors = factors}); });
  Scene broken;
  broken.indices[3] = n;
  refused("indices must be from 0 to below 120", [&] { broken.fit(1); });
  broken = Scene();
  broken.indptr[2] = 0, broken.indptr[1] = 5;
  refused("indptr must rise", [&] { broken.fit(1); });
}
