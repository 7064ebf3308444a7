// Partial states of the C ABI.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "c_caller.hpp"

namespace {

constexpr std::int64_t m = 7, n = 400, d = 2, p = 2;

struct Free {
  void operator()(vicinal_state* state) const { vicinal_state_free(state); }
};
using State = std::unique_ptr<vicinal_state, Free>;

struct Stream {
  sample::Points<float> points{m, n, d, p};
  vicinal_options o;
  vicinal_statistics s;
  sample::Matrix<float> means{m, p}, variance{m, p}, shares{m, 3};
  sample::Matrix<std::int64_t> heaviest{m, 3};

  Stream() {
    vicinal_options_init(&o, sizeof o);
    vicinal_statistics_init(&s, sizeof s);
    s.mean = means.data.data();
  }
  State make(std::uint32_t wanted = 0, std::int64_t k = 0) {
    vicinal_state* state = nullptr;
    auto queries = points.queries;  // the state keeps a copy of its own
    CHECK(vicinal_state_create_f32(&o, queries.data.data(), m, d, p, wanted, k, &state) ==
          VICINAL_OK);
    std::fill(queries.data.begin(), queries.data.end(), -1.0f);
    return State(state);
  }
  vicinal_status add(vicinal_state* state, std::int64_t first, std::int64_t last) {
    o.key_offset = first;
    return vicinal_state_update_f32(state, &o, points.keys.row(first), last - first,
                                    points.values.row(first));
  }
  vicinal_status finish(const vicinal_state* state) {
    return vicinal_state_finish_f32(state, &o, &s, nullptr);
  }
};

bool close(const sample::Matrix<float>& a, const sample::Matrix<float>& b) {
  for (std::size_t i = 0; i < a.data.size(); ++i)
    if (!(std::abs(a.data[i] - b.data[i]) <= 2e-6f)) return false;
  return true;
}

std::string error() { return vicinal_last_error(); }

}  // namespace

TEST_CASE("update, merge and finish") {
  Stream stream;
  const auto whole = stream.points.mean(vicinal::Kernel{});
  const State left = stream.make(), right = stream.make();
  CHECK(stream.add(left.get(), 0, 100) == VICINAL_OK);
  CHECK(stream.add(left.get(), 100, 100) == VICINAL_OK);
  CHECK(stream.add(right.get(), 100, 400) == VICINAL_OK);
  CHECK(vicinal_state_merge(left.get(), right.get()) == VICINAL_OK);
  CHECK(stream.finish(left.get()) == VICINAL_OK);
  CHECK(close(stream.means, whole));
}

TEST_CASE("finish may be called between updates") {
  Stream stream;
  const State state = stream.make(VICINAL_WANT_VARIANCE, 3);
  stream.s.variance = stream.variance.data.data();
  stream.s.k = 3, stream.s.top_k_indices = stream.heaviest.data.data();
  stream.s.top_k_weights = stream.shares.data.data();
  vicinal_report report;
  vicinal_report_init(&report, sizeof report);
  CHECK(vicinal_state_finish_f32(state.get(), nullptr, &stream.s, &report) == VICINAL_OK);
  CHECK(report.empty_rows == m);
  CHECK(std::isnan(stream.means.data[0]));
  for (std::int64_t first = 0; first < n; first += 80) {
    CHECK(stream.add(state.get(), first, first + 80) == VICINAL_OK);
    CHECK(stream.finish(state.get()) == VICINAL_OK);
    CHECK_FALSE(std::isnan(stream.variance.data[0]));
    CHECK(stream.heaviest.data[0] < first + 80);
  }
  CHECK(close(stream.means, stream.points.mean(vicinal::Kernel{})));
}

