// Sets of neighbors over keys that arrive in pieces: the same rows as over all keys at once.
#include <doctest/doctest.h>

#include "sample_sets.hpp"
#include "vicinal/partial.hpp"

using namespace vicinal;
using sample::all_keys, sample::close, sample::expected, sample::infinity, sample::Ints,
    sample::kernel, sample::rows, sample::sets;

namespace {

bool holds_nearest(const NeighborSet& set) { return naive::finds_nearest(set); }

// Queries first_row … first_row + m − 1 over the keys between the cuts.
template <class T>
PartialState<T> summed(const sample::Points<T>& points, const Kernel& k, const NeighborSet& set,
                       const Ints& cuts, std::int64_t first_row = 0, std::int64_t m = rows) {
  const View<const T> queries{points.queries.row(first_row), m, points.queries.columns};
  PartialState<T> state(k, {queries}, points.values.columns,
                        {.ess = true, .variance = true, .count = true, .top_k = 4});
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const std::int64_t n = cuts[i + 1] - cuts[i];
    const BatchItem<T> item{.keys = {points.keys.row(cuts[i]), n, points.keys.columns},
                            .values = {points.values.row(cuts[i]), n, points.values.columns}};
    state.update({&item, 1}, {.key_offset = cuts[i], .neighbors = set, .query_offset = first_row});
  }
  return state;
}

template <class T>
struct Finished {
  sample::Matrix<T> mean, variance, top_weights;
  sample::Matrix<std::int64_t> top_indices;
  std::vector<T> log_mass, ess;
  std::vector<std::int64_t> count;
  Report report;

  Finished(const PartialState<T>& state, std::int64_t m, std::int64_t p)
      : mean(m, p), variance(m, p), top_weights(m, 4), top_indices(m, 4) {
    log_mass.resize(std::size_t(m)), ess.resize(std::size_t(m)), count.resize(std::size_t(m));
    const Statistics<T> wanted{.mean = mean.view(),
                               .log_mass = log_mass,
                               .ess = ess,
                               .count = count,
                               .variance = variance.view(),
                               .top_k_indices = top_indices.view(),
                               .top_k_weights = top_weights.view()};
    report = state.finish({&wanted, 1});
  }
};

const Ints cuts{0, 0, 1, 70, 70, 211, 299, rows};

}  // namespace

TEST_CASE_TEMPLATE("statistics over pieces are those of the keys in the set", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  for (const auto& [name, set] : sets().cases) {
    if (holds_nearest(set)) continue;
    CAPTURE(name);
    const Finished<T> got(summed(points, kernel, set, cuts), rows, 3);
    std::int64_t empty = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const naive::Row row = expected(points, set, i, all_keys);
      const auto at = static_cast<std::size_t>(i);
      empty += row.count == 0;
      REQUIRE(got.count[at] == row.count);
      REQUIRE(close(got.log_mass[at], row.count == 0 ? -infinity : row.log_mass()));
      for (std::int64_t c = 0; c < 3; ++c)
        REQUIRE(close(got.mean.row(i)[c], row.mean[static_cast<std::size_t>(c)]));
      if (row.count > 0) REQUIRE(close(got.ess[at], row.ess()));
      for (std::int64_t j = 0; j < std::min<std::int64_t>(row.count, 4); ++j) {
        const auto key = static_cast<std::size_t>(got.top_indices.row(i)[j]);
        REQUIRE(close(got.top_weights.row(i)[j], row.weights[key] / row.mass));
      }
    }
    CHECK(got.report.empty_rows == empty);
  }
}

TEST_CASE_TEMPLATE("bits depend on the cuts of the keys alone", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 3);
  for (const auto& [name, set] : sets().cases) {
    if (holds_nearest(set)) continue;
    CAPTURE(name);
    const Finished<T> whole(summed(points, kernel, set, cuts), rows, 3);
    for (const auto& [first, m] : {std::pair{0, 17}, {17, 200}, {217, 83}}) {
      const Finished<T> part(summed(points, kernel, set, cuts, first, m), m, 3);
      for (std::int64_t i = 0; i < m; ++i)
        REQUIRE(std::memcmp(part.mean.row(i), whole.mean.row(first + i), 3 * sizeof(T)) == 0);
    }
    auto left = summed(points, kernel, set, {0, 211});
    left.merge(summed(points, kernel, set, {211, rows}));
    const Finished<T> merged(left, rows, 3);
    for (std::int64_t i = 0; i < rows; ++i)
      REQUIRE(merged.count[std::size_t(i)] == whole.count[std::size_t(i)]);
  }
}

TEST_CASE_TEMPLATE("many keys are met through a tree of their piece", T, float, double) {
  constexpr std::int64_t m = 40, n = 15000;
  const sample::Points<T> points(m, n, 2, 1);
  const NeighborSet set = within(0.3) & window(infinity, 4000, 5000);
  const auto plain = points.mean(kernel, {.neighbors = set});
  const Finished<T> got(summed(points, kernel, set, {0, 6000, n}, 0, m), m, 1);
  for (std::int64_t i = 0; i < m; ++i)
    REQUIRE(close(got.mean.row(i)[0], naive::Real(plain.row(i)[0])));
}

