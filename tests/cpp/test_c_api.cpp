// The flat C ABI: the same bits as the C++ functions, structures of any version, every error a
// status.
#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

#include "c_caller.hpp"
#include "vicinal/config.hpp"
#include "vicinal/version.hpp"

using namespace vicinal;
using namespace c_caller;

namespace {

struct Call {
  sample::Points<float> points{4, 6, 3, 2};
  sample::Matrix<float> means{4, 2};
  vicinal_kernel k = kernel();
  vicinal_options o = options_of(k);

  vicinal_status run() {
    return vicinal_local_mean_f32(&o, points.queries.data.data(), 4, points.keys.data.data(), 6, 3,
                                  points.values.data.data(), 2, means.data.data());
  }
  void refused(vicinal_status status, const std::string& word) {
    check_refused(run(), status, word);
  }
};

}  // namespace

TEST_CASE("the means of C++") {
  Call c;
  c.k.profile = VICINAL_CAUCHY;
  c.k.bandwidth = 0.4;
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means,
                          c.points.mean(Kernel{.profile = Profile::cauchy, .bandwidth = 0.4})));
  c.o.kernels = nullptr;
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means, c.points.mean(Kernel{})));
  const sample::Points<double> points(5, 7, 2, 1);
  sample::Matrix<double> means(5, 1);
  REQUIRE(vicinal_local_mean_f64(nullptr, points.queries.data.data(), 5, points.keys.data.data(), 7,
                                 2, points.values.data.data(), 1, means.data.data()) == VICINAL_OK);
  CHECK(sample::same_bits(means, points.mean(Kernel{})));
}

TEST_CASE("every statistic and option") {
  constexpr std::int64_t m = 9, n = 300, p = 2, k = 3;
  sample::Points<double> points(m, n, 2, p);
  sample::Outputs<double> ours(m, n, p, k), theirs(m, n, p, k);
  std::vector<double> weights(n, 0.5), bias(n, 0.25);
  std::vector<std::uint8_t> mask(m, 1);
  mask[4] = 0;
  std::vector<std::int64_t> own(m, 2);
  Options<double> options_of_cpp{.weights = weights,
                                 .mask = {reinterpret_cast<const bool*>(mask.data()), 1, 0},
                                 .bias = {bias.data(), 0, 1},
                                 .self_indices = own,
                                 .exclude_self = true,
                                 .empty = Empty::value,
                                 .empty_value = 3};
  const Report report = local_stats(Kernel{}, points.queries.view(), points.keys.view(),
                                    points.values.view(), theirs.all(), options_of_cpp);
  vicinal_options o = options();
  o.weights = weights.data();
  o.mask = mask.data(), o.mask_row_stride = 1, o.mask_column_stride = 0;
  o.bias = bias.data(), o.bias_row_stride = 0;
  o.self_indices = own.data();
  o.exclude_self = 1, o.empty = VICINAL_EMPTY_VALUE, o.empty_value = 3, o.num_threads = 2;
  vicinal_statistics s = statistics();
  s.mean = ours.mean.data.data(), s.log_mass = ours.log_mass.data(), s.ess = ours.ess.data();
  s.count = ours.count.data(), s.variance = ours.variance.data.data();
  s.covariance = ours.covariance.data.data(), s.self_weight = ours.self_weight.data();
  s.k = k, s.top_k_indices = ours.top_k_indices.data.data();
  s.top_k_weights = ours.top_k_weights.data.data(), s.weights = ours.weights.data.data();
  auto told = made<vicinal_report>(vicinal_report_init);
  const auto run = [&] {
    return vicinal_local_stats_f64(&o, points.queries.data.data(), m, points.keys.data.data(), n, 2,
                                   points.values.data.data(), p, &s, &told);
  };
  REQUIRE_MESSAGE(run() == VICINAL_OK, std::string(vicinal_last_error()));
  CHECK(ours == theirs);
  CHECK(told.empty_rows == report.empty_rows);
  CHECK(told.empty_rows == 1);
  CHECK(told.pairs_visited == m * n);
  // A byte other than 0 and 1 in a mask means "used".
  for (auto& bit : mask) bit = bit == 0 ? 0 : 0x42;
  std::fill(ours.mean.data.begin(), ours.mean.data.end(), 0.0);
  REQUIRE(run() == VICINAL_OK);
  CHECK(ours == theirs);
}

