// lle_weights through the C ABI: the bits of C++, and the edges.
#include <doctest/doctest.h>

#include "c_caller.hpp"
#include "vicinal/local_fit.hpp"

using namespace vicinal;
using namespace c_caller;

namespace {

constexpr std::int64_t m = 70, n = 90, d = 3, k = 7;

template <class T>
constexpr auto lle = vicinal_lle_weights_f32;
template <>
constexpr auto lle<double> = vicinal_lle_weights_f64;

vicinal_lle_options lle_options() { return made<vicinal_lle_options>(vicinal_lle_options_init); }

}  // namespace

TEST_CASE_TEMPLATE("weights through C have the bits of C++", T, float, double) {
  const sample::Points<T> points(m, n, d, 1);
  const Index index = index_of(points.keys);
  Nearest<T> near(m, k);
  REQUIRE(near.find(index.get(), points.queries) == VICINAL_OK);
  near.indices.row(5)[k - 1] = -1;
  sample::Matrix<T> expected(m, k), got(m, k);
  const auto call = [&](const vicinal_lle_options* o, vicinal_report* told) {
    return lle<T>(o, points.queries.data.data(), m, points.keys.data.data(), n, d,
                  near.indices.data.data(), k, got.data.data(), told);
  };
  lle_weights(points.queries.view(), points.keys.view(), near.indices.view(), expected.view());
  CHECK(call(nullptr, nullptr) == VICINAL_OK);
  CHECK(got.data == expected.data);
  vicinal_lle_options o = lle_options();
  o.reg = 0.5, o.ridge = VICINAL_RIDGE_DISTANCE, o.num_threads = 3, o.key_stride = 0;
  vicinal_report told = report();
  CHECK(call(&o, &told) == VICINAL_OK);
  CHECK(told.pairs_visited == m * k - 1);
  CHECK(told.empty_rows == 0);
  lle_weights(points.queries.view(), View<const T>(points.keys.data.data(), n, d, 0),
              near.indices.view(), expected.view(), {.reg = 0.5, .ridge = Ridge::distance});
  CHECK(got.data == expected.data);
}

TEST_CASE("what C can get wrong is refused by name") {
  const sample::Points<double> points(m, n, d, 1);
  std::vector<std::int64_t> rows(m * k, 3);
  std::vector<double> w(m * k, -7);
  const double *q = points.queries.data.data(), *x = points.keys.data.data();
  vicinal_lle_options o = lle_options();
  const auto call = [&](std::int64_t features, const std::int64_t* near, double* out) {
    return vicinal_lle_weights_f64(&o, q, m, x, n, features, near, k, out, nullptr);
  };
  check_refused(call(0, rows.data(), w.data()), VICINAL_ERROR_INVALID_ARGUMENT, "d must be");
  check_refused(call(d, nullptr, w.data()), VICINAL_ERROR_NULL_POINTER, "neighbors");
  check_refused(call(d, rows.data(), nullptr), VICINAL_ERROR_NULL_POINTER, "weights");
  check_refused(call(d, rows.data(), const_cast<double*>(q)), VICINAL_ERROR_INVALID_ARGUMENT,
                "weights must not overlap");
  o.ridge = 2;
  check_refused(call(d, rows.data(), w.data()), VICINAL_ERROR_INVALID_ARGUMENT, "ridge");
  o = lle_options(), o.reg = -1;
  check_refused(call(d, rows.data(), w.data()), VICINAL_ERROR_INVALID_ARGUMENT, "reg");
  o = lle_options(), o.num_threads = -1;
  check_refused(call(d, rows.data(), w.data()), VICINAL_ERROR_INVALID_ARGUMENT, "num_threads");
  o = lle_options(), o.struct_size = 7;
  check_refused(call(d, rows.data(), w.data()), VICINAL_ERROR_STRUCT_SIZE, "lle_options");
  o = lle_options(), rows[11] = n;
  check_refused(call(d, rows.data(), w.data()), VICINAL_ERROR_INVALID_ARGUMENT, "neighbors");
  CHECK(w == std::vector<double>(m * k, -7));
}

TEST_CASE("the interrupted callback stops the call") {
  const std::int64_t size = 400;
  const sample::Points<double> points(size, size, size, 1);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(size * 300));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i % 400);
  std::vector<double> w(rows.size());
  vicinal_lle_options o = lle_options();
  o.interrupted = [](void*) { return 1; };
  check_refused(
      vicinal_lle_weights_f64(&o, points.queries.data.data(), size, points.keys.data.data(), size,
                              size, rows.data(), 300, w.data(), nullptr),
      VICINAL_ERROR_INTERRUPTED, "interrupted");
}
