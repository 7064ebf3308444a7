// Sets of neighbors: threads, batches, an index and other kernels in the call change no bit.
#include <doctest/doctest.h>

#include <numeric>

#include "sample_sets.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;
using sample::all_keys, sample::close, sample::expected, sample::Ints, sample::kernel, sample::rows,
    sample::sets;

TEST_CASE_TEMPLATE("threads, batches of queries and an index change no bit", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  const KeyIndex<T> index(points.keys.view());
  constexpr std::int64_t first = 37, m = 101;
  Ints own(m);
  std::iota(own.begin(), own.end(), first);
  for (const auto& [name, set] : sets().cases) {
    CAPTURE(name);
    Options<T> options{.exclude_self = true, .neighbors = set, .num_threads = 1};
    const auto run = [&] {
      sample::Outputs<T> out(rows, rows, 3, 4);
      local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(),
                  out.all(), options);
      return out;
    };
    const auto one = run();
    for (const int threads : {2, 3}) {
      options.num_threads = threads;
      CHECK(run() == one);
    }
    options.index = &index;
    CHECK(run() == one);
    options.index = nullptr;
    options.query_offset = first;
    options.self_indices = own;
    sample::Matrix<T> some(m, 3);
    local_mean(kernel, {points.queries.row(first), m, 2}, points.keys.view(), points.values.view(),
               some.view(), options);
    const auto all = points.mean(kernel, {.exclude_self = true, .neighbors = set});
    CHECK(std::memcmp(some.row(0), all.row(first), sizeof(T) * m * 3) == 0);
  }
}

TEST_CASE_TEMPLATE("k nearest of many keys: the same with a tree of the caller's", T, float,
                   double) {
  const sample::Points<T> points(500, 9000, 3, 2);
  const KeyIndex<T> index(points.keys.view());
  for (const NeighborSet& set : {nearest(16), nearest(8) & within(0.2), within(0.2)}) {
    const auto plain = points.mean(kernel, {.neighbors = set});
    CHECK(sample::same_bits(points.mean(kernel, {.neighbors = set, .index = &index}), plain));
    for (std::int64_t i = 0; i < 500; i += 50) {
      const naive::Row row = expected(points, set, i, naive::Keys(9000, 1));
      REQUIRE(close(plain.row(i)[0], row.mean[0]));
    }
  }
}

TEST_CASE_TEMPLATE("every item of a batch meets the set", T, float, double) {
  const sample::Points<T> a(rows, rows, 2, 3, 1), b(rows, rows, 2, 3, 11);
  for (const auto& [name, set] : sets().cases) {
    CAPTURE(name);
    sample::Matrix<T> of_a(rows, 3), of_b(rows, 3);
    const std::array<BatchItem<T>, 2> batch{
        BatchItem<T>{a.queries.view(), a.keys.view(), a.values.view(), {.mean = of_a.view()}},
        BatchItem<T>{b.queries.view(), b.keys.view(), b.values.view(), {.mean = of_b.view()}}};
    local_stats(kernel, batch, {.neighbors = set});
    CHECK(sample::same_bits(of_a, a.mean(kernel, {.neighbors = set})));
    CHECK(sample::same_bits(of_b, b.mean(kernel, {.neighbors = set})));
  }
}

TEST_CASE_TEMPLATE("several kernels meet the set, each in its own units", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  const std::vector<KernelSum> kernels{
      kernel, Kernel{.bandwidth = 0.2}, Kernel{.profile = Profile::laplace, .bandwidth = 3},
      Kernel{.profile = Profile::triangular, .metric = Metric::manhattan}};
  for (const auto& [name, set] : sets().cases) {
    CAPTURE(name);
    std::vector<sample::Matrix<T>> means(kernels.size(), sample::Matrix<T>(rows, 3));
    std::vector<Statistics<T>> statistics;
    for (auto& mean : means) statistics.push_back({.mean = mean.view()});
    local_stats(kernels, points.queries.view(), points.keys.view(), points.values.view(),
                statistics, {.neighbors = set});
    for (std::size_t i = 0; i < kernels.size(); ++i)
      CHECK(sample::same_bits(means[i], points.mean(kernels[i], {.neighbors = set})));
  }
}
