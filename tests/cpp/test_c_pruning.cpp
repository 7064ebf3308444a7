// `tol` and `index` of the C ABI's options: the bits of C++, of these keys only, and unknown to
// programs that were built before them.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <limits>

#include "c_caller.hpp"
#include "vicinal/neighbors.hpp"

using namespace vicinal;
using namespace c_caller;

namespace {

constexpr std::int64_t m = 50, n = 6000, d = 2;

template <class T>
struct Problem {
  sample::Points<T> points{m, n, d, 1};
  sample::Matrix<T> means{m, 1};
  vicinal_kernel k = kernel();
  vicinal_options o = options_of(k);

  vicinal_status run(const vicinal_options* given) {
    return Api<T>::local_mean(given, points.queries.data.data(), m, points.keys.data.data(), n, d,
                              points.values.data.data(), 1, means.data.data());
  }
  vicinal_status run() { return run(&o); }
  std::int64_t pairs() {
    vicinal_statistics s = statistics();
    s.mean = means.data.data();
    auto told = made<vicinal_report>(vicinal_report_init);
    CHECK(Api<T>::local_stats(&o, points.queries.data.data(), m, points.keys.data.data(), n, d,
                              points.values.data.data(), 1, &s, &told) == VICINAL_OK);
    return told.pairs_visited;
  }
};

// vicinal_options as it was before `tol`: what a program built then passes.
struct OlderOptions {
  size_t struct_size;
  const vicinal_kernel* kernels;
  int64_t kernels_count;
  int64_t query_stride, key_stride, value_stride;
  const void* weights;
  const void* log_weights;
  const uint8_t* mask;
  int64_t mask_row_stride, mask_column_stride;
  const void* bias;
  int64_t bias_row_stride, bias_column_stride;
  const int64_t* self_indices;
  int64_t key_offset;
  int32_t exclude_self;
  int32_t empty;
  double empty_value;
  int64_t num_threads;
  int (*interrupted)(void* context);
  void (*progress)(double fraction, void* context);
  void* context;
};
static_assert(offsetof(vicinal_options, tol) == sizeof(OlderOptions));
static_assert(offsetof(vicinal_options, context) == offsetof(OlderOptions, context));

}  // namespace

TEST_CASE_TEMPLATE("tol is that of C++, and leaves pairs out", T, float, double) {
  Problem<T> c;
  c.k.bandwidth = 0.05;
  const auto exact = c.points.mean(Kernel{.bandwidth = 0.05});
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means, exact));
  const std::int64_t all = c.pairs();
  CHECK(all == m * n);
  c.o.tol = 1e-3;
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means, c.points.mean(Kernel{.bandwidth = 0.05}, {.tol = 1e-3})));
  CHECK(c.pairs() < all / 2);
  const auto [low, high] =
      std::minmax_element(c.points.values.data.begin(), c.points.values.data.end());
  for (std::int64_t i = 0; i < m; ++i)
    CHECK(std::abs(c.means.row(i)[0] - exact.row(i)[0]) <= 1.001e-3 * double(*high - *low));
}

TEST_CASE_TEMPLATE("an index gives the same bits as none", T, float, double) {
  Problem<T> c;
  const Index index = index_of(c.points.keys);
  for (const auto& [profile, bandwidth, tol] : {std::tuple{VICINAL_BIWEIGHT, 0.4, 0.0},
                                                {VICINAL_GAUSSIAN, 0.1, 1e-6},
                                                {VICINAL_CAUCHY, 0.01, 0.1},
                                                {VICINAL_GAUSSIAN, 1.0, 0.0},
                                                {VICINAL_SOFTMAX, 1.0, 0.0}})
    for (const int threads : {1, 2}) {
      CAPTURE(profile);
      c.k.profile = profile, c.k.bandwidth = bandwidth;
      c.o.tol = tol, c.o.num_threads = threads, c.o.index = nullptr;
      REQUIRE(c.run() == VICINAL_OK);
      const auto plain = c.means;
      const std::int64_t pairs = c.pairs();
      c.o.index = index.get();
      REQUIRE(c.run() == VICINAL_OK);
      CHECK(sample::same_bits(c.means, plain));
      CHECK(c.pairs() == pairs);
    }
}

