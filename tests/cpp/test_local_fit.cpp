// Local fits in one call: the weighted least squares of the formula, in long double; strips of
// queries; what is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>

#include "least_squares.hpp"
#include "sample.hpp"
#include "vicinal/local_fit.hpp"

using namespace vicinal;
using least_squares::Outputs;
using least_squares::Real;

namespace {

constexpr std::int64_t m = 40, n = 300, d = 2, p = 2;
constexpr double spread[] = {1, 10};  // of the features

struct Problem {
  sample::Points<double> points{m, n, d, p, 3};
  std::vector<std::int64_t> own = std::vector<std::int64_t>(m);

  Problem() {
    for (std::int64_t i = 0; i < m; ++i) own[static_cast<std::size_t>(i)] = (7 * i) % n;
    for (sample::Matrix<double>* x : {&points.queries, &points.keys})
      for (std::int64_t i = 0; i < x->rows; ++i)
        for (std::int64_t f = 0; f < d; ++f) x->row(i)[f] = x->row(i)[f] * spread[f] + 5 * f;
    for (std::int64_t j = 0; j < n; ++j) points.values.row(j)[0] += std::sin(points.keys.row(j)[0]);
  }
  LocalFitReport fit(const KernelSum& kernel, const LinearFits& fits, const LocalFitOptions& fit,
                     const Options<double>& options) const {
    return local_fit(kernel, points.queries.view(), points.keys.view(), points.values.view(), fits,
                     fit, options);
  }
  Real u(std::int64_t i, std::int64_t j, double h) const {
    Real sum = 0;
    for (std::int64_t f = 0; f < d; ++f) {
      const Real step = (points.queries.row(i)[f] - points.keys.row(j)[f]) / (h * spread[f]);
      sum += step * step;
    }
    return std::sqrt(sum);
  }
};

void check_close(double got, Real expected, Real size, double tolerance) {
  CHECK(std::abs(Real(got) - expected) <= tolerance * (1 + size));
}

using Weight = std::function<Real(std::int64_t i, std::int64_t j)>;

void check_lines(const Problem& problem, const KernelSum& kernel, const Options<double>& given,
                 const Weight& weight, double ridge = 0) {
  Outputs out(m, d, p);
  Options<double> options = given;
  options.self_indices = problem.own;
  LinearFits fits = out.all();
  if (ridge > 0) fits.standard_errors = {};  // they hold for a ridge of 0
  const auto report = problem.fit(kernel, fits, {.ridge = ridge}, options);
  CHECK(report.regularized == 0);
  double edf = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const auto line = least_squares::line_at(
        problem.points.queries.row(i), problem.points.keys, problem.points.values,
        [&](std::int64_t j) { return weight(i, j); }, ridge);
    const auto own = problem.own[row];
    const Real hat = line.influence(problem.points.keys.row(own), weight(i, own));
    check_close(out.self_weight[row], hat, 0, 1e-9);
    edf += out.self_weight[row];
    for (std::int64_t y = 0; y < p; ++y)
      for (std::int64_t a = 0; a <= d; ++a) {
        const Real expected = line.coefficient(a, y), error = line.error(a, y);
        const double got = a == 0 ? out.fitted.row(i)[y] : out.slopes.row(i)[(a - 1) * p + y];
        check_close(got, expected, std::abs(expected), 1e-9);
        if (ridge == 0) check_close(out.standard_errors.row(i)[a * p + y], error, error, 1e-7);
      }
  }
  CHECK(std::abs(report.edf - edf) <= 1e-12 * edf);
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("lines are weighted least squares, whatever squares the kernel") {
  const Problem problem;
  const double wide[] = {2, 20};
  struct Case {
    Profile profile;
    Real (*weight)(Real);
  };
  for (const Case& c :
       {Case{Profile::gaussian, [](Real u) { return std::exp(-u * u / 2); }},
        Case{Profile::laplace, [](Real u) { return std::exp(-u); }},
        Case{Profile::uniform, [](Real u) { return u <= 1 ? Real(1) : Real(0); }},
        Case{Profile::epanechnikov, [](Real u) { return std::max(1 - u * u, Real(0)); }},
        Case{Profile::tricube, [](Real u) { return u < 1 ? std::pow(1 - u * u * u, 3) : 0; }}}) {
    const Kernel kernel{.profile = c.profile, .bandwidths = wide};
    const auto weight = [&](std::int64_t i, std::int64_t j) {
      return c.weight(problem.u(i, j, 2));
    };
    check_lines(problem, kernel, {}, weight);
    check_lines(problem, kernel, {}, weight, 0.3);
    check_lines(problem, kernel, {.neighbors = window(60, 200)},
                [&](auto i, auto j) { return j >= i - 60 && j <= i + 200 ? weight(i, j) : 0; });
  }
}

TEST_CASE("prior weights, masks, biases and balls enter the weights and their squares") {
  const Problem problem;
  const double h[] = {2, 20};
  const Kernel kernel{.bandwidths = h};
  const auto base = [&](auto i, auto j) {
    const Real u = problem.u(i, j, 2);
    return std::exp(-u * u / 2);
  };
  sample::Numbers numbers(5);
  const auto prior = sample::filled<double>(1, n, [&] { return 0.2 + std::abs(numbers.normal()); });
  const auto logs = sample::filled<double>(1, n, [&] { return numbers.normal(); });
  const auto bias = sample::filled<double>(m, n, [&] { return numbers.normal(); });
  const auto used = sample::filled<std::uint8_t>(m, n, [&] { return numbers.normal() < 0.5; });
  const auto at = [](const auto& matrix, auto i, auto j) { return Real(matrix.row(i)[j]); };
  check_lines(problem, kernel, {.weights = prior.data},
              [&](auto i, auto j) { return base(i, j) * at(prior, 0, j); });
  check_lines(problem, kernel, {.log_weights = logs.data},
              [&](auto i, auto j) { return base(i, j) * std::exp(at(logs, 0, j)); });
  check_lines(problem, kernel, {.bias = {bias.data.data(), n, 1}},
              [&](auto i, auto j) { return base(i, j) * std::exp(at(bias, i, j)); });
  check_lines(problem, kernel, {.mask = {reinterpret_cast<const bool*>(used.data.data()), n, 1}},
              [&](auto i, auto j) { return base(i, j) * at(used, i, j); });
  check_lines(problem, kernel, {.exclude_self = true}, [&](auto i, auto j) {
    return j == problem.own[static_cast<std::size_t>(i)] ? 0 : base(i, j);
  });
  // A radius counts in the bandwidths per feature.
  check_lines(problem, Kernel{.profile = Profile::epanechnikov, .bandwidths = h},
              {.neighbors = within(0.8)}, [&](auto i, auto j) {
                const Real u = problem.u(i, j, 2);
                return u <= 0.8L ? 1 - u * u : 0;
              });
  const std::vector<Kernel> both{kernel, Kernel{.profile = Profile::cauchy, .bandwidth = 30}};
  check_lines(problem, KernelSum({Term{2, both}, Term{0.5, {kernel}}}), {}, [&](auto i, auto j) {
    const Real x = problem.points.queries.row(i)[0] - problem.points.keys.row(j)[0],
               y = problem.points.queries.row(i)[1] - problem.points.keys.row(j)[1];
    return base(i, j) * (2 / (1 + (x * x + y * y) / 900) + Real(0.5));
  });
}

TEST_CASE("constants are local means") {
  const Problem problem;
  const Kernel kernel{.bandwidth = 4};
  sample::Matrix<double> fitted(m, p), errors(m, p), mean(m, p);
  std::vector<double> own(m), share(m);
  const Options<double> options{.self_indices = problem.own};
  const auto report = problem.fit(
      kernel, {.fitted = fitted.view(), .standard_errors = errors.view(), .self_weight = own},
      {.degree = 0}, options);
  local_stats(kernel, problem.points.queries.view(), problem.points.keys.view(),
              problem.points.values.view(), {.mean = mean.view(), .self_weight = share}, options);
  CHECK(sample::same_bits(fitted, mean));
  CHECK(own == share);
  CHECK(report.regularized == 0);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t y = 0; y < p; ++y) {
      Real mass = 0, squares = 0, residual = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        Real sum = 0;
        for (std::int64_t f = 0; f < d; ++f) {
          const Real step = problem.points.queries.row(i)[f] - problem.points.keys.row(j)[f];
          sum += step * step;
        }
        const Real w = std::exp(-sum / 32),
                   r = problem.points.values.row(j)[y] - Real(fitted.row(i)[y]);
        mass += w, squares += w * w, residual += w * r * r;
      }
      const Real variance = residual / (mass - squares / mass) * squares / (mass * mass);
      check_close(errors.row(i)[y], std::sqrt(variance), 0, 1e-10);
    }
}

