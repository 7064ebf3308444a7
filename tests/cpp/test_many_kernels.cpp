// Several kernels in one call give what each gives alone; those that can share scores do.
#include <doctest/doctest.h>

#include <array>
#include <stdexcept>

#include "every_kernel.hpp"
#include "sample.hpp"
#include "vicinal/probe.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t k = 3;
const std::vector<double> grid = {0.01, 0.13, 0.5, 1.7, 30};

template <class T>
struct Results {
  std::vector<sample::Outputs<T>> outputs;
  std::vector<Report> reports;
};

// Few enough that the first pass needs no running peak.
template <class T>
Statistics<T> some(sample::Outputs<T>& out) {
  return {.mean = out.mean.view(),
          .log_mass = out.log_mass,
          .ess = out.ess,
          .variance = out.variance.view(),
          .self_weight = out.self_weight};
}

template <class T>
Statistics<T> request(sample::Outputs<T>& out, bool every) {
  return every ? out.all() : some(out);
}

template <class T>
Results<T> together(const std::vector<KernelSum>& kernels, const sample::Points<T>& points,
                    const Options<T>& options, bool every) {
  Results<T> r;
  std::vector<Statistics<T>> statistics;
  r.outputs.assign(kernels.size(),
                   {points.queries.rows, points.keys.rows, points.values.columns, k});
  for (auto& out : r.outputs) statistics.push_back(request(out, every));
  r.reports = local_stats(kernels, points.queries.view(), points.keys.view(), points.values.view(),
                          statistics, options);
  return r;
}

template <class T>
void check_each(const char* name, const std::vector<KernelSum>& kernels,
                const sample::Points<T>& points, Options<T> options = {}) {
  CAPTURE(name);
  std::vector<std::int64_t> own(static_cast<std::size_t>(points.queries.rows));
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::int64_t>(i);
  options.self_indices = own;
  for (const bool every : {false, true}) {
    const auto all = together(kernels, points, options, every);
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      CAPTURE(i);
      sample::Outputs<T> alone(points.queries.rows, points.keys.rows, points.values.columns, k);
      const Report report = local_stats(kernels[i], points.queries.view(), points.keys.view(),
                                        points.values.view(), request(alone, every), options);
      CHECK(alone == all.outputs[i]);
      CHECK(report.empty_rows == all.reports[i].empty_rows);
      CHECK(report.pairs_visited == all.reports[i].pairs_visited);
    }
  }
}

std::vector<KernelSum> over_grid(Kernel kernel) {
  std::vector<KernelSum> kernels;
  for (const double h : grid) {
    kernel.bandwidth = h;
    kernels.push_back(kernel);
  }
  return kernels;
}

}  // namespace

TEST_CASE_TEMPLATE("a grid of bandwidths, every kernel, to the bit", T, float, double) {
  for (const std::int64_t d : {2, 11}) {
    const sample::Points<T> points(33, 700, d, 2);
    for (const auto& [name, profile] : every::distance_profiles())
      check_each(name.c_str(), over_grid(profile), points);
    check_each("softmax", over_grid({.profile = Profile::softmax}), points);
    check_each("cosine", over_grid({.profile = Profile::von_mises_fisher}), points);
    check_each("manhattan", over_grid({.metric = Metric::manhattan}), points);
  }
}

TEST_CASE_TEMPLATE("many rows, own keys, priors, several chunks", T, float, double) {
  sample::Points<T> points(600, 4500, 3, 1);
  std::copy_n(points.keys.row(0), points.queries.data.size(), points.queries.row(0));
  std::vector<T> weights(4500);
  sample::Numbers numbers(5);
  for (T& w : weights) w = static_cast<T>(numbers.uniform() < 0.1 ? 0 : numbers.uniform());
  for (const int threads : {1, 3})
    check_each("hollow", over_grid({}), points,
               {.weights = weights, .exclude_self = true, .num_threads = threads});
}

TEST_CASE_TEMPLATE("few rows, many keys", T, float, double) {
  const sample::Points<T> points(2, 40000, 2, 1);
  check_each("team", over_grid({}), points, {.num_threads = 2});
}

