// Which sets are looked for through a tree, by the pairs that are met there.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "sample.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t m = 400, n = 20000, d = 2;

template <class T>
struct Points {
  std::vector<T> queries, keys, values;
  std::vector<std::int64_t> indptr{0}, indices;
  std::unique_ptr<bool[]> mask{new bool[m * n]};

  Points() {
    sample::Numbers numbers(5);
    for (std::int64_t i = 0; i < m * d; ++i) queries.push_back(static_cast<T>(numbers.uniform()));
    for (std::int64_t i = 0; i < n * d; ++i) keys.push_back(static_cast<T>(numbers.uniform()));
    for (std::int64_t i = 0; i < n; ++i) values.push_back(static_cast<T>(numbers.uniform()));
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < 30; ++j) indices.push_back((97 * i + 611 * j) % n);
      std::sort(indices.end() - 30, indices.end());
      indptr.push_back(std::ssize(indices));
    }
    for (std::int64_t i = 0; i < m * n; ++i) mask[i] = numbers.uniform() < 0.5;
  }

  Report operator()(const NeighborSet& set, bool masked = false, std::int64_t rows = m,
                    const KernelSum& kernel = Kernel{.bandwidth = 0.1}) const {
    std::vector<T> mean(static_cast<std::size_t>(rows));
    Options<T> options{.neighbors = set};
    if (masked) options.mask = {mask.get(), n, 1};
    return local_stats(kernel, View<const T>{queries.data(), rows, d},
                       View<const T>{keys.data(), n, d}, View<const T>{values.data(), n, 1},
                       Statistics<T>{.mean = {mean.data(), rows, 1}}, options);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("a ball is searched only where lists are made of it", T, float, double) {
  const Points<T> points;
  const NeighborSet listed = graph(points.indptr, points.indices), ball = within(0.05);
  CHECK(points(listed & ball).pairs_searched == 0);
  CHECK(points(listed & ball & nearest(5)).pairs_searched == 0);
  const std::int64_t alone = points(nearest(5)).pairs_searched;
  CHECK(alone > 0);
  CHECK(points(nearest(5) & ball).pairs_searched == alone);
  const std::int64_t within_it = points(ball | listed).pairs_searched;
  CHECK(within_it > 0);
  CHECK(points(nearest(5) | ball).pairs_searched == alone + within_it);
}

TEST_CASE_TEMPLATE("nearest keys of what other sets leave are searched", T, float, double) {
  const Points<T> points;
  const NeighborSet few = nearest(5);
  const auto meets_a_part = [&](const Report& report) {
    return report.pairs_visited <= 5 * m && report.pairs_searched > 0 &&
           report.pairs_searched < m * n / 4;
  };
  CHECK(meets_a_part(points(few, true)));
  CHECK(meets_a_part(points(few & window(n, n))));
  CHECK(meets_a_part(points(few & window_on(0, 0.02, 0.02))));
  CHECK(meets_a_part(points(few & window_on(0, 0.02, 0.02), true)));
  constexpr std::int64_t columns[] = {0, 1};
  const std::span<const std::int64_t> both(columns);
  const Kernel wide{.bandwidth = 0.1, .columns = both.first(1)}, tall{.columns = both.last(1)};
  const KernelSum product(std::vector<Term>{{1.0, {wide, tall}}});
  CHECK(meets_a_part(points(few, false, m, product)));
  CHECK(meets_a_part(points(few & window(n, n), true, m, product)));
  CHECK(points(few, false, 20, product).pairs_searched == 0);
  CHECK(points(few & window(50, 50)).pairs_searched == 0);          // so few are ranked
  CHECK(points(few & window(n, n), true, 20).pairs_searched == 0);  // of so few rows, too
}
