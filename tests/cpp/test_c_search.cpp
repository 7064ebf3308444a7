// Search through the C ABI: the brute force in double, the bits of C++, and the edges.
#include <doctest/doctest.h>

#include "brute.hpp"
#include "c_caller.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;
using namespace c_caller;

namespace {

// Coordinates of which many are equal, so that most distances are ties; or normal ones.
template <class T>
sample::Matrix<T> points_of(std::int64_t rows, std::int64_t d, bool ties, unsigned seed) {
  sample::Numbers numbers(seed);
  return sample::filled<T>(rows, d,
                           [&] { return ties ? double(numbers.below(3)) : numbers.normal(); });
}

// What each query must find: all keys but its own, nearest first.
template <class T>
std::vector<std::pair<double, std::int64_t>> expected_of(const T* q, const sample::Matrix<T>& keys,
                                                         std::int64_t own) {
  auto all = brute::by_distance(q, keys);
  std::erase_if(all, [&](const auto& found) { return found.second == own; });
  for (auto& found : all) found.first = std::sqrt(found.first);
  return all;
}

template <class T>
void check_nearest(const Nearest<T>& got, const sample::Matrix<T>& queries,
                   const sample::Matrix<T>& keys, const std::vector<std::int64_t>& own) {
  for (std::int64_t i = 0; i < queries.rows; ++i) {
    const auto all = expected_of(queries.row(i), keys, own[static_cast<std::size_t>(i)]);
    for (std::int64_t j = 0; j < got.indices.columns; ++j) {
      const auto& [distance, row] = all[static_cast<std::size_t>(j)];
      REQUIRE(got.indices.row(i)[j] == row);
      REQUIRE(got.distances.row(i)[j] == static_cast<T>(distance));
    }
  }
}

template <class T>
void check_lists(const Lists<T>& got, double radius, const sample::Matrix<T>& queries,
                 const sample::Matrix<T>& keys, const std::vector<std::int64_t>& own) {
  REQUIRE(got.m == queries.rows);
  REQUIRE(got.indptr[0] == 0);
  for (std::int64_t i = 0; i < queries.rows; ++i) {
    std::int64_t at = got.indptr[i];
    for (const auto& [distance, row] :
         expected_of(queries.row(i), keys, own[static_cast<std::size_t>(i)])) {
      if (distance > radius) break;
      REQUIRE(at < got.indptr[i + 1]);
      REQUIRE(got.indices[at] == row);
      REQUIRE(got.distances[at++] == static_cast<T>(distance));
    }
    REQUIRE(at == got.indptr[i + 1]);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("k nearest and radius are the brute force", T, float, double) {
  constexpr std::int64_t m = 60, n = 2500, d = 3;
  for (const bool ties : {false, true}) {
    const auto keys = points_of<T>(n, d, ties, 1), queries = points_of<T>(m, d, ties, 2);
    const Index index = index_of(keys);
    std::vector<std::int64_t> own(m, -1);
    vicinal_search_options o = search_options();
    for (const bool exclude : {false, true}) {
      o.exclude_self = exclude, o.num_threads = exclude ? 2 : 1;
      if (exclude)
        for (std::int64_t i = 0; i < m; i += 2)
          own[static_cast<std::size_t>(i)] = expected_of(queries.row(i), keys, -1)[1].second;
      o.self_indices = own.data();
      for (const std::int64_t k : {1, 17, 300}) {
        Nearest<T> got(m, k);
        vicinal_report told = report();
        REQUIRE(got.find(index.get(), queries, &o, &told) == VICINAL_OK);
        CHECK(told.pairs_visited > 0);
        CHECK(told.pairs_visited <= m * n);
        check_nearest(got, queries, keys, own);
      }
      for (const double radius : {0.0, 0.5, 1.0})
        check_lists(within(index.get(), queries, radius, &o), radius, queries, keys, own);
    }
  }
}

TEST_CASE_TEMPLATE("the own key is the row number where none is named", T, float, double) {
  const auto keys = points_of<T>(300, 2, false, 3);
  const Index index = index_of(keys);
  vicinal_search_options o = search_options();
  o.exclude_self = 1;
  std::vector<std::int64_t> own(300);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::int64_t>(i);
  Nearest<T> got(300, 299);
  REQUIRE(got.find(index.get(), keys, &o) == VICINAL_OK);
  check_nearest(got, keys, keys, own);
  check_lists(within(index.get(), keys, 0.3, &o), 0.3, keys, keys, own);
  Nearest<T> all(300, 300);  // one fewer is left
  REQUIRE(all.find(index.get(), keys, &o) == VICINAL_OK);
  CHECK(all.indices.row(7)[299] == -1);
  CHECK(std::isinf(all.distances.row(7)[299]));
}

TEST_CASE_TEMPLATE("every metric has the bits of C++", T, float, double) {
  constexpr std::int64_t m = 40, n = 700, k = 9;
  const auto keys = points_of<T>(n, 2, false, 4), queries = points_of<T>(m, 2, false, 5);
  const double components[] = {1, 0.5, 0, 2, 1, 1};
  const auto check = [&](const vicinal_kernel& c, const Kernel& metric, double radius) {
    CAPTURE(c.metric);
    const vicinal_options o = options_of(c);
    const Index index = index_of(keys, &o);
    const KeyIndex<T> own(keys.view(), metric);
    Nearest<T> got(m, k), expected(m, k);
    REQUIRE(got.find(index.get(), queries) == VICINAL_OK);
    knn(own, queries.view(), expected.distances.view(), expected.indices.view());
    CHECK(sample::same_bits(got.distances, expected.distances));
    CHECK(sample::same_bits(got.indices, expected.indices));
    const NeighborLists<T> lists = radius_neighbors(own, queries.view(), radius);
    const Lists<T> found = within(index.get(), queries, radius);
    CHECK(lists.indices.size() > 0);
    CHECK(std::equal(lists.indptr.begin(), lists.indptr.end(), found.indptr));
    CHECK(std::equal(lists.indices.begin(), lists.indices.end(), found.indices));
    CHECK(std::equal(lists.distances.begin(), lists.distances.end(), found.distances));
  };
  for (const int metric :
       {VICINAL_EUCLIDEAN, VICINAL_MANHATTAN, VICINAL_CHEBYSHEV, VICINAL_HAVERSINE,
        VICINAL_GREAT_CIRCLE, VICINAL_MAHALANOBIS, VICINAL_DOT, VICINAL_COSINE}) {
    vicinal_kernel c = kernel();
    c.metric = metric, c.scale = 6371, c.bandwidth = -1;  // a bandwidth says nothing here
    c.components = components, c.components_rows = 3;
    check(c,
          {.metric = static_cast<Metric>(metric), .scale = 6371, .components = {components, 3, 2}},
          metric == VICINAL_GREAT_CIRCLE ? 50 : 0.3);
  }
  vicinal_kernel automatic = kernel();  // the profile's own metric
  automatic.profile = VICINAL_SOFTMAX;
  check(automatic, {.metric = Metric::dot}, -0.5);
  automatic.profile = VICINAL_VON_MISES_FISHER;
  check(automatic, {.metric = Metric::cosine}, 0.1);
}

TEST_CASE_TEMPLATE("strides of keys and queries", T, float, double) {
  const auto keys = points_of<T>(500, 2, false, 6), queries = points_of<T>(30, 2, false, 7);
  sample::Matrix<T> wide_keys(500, 5), wide_queries(30, 4);
  for (std::int64_t i = 0; i < 500; ++i) std::copy_n(keys.row(i), 2, wide_keys.row(i));
  for (std::int64_t i = 0; i < 30; ++i) std::copy_n(queries.row(i), 2, wide_queries.row(i));
  vicinal_options o = options();
  o.key_stride = 5;
  vicinal_index* made = nullptr;
  REQUIRE(Api<T>::create(&o, wide_keys.data.data(), 500, 2, &made) == VICINAL_OK);
  const Index index(made);
  vicinal_search_options s = search_options();
  s.query_stride = 4;
  Nearest<T> got(30, 5);
  REQUIRE(got.find(index.get(), wide_queries, &s) == VICINAL_OK);
  check_nearest(got, queries, keys, std::vector<std::int64_t>(30, -1));
}

TEST_CASE_TEMPLATE("shape and order", T, float, double) {
  auto keys = points_of<T>(1000, 3, false, 8);
  keys.row(400)[1] = std::numeric_limits<T>::infinity();
  const Index index = index_of(keys);
  std::int64_t n = 0, d = 0, count = 0;
  const std::int64_t* rows = nullptr;
  REQUIRE(vicinal_index_shape(index.get(), &n, &d) == VICINAL_OK);
  CHECK(n == 1000);
  CHECK(d == 3);
  CHECK(vicinal_index_shape(index.get(), nullptr, nullptr) == VICINAL_OK);
  REQUIRE(vicinal_index_order(index.get(), &rows, &count) == VICINAL_OK);
  REQUIRE(count == 999);  // all but the key that is infinitely far
  std::vector<std::int64_t> seen(rows, rows + count);
  std::sort(seen.begin(), seen.end());
  for (std::int64_t i = 0; i < count; ++i)
    REQUIRE(seen[static_cast<std::size_t>(i)] == i + (i >= 400));
}

TEST_CASE_TEMPLATE("nothing to search, and queries that find nothing", T, float, double) {
  const auto keys = points_of<T>(20, 2, false, 9);
  const Index index = index_of(keys);
  CHECK(Api<T>::knn(index.get(), nullptr, nullptr, 0, 3, nullptr, nullptr, nullptr) == VICINAL_OK);
  const Lists<T> none = within(index.get(), sample::Matrix<T>(0, 2), 1.0);
  CHECK(none.m == 0);
  CHECK(none.indptr[0] == 0);
  sample::Matrix<T> queries(3, 2);
  queries.row(0)[1] = std::numeric_limits<T>::quiet_NaN();
  queries.row(1)[0] = std::numeric_limits<T>::infinity();
  Nearest<T> got(3, 2);
  REQUIRE(got.find(index.get(), queries) == VICINAL_OK);
  CHECK(std::isnan(got.distances.row(0)[0]));
  CHECK(got.distances.row(1)[1] == std::numeric_limits<T>::infinity());
  for (const std::int64_t i : {0, 1}) CHECK(got.indices.row(i)[1] == -1);
  CHECK(got.indices.row(2)[0] >= 0);
  CHECK(within(index.get(), queries, 1e3).indptr[2] == 0);

  const Index empty = index_of(sample::Matrix<T>(0, 2));
  const std::int64_t* rows = nullptr;
  std::int64_t count = -1;
  CHECK(vicinal_index_order(empty.get(), &rows, &count) == VICINAL_OK);
  CHECK(count == 0);
  CHECK(within(empty.get(), queries, 1.0).indptr[3] == 0);
  check_refused(got.find(empty.get(), queries), VICINAL_ERROR_INVALID_ARGUMENT, "k");
}