TEST_CASE("strips of queries and threads change no bit") {
  // 31 values: strips of 962 queries.
  constexpr std::int64_t many = 1000, columns = 31, seam = 962;
  const auto points = sample::Points<double>(many, many, d, columns, 9);
  const auto used = [&] {
    sample::Matrix<std::uint8_t> mask(many, many);
    for (std::size_t i = 0; i < mask.data.size(); ++i) mask.data[i] = i % 3 != 0;
    return mask;
  }();
  std::vector<std::int64_t> own(many);
  for (std::size_t i = 0; i < many; ++i) own[i] = static_cast<std::int64_t>(many - 1 - i);
  const auto bias = sample::normal<double>(many, many, 8);
  const auto fit = [&](std::int64_t first, std::int64_t rows, int threads) {
    Outputs out(rows, d, columns);
    const auto at = static_cast<std::size_t>(first);
    local_fit(Kernel{.bandwidth = 0.8}, {points.queries.row(first), rows, d}, points.keys.view(),
              points.values.view(), out.all(), {},
              {.mask = {reinterpret_cast<const bool*>(used.row(first)), many, 1},
               .bias = {bias.row(first), many, 1},
               .self_indices = std::span(own).subspan(at, static_cast<std::size_t>(rows)),
               .neighbors = window(300, 300),
               .query_offset = first,
               .num_threads = threads});
    return out;
  };
  const Outputs all = fit(0, many, 2), one = fit(0, many, 1), end = fit(seam - 2, 4, 1);
  CHECK(sample::same_bits(all.fitted, one.fitted));
  CHECK(sample::same_bits(all.standard_errors, one.standard_errors));
  for (std::int64_t i = 0; i < 4; ++i) {
    const std::int64_t row = seam - 2 + i;
    CHECK(std::equal(end.fitted.row(i), end.fitted.row(i) + columns, all.fitted.row(row)));
    CHECK(std::equal(end.slopes.row(i), end.slopes.row(i) + d * columns, all.slopes.row(row)));
    CHECK(std::equal(end.standard_errors.row(i), end.standard_errors.row(i) + columns,
                     all.standard_errors.row(row)));
    CHECK(end.self_weight[static_cast<std::size_t>(i)] ==
          all.self_weight[static_cast<std::size_t>(row)]);
  }
}

