// Graphs with numbers on their edges, and what is no set at all.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "naive.hpp"
#include "sample.hpp"

using namespace vicinal;

namespace {

using Ints = std::vector<std::int64_t>;
constexpr std::int64_t m = 120, n = 150, degree = 9;

// Rows of `degree` keys in any order; the last row is empty.
template <class T>
struct Listed {
  Ints indptr{0}, indices;
  std::vector<T> numbers;

  explicit Listed(bool any_sign) {
    sample::Numbers draw(6);
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t e = 0; e < degree && i + 1 < m; ++e) {
        indices.push_back((draw.below(n / degree) * degree + e * 37 + i) % n);
        numbers.push_back(static_cast<T>(any_sign ? draw.normal() : draw.uniform()));
      }
      indptr.push_back(std::ssize(indices));
    }
  }
  NeighborSet as(EdgeData data) const { return graph(indptr, indices, numbers, data); }

  // By the formula; the pairs of row i that pass, f(number) their weights.
  template <class Passes, class Weight>
  naive::Row row(std::int64_t i, View<const T> values, Passes&& passes, Weight&& weight) const {
    std::vector<naive::Real> weights(n, 0);
    for (std::int64_t e = indptr[std::size_t(i)]; e < indptr[std::size_t(i + 1)]; ++e) {
      const auto at = static_cast<std::size_t>(e);
      if (passes(at)) weights[std::size_t(indices[at])] += weight(naive::Real(numbers[at]));
    }
    return naive::row_of(std::move(weights), values);
  }
};

