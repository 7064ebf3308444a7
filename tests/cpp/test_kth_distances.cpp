// Distances within which a mass of keys lies, against all distances sorted.
#include <doctest/doctest.h>

#include <limits>

#include "brute.hpp"
#include "sample.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;

namespace {

template <class T>
std::vector<T> found(const KeyIndex<T>& index, const sample::Matrix<T>& queries, double mass,
                     std::span<const double> weights = {}, int threads = 2) {
  std::vector<T> distances(static_cast<std::size_t>(queries.rows));
  kth_distances(index, queries.view(), mass, weights, distances, {.num_threads = threads});
  return distances;
}

}  // namespace

TEST_CASE_TEMPLATE("the k-th distance is that of the brute force", T, float, double) {
  sample::Numbers numbers(4);
  const auto draw = [&](int kind) {  // smooth, many ties, tails of outliers
    const double x = numbers.normal();
    return kind == 0 ? x : kind == 1 ? std::floor(2 * x) : x * x * x * std::exp(3 * x);
  };
  for (const std::int64_t n : {1, 700, 1024, 5000})
    for (const std::int64_t d : {1, 2, 11})
      for (const int kind : {0, 1, 2}) {
        const auto keys = sample::filled<T>(n, d, [&] { return draw(kind); });
        auto queries = sample::filled<T>(40, d, [&] { return draw(kind); });
        queries.row(3)[0] = T(1e6);
        std::copy_n(keys.row(n / 2), d, queries.row(4));
        const KeyIndex<T> index(keys.view(), {}, 2);
        std::vector<std::vector<std::pair<double, std::int64_t>>> expected;
        for (std::int64_t i = 0; i < 40; ++i)
          expected.push_back(brute::by_distance(queries.row(i), keys));
        for (const std::int64_t k : {std::int64_t{1}, n / 50, n / 3, n - 1, n}) {
          if (k < 1) continue;
          const auto distances = found(index, queries, double(k));
          for (std::size_t i = 0; i < 40; ++i)
            REQUIRE(distances[i] ==
                    static_cast<T>(std::sqrt(expected[i][static_cast<std::size_t>(k - 1)].first)));
        }
        for (const T x : found(index, queries, double(n) + 1))
          REQUIRE(x == std::numeric_limits<T>::infinity());
      }
}

TEST_CASE("a weight counts equal keys") {
  constexpr std::int64_t n = 4000;
  sample::Numbers numbers(6);
  const auto keys = sample::normal<double>(n, 2, 1), queries = sample::normal<double>(30, 2, 2);
  const KeyIndex<double> index(keys.view());
  std::vector<double> weights(n);
  double total = 0;
  for (double& w : weights) total += w = double(numbers.below(4));
  for (const double mass : {1.0, 2.5, 0.3 * total, total}) {
    const auto distances = found(index, queries, mass, weights);
    for (std::int64_t i = 0; i < 30; ++i) {
      double sum = 0, expected = 0;
      for (const auto& [square, row] : brute::by_distance(queries.row(i), keys)) {
        sum += weights[static_cast<std::size_t>(row)];
        expected = std::sqrt(square);
        if (sum >= mass) break;
      }
      CHECK(distances[static_cast<std::size_t>(i)] == expected);
    }
  }
}

TEST_CASE("neither threads nor the other queries change a distance") {
  const auto keys = sample::normal<double>(30000, 3, 1), queries = sample::normal<double>(50, 3, 2);
  const KeyIndex<double> index(keys.view());
  const auto together = found(index, queries, 9000, {}, 1);
  CHECK(found(index, queries, 9000, {}, 3) == together);
  for (std::int64_t i = 0; i < 50; i += 7) {
    sample::Matrix<double> alone(1, 3);
    std::copy_n(queries.row(i), 3, alone.row(0));
    CHECK(found(index, alone, 9000)[0] == together[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("nodes are counted as a whole") {
  constexpr std::int64_t n = 200000;
  const auto keys = sample::normal<float>(n, 2, 1), queries = sample::normal<float>(20, 2, 2);
  const KeyIndex<float> index(keys.view());
  std::vector<float> distances(20);
  const Report report = kth_distances(index, queries.view(), 0.3 * n, {}, distances);
  CHECK(report.pairs_visited < 20 * n / 5);
}

TEST_CASE("rows that are not finite, and no key at all") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  auto keys = sample::normal<double>(10, 2, 1);
  auto queries = sample::normal<double>(3, 2, 2);
  queries.row(1)[0] = nan;
  queries.row(2)[1] = infinity;
  const KeyIndex<double> index(keys.view());
  const auto distances = found(index, queries, 1);
  CHECK(std::isfinite(distances[0]));
  CHECK(std::isnan(distances[1]));
  CHECK(distances[2] == infinity);
  for (double& x : keys.data) x = infinity;
  const KeyIndex<double> nowhere(keys.view());
  CHECK(found(nowhere, queries, 1)[0] == infinity);
}

TEST_CASE("what the door refuses") {
  const auto keys = sample::normal<float>(10, 2, 3), queries = sample::normal<float>(4, 2, 4);
  const KeyIndex<float> index(keys.view()), angles(keys.view(), {.metric = Metric::cosine});
  std::vector<float> distances(4), few(3);
  const auto call = [&](const KeyIndex<float>& of, double mass, std::vector<double> weights,
                        std::span<float> out) {
    kth_distances(of, queries.view(), mass, weights, out);
  };
  CHECK_THROWS_WITH(call(index, 0, {}, distances),
                    "mass must be a finite number above 0, got 0.000000");
  CHECK_THROWS_WITH(call(index, 1, {1, 2}, distances),
                    "weights must have one element per key (10), got 2");
  CHECK_THROWS_AS(call(index, 1, std::vector<double>(10, -1.0), distances), std::invalid_argument);
  CHECK_THROWS_WITH(call(index, 1, {}, few),
                    "distances must have one element per query (4), got 3");
  CHECK_THROWS_AS(call(angles, 1, {}, distances), std::invalid_argument);
  CHECK_THROWS_AS(kth_distances(index, {keys.data.data(), 4, 1}, 1, {}, distances),
                  std::invalid_argument);
  CHECK_THROWS_AS(kth_distances(index, queries.view(), 1, {}, distances, {.exclude_self = true}),
                  std::invalid_argument);
}
