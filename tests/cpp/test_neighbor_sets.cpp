// Sets of neighbors against naive loops: which keys count, what becomes of them, what is refused.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <string>

#include "naive.hpp"
#include "naive_sets.hpp"
#include "sample.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;

namespace {

using Ints = std::vector<std::int64_t>;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t rows = 300;  // more than a tile
constexpr std::int64_t edge = 7, edges = (rows + edge - 1) / edge;

struct Case {
  std::string name;
  NeighborSet set;
};

// Sets over `rows` queries and keys, and what they borrow.
struct Sets {
  Ints query_offsets{0, 10, 10, 280, rows}, key_offsets{0, 3, 20, 100, rows};
  std::array<bool, edges * edges> used{};
  Ints indptr{0}, indices;
  std::vector<Case> cases;

  Sets() {
    sample::Numbers numbers(3);
    for (bool& use : used) use = numbers.uniform() < 0.4;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < rows; ++j)
        if (numbers.uniform() < 0.05) indices.push_back(j);
      indptr.push_back(std::ssize(indices));
    }
    const NeighborSet block = blocks({used.data(), edges, edges}, edge),
                      listed = graph(indptr, indices), pixels = image_patch({5, 6, 10}, {1, 2, 0}),
                      causal = window(infinity, 0);
    cases = {
        {"nearest", nearest(7)},
        {"radius", within(0.7)},
        {"window", window(5, 3)},
        {"causal", causal},
        {"window with offset", window(0, 10, -4)},
        {"window of a column", window_on(1, 0.25, infinity)},
        {"segments", segments(query_offsets, key_offsets)},
        {"blocks", block},
        {"grid", pixels},
        {"graph", listed},
        {"nearest within", nearest(7) & within(0.3)},
        {"nearest in a window", window(20, 20) & nearest(4)},
        {"nearest of a graph", listed & nearest(3) & within(2.0)},
        {"causal radius", within(1.0) & causal},
        {"gates", block & window(90, 90) & within(1.5)},
        {"window or graph", window(2, 2) | listed},
        {"nearest or radius", nearest(5) | within(0.2)},
        {"cut of a union", (nearest(5) | pixels) & within(1.5)},
        {"cut of a union of sets", (block | listed) & causal},
        {"two nearest", nearest(9) & nearest(4)},
        {"long lists", nearest(280) | window(1, 0)},
        {"nothing", within(0.0)},
    };
  }
  Sets(const Sets&) = delete;
};

const Sets& sets() {
  static const Sets all;
  return all;
}

const Kernel kernel{.bandwidth = 0.8};

// Row i by the formula, over the keys that the set holds of the candidates.
template <class T>
naive::Row expected(const sample::Points<T>& points, const NeighborSet& set, std::int64_t i,
                    const naive::Keys& candidates) {
  const View<const T> keys = points.keys.view();
  const naive::Keys in = naive::Seen<T>{points.queries.row(i), i, keys}.of(set, candidates);
  std::vector<naive::Real> weights;
  for (std::int64_t k = 0; k < keys.rows; ++k)
    weights.push_back(in[static_cast<std::size_t>(k)]
                          ? naive::weight(kernel, points.queries.row(i), keys.row(k), keys.columns)
                          : 0);
  return naive::row_of(std::move(weights), points.values.view());
}

template <class T>
bool close(T got, naive::Real wanted) {
  if (!std::isfinite(wanted)) return std::isnan(wanted) ? std::isnan(got) : got == T(wanted);
  const naive::Real error = sizeof(T) == 4 ? 3e-5L : 1e-12L;
  return std::abs(got - wanted) <= error * std::max<naive::Real>(1, std::abs(wanted));
}

const naive::Keys all_keys(rows, 1);

}  // namespace

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