TEST_CASE_TEMPLATE("numbers on the edges of a graph, signs included", T, float, double) {
  const sample::Points<T> points(rows, rows, 2, 1);
  sample::Numbers numbers(5);
  const Ints &indptr = sets().indptr, &indices = sets().indices;
  std::vector<T> far(indices.size()), weights(indices.size());
  for (T& x : far) x = static_cast<T>(numbers.uniform(0, 2));
  for (T& x : weights) x = static_cast<T>(numbers.normal());
  weights[0] = T(1), weights[1] = T(-1);  // row 0 is nothing but these two
  Ints ends = indptr;
  const std::int64_t more = ends[1] - 2;
  REQUIRE(more > 0);
  const Ints starts = [&] {
    Ints cut = indptr;
    for (std::size_t i = 1; i < cut.size(); ++i) cut[i] -= more;
    return cut;
  }();
  Ints kept(indices);
  kept.erase(kept.begin() + 2, kept.begin() + 2 + more);
  far.erase(far.begin() + 2, far.begin() + 2 + more);
  weights.erase(weights.begin() + 2, weights.begin() + 2 + more);
  const std::span<const T> distances(far), signs(weights);
  for (const bool known : {false, true}) {
    const NeighborSet set = (known ? graph(starts, kept, signs, EdgeData::weight)
                                   : graph(starts, kept, distances, EdgeData::distance)) &
                            window(200, 200);
    const Kernel k = known ? Kernel{.profile = Profile::constant} : kernel;
    const Finished<T> got(summed(points, k, set, cuts), rows, 1);
    for (std::int64_t i = 0; i < rows; ++i) {
      naive::Real mass = 0, size = 0, sum = 0;
      for (std::int64_t e = starts[std::size_t(i)]; e < starts[std::size_t(i) + 1]; ++e) {
        const std::int64_t key = kept[std::size_t(e)];
        if (std::abs(key - i) > 200) continue;
        const naive::Real u = far[std::size_t(e)] / naive::Real(k.bandwidth),
                          w = known ? naive::Real(weights[std::size_t(e)]) : std::exp(-u * u / 2);
        mass += w, size += std::abs(w), sum += w * points.values.row(key)[0];
      }
      const T mean = got.mean.row(i)[0];
      if (std::abs(mass) <= 64 * naive::Real(std::numeric_limits<T>::epsilon()) * size)
        REQUIRE(std::isnan(mean));
      else
        REQUIRE(std::abs(mean - sum / mass) <=
                (sizeof(T) == 4 ? 1e-4 : 1e-12) * std::max<naive::Real>(1, size / std::abs(mass)));
    }
    if (known) CHECK(std::isnan(got.mean.row(0)[0]));
  }
}

TEST_CASE("a plain call counts keys from key_offset too") {
  const sample::Points<double> points(rows, rows, 2, 1);
  constexpr std::int64_t first = 120, n = 100;
  for (const auto& [name, set] : sets().cases) {
    if (holds_nearest(set)) continue;
    CAPTURE(name);
    sample::Matrix<double> got(rows, 1);
    local_mean(kernel, points.queries.view(), View<const double>{points.keys.row(first), n, 2},
               View<const double>{points.values.row(first), n, 1}, got.view(),
               {.key_offset = first, .neighbors = set});
    naive::Keys piece(rows, 0);
    std::fill(piece.begin() + first, piece.begin() + first + n, 1);
    for (std::int64_t i = 0; i < rows; ++i)
      REQUIRE(close(got.row(i)[0], expected(points, set, i, piece).mean[0]));
  }
}

TEST_CASE("sets that do not fit a piece are refused") {
  const sample::Points<double> points(rows, rows, 2, 1);
  const Ints ends{0, 100}, all{0, rows}, indptr(rows + 1, 0), one{-1};
  Ints one_edge(rows + 1, 1);
  one_edge[0] = 0;
  const std::array<bool, 6> used{};
  const auto refused = [&](const NeighborSet& set, const char* word) {
    CHECK_THROWS_WITH_AS(summed(points, kernel, set, {0, 50, 200}), doctest::Contains(word),
                         std::invalid_argument);
  };
  refused(nearest(3), "all keys at once");
  refused(within(1) & nearest(3), "all keys at once");
  refused(segments(all, ends), "key_offsets must begin with 0, never fall and end with 200");
  refused(segments(ends, all), "query_offsets");
  refused(blocks({used.data(), 6, 1}, 60), "mask of blocks");
  refused(image_patch({15, 10}, {1, 1}), "one query per pixel, 150, got 300");
  CHECK_THROWS_WITH_AS(summed(points, kernel, image_patch({15, 10}, {1, 1}), {0, 50, 200}, 0, 100),
                       doctest::Contains("the grid has 150 pixels, but there are 200 keys"),
                       std::invalid_argument);
  refused(graph(one_edge, one), "indices of the graph");
  refused(graph(ends, one), "rows");
  CHECK_NOTHROW(summed(points, kernel, graph(indptr, {}), {0, 50, 200}));
  Options<double> options{.key_offset = std::numeric_limits<std::int64_t>::max(),
                          .neighbors = window(1, 1)};
  PartialState<double> state(kernel, {points.queries.view()}, 1, {});
  const BatchItem<double> item{.keys = points.keys.view(), .values = points.values.view()};
  CHECK_THROWS_WITH_AS(state.update({&item, 1}, options), doctest::Contains("key_offset"),
                       std::invalid_argument);
}
