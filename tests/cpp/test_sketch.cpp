// Principal axes, and searches that pass over pairs by their sketches, against brute force.
#include <doctest/doctest.h>

#include <cmath>

#include "brute.hpp"
#include "principal_axes.hpp"
#include "sample.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t features = 40;

// Of a few hidden dimensions and a little noise, the same for all, about `offset`; times `unit`.
template <class T>
sample::Matrix<T> latent(std::int64_t rows, int hidden, double offset, double unit, unsigned seed) {
  sample::Numbers common(99), numbers(seed);
  std::vector<double> map(static_cast<std::size_t>(hidden * features));
  for (double& a : map) a = common.normal();
  sample::Matrix<T> points(rows, features);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::vector<double> at(static_cast<std::size_t>(features));
    for (std::size_t h = 0; h < static_cast<std::size_t>(hidden); ++h) {
      const double z = numbers.normal();
      for (std::size_t j = 0; j < at.size(); ++j) at[j] += z * map[h * at.size() + j];
    }
    for (std::size_t j = 0; j < at.size(); ++j)
      points.row(i)[j] = static_cast<T>(unit * (offset + at[j] + 0.05 * numbers.normal()));
  }
  return points;
}

template <class T>
void check_against_brute(const sample::Matrix<T>& keys, const sample::Matrix<T>& queries,
                         const std::vector<std::int64_t>& counts) {
  const KeyIndex<T> index(keys.view(), {}, 2);
  std::vector<sample::Matrix<T>> distances;
  std::vector<sample::Matrix<std::int64_t>> indices;
  for (const std::int64_t k : counts) {
    distances.emplace_back(queries.rows, k);
    indices.emplace_back(queries.rows, k);
    knn(index, queries.view(), distances.back().view(), indices.back().view());
  }
  for (std::int64_t i = 0; i < queries.rows; ++i) {
    const auto expected = brute::by_distance(queries.row(i), keys);
    for (std::size_t c = 0; c < counts.size(); ++c)
      for (std::int64_t j = 0; j < counts[c]; ++j) {
        const auto& [square, key] = expected[static_cast<std::size_t>(j)];
        REQUIRE(indices[c].row(i)[j] == key);
        REQUIRE(distances[c].row(i)[j] == static_cast<T>(std::sqrt(square)));
      }
  }
}

}  // namespace

TEST_CASE("principal axes are orthonormal, and hold the variance of hidden dimensions") {
  const auto points = latent<double>(300, 3, 0, 1, 1);
  const Axes found = principal_axes(points.data, features, 8);
  REQUIRE(found.number == 8);
  const auto axis = [&](std::int64_t i, std::int64_t j) {
    return found.axes[static_cast<std::size_t>(j * 8 + i)];
  };
  for (std::int64_t a = 0; a < 8; ++a)
    for (std::int64_t b = 0; b < 8; ++b) {
      double product = 0;
      for (std::int64_t j = 0; j < features; ++j) product += axis(a, j) * axis(b, j);
      CHECK(std::abs(product - (a == b ? 1 : 0)) < 1e-13);
    }
  double total = 0, held = 0, before = std::numeric_limits<double>::infinity();
  for (const double x : points.data) total += x * x;
  for (std::int64_t a = 0; a < 8; ++a) {
    double along = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
      double y = 0;
      for (std::int64_t j = 0; j < features; ++j) y += points.row(i)[j] * axis(a, j);
      along += y * y;
    }
    CHECK(along <= before);
    before = along;
    if (a < 3) held += along;
  }
  CHECK(held > 0.998 * total);
  // Rows that span a plane have two axes, and rows of zeros none.
  CHECK(principal_axes({1, 0, 0, 0, 2, 0, 1, 2, 0}, 3, 3).number == 2);
  CHECK(principal_axes(std::vector<double>(12), 3, 2).number == 0);
}

TEST_CASE_TEMPLATE("few pairs are visited where a few axes tell keys apart", T, float, double) {
  const auto share = [](const sample::Matrix<T>& keys) {
    const KeyIndex<T> index(keys.view(), {}, 2);
    sample::Matrix<T> distances(keys.rows, 8);
    sample::Matrix<std::int64_t> indices(keys.rows, 8);
    const Report report = knn(index, keys.view(), distances.view(), indices.view());
    return static_cast<double>(report.pairs_visited) / static_cast<double>(keys.rows * keys.rows);
  };
  CHECK(share(latent<T>(9000, 5, 0, 1, 1)) < 0.1);
  CHECK(share(sample::normal<T>(9000, features, 1)) > 0.9);
  CHECK(share(sample::Matrix<T>(9000, features)) <= 1);  // equal keys have no axes
}