TEST_CASE("what a state refuses") {
  Stream stream;
  const State state = stream.make();
  CHECK(stream.add(state.get(), 0, n) == VICINAL_OK);
  float x[8] = {};
  double y[8] = {};
  CHECK(vicinal_state_update_f64(state.get(), nullptr, y, 1, y) == VICINAL_ERROR_WRONG_TYPE);
  CHECK(vicinal_state_finish_f64(state.get(), nullptr, &stream.s, nullptr) ==
        VICINAL_ERROR_WRONG_TYPE);
  CHECK(vicinal_state_merge(state.get(), state.get()) == VICINAL_ERROR_INVALID_ARGUMENT);
  CHECK(vicinal_state_merge(state.get(), nullptr) == VICINAL_ERROR_NULL_POINTER);
  CHECK(vicinal_state_update_f32(nullptr, nullptr, x, 1, x) == VICINAL_ERROR_NULL_POINTER);
  CHECK(vicinal_state_update_f32(state.get(), nullptr, nullptr, 1, x) ==
        VICINAL_ERROR_NULL_POINTER);
  CHECK(vicinal_state_update_f32(state.get(), nullptr, x, 1, nullptr) ==
        VICINAL_ERROR_NULL_POINTER);
  CHECK(vicinal_state_update_f32(state.get(), nullptr, x, -1, x) == VICINAL_ERROR_INVALID_ARGUMENT);
  CHECK(vicinal_state_finish_f32(state.get(), nullptr, nullptr, nullptr) ==
        VICINAL_ERROR_NULL_POINTER);
  stream.o.empty = VICINAL_EMPTY_NEAREST;
  CHECK(stream.finish(state.get()) == VICINAL_ERROR_INVALID_ARGUMENT);
  CHECK(error().find("nearest") != std::string::npos);
  stream.o.empty = VICINAL_EMPTY_NAN;
  stream.s.variance = stream.variance.data.data();  // was not wanted
  CHECK(stream.finish(state.get()) == VICINAL_ERROR_INVALID_ARGUMENT);
  CHECK(error().find("variance") != std::string::npos);
  stream.s.variance = nullptr, stream.s.weights = x;
  CHECK(stream.finish(state.get()) == VICINAL_ERROR_INVALID_ARGUMENT);
  stream.s.weights = nullptr;
  CHECK(stream.finish(state.get()) == VICINAL_OK);
  CHECK(close(stream.means, stream.points.mean(vicinal::Kernel{})));
  const State other = stream.make(VICINAL_WANT_ESS);
  CHECK(vicinal_state_merge(state.get(), other.get()) == VICINAL_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("what create refuses") {
  float x[8] = {};
  vicinal_state* state = reinterpret_cast<vicinal_state*>(x);
  const auto create = [&](const float* queries, std::int64_t rows, std::int64_t features,
                          std::int64_t columns, std::uint32_t wanted, std::int64_t k) {
    return vicinal_state_create_f32(nullptr, queries, rows, features, columns, wanted, k, &state);
  };
  constexpr auto bad = VICINAL_ERROR_INVALID_ARGUMENT;
  CHECK(create(x, 1, 0, 1, 0, 0) == bad);
  CHECK(state == nullptr);  // never left hanging
  CHECK(create(x, -1, 1, 1, 0, 0) == bad);
  CHECK(create(x, 1, 1, -1, 0, 0) == bad);
  CHECK(create(x, 1, 1, 1, 32, 0) == bad);
  CHECK(create(x, 1, 1, 1, 0, -1) == bad);
  CHECK(create(x, 1, 1, 1, 0, INT64_MAX) == bad);
  CHECK(create(nullptr, 1, 1, 1, 0, 0) == VICINAL_ERROR_NULL_POINTER);
  CHECK(vicinal_state_create_f32(nullptr, x, 1, 1, 1, 0, 0, nullptr) == VICINAL_ERROR_NULL_POINTER);
  vicinal_options o;
  vicinal_options_init(&o, sizeof o);
  o.query_stride = 0;  // no more memory than one row, but a copy of 2^60
  CHECK(vicinal_state_create_f32(&o, x, INT64_C(1) << 60, 1, 1, 0, 0, &state) != VICINAL_OK);
  CHECK(vicinal_state_free(nullptr) == VICINAL_OK);
}

TEST_CASE("an interrupted update spoils the state") {
  sample::Points<float> points(4000, 256, 1, 1);
  vicinal_kernel slow;
  vicinal_kernel_init(&slow, sizeof slow);
  slow.profile = VICINAL_FUNCTION;
  slow.function = c_caller::slow_profile;
  vicinal_options o;
  vicinal_options_init(&o, sizeof o);
  o.kernels = &slow, o.kernels_count = 1;
  vicinal_state* made = nullptr;
  REQUIRE(vicinal_state_create_f32(&o, points.queries.data.data(), 4000, 1, 1, 0, 0, &made) ==
          VICINAL_OK);
  const State state(made);
  double fraction = 0;
  o.context = &fraction;
  o.progress = [](double done, void* c) { *static_cast<double*>(c) = done; };
  o.interrupted = [](void* c) { return *static_cast<double*>(c) > 0.4 ? 1 : 0; };
  const auto update = [&] {
    return vicinal_state_update_f32(state.get(), &o, points.keys.data.data(), 256,
                                    points.values.data.data());
  };
  CHECK(update() == VICINAL_ERROR_INTERRUPTED);
  o.interrupted = nullptr;
  CHECK(update() == VICINAL_ERROR_SPOILED_STATE);
  vicinal_statistics s;
  vicinal_statistics_init(&s, sizeof s);
  CHECK(vicinal_state_finish_f32(state.get(), nullptr, &s, nullptr) == VICINAL_ERROR_SPOILED_STATE);
}
