// The order of an index, and search against brute force in double.
#include <doctest/doctest.h>

#include <limits>

#include "brute.hpp"
#include "sample.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;
using brute::by_distance;

TEST_CASE_TEMPLATE("the order of the keys is a function of the keys", T, float, double) {
  sample::Numbers numbers(5);
  for (const std::int64_t rows : {1, 256, 257, 1000, 5000})
    for (const bool ties : {false, true}) {
      const auto points = sample::filled<T>(
          rows, 3, [&] { return ties ? double(numbers.below(2)) : numbers.normal(); });
      const KeyIndex<T> index(points.view(), {}, 1);
      const std::vector<std::int64_t> order(index.order().begin(), index.order().end());
      std::vector<std::int64_t> seen = order;
      std::sort(seen.begin(), seen.end());
      for (std::int64_t i = 0; i < rows; ++i) REQUIRE(seen[static_cast<std::size_t>(i)] == i);
      for (std::int64_t i = 0; i < rows; i += 256)  // leaves keep the order of the rows
        CHECK(std::is_sorted(order.begin() + i, order.begin() + std::min(i + 256, rows)));
      for (const int threads : {2, 5}) {
        const KeyIndex<T> other(points.view(), {}, threads);
        CHECK(std::equal(order.begin(), order.end(), other.order().begin()));
      }
    }
}

TEST_CASE_TEMPLATE("k nearest and radius are the brute force", T, float, double) {
  for (const std::int64_t d : {2, 11}) {
    const auto keys = sample::normal<T>(3000, d, 1), queries = sample::normal<T>(100, d, 2);
    const KeyIndex<T> index(keys.view(), {}, 2);
    for (const std::int64_t k : {std::int64_t{1}, std::int64_t{20}, std::int64_t{400}}) {
      sample::Matrix<T> distances(100, k);
      sample::Matrix<std::int64_t> indices(100, k);
      const Report report = knn(index, queries.view(), distances.view(), indices.view());
      CHECK(report.pairs_visited <= 100 * 3000);
      for (std::int64_t i = 0; i < 100; ++i) {
        const auto expected = by_distance(queries.row(i), keys);
        for (std::int64_t j = 0; j < k; ++j) {
          REQUIRE(indices.row(i)[j] == expected[static_cast<std::size_t>(j)].second);
          REQUIRE(distances.row(i)[j] ==
                  static_cast<T>(std::sqrt(expected[static_cast<std::size_t>(j)].first)));
        }
      }
    }
    const double radius = d == 2 ? 0.4 : 2.5;
    const NeighborLists<T> lists = radius_neighbors(index, queries.view(), radius);
    CHECK(lists.indptr.back() > 100);
    for (std::size_t i = 0; i < 100; ++i) {
      std::size_t at = static_cast<std::size_t>(lists.indptr[i]);
      for (const auto& [square, key] :
           by_distance(queries.row(static_cast<std::int64_t>(i)), keys)) {
        if (std::sqrt(square) > radius) break;
        REQUIRE(lists.indices[at++] == key);
      }
      REQUIRE(static_cast<std::int64_t>(at) == lists.indptr[i + 1]);
    }
  }
}

TEST_CASE_TEMPLATE("few keys are searched alike", T, float, double) {
  sample::Numbers numbers(8);
  constexpr std::int64_t m = 600;
  for (const std::int64_t n : {1, 9, 32, 33})
    for (const std::int64_t d : {1, 2, 20}) {
      const auto draw = [&] { return std::floor(3 * numbers.normal()) / 2; };  // ties
      auto keys = sample::filled<T>(n, d, draw);
      const auto queries = sample::filled<T>(m, d, draw);
      const bool hidden = n > 1;  // an infinitely far key is not found
      if (hidden) keys.row(0)[0] = std::numeric_limits<T>::infinity();
      std::vector<std::int64_t> own(m);
      for (std::int64_t& key : own) key = numbers.below(n + 1) - 1;
      const KeyIndex<T> index(keys.view(), {}, 2);
      for (const bool exclude : {false, true})
        for (const std::int64_t k : {std::int64_t{1}, n / 2, n}) {
          if (k < 1) continue;
          sample::Matrix<T> distances(m, k);
          sample::Matrix<std::int64_t> indices(m, k);
          knn(index, queries.view(), distances.view(), indices.view(),
              {.exclude_self = exclude, .self_indices = own, .num_threads = 3});
          for (std::int64_t i = 0; i < m; ++i) {
            auto expected = brute::by_distance(queries.row(i), keys);
            std::erase_if(expected, [&](const auto& found) {
              return (hidden && found.second == 0) ||
                     (exclude && found.second == own[static_cast<std::size_t>(i)]);
            });
            for (std::int64_t j = 0; j < k; ++j) {
              const bool some = j < static_cast<std::int64_t>(expected.size());
              const auto at = static_cast<std::size_t>(j);
              REQUIRE(indices.row(i)[j] == (some ? expected[at].second : -1));
              REQUIRE(distances.row(i)[j] == (some ? static_cast<T>(std::sqrt(expected[at].first))
                                                   : std::numeric_limits<T>::infinity()));
            }
          }
        }
    }
}