TEST_CASE("products and sums of kernels") {
  Call c;
  const std::int64_t left[] = {0}, right[] = {1, 2};
  vicinal_kernel factors[] = {kernel(), kernel(), kernel()};
  factors[0].columns = left, factors[0].columns_count = 1;
  factors[1].columns = right, factors[1].columns_count = 2, factors[1].profile = VICINAL_LAPLACE;
  factors[2].term = 1, factors[2].coefficient = 0.5, factors[2].profile = VICINAL_CONSTANT;
  c.o.kernels = factors, c.o.kernels_count = 3;
  REQUIRE(c.run() == VICINAL_OK);
  const Kernel a{.columns = left}, b{.profile = Profile::laplace, .columns = right};
  const KernelSum sum({Term{1, {a, b}}, Term{0.5, {Kernel{.profile = Profile::constant}}}});
  CHECK(sample::same_bits(c.means, c.points.mean(sum)));
  factors[2].term = 2;
  c.refused(VICINAL_ERROR_INVALID_ARGUMENT, "term");
  factors[2].term = 0, factors[1].term = 1;
  c.refused(VICINAL_ERROR_INVALID_ARGUMENT, "term");
}

TEST_CASE("strides") {
  Call c;
  const auto plain = c.points.mean(Kernel{});
  sample::Matrix<float> wide(6, 8);
  for (std::int64_t i = 0; i < 6; ++i) std::copy_n(c.points.keys.row(i), 3, wide.row(i));
  c.points.keys = wide;
  c.o.key_stride = 8;
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means, plain));
  c.o.query_stride = 0;  // the first query, four times
  REQUIRE(c.run() == VICINAL_OK);
  for (std::int64_t i = 0; i < 4; ++i)
    CHECK(std::memcmp(c.means.row(i), plain.row(0), 2 * sizeof(float)) == 0);
}

TEST_CASE("structures of another version") {
  Call c;
  REQUIRE(c.run() == VICINAL_OK);
  const auto expected = c.means;
  // Shorter: an old program. What lies beyond its size is not ours to read.
  c.o.struct_size = offsetof(vicinal_options, weights);
  c.o.weights = reinterpret_cast<const void*>(1);
  c.o.empty = 77;
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means, expected));
  // Longer: a new program, which may not use what this library does not know.
  struct Longer {
    vicinal_options options;
    double newer[4];
  } longer;
  CHECK(vicinal_options_init(&longer.options, sizeof longer) == VICINAL_OK);
  CHECK(longer.newer[3] == 0);
  const auto run = [&] {
    return vicinal_local_mean_f32(&longer.options, c.points.queries.data.data(), 4,
                                  c.points.keys.data.data(), 6, 3, c.points.values.data.data(), 2,
                                  c.means.data.data());
  };
  CHECK(run() == VICINAL_OK);
  CHECK(sample::same_bits(c.means, expected));
  longer.newer[3] = 1;
  CHECK(run() == VICINAL_ERROR_STRUCT_SIZE);
}

