// local_fit through the C ABI: the bits of C++, and what is refused.
#include <doctest/doctest.h>

#include "c_caller.hpp"
#include "least_squares.hpp"

using namespace vicinal;
using namespace c_caller;
using least_squares::Outputs;

namespace {

constexpr auto bad = VICINAL_ERROR_INVALID_ARGUMENT;
constexpr std::int64_t n = 80, d = 3, p = 2;

// A call with whatever a test changes; queries are the keys.
struct Call {
  sample::Points<double> points{n, n, d, p};
  Outputs out{n, d, p};
  std::int64_t regularized = -7;
  vicinal_kernel k = kernel();
  vicinal_options o = options_of(k);
  vicinal_local_fit_options f = made<vicinal_local_fit_options>(vicinal_local_fit_options_init);
  vicinal_fits to = made<vicinal_fits>(vicinal_fits_init);
  vicinal_report told = report();
  std::int64_t features = d;

  Call() {
    to.fitted = out.fitted.data.data(), to.slopes = out.slopes.data.data();
    to.standard_errors = out.standard_errors.data.data();
    to.self_weight = out.self_weight.data(), to.regularized = &regularized;
  }
  vicinal_status run() {
    return vicinal_local_fit_f64(&o, &f, points.queries.data.data(), n, points.keys.data.data(), n,
                                 features, points.values.data.data(), p, &to, &told);
  }
  LocalFitReport expect(Outputs& expected, const LocalFitOptions& fit,
                        const Options<double>& options) const {
    LinearFits fits = expected.all();
    if (fit.degree == 0) fits.slopes = {}, fits.standard_errors.columns = p;
    if (fit.degree == 0) fits.standard_errors.stride = p;
    return local_fit(Kernel{.bandwidth = 0.9}, points.queries.view(), points.keys.view(),
                     points.values.view(), fits, fit, options);
  }
};

void check_same(const Outputs& a, const Outputs& b) {
  CHECK(sample::same_bits(a.fitted, b.fitted));
  CHECK(sample::same_bits(a.slopes, b.slopes));
  CHECK(sample::same_bits(a.standard_errors, b.standard_errors));
  CHECK(a.self_weight == b.self_weight);
}

}  // namespace

TEST_CASE("lines and constants have the bits of C++") {
  Call c;
  c.k.bandwidth = 0.9, c.o.num_threads = 2;
  Outputs expected(n, d, p);
  REQUIRE_MESSAGE(c.run() == VICINAL_OK, std::string(vicinal_last_error()));
  const auto lines = c.expect(expected, {}, {});
  check_same(c.out, expected);
  CHECK(c.regularized == lines.regularized);
  CHECK(c.told.pairs_visited == lines.pairs_visited);

  const std::vector<double> weights(n, 0.25);
  c.o.weights = weights.data(), c.o.exclude_self = 1, c.f.ridge = 0.5;
  REQUIRE(c.run() == VICINAL_OK);
  c.expect(expected, {.ridge = 0.5}, {.weights = weights, .exclude_self = true});
  check_same(c.out, expected);

  Call constants;
  constants.k.bandwidth = 0.9, constants.f.degree = 0, constants.to.slopes = nullptr;
  REQUIRE(constants.run() == VICINAL_OK);
  Outputs means(n, d, p);
  constants.expect(means, {.degree = 0}, {});
  check_same(constants.out, means);
}

TEST_CASE("defaults and optional outputs; neighbors that determine no line are counted") {
  const auto x = sample::normal<double>(50, 1, 3);
  sample::Matrix<double> keys(50, 2), fitted(50, 1), slopes(50, 2);
  for (std::int64_t i = 0; i < 50; ++i) keys.row(i)[0] = x.row(i)[0], keys.row(i)[1] = 0.1;
  vicinal_fits to = made<vicinal_fits>(vicinal_fits_init);
  std::int64_t regularized = -7;
  to.fitted = fitted.data.data(), to.slopes = slopes.data.data(), to.regularized = &regularized;
  REQUIRE(vicinal_local_fit_f64(nullptr, nullptr, keys.data.data(), 50, keys.data.data(), 50, 2,
                                x.data.data(), 1, &to, nullptr) == VICINAL_OK);
  CHECK(regularized == 50);
  for (std::int64_t i = 0; i < 50; ++i) {  // the value is the first feature
    CHECK(fitted.row(i)[0] == doctest::Approx(x.row(i)[0]).epsilon(1e-8));
    CHECK(slopes.row(i)[0] == doctest::Approx(1).epsilon(1e-8));
    CHECK(slopes.row(i)[1] == 0);
  }
}

TEST_CASE("what C can get wrong is refused by name, before any work") {
  const auto refused = [](auto&& change, vicinal_status status, const char* word) {
    Call c;
    change(c);
    check_refused(c.run(), status, word);
    CHECK(c.regularized == -7);
    CHECK(c.out.fitted.data == std::vector<double>(n * p, 0.0));
  };
  refused([](Call& c) { c.f.struct_size = 3; }, VICINAL_ERROR_STRUCT_SIZE, "local_fit_options");
  refused([](Call& c) { c.to.struct_size = 0; }, VICINAL_ERROR_STRUCT_SIZE, "fits");
  refused([](Call& c) { c.to.fitted = nullptr; }, VICINAL_ERROR_NULL_POINTER, "fitted");
  refused([](Call& c) { c.features = 0; }, bad, "d must be at least 1");
  refused([](Call& c) { c.features = INT64_MAX; }, bad, "address space");
  refused([](Call& c) { c.f.degree = (std::int64_t{1} << 32) + 1; }, bad, "degree must be 0");
  refused([](Call& c) { c.f.degree = 0; }, bad, "slopes must not be given");
  refused([](Call& c) { c.f.ridge = -1; }, bad, "ridge");
  refused([](Call& c) { c.o.tol = 0.5; }, bad, "tol");
  // An output lies wholly in the memory it shares, so that it meets nothing else.
  const auto slopes_in_keys = [](Call& c) {
    c.points.keys.data.resize(n * d * p);
    c.to.slopes = c.points.keys.data.data();
  };
  refused(slopes_in_keys, bad, "slopes must not overlap keys");
  refused([](Call& c) { c.to.slopes = c.out.standard_errors.data.data(); }, bad,
          "standard_errors must not overlap slopes");
  refused(
      [](Call& c) { c.to.regularized = reinterpret_cast<std::int64_t*>(c.out.self_weight.data()); },
      bad, "regularized must not overlap self_weight");
  refused([](Call& c) { c.o.interrupted = [](void*) { return 1; }; }, VICINAL_ERROR_INTERRUPTED,
          "interrupted");
  Call c;
  check_refused(vicinal_local_fit_f64(nullptr, nullptr, c.points.queries.data.data(), n,
                                      c.points.keys.data.data(), n, d, c.points.values.data.data(),
                                      p, nullptr, nullptr),
                VICINAL_ERROR_NULL_POINTER, "fits");
}
