// Affine weights against the constrained problem solved in long double, and the edges of the call.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "sample.hpp"
#include "vicinal/local_fit.hpp"

using namespace vicinal;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

// Lagrange's conditions (G + R) w = λ 1, Σ w = 1 are all that a minimiser of a convex problem has:
// the largest deviation of (G + R) w from its mean, relative to the size of its terms.
template <class T>
long double deviation(const T* q, const sample::Matrix<T>& keys, const std::int64_t* rows,
                      std::int64_t k, const T* w, double reg, Ridge ridge) {
  std::vector<long double> squares(static_cast<std::size_t>(k)), side(squares.size());
  long double trace = 0, size = 0, mean = 0;
  const auto dot = [&](std::int64_t i, std::int64_t j) {
    long double sum = 0;
    for (std::int64_t f = 0; f < keys.columns; ++f)
      sum += (static_cast<long double>(keys.row(rows[i])[f]) - q[f]) *
             (static_cast<long double>(keys.row(rows[j])[f]) - q[f]);
    return sum;
  };
  for (std::int64_t i = 0; i < k; ++i) trace += squares[static_cast<std::size_t>(i)] = dot(i, i);
  for (std::int64_t i = 0; i < k; ++i) {
    const long double r = reg * (ridge == Ridge::trace ? trace : k * squares[std::size_t(i)]);
    long double sum = r * w[i], terms = std::fabs(sum);
    for (std::int64_t j = 0; j < k; ++j) {
      sum += dot(i, j) * w[j];
      terms += std::fabs(dot(i, j) * w[j]);
    }
    side[static_cast<std::size_t>(i)] = sum;
    mean += sum / static_cast<long double>(k);
    size = std::max(size, terms);
  }
  long double worst = 0;
  for (const long double s : side) worst = std::max(worst, std::fabs(s - mean) / size);
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("the weights solve the constrained problem, with the bits of one thread", T,
                   float, double) {
  const long double u = std::numeric_limits<T>::epsilon();
  for (const std::int64_t d : {1, 3, 31, 64, 65})
    for (const std::int64_t k : {1, 2, 12, 30})
      for (const Ridge ridge : {Ridge::trace, Ridge::distance}) {
        CAPTURE(d);
        CAPTURE(k);
        sample::Numbers numbers(static_cast<unsigned>(d * 100 + k));
        const std::int64_t m = 150, n = 400;
        const auto queries = sample::filled<T>(m, d, [&] { return numbers.normal(); });
        const auto keys = sample::filled<T>(n, d, [&] { return numbers.normal(); });
        const auto rows = sample::filled<std::int64_t>(m, k, [&] { return numbers.below(n); });
        sample::Matrix<T> one(m, k), many(m, k), lists(m, k);
        LleOptions options{.ridge = ridge, .num_threads = 1};
        const Report report =
            lle_weights(queries.view(), keys.view(), rows.view(), one.view(), options);
        CHECK(report.pairs_visited == m * k);
        CHECK(report.empty_rows == 0);
        options.num_threads = 3;
        lle_weights(queries.view(), keys.view(), rows.view(), many.view(), options);
        CHECK(one.data == many.data);
        std::vector<std::int64_t> indptr(1, 0);
        for (std::int64_t i = 0; i < m; ++i) indptr.push_back((i + 1) * k);
        lle_weights(queries.view(), keys.view(), indptr, rows.data, lists.data, options);
        CHECK(one.data == lists.data);
        for (std::int64_t i = 0; i < m; ++i) {
          long double sum = 0;
          for (std::int64_t j = 0; j < k; ++j) sum += one.row(i)[j];
          CHECK(std::fabs(sum - 1) <= 30 * u);
          CHECK(deviation(queries.row(i), keys, rows.row(i), k, one.row(i), 1e-3, ridge) <= 30 * u);
        }
      }
}

TEST_CASE("coordinates of any size have the weights of their shape") {
  const sample::Matrix<double> rows_of_points = [] {
    sample::Numbers numbers(4);
    return sample::filled<double>(9, 3, [&] { return numbers.normal(); });
  }();
  const std::vector<std::int64_t> near = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto weights_at = [&](double size, Ridge ridge) {
    sample::Matrix<double> points = rows_of_points;
    for (double& x : points.data) x *= size;
    std::vector<double> w(near.size());
    lle_weights(View<const double>(points.data.data(), 1, 3), points.view(),
                View<const std::int64_t>(near.data(), 1, 8), View<double>(w.data(), 1, 8),
                {.ridge = ridge});
    return w;
  };
  for (const Ridge ridge : {Ridge::trace, Ridge::distance})
    for (const double size : {0x1p-900, 0x1p-400, 0x1p400, 0x1p900})
      for (std::size_t j = 0; j < near.size(); ++j)
        CHECK(weights_at(size, ridge)[j] ==
              doctest::Approx(weights_at(1, ridge)[j]).epsilon(1e-13));
}

TEST_CASE("rows without neighbors, with gaps, with NaN: each alone") {
  const std::vector<double> x = {0, 1, 4, missing}, q = {0.5, 0.5, missing, 0.5, 0.25, 7};
  const std::vector<std::int64_t> near = {0, 1, -1, -1, 0, 1, 3, 0, 1, -1, -1, 0};
  std::vector<double> w(near.size(), 9);
  const Report report = lle_weights(
      View<const double>(q.data(), 6, 1), View<const double>(x.data(), 4, 1),
      View<const std::int64_t>(near.data(), 6, 2), View<double>(w.data(), 6, 2), {.reg = 0});
  CHECK(report.empty_rows == 1);
  CHECK(report.pairs_visited == 8);
  CHECK(w[0] == 0.5);
  CHECK(w[1] == 0.5);
  CHECK(w[2] == 0);
  CHECK(w[3] == 0);
  CHECK(std::isnan(w[4]));
  CHECK(std::isnan(w[6]));
  CHECK(w[8] == 1);
  CHECK(w[9] == 0);
  CHECK(w[10] == 0);
  CHECK(w[11] == 1);
}

TEST_CASE("the call can be stopped, and refuses what it cannot compute") {
  const sample::Points<double> points(20000, 50, 2, 1);
  const std::vector<std::int64_t> near(20000 * 8, 3), indptr = {0, 8, 4};
  std::vector<double> w(near.size());
  const View<const std::int64_t> rows(near.data(), 20000, 8);
  const View<double> out(w.data(), 20000, 8);
  const auto q = points.queries.view();
  const auto x = points.keys.view();
  const auto message = [&](auto&& call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(message([&] { lle_weights(q, x, rows, out, {.reg = -1}); }), "reg must be"));
  CHECK(has(message([&] { lle_weights(q, x, rows, out, {.reg = missing}); }), "reg must be"));
  CHECK(has(message([&] {
              const View<const double> fewer(x.data, 3, x.columns, x.stride);
              lle_weights(q, fewer, rows, out);
            }),
            "got 3 in row 0"));
  CHECK(has(message([&] { lle_weights(q, x, rows, View<double>(w.data(), 20000, 7)); }),
            "same columns"));
  CHECK(has(message([&] { lle_weights(q, View<const double>(x.data, 50, 1), rows, out); }),
            "number of features, got 2 and 1"));
  CHECK(has(message([&] {
              lle_weights(View<const double>(q.data, 2, 2), x, indptr, std::span(near).first(8),
                          std::span(w).first(8));
            }),
            "indptr must have 3 elements"));
}

TEST_CASE("an interrupted call reports it") {
  const std::int64_t m = 400, k = 300, d = 300;
  const sample::Points<double> points(m, m, d, 1);
  sample::Matrix<double> w(m, k);
  const auto rows = sample::filled<std::int64_t>(m, k, [i = 0]() mutable { return i++ % 400; });
  CHECK(lle_weights(points.queries.view(), points.keys.view(), rows.view(), w.view(),
                    {.num_threads = 2, .interrupted = [] { return true; }})
            .interrupted);
}