TEST_CASE("sizes that no version has") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{13},
                                 std::size_t{5000}, SIZE_MAX}) {
    Call c;
    c.o.struct_size = size;
    c.refused(VICINAL_ERROR_STRUCT_SIZE, "options.struct_size");
    c.o = options();
    c.o.kernels = &c.k, c.o.kernels_count = 1, c.k.struct_size = size;
    c.refused(VICINAL_ERROR_STRUCT_SIZE, "kernel.struct_size");
    CHECK(vicinal_options_init(&c.o, size) == VICINAL_ERROR_STRUCT_SIZE);
  }
  Call c;
  vicinal_kernel two[] = {kernel(), kernel()};
  two[1].struct_size -= 8;
  c.o.kernels = two, c.o.kernels_count = 2;
  c.refused(VICINAL_ERROR_STRUCT_SIZE, "same struct_size");
  vicinal_statistics s = statistics();
  vicinal_report report{1, 0, 0};
  float x[1] = {0};
  CHECK(vicinal_local_stats_f32(nullptr, x, 1, x, 1, 1, nullptr, 0, &s, &report) ==
        VICINAL_ERROR_STRUCT_SIZE);
}

TEST_CASE("an init of a shorter structure writes no further") {
  unsigned char bytes[sizeof(vicinal_statistics)];
  std::memset(bytes, 0x5a, sizeof bytes);
  alignas(vicinal_statistics) unsigned char room[sizeof bytes];
  std::memcpy(room, bytes, sizeof bytes);
  auto* s = reinterpret_cast<vicinal_statistics*>(room);
  CHECK(vicinal_statistics_init(s, 24) == VICINAL_OK);
  CHECK(std::memcmp(room + 24, bytes + 24, sizeof bytes - 24) == 0);
  CHECK(vicinal_statistics_init(nullptr, 24) == VICINAL_ERROR_NULL_POINTER);
}

TEST_CASE("bad arguments") {
  const auto refused = [](vicinal_status status, const char* word, auto&& change) {
    Call c;
    change(c);
    c.refused(status, word);
  };
  constexpr auto bad = VICINAL_ERROR_INVALID_ARGUMENT;
  for (const int profile : {-1, 23, 25, 1 << 30})
    refused(bad, "profile", [&](Call& c) { c.k.profile = profile; });
  for (const int metric : {-1, 10}) refused(bad, "metric", [&](Call& c) { c.k.metric = metric; });
  for (const int empty : {-1, 4}) refused(bad, "empty", [&](Call& c) { c.o.empty = empty; });
  refused(bad, "bandwidth", [](Call& c) { c.k.bandwidth = -1; });
  refused(bad, "num_threads", [](Call& c) { c.o.num_threads = -1; });
  refused(bad, "num_threads", [](Call& c) { c.o.num_threads = INT64_MAX; });
  refused(bad, "key_offset", [](Call& c) { c.o.key_offset = -1; });
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX})
    refused(bad, "kernels_count", [&](Call& c) { c.o.kernels_count = count; });
  const std::int64_t columns[] = {0};
  for (const std::int64_t count : {std::int64_t{-1}, INT64_MAX})
    refused(bad, "columns_count",
            [&](Call& c) { c.k.columns = columns, c.k.columns_count = count; });
  for (const std::int64_t stride : {INT64_MAX, INT64_MIN + 1})
    refused(bad, "address space", [&](Call& c) { c.o.query_stride = stride; });
  refused(VICINAL_ERROR_NULL_POINTER, "components",
          [](Call& c) { c.k.metric = VICINAL_MAHALANOBIS, c.k.components_rows = 2; });
}