TEST_CASE_TEMPLATE("searches by sketches are the brute force", T, float, double) {
  constexpr bool wide = sizeof(T) == 8;
  for (const double offset : {0.0, 1e4})
    for (const double unit : {1.0, wide ? 1e-170 : 1e-16, wide ? 1e140 : 1e14}) {
      CAPTURE(offset);
      CAPTURE(unit);
      const auto keys = latent<T>(9000, 5, offset, unit, 1);
      auto queries = latent<T>(30, 5, offset, unit, 2);
      for (std::int64_t j = 0; j < features; ++j) {
        queries.row(0)[j] = keys.row(7)[j];            // coincident
        queries.row(1)[j] = keys.row(3)[j] * T(-1e3);  // far from all
      }
      check_against_brute(keys, queries, {1, 12, 300});
    }
}

// The sketches of a cluster err by more than its size; where a leaf ends within it, its nearest
// keys so far are a tight limit for the others.
TEST_CASE_TEMPLATE("clusters smaller than the rounding of sketches", T, float, double) {
  const auto centers = latent<T>(300, 5, 0, 1, 1);
  sample::Numbers numbers(3);
  sample::Matrix<T> keys(9000, features);
  for (std::int64_t i = 0; i < 9000; ++i)
    for (std::int64_t j = 0; j < features; ++j)
      keys.row(i)[j] = centers.row(i % 300)[j] + static_cast<T>(1e-4 * numbers.normal());
  check_against_brute(keys, centers, {1, 12});
}

TEST_CASE_TEMPLATE("ties and an outlier do not mislead sketches", T, float, double) {
  const auto points = latent<T>(1500, 5, 0, 1, 1);
  sample::Matrix<T> keys(9001, features);  // six of each
  for (std::int64_t i = 0; i < 9000; ++i) std::copy_n(points.row(i % 1500), features, keys.row(i));
  std::fill_n(keys.row(9000), features, sizeof(T) == 8 ? T(1e150) : T(1e17));
  sample::Matrix<T> queries(40, features);
  std::copy_n(points.row(0), 39 * features, queries.row(0));
  std::copy_n(keys.row(9000), features, queries.row(39));
  check_against_brute(keys, queries, {4, 6, 20});
}

TEST_CASE_TEMPLATE("by cosines and within a radius, as without an index", T, float, double) {
  const auto keys = latent<T>(9000, 5, 0, 1, 1), queries = latent<T>(50, 5, 0, 1, 2);
  const KeyIndex<T> by_angle(keys.view(), {.metric = Metric::cosine}), index(keys.view());
  sample::Matrix<T> distances(50, 9);
  sample::Matrix<std::int64_t> indices(50, 9);
  knn(by_angle, queries.view(), distances.view(), indices.view());
  const NeighborLists<T> lists = radius_neighbors(index, queries.view(), 4.0);
  CHECK(lists.indptr.back() > 400);
  for (std::int64_t i = 0; i < 50; ++i) {
    const T* q = queries.row(i);
    std::vector<std::pair<double, std::int64_t>> cosines, near;
    for (std::int64_t key = 0; key < 9000; ++key) {
      const T* x = keys.row(key);
      double qq = 0, xx = 0, square = 0, half = 0;
      for (std::int64_t j = 0; j < features; ++j) {
        qq += double(q[j]) * double(q[j]);
        xx += double(x[j]) * double(x[j]);
        square += (double(q[j]) - double(x[j])) * (double(q[j]) - double(x[j]));
      }
      for (std::int64_t j = 0; j < features; ++j)
        half += std::pow(double(q[j]) / std::sqrt(qq) - double(x[j]) / std::sqrt(xx), 2) / 2;
      cosines.emplace_back(half, key);
      if (std::sqrt(square) <= 4.0) near.emplace_back(square, key);
    }
    std::partial_sort(cosines.begin(), cosines.begin() + 9, cosines.end());
    std::sort(near.begin(), near.end());
    for (std::int64_t j = 0; j < 9; ++j) {
      REQUIRE(indices.row(i)[j] == cosines[static_cast<std::size_t>(j)].second);
      REQUIRE(std::abs(double(distances.row(i)[j]) - cosines[static_cast<std::size_t>(j)].first) <=
              1e-7 * cosines[static_cast<std::size_t>(j)].first);
    }
    const auto first = static_cast<std::size_t>(lists.indptr[static_cast<std::size_t>(i)]);
    REQUIRE(near.size() ==
            static_cast<std::size_t>(lists.indptr[static_cast<std::size_t>(i) + 1]) - first);
    for (std::size_t j = 0; j < near.size(); ++j)
      REQUIRE(lists.indices[first + j] == near[j].second);
  }
}