TEST_CASE_TEMPLATE("profiles and metrics mixed", T, float, double) {
  const sample::Points<T> points(20, 300, 2, 2);
  const KernelSum sum({{0.5, {Kernel{}}}, {2, {Kernel{.profile = Profile::cauchy}}}});
  check_each("mixed",
             {Kernel{}, Kernel{.profile = Profile::tricube, .bandwidth = 2}, sum,
              Kernel{.profile = Profile::softmax}, sum, Kernel{.metric = Metric::chebyshev},
              Kernel{.bandwidth = std::numeric_limits<double>::infinity()}, Kernel{}},
             points);
}

TEST_CASE_TEMPLATE("one bandwidth per feature: multiples share, to rounding", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  const std::array<double, 3> base = {0.5, 2, std::numeric_limits<double>::infinity()};
  const sample::Points<T> points(33, 700, 3, 2);
  std::vector<std::array<double, 3>> numbers;
  for (const double h : grid) numbers.push_back({h * base[0], h * base[1], base[2]});
  std::vector<KernelSum> kernels;
  for (const auto& h : numbers) kernels.push_back(Kernel{.bandwidths = h});
  std::vector<std::int64_t> own(33, 0);
  const auto all = together(kernels, points, {.self_indices = own}, false);
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const auto alone = points.mean(kernels[i]);
    // At 0.01 log-weights of nearby keys are some hundreds, and a mean keeps that many digits less.
    for (std::size_t at = 0; at < alone.data.size(); ++at)
      CHECK(all.outputs[i].mean.data[at] ==
            doctest::Approx(alone.data[at]).epsilon(tolerance * (i == 0 ? 100 : 1)));
  }
}

TEST_CASE_TEMPLATE("each kernel its own statistics", T, float, double) {
  const sample::Points<T> points(20, 300, 2, 2);
  const auto wanted = [](sample::Outputs<T>& o) {
    return std::vector<Statistics<T>>{
        {.log_mass = o.log_mass},
        {.variance = o.variance.view()},
        {.mean = o.mean.view(), .covariance = o.covariance.view()},
        {.weights = o.weights.view()},
        {.top_k_indices = o.top_k_indices.view(), .top_k_weights = o.top_k_weights.view()}};
  };
  sample::Outputs<T> together(20, 300, 2, k), alone(20, 300, 2, k);
  const std::vector<KernelSum> kernels(5, Kernel{.bandwidth = 0.5});
  const auto all = wanted(together), each = wanted(alone);
  const auto queries = points.queries.view(), keys = points.keys.view();
  local_stats(kernels, queries, keys, points.values.view(), all);
  for (const auto& statistics : each)
    local_stats(kernels[0], queries, keys, points.values.view(), statistics);
  CHECK(alone == together);
}

TEST_CASE("what shares scores") {
  const std::array<double, 2> one = {1, 2}, twice = {2, 4}, other = {2, 5};
  CHECK(probe_sharing(Kernel{}, Kernel{.bandwidth = 0.3}, 2));
  CHECK(probe_sharing(Kernel{}, Kernel{.profile = Profile::epanechnikov, .bandwidth = 0.3}, 20));
  CHECK(probe_sharing(Kernel{.bandwidths = one}, Kernel{.bandwidths = twice}, 2));
  CHECK_FALSE(probe_sharing(Kernel{.bandwidths = one}, Kernel{.bandwidths = other}, 2));
  CHECK_FALSE(probe_sharing(Kernel{}, Kernel{.bandwidth = 1e-5},
                            2));  // too far apart for squares in float32
  CHECK_FALSE(probe_sharing(Kernel{}, Kernel{.metric = Metric::manhattan}, 2));
}

TEST_CASE("one output per kernel") {
  const sample::Points<float> points(2, 3, 1, 1);
  const std::vector<KernelSum> kernels = {Kernel{}, Kernel{}};
  const std::vector<Statistics<float>> one(1);
  CHECK_THROWS_WITH_AS(
      local_stats(kernels, points.queries.view(), points.keys.view(), points.values.view(), one),
      "statistics must have one element per kernel, got 1 for 2", std::invalid_argument);
}