TEST_CASE("bad points") {
  float x[8] = {}, out[8];
  const auto run = [&](const float* q, std::int64_t m, const float* keys, std::int64_t n,
                       std::int64_t d, const float* y, std::int64_t p, float* means) {
    return vicinal_local_mean_f32(nullptr, q, m, keys, n, d, y, p, means);
  };
  CHECK(run(x, 2, x, 2, 1, x, 1, out) == VICINAL_OK);
  CHECK(run(nullptr, 2, x, 2, 1, x, 1, out) == VICINAL_ERROR_NULL_POINTER);
  CHECK(run(x, 2, nullptr, 2, 1, x, 1, out) == VICINAL_ERROR_NULL_POINTER);
  CHECK(run(x, 2, x, 2, 1, nullptr, 1, out) == VICINAL_ERROR_NULL_POINTER);
  CHECK(run(x, 2, x, 2, 1, x, 1, nullptr) == VICINAL_ERROR_NULL_POINTER);
  CHECK(run(nullptr, 0, nullptr, 0, 1, nullptr, 1, nullptr) == VICINAL_OK);
  CHECK(run(x, 1, nullptr, 0, 1, nullptr, 1, out) == VICINAL_OK);
  CHECK(std::isnan(out[0]));
  for (const std::int64_t bad : {std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
    CHECK(run(x, bad, x, 2, 1, x, 1, out) == VICINAL_ERROR_INVALID_ARGUMENT);
    CHECK(run(x, 2, x, bad, 1, x, 1, out) == VICINAL_ERROR_INVALID_ARGUMENT);
    CHECK(run(x, 2, x, 2, bad, x, 1, out) == VICINAL_ERROR_INVALID_ARGUMENT);
    CHECK(run(x, 2, x, 2, 1, x, bad, out) == VICINAL_ERROR_INVALID_ARGUMENT);
  }
  CHECK(run(x, 2, x, 2, 0, x, 1, out) == VICINAL_ERROR_INVALID_ARGUMENT);
  for (float* means : {x, x + 1}) {
    CHECK(run(x, 2, x, 2, 1, x + 4, 1, means) == VICINAL_ERROR_INVALID_ARGUMENT);
    CHECK(std::string(vicinal_last_error()).find("overlap") != std::string::npos);
  }
}

TEST_CASE("callbacks") {
  struct Context {
    int polls = 0;
    std::thread::id caller = std::this_thread::get_id();
    bool elsewhere = false;
    double fraction = 0;
  } context;
  const sample::Points<float> points(4000, 256, 1, 1);
  sample::Matrix<float> means(4000, 1);
  vicinal_kernel slow = kernel();
  slow.profile = VICINAL_FUNCTION;
  slow.function = slow_profile;
  vicinal_options o = options();
  o.kernels = &slow, o.kernels_count = 1, o.num_threads = 2, o.context = &context;
  o.progress = [](double fraction, void* c) { static_cast<Context*>(c)->fraction = fraction; };
  o.interrupted = [](void* c) {
    auto& self = *static_cast<Context*>(c);
    self.elsewhere |= std::this_thread::get_id() != self.caller;
    return ++self.polls > 1 ? 1 : 0;
  };
  const auto run = [&] {
    return vicinal_local_mean_f32(&o, points.queries.data.data(), 4000, points.keys.data.data(),
                                  256, 1, points.values.data.data(), 1, means.data.data());
  };
  CHECK(run() == VICINAL_ERROR_INTERRUPTED);
  CHECK(context.polls == 2);
  CHECK_FALSE(context.elsewhere);
  CHECK(context.fraction > 0);
  CHECK(context.fraction < 1);
  o.interrupted = [](void*) -> int { throw std::invalid_argument("from C++"); };
  CHECK(run() == VICINAL_ERROR_INTERNAL);
  CHECK(std::string(vicinal_last_error()).find("callback") != std::string::npos);
}

TEST_CASE("texts") {
#define VICINAL_STATUS_ENTRY(name, number, message) \
  CHECK(std::string(vicinal_status_message(name)) == message);
  VICINAL_STATUS_TABLE(VICINAL_STATUS_ENTRY)
#undef VICINAL_STATUS_ENTRY
  CHECK(std::string(vicinal_status_message(static_cast<vicinal_status>(99))) == "unknown status");
  CHECK(std::string(vicinal_version()) == VICINAL_VERSION);
  CHECK(std::string(vicinal_isa()) == isa_name());
  Call c;
  c.k.bandwidth = 0;
  c.refused(VICINAL_ERROR_INVALID_ARGUMENT, "bandwidth");
  std::thread([] { CHECK(std::string(vicinal_last_error()).empty()); }).join();
  CHECK(std::string(vicinal_last_error()).find("bandwidth") != std::string::npos);
}
