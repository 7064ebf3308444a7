// Sets of neighbors against naive loops: which keys count, and what becomes of them.
#include <doctest/doctest.h>

#include <numeric>

#include "sample_sets.hpp"

using namespace vicinal;
using sample::all_keys, sample::close, sample::expected, sample::infinity, sample::Ints,
    sample::kernel, sample::rows, sample::sets;

TEST_CASE_TEMPLATE("statistics are those of the keys in the set", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  for (const auto& [name, set] : sets().cases) {
    CAPTURE(name);
    sample::Outputs<T> out(rows, rows, 3, 4);
    const Report report = local_stats(kernel, points.queries.view(), points.keys.view(),
                                      points.values.view(), out.all(), {.neighbors = set});
    std::int64_t empty = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const naive::Row row = expected(points, set, i, all_keys);
      const auto at = static_cast<std::size_t>(i);
      empty += row.count == 0;
      REQUIRE(out.count[at] == row.count);
      REQUIRE(close(out.log_mass[at], row.count == 0 ? -infinity : row.log_mass()));
      for (std::int64_t c = 0; c < 3; ++c)
        REQUIRE(close(out.mean.row(i)[c], row.mean[static_cast<std::size_t>(c)]));
      for (std::int64_t k = 0; row.count > 0 && k < rows; ++k)
        REQUIRE(close(out.weights.row(i)[k], row.weights[static_cast<std::size_t>(k)] / row.mass));
      if (row.count > 0) REQUIRE(close(out.ess[at], row.ess()));
    }
    CHECK(report.empty_rows == empty);
  }
}

TEST_CASE_TEMPLATE("top_k is the heaviest of the set", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  for (const auto& [name, set] : sets().cases) {
    CAPTURE(name);
    sample::Outputs<T> out(rows, rows, 3, 4);
    local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(), out.all(),
                {.neighbors = set});
    for (std::int64_t i = 0; i < rows; ++i) {
      const naive::Row row = expected(points, set, i, all_keys);
      Ints order(rows);
      std::iota(order.begin(), order.end(), 0);
      const auto weight = [&](std::int64_t k) { return row.weights[static_cast<std::size_t>(k)]; };
      std::stable_sort(order.begin(), order.end(),
                       [&](std::int64_t a, std::int64_t b) { return weight(a) > weight(b); });
      for (std::int64_t j = 0; j < 4; ++j) {
        const std::int64_t found = out.top_k_indices.row(i)[j];
        const T share = out.top_k_weights.row(i)[j];
        if (j >= row.count) {
          REQUIRE(found == -1);
          REQUIRE(share == 0);
          continue;
        }
        const std::int64_t key = order[static_cast<std::size_t>(j)];
        if (sizeof(T) == 8) REQUIRE(found == key);  // float32 may swap what it cannot tell apart
        REQUIRE(close(share, weight(key) / row.mass));
        REQUIRE(close(share, weight(found) / row.mass));
      }
    }
  }
}

TEST_CASE_TEMPLATE("weight lists are the weights that are not 0, by key", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 1);
  for (const auto& [name, set] : sets().cases)
    for (const bool normalize : {false, true}) {
      CAPTURE(name);
      WeightLists<T> lists;
      local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(),
                  {.weight_lists = &lists, .normalize_weights = normalize}, {.neighbors = set});
      REQUIRE(std::ssize(lists.indptr) == rows + 1);
      REQUIRE(lists.indptr.back() == std::ssize(lists.indices));
      REQUIRE(lists.weights.size() == lists.indices.size());
      for (std::int64_t i = 0; i < rows; ++i) {
        const naive::Row row = expected(points, set, i, all_keys);
        auto at = static_cast<std::size_t>(lists.indptr[static_cast<std::size_t>(i)]);
        for (std::size_t k = 0; k < row.weights.size(); ++k) {
          if (row.weights[k] == 0) continue;
          REQUIRE(lists.indices[at] == static_cast<std::int64_t>(k));
          REQUIRE(close(lists.weights[at++], row.weights[k] / (normalize ? row.mass : 1)));
        }
        REQUIRE(static_cast<std::int64_t>(at) == lists.indptr[static_cast<std::size_t>(i + 1)]);
      }
    }
}