TEST_CASE("empty queries, bandwidths of keys and of queries, progress and interruption") {
  const Problem problem;
  Outputs out(m, d, p);
  const Kernel narrow{.profile = Profile::epanechnikov, .bandwidth = 1e-9};
  LinearFits fits{.fitted = out.fitted.view(), .slopes = out.slopes.view()};
  const auto report = problem.fit(narrow, fits, {}, {.empty = Empty::value, .empty_value = 7});
  CHECK(report.empty_rows == m);
  CHECK(out.fitted.data == std::vector<double>(m * p, 7.0));
  CHECK(out.slopes.data == std::vector<double>(m * d * p, 0.0));

  const std::vector<double> twice(n, 2.0), same(m, 1.5);
  Outputs other(m, d, p);
  std::vector<double> seen;
  problem.fit(Kernel{.bandwidth = 2}, fits, {},
              {.key_bandwidths = twice, .query_bandwidths = same, .progress = [&](double share) {
                 seen.push_back(share);
               }});
  problem.fit(Kernel{.bandwidth = 6}, {.fitted = other.fitted.view()}, {}, {});
  for (std::size_t i = 0; i < m * p; ++i)
    CHECK(out.fitted.data[i] == doctest::Approx(other.fitted.data[i]).epsilon(1e-12));
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK((!seen.empty() && seen.back() == 1));
  CHECK(problem.fit(Kernel{}, fits, {}, {.interrupted = [] { return true; }}).interrupted);
}

TEST_CASE("what does not fit is refused by name") {
  const Problem problem;
  Outputs out(m, d, p);
  const std::vector<double> few(3, 1.0), keys(n, 1.0);
  const std::int64_t indptr[m + 1] = {0, 1}, indices[] = {0};
  const double minus[] = {-1};
  std::vector<std::int64_t> rows(indptr, indptr + 2);
  rows.resize(m + 1, 1);
  const NeighborSet signed_graph = graph(rows, indices, minus, EdgeData::weight);
  const LinearFits fits{.fitted = out.fitted.view()}, errors = out.all();
  const auto refused = [&](const std::string& words, const KernelSum& kernel, const LinearFits& to,
                           const LocalFitOptions& fit, const Options<double>& options) {
    const std::string got = refusal([&] { problem.fit(kernel, to, fit, options); });
    CHECK_MESSAGE(got.find(words) == 0, words << " is not how this begins: " << got);
  };
  refused("degree must be 0 (constants) or 1 (lines), got 2", Kernel{}, fits, {.degree = 2}, {});
  refused("ridge must be finite", Kernel{}, fits, {.ridge = -1}, {});
  refused("tol must be 0 for lines", Kernel{}, fits, {}, {.tol = 0.1});
  refused("degree 1 needs weights", Kernel{.profile = Profile::sigmoid}, fits, {}, {});
  refused("degree 1 needs weights", Kernel{.profile = Profile::constant}, fits, {},
          {.neighbors = signed_graph});
  refused("slopes must not be given for degree 0", Kernel{}, errors, {.degree = 0}, {});
  refused("fitted must be 40 x 2", Kernel{}, {}, {}, {});
  refused("query_bandwidths must have one element per query (40)", Kernel{}, fits, {},
          {.query_bandwidths = few});
  refused("self_indices must be given", Kernel{}, errors, {}, {});
  refused("standard_errors need one bandwidth for all", Kernel{}, errors, {},
          {.self_indices = problem.own, .key_bandwidths = keys});
  refused("standard_errors within a radius", Kernel{.profile = Profile::tricube}, errors, {},
          {.self_indices = problem.own, .neighbors = within(1) & window(5, 5)});
  refused("bandwidth must be positive", Kernel{.bandwidth = 0}, fits, {}, {});
  CHECK(refusal([&] {
          local_fit(Kernel{}, problem.points.queries.view(), problem.points.keys.view(),
                    {problem.points.values.data.data(), 3, p}, fits);
        }).find("values must have a row per key (300)") == 0);
  CHECK(refusal([&] {
          local_fit(Kernel{}, {problem.points.queries.data.data(), m, 1},
                    problem.points.keys.view(), problem.points.values.view(), fits);
        }).find("queries and keys must have the same number of features") == 0);
}