template <class T>
void check_means(const sample::Matrix<T>& got, std::int64_t i, const naive::Row& row) {
  for (std::int64_t c = 0; c < got.columns; ++c) {
    const naive::Real wanted = row.mean[static_cast<std::size_t>(c)];
    const naive::Real error = (sizeof(T) == 4 ? 1e-5L : 1e-13L) * row.condition();
    if (std::isnan(wanted))
      REQUIRE(std::isnan(got.row(i)[c]));
    else
      REQUIRE(std::abs(got.row(i)[c] - wanted) <= 4 * error);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("weights of a graph are the weights, of either sign", T, float, double) {
  const sample::Points<T> points(m, n, 2, 20);
  const Listed<T> listed(true);
  const auto one = points.mean(Kernel{.profile = Profile::constant},
                               {.neighbors = listed.as(EdgeData::weight), .num_threads = 1});
  const auto weight = [](naive::Real w) { return w; };
  for (std::int64_t i = 0; i < m; ++i)
    check_means(one, i, listed.row(i, points.values.view(), [](auto) { return true; }, weight));
  for (const int threads : {2, 3})
    CHECK(sample::same_bits(
        points.mean(Kernel{.profile = Profile::constant},
                    {.neighbors = listed.as(EdgeData::weight), .num_threads = threads}),
        one));
  const auto cut = points.mean(Kernel{.profile = Profile::constant},
                               {.neighbors = window(40, 40) & listed.as(EdgeData::weight)});
  for (std::int64_t i = 0; i < m; ++i) {
    const auto near = [&](std::size_t e) { return std::abs(listed.indices[e] - i) <= 40; };
    check_means(cut, i, listed.row(i, points.values.view(), near, weight));
  }
}

TEST_CASE_TEMPLATE("rows of several tiles have the bits that a state gives them", T, float,
                   double) {
  constexpr std::int64_t rows = 40, keys = 900;
  for (const std::int64_t p : {1, 3, 16}) {
    const auto values = sample::normal<T>(keys, p, 4);
    sample::Numbers draw(8);
    Ints indptr{0}, indices;
    std::vector<T> numbers;
    for (std::int64_t i = 0; i < rows; ++i) {  // lists of 200 to 900 keys, one of them of zeros
      for (std::int64_t j = 0; j < keys; ++j) {
        if (draw.uniform() > 0.2 + 0.02 * double(i)) continue;
        indices.push_back(j);
        numbers.push_back(i == 20 && j > 300 ? T(0) : static_cast<T>(draw.uniform()));
      }
      indptr.push_back(std::ssize(indices));
    }
    const T zero = 0;
    const View<const T> nowhere(&zero, rows, 1, 0), places(&zero, keys, 1, 0);
    const Kernel kernel{.profile = Profile::constant};
    const Options<T> options{.neighbors = graph(indptr, indices, numbers, EdgeData::weight)};
    sample::Matrix<T> alone(rows, p), beside(rows, p);
    std::vector<T> masses(rows);
    local_mean(kernel, nowhere, places, values.view(), alone.view(), options);
    local_stats(kernel, nowhere, places, values.view(), {.mean = beside.view(), .log_mass = masses},
                options);
    CHECK(sample::same_bits(alone, beside));
  }
}

TEST_CASE_TEMPLATE("distances of a graph stand for those of points", T, float, double) {
  const sample::Points<T> points(m, n, 2, 3);
  const Listed<T> listed(false);
  for (const Kernel& kernel :
       {Kernel{.bandwidth = 0.3}, Kernel{.profile = Profile::laplace, .bandwidth = 0.3},
        Kernel{.profile = Profile::tricube, .bandwidth = 0.6}}) {
    const auto weight = [&](naive::Real d) {
      return naive::distance_weight(kernel, d / kernel.bandwidth);
    };
    const NeighborSet set = listed.as(EdgeData::distance);
    const auto got = points.mean(kernel, {.neighbors = set});
    const auto three = points.mean(kernel, {.neighbors = nearest(3) & set});
    for (std::int64_t i = 0; i < m; ++i) {
      const auto first = std::size_t(listed.indptr[std::size_t(i)]),
                 last = std::size_t(listed.indptr[std::size_t(i + 1)]);
      std::vector<std::pair<T, std::int64_t>> order;
      for (std::size_t e = first; e < last; ++e)
        order.emplace_back(listed.numbers[e], listed.indices[e]);
      std::sort(order.begin(), order.end());
      const auto nearest_three = [&](std::size_t e) {
        return std::pair(listed.numbers[e], listed.indices[e]) <= order[2];
      };
      check_means(got, i, listed.row(i, points.values.view(), [](auto) { return true; }, weight));
      check_means(three, i, listed.row(i, points.values.view(), nearest_three, weight));
    }
  }
}

TEST_CASE_TEMPLATE("indices of 32 bits are those of 64", T, float, double) {
  const sample::Points<T> points(m, n, 2, 3);
  const Listed<T> listed(false);
  const std::vector<std::int32_t> indices(listed.indices.begin(), listed.indices.end());
  const Kernel constant{.profile = Profile::constant};
  const auto check = [&](const Kernel& kernel, const NeighborSet& wide, const NeighborSet& narrow) {
    for (const NeighborSet& cut : {NeighborSet{}, window(40, 40), within(0.5)}) {
      const bool all = cut.kind == NeighborSet::Kind::all;
      CHECK(sample::same_bits(points.mean(kernel, {.neighbors = all ? wide : wide & cut}),
                              points.mean(kernel, {.neighbors = all ? narrow : narrow & cut})));
    }
  };
  check(Kernel{}, graph(listed.indptr, listed.indices), graph(listed.indptr, indices));
  for (const EdgeData data : {EdgeData::distance, EdgeData::weight})
    check(data == EdgeData::weight ? constant : Kernel{}, listed.as(data),
          graph(listed.indptr, indices, listed.numbers, data));
  check(Kernel{}, graph(listed.indptr, listed.indices) | window(2, 2),
        graph(listed.indptr, indices) | window(2, 2));

  NeighborSet both = graph(listed.indptr, indices);
  both.indices = listed.indices;
  CHECK_THROWS_WITH(points.mean(Kernel{}, {.neighbors = both}),
                    doctest::Contains("indices of 64 or of 32 bits, got both"));
  std::vector<std::int32_t> wrong = indices;
  wrong[5] = -7;
  CHECK_THROWS_WITH(points.mean(Kernel{}, {.neighbors = graph(listed.indptr, wrong)}),
                    doctest::Contains("must lie in [0, 150), got -7"));
}

TEST_CASE_TEMPLATE("numbers of a graph are in the type of the call", T, float, double) {
  using Other = std::conditional_t<sizeof(T) == 4, double, float>;
  const sample::Points<T> points(m, n, 2, 1);
  const Listed<Other> listed(false);
  for (const EdgeData data : {EdgeData::distance, EdgeData::weight})
    CHECK_THROWS_WITH(points.mean(Kernel{}, {.neighbors = listed.as(data)}),
                      doctest::Contains("a number of the call's type for each of its 1071 edges, "
                                        "got 0"));
  points.mean(Kernel{}, {.neighbors = graph(listed.indptr, listed.indices)});
}

TEST_CASE_TEMPLATE("coincident keys of a list outweigh all others", T, float, double) {
  sample::Points<T> points(3, 6, 1, 1);
  points.queries.data = {T(1), T(2), T(9)};
  points.keys.data = {T(1), T(2), T(1), T(3), T(2), T(1)};
  points.values.data = {T(1), T(2), T(4), T(8), T(16), T(32)};
  const Ints indptr{0, 4, 6, 8}, indices{0, 1, 2, 3, 1, 4, 3, 5};
  const auto got = points.mean(Kernel{.profile = Profile::inverse_distance, .shape = 2},
                               {.neighbors = graph(indptr, indices)});
  CHECK(got.row(0)[0] == doctest::Approx(2.5));  // keys 0 and 2
  CHECK(got.row(1)[0] == doctest::Approx(9));    // keys 1 and 4
  CHECK(got.row(2)[0] == doctest::Approx((8.0 / 36 + 32.0 / 64) / (1.0 / 36 + 1.0 / 64)));
}

TEST_CASE_TEMPLATE("a hit outweighs the other tiles of a long list", T, float, double) {
  sample::Points<T> points(2, 700, 1, 1);
  for (std::int64_t k = 0; k < 700; ++k) points.keys.row(k)[0] = T(2 + k);
  points.queries.data = {T(7), T(650)};  // hits in the first and the last tile
  for (const NeighborSet& set : {nearest(700), nearest(1) | window(700, 700)}) {
    const auto got =
        points.mean(Kernel{.profile = Profile::inverse_distance, .shape = 2}, {.neighbors = set});
    CHECK(got.row(0)[0] == points.values.row(5)[0]);
    CHECK(got.row(1)[0] == points.values.row(648)[0]);
  }
}

namespace {

struct Refused {
  const char* message;
  NeighborSet set;
};

const Ints none, zero{0}, down{0, 3, 2, 4}, up{0, 1, 2, 4}, ends{0, 4}, early{0, 3}, late{1, 4},
    rows{0, 1, 2, 3, 4}, past{0, 1, 2, 3, 5}, swapped{0, 2, 1, 3, 4}, keys{3, 0, 1, 2},
    high{0, 1, 2, 4}, low{0, 1, -1, 2};
const std::array<bool, 4> used{true, true, true, true};
const std::array<double, 4> numbers{1, 2, 3, 4}, negative{1, 2, -3, 4},
    missing{1, 2, std::numeric_limits<double>::quiet_NaN(), 4};
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Of four queries and four keys with two features.
std::vector<Refused> refused() {
  const NeighborSet distances = graph(rows, keys, numbers, EdgeData::distance);
  return {
      {"k must be at least 1 and at most the number of keys (4), got 0", nearest(0)},
      {"k must be at least 1 and at most the number of keys (4), got 5", nearest(5)},
      {"(4), got 5", window(1, 1) & (within(1) | nearest(5))},  // wherever it stands
      {"radius must be a number, got NaN", within(not_a_number)},
      {"radius must be at least 0, got -1", within(-1)},
      {"before and after must be at least 0 (and whole for a window of rows), got -1",
       window(-1, 0)},
      {"before and after must be at least 0", window(0, 0.5)},
      {"before and after must be at least 0", window(not_a_number, 0)},
      {"before and after must be at least 0", window_on(0, 1, -0.5)},
      {"on must be a column of the points, 0 to 1, got 2", window_on(2, 1, 1)},
      {"on must be a column of the points, 0 to 1, got -1", window_on(-1, 1, 1)},
      {"of one length, got 2 and 1", segments(ends, zero)},
      {"query_offsets must begin with 0, never fall and end with 4", segments(early, ends)},
      {"query_offsets must begin with 0", segments(down, up)},
      {"query_offsets must begin with 0", segments(none, none)},
      {"key_offsets must begin with 0, never fall and end with 4", segments(ends, early)},
      {"key_offsets must begin with 0", segments(ends, late)},
      {"key_offsets must begin with 0", segments(up, down)},
      {"block must be at least 1, got 0", blocks({used.data(), 2, 2}, 0)},
      {"the mask of blocks of 2 must have shape (2, 2), got (1, 2)",
       blocks({used.data(), 1, 2}, 2)},
      {"must have shape (2, 2), got (2, 1)", blocks({used.data(), 2, 1}, 2)},
      {"must have shape (1, 1), got (2, 2)",
       blocks({used.data(), 2, 2}, std::numeric_limits<std::int64_t>::max())},
      {"a grid must have at least one pixel along every axis", image_patch({0, 4}, {1, 1})},
      {"a grid needs a radius for each of its axes", image_patch({2, 2}, {1})},
      {"a grid needs a radius for each of its axes", image_patch({}, {})},
      {"the radius of a grid must be at least 0", image_patch({2, 2}, {1, -1})},
      {"the grid has 6 pixels, but there are 4 keys", image_patch({2, 3}, {1, 1})},
      {"the graph must have 4 rows, one per query, got 3", graph(up, keys)},
      {"the graph must have 4 rows, one per query, got 0", graph(none, none)},
      {"a number of the call's type for each of its 4 edges, got 3",
       graph(rows, keys, std::span(numbers).first(3), EdgeData::weight)},
      {"indptr of the graph must begin with 0, never fall and end with the number of edges (4)",
       graph(past, keys)},
      {"indptr of the graph must begin with 0", graph(swapped, keys)},
      {"indices of the graph must lie in [0, 4), got 4", graph(rows, high)},
      {"indices of the graph must lie in [0, 4), got -1", graph(rows, low)},
      {"distances of the graph must be at least 0, got -3",
       graph(rows, keys, negative, EdgeData::distance)},
      {"distances of the graph must be at least 0, got",
       graph(rows, keys, missing, EdgeData::distance)},
      {"it goes with & once, not with |", distances | nearest(1)},
      {"it goes with & once, not with |", distances & distances},
      {"it does not go with k nearest", nearest(1) & graph(rows, keys, numbers, EdgeData::weight)},
  };
}

}  // namespace

TEST_CASE("sets that do not fit are refused") {
  const sample::Points<double> points(4, 4, 2, 1);
  for (const auto& [message, set] : refused()) {
    CAPTURE(message);
    CHECK_THROWS_WITH_AS(points.mean(Kernel{}, {.neighbors = set}), doctest::Contains(message),
                         std::invalid_argument);
  }
  points.mean(Kernel{}, {.neighbors = graph(rows, keys)});
}

TEST_CASE("kernels and calls that a set does not go with are refused") {
  const sample::Points<double> points(4, 4, 2, 1), more(5, 4, 2, 1);
  const KernelSum product({Term{1, {Kernel{}, Kernel{.profile = Profile::laplace}}}});
  CHECK_THROWS_WITH(points.mean(product, {.neighbors = within(1)}),
                    doctest::Contains("a radius needs a kernel of one metric distance"));
  CHECK_THROWS_WITH(
      points.mean(product, {.neighbors = graph(rows, keys, numbers, EdgeData::distance)}),
      doctest::Contains("a graph of distances needs a kernel of one distance"));
  CHECK_THROWS_WITH(points.mean(Kernel{}, {.neighbors = window(1, 1), .query_offset = -1}),
                    "query_offset must not be negative, got -1");
  CHECK_THROWS_WITH(more.mean(Kernel{}, {.neighbors = image_patch({2, 2}, {1, 1})}),
                    "a grid has one query per pixel, 4, got 5");
  auto broken = points;
  broken.keys.data[5] = not_a_number;
  CHECK_THROWS_WITH(broken.mean(Kernel{}, {.neighbors = nearest(2)}),
                    doctest::Contains("keys must not hold NaN where the nearest are looked for"));
}

TEST_CASE("windows and blocks of any size") {
  const sample::Points<double> points(4, 4, 2, 1);
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const bool use = true;
  const auto all = points.mean(Kernel{});
  for (const NeighborSet& set :
       {blocks({&use, 1, 1}, most), window(1e300, 1e300), window(1e300, 0, most) | window(9, 9)}) {
    const auto got = points.mean(Kernel{}, {.neighbors = set});
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(got.data[i] == doctest::Approx(all.data[i]).epsilon(1e-12));
  }
  const auto nothing = points.mean(Kernel{}, {.neighbors = window(1, 1, most)});
  for (const double x : nothing.data) CHECK(std::isnan(x));
}