TEST_CASE_TEMPLATE("mask, own keys and keys of weight 0 cut before k nearest", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  sample::Numbers numbers(8);
  std::vector<T> weights(rows);
  for (T& w : weights) w = numbers.uniform() < 0.3 ? T(0) : T(1);
  std::array<bool, rows> mask;
  for (bool& use : mask) use = numbers.uniform() < 0.7;
  for (const auto& [name, set] : sets().cases)
    for (const int which : {1, 2, 4, 7}) {
      CAPTURE(name);
      CAPTURE(which);
      Options<T> options{.exclude_self = (which & 1) != 0, .neighbors = set};
      if (which & 2) options.weights = weights;
      if (which & 4) options.mask = {mask.data(), 0, 1};
      const auto got = points.mean(kernel, options);
      for (std::int64_t i = 0; i < rows; i += 3) {
        naive::Keys candidates = all_keys;
        for (std::size_t k = 0; k < candidates.size(); ++k)
          candidates[k] = !((which & 2) && weights[k] == 0) && !((which & 4) && !mask[k]) &&
                          !((which & 1) && std::int64_t(k) == i);
        const naive::Row row = expected(points, set, i, candidates);
        for (std::int64_t c = 0; c < 3; ++c)
          REQUIRE(close(got.row(i)[c], row.mean[static_cast<std::size_t>(c)]));
      }
    }
}

TEST_CASE_TEMPLATE("ties go by row, balls are closed", T, float, double) {
  sample::Points<T> points(rows, rows, 2, 1);
  sample::Numbers numbers(4);
  for (auto* matrix : {&points.queries, &points.keys})  // squares of quarters are exact
    for (T& x : matrix->data) x = static_cast<T>(double(numbers.below(9)) / 4 - 1);
  for (const NeighborSet& set : {nearest(5), within(0.5), within(1.25), nearest(9) & within(0.5),
                                 within(0.5) | nearest(1), window_on(0, 0.25, 0.5)}) {
    const auto got = points.mean(kernel, {.neighbors = set});
    for (std::int64_t i = 0; i < rows; ++i)
      REQUIRE(close(got.row(i)[0], expected(points, set, i, all_keys).mean[0]));
  }
}

TEST_CASE_TEMPLATE("keys at the radius are told by differences in double", T, float, double) {
  constexpr std::int64_t m = 200, n = 4000;
  sample::Matrix<T> points(n, 1);
  for (std::int64_t i = 0; i < n; ++i) points.row(i)[0] = static_cast<T>(1000 + 0.1 * double(i));
  const View<const T> queries{points.row(1000), m, 1};
  std::vector<std::int64_t> count(m);
  for (const double h : {0.03, 0.7, 30.0})
    for (const NeighborSet& set : {within(0.5), within(0.5) | window(0, 0, 1000)}) {
      local_stats(Kernel{.profile = Profile::laplace, .bandwidth = h}, queries, points.view(), {},
                  {.count = count}, {.neighbors = set});
      for (std::int64_t i = 0; i < m; ++i) {
        std::int64_t inside = 0;
        for (const T x : points.data) inside += std::abs(double(queries.row(i)[0]) - x) <= 0.5;
        REQUIRE(count[static_cast<std::size_t>(i)] == inside);
      }
    }
}

TEST_CASE("keys that float32 scores put on the wrong side of a radius") {
  constexpr std::int64_t m = 5, n = 4000;
  sample::Numbers numbers(2);
  const auto queries = sample::filled<float>(m, 3, [&] { return 1e-7 * numbers.normal(); });
  sample::Matrix<float> keys(n, 3);
  for (std::int64_t k = 0; k < n; ++k) {
    const double x = numbers.normal(), y = numbers.normal(), z = numbers.normal();
    const double stretch =
        0.5 * (1 + 4e-7 * numbers.uniform(-1, 1)) / std::sqrt(x * x + y * y + z * z);
    keys.row(k)[0] = static_cast<float>(x * stretch);
    keys.row(k)[1] = static_cast<float>(y * stretch);
    keys.row(k)[2] = static_cast<float>(z * stretch);
  }
  std::vector<std::int64_t> count(m);
  for (const double h : {0.3, 0.7})
    for (const NeighborSet& set :
         {within(0.5), within(0.5) & window(infinity, infinity), within(0.5) | window(0, 0)}) {
      local_stats(Kernel{.bandwidth = h}, queries.view(), keys.view(), {}, {.count = count},
                  {.neighbors = set});
      for (std::int64_t i = 0; i < m; ++i) {
        std::int64_t inside = 0;
        for (std::int64_t k = 0; k < n; ++k) {
          const bool own = set.kind == NeighborSet::Kind::either && k == i;
          const naive::Seen<float> seen{queries.row(i), i, keys.view()};
          inside += own || seen.distance(k) <= 0.5;
        }
        REQUIRE(count[static_cast<std::size_t>(i)] == inside);
      }
    }
}