TEST_CASE_TEMPLATE("an index of other keys, type or stride", T, float, double) {
  using Other = std::conditional_t<sizeof(T) == 4, double, float>;
  Problem<T> c;
  const auto refused = [&](const Index& index, vicinal_status status, const char* word) {
    c.o.index = index.get();
    std::fill(c.means.data.begin(), c.means.data.end(), T(7));
    check_refused(c.run(), status, word);
    CHECK(c.means.data[0] == T(7));
  };
  const sample::Matrix<T> copy = c.points.keys;
  refused(index_of(copy), VICINAL_ERROR_INVALID_ARGUMENT, "index must be of the same keys");
  refused(index_of(sample::normal<Other>(n, d, 3)), VICINAL_ERROR_WRONG_TYPE,
          "index was created with");
  vicinal_options twice = options();
  twice.key_stride = 2 * d;
  vicinal_index* made = nullptr;
  REQUIRE(Api<T>::create(&twice, c.points.keys.data.data(), n / 2, d, &made) == VICINAL_OK);
  refused(Index(made), VICINAL_ERROR_INVALID_ARGUMENT, "index must be of the same keys");
}

TEST_CASE_TEMPLATE("what tol may not be", T, float, double) {
  Problem<T> c;
  for (const double tol : {-1e-300, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    c.o.tol = tol;
    check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "tol must be at least 0 and below 1");
  }
  c.o.tol = 0.1, c.k.profile = VICINAL_SIGMOID;
  check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "tol must be 0");
  c.k.profile = VICINAL_GAUSSIAN;
  c.points.keys.row(5)[1] = std::numeric_limits<T>::quiet_NaN();
  check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "keys must not hold NaN");
}

TEST_CASE_TEMPLATE("a program that was built before tol and index", T, float, double) {
  Problem<T> c;
  struct {
    OlderOptions options;
    double beyond[2];  // where a newer structure has tol and index
  } old;
  std::memset(&old, 0xff, sizeof old);
  const auto untouched = std::bit_cast<std::array<unsigned char, sizeof old.beyond>>(old.beyond);
  auto* given = reinterpret_cast<vicinal_options*>(&old.options);
  REQUIRE(vicinal_options_init(given, sizeof old.options) == VICINAL_OK);
  CHECK(std::bit_cast<std::array<unsigned char, sizeof old.beyond>>(old.beyond) == untouched);
  c.k.bandwidth = 0.3;
  old.options.kernels = &c.k, old.options.kernels_count = 1, old.options.num_threads = 2;
  REQUIRE_MESSAGE(c.run(given) == VICINAL_OK, std::string(vicinal_last_error()));
  CHECK(sample::same_bits(c.means, c.points.mean(Kernel{.bandwidth = 0.3})));
  // An index can be made of the same structure.
  vicinal_index* made = nullptr;
  REQUIRE(Api<T>::create(given, c.points.keys.data.data(), n, d, &made) == VICINAL_OK);
  vicinal_index_free(made);
}

TEST_CASE("a state leaves nothing out and reads no index") {
  Problem<float> c;
  const auto exact = c.points.mean(Kernel{.bandwidth = 0.05});
  const Index stranger = index_of(sample::normal<double>(4, 1, 3));
  c.k.bandwidth = 0.05, c.o.tol = 0.9, c.o.index = stranger.get();
  vicinal_state* state = nullptr;
  REQUIRE(vicinal_state_create_f32(&c.o, c.points.queries.data.data(), m, d, 1, 0, 0, &state) ==
          VICINAL_OK);
  vicinal_statistics s = statistics();
  s.mean = c.means.data.data();
  CHECK(vicinal_state_update_f32(state, &c.o, c.points.keys.data.data(), n,
                                 c.points.values.data.data()) == VICINAL_OK);
  CHECK(vicinal_state_finish_f32(state, &c.o, &s, nullptr) == VICINAL_OK);
  CHECK(vicinal_state_free(state) == VICINAL_OK);
  for (std::size_t i = 0; i < m; ++i) CHECK(std::abs(c.means.data[i] - exact.data[i]) <= 1e-5f);
}