TEST_CASE("few features leave most pairs out") {
  const auto keys = sample::normal<float>(50000, 2, 3);
  const KeyIndex<float> index(keys.view());
  sample::Matrix<float> distances(5000, 8);
  sample::Matrix<std::int64_t> indices(5000, 8);
  const View<const float> queries{keys.data.data(), 5000, 2};
  const Report report = knn(index, queries, distances.view(), indices.view());
  CHECK(report.pairs_visited < 5000 * 50000 / 20);
}

TEST_CASE_TEMPLATE("an index serves local means, with the bits of its keys", T, float, double) {
  const sample::Points<T> points(60, 6000, 2, 1);
  const KeyIndex<T> index(points.keys.view());
  for (const Kernel& kernel : {Kernel{.profile = Profile::biweight, .bandwidth = 0.4},
                               Kernel{.bandwidth = 0.1}, Kernel{.metric = Metric::manhattan}}) {
    Options<T> options{.tol = 1e-6};
    const auto plain = points.mean(kernel, options);
    options.index = &index;
    CHECK(sample::same_bits(points.mean(kernel, options), plain));
  }
  const auto others = sample::normal<T>(6000, 2, 9);
  const KeyIndex<T> stranger(others.view());
  CHECK_THROWS_WITH(points.mean(Kernel{}, {.index = &stranger}),
                    "index must be of the same keys, and there must be one problem");
}

TEST_CASE_TEMPLATE("places named over the pole are where they are", T, float, double) {
  constexpr double pi = 3.141592653589793;
  constexpr std::int64_t n = 2000;
  sample::Numbers numbers(11);
  const auto keys = sample::filled<T>(n, 2, [&] { return numbers.uniform(-1.5, 1.5); });
  sample::Matrix<T> queries(n, 2), distances(n, 1), means(n, 1);
  for (std::int64_t i = 0; i < n; ++i) {  // the same place: sin² of half the angle rounds below 0
    queries.row(i)[0] = static_cast<T>(pi - double(keys.row(i)[0]));
    queries.row(i)[1] = static_cast<T>(pi + double(keys.row(i)[1]));
  }
  sample::Matrix<std::int64_t> indices(n, 1);
  const Kernel kernel{.bandwidth = 0.1, .metric = Metric::haversine};
  const KeyIndex<T> index(keys.view(), kernel);
  knn(index, queries.view(), distances.view(), indices.view());
  for (const T distance : distances.data) CHECK(distance < 1e-6);
  local_mean(kernel, queries.view(), keys.view(), View<const T>{keys.data.data(), n, 1, 2},
             means.view());
  for (const T mean : means.data) CHECK(std::isfinite(mean));
}

TEST_CASE("products beyond the range have a place in the order") {
  constexpr std::int64_t m = 8, n = 900;
  sample::Numbers numbers(12);
  const auto huge = [&] {
    const std::int64_t size = numbers.below(3);
    return size == 0 ? 1e200 : size == 1 ? -1e200 : numbers.normal();
  };
  const auto keys = sample::filled<double>(n, 2, huge),
             queries = sample::filled<double>(m, 2, huge);
  sample::Matrix<double> distances(m, n);
  sample::Matrix<std::int64_t> indices(m, n);
  const KeyIndex<double> index(keys.view(), {.metric = Metric::dot});
  knn(index, queries.view(), distances.view(), indices.view());
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 1; j < n; ++j)
      REQUIRE(distances.row(i)[j] >= distances.row(i)[j - 1]);  // ∞ − ∞ stands at the end
}

TEST_CASE("what the door refuses") {
  const auto keys = sample::normal<float>(10, 2, 3);
  const KeyIndex<float> index(keys.view());
  sample::Matrix<float> distances(4, 11);
  sample::Matrix<std::int64_t> indices(4, 11);
  const View<const float> queries{keys.data.data(), 4, 2};
  CHECK_THROWS_WITH(knn(index, queries, distances.view(), indices.view()),
                    "k must be at least 1 and at most the number of keys (10), got 11");
  CHECK_THROWS_AS(radius_neighbors(index, queries, -1.0), std::invalid_argument);
  CHECK_THROWS_AS(radius_neighbors(index, {keys.data.data(), 4, 1}, 1.0), std::invalid_argument);
  CHECK_THROWS_AS(radius_neighbors(index, queries, 1.0, {.exclude_self = true}),
                  std::invalid_argument);
  auto broken = keys;
  broken.data[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(KeyIndex<float>(broken.view()), "keys must not hold NaN, got one in row 2");
  CHECK_THROWS_AS(KeyIndex<float>(keys.view(), {.metric = Metric::category}),
                  std::invalid_argument);
}
