// Mean shift through the C ABI: the bits of C++, and what is refused.
#include <doctest/doctest.h>

#include <cstddef>

#include "ascents.hpp"
#include "c_caller.hpp"

using namespace vicinal;
using namespace c_caller;

namespace {

constexpr auto bad = VICINAL_ERROR_INVALID_ARGUMENT;

vicinal_mean_shift_options ascent() {
  return made<vicinal_mean_shift_options>(vicinal_mean_shift_options_init);
}

template <class T>
auto function() {
  if constexpr (sizeof(T) == 4)
    return vicinal_mean_shift_f32;
  else
    return vicinal_mean_shift_f64;
}

// A call with whatever a test changes.
template <class T>
struct Call {
  sample::Matrix<T> keys = ascents::groups<T>(500, 2, 7, 1), seeds = keys, modes{2, 2};
  ascents::Outputs<T> out{500, 2};
  vicinal_kernel k = kernel();
  vicinal_options o = options_of(k);
  vicinal_mean_shift_options a = ascent();
  vicinal_ascents to = made<vicinal_ascents>(vicinal_ascents_init);
  vicinal_report told = report();

  Call() {
    modes.row(1)[0] = 7;
    to.ends = out.ends.data.data(), to.iterations = out.iterations.data();
    to.status = out.status.data(), to.mode = out.mode.data();
    to.before = out.before.data.data();
  }
  vicinal_status run() {
    return function<T>()(&o, &a, seeds.data.data(), seeds.rows, keys.data.data(), keys.rows, 2, &to,
                         &told);
  }
  void refused(vicinal_status status, const char* word) {
    check_refused(run(), status, word);
    CHECK(out.status == std::vector<std::int8_t>(500, 77));
  }
};

}  // namespace

TEST_CASE_TEMPLATE("the bits of C++", T, float, double) {
  Call<T> c;
  c.k.profile = VICINAL_BIWEIGHT, c.k.bandwidth = 1.5;
  c.o.num_threads = 2;
  REQUIRE(c.run() == VICINAL_OK);
  const Kernel kernel{.profile = Profile::biweight, .bandwidth = 1.5};
  const auto plain = ascents::shift(c.keys, c.seeds, kernel);
  CHECK(c.out == plain);
  CHECK(c.told.pairs_visited > 0);
  CHECK(c.told.empty_rows == plain.count(AscentStatus::orphan));

  const Index index = index_of(c.keys);
  c.o.index = index.get();
  REQUIRE(c.run() == VICINAL_OK);
  CHECK(c.out == plain);

  const std::vector<T> weights(500, T(0.5)), bandwidths(500, T(2));
  c.o.weights = weights.data(), c.o.key_bandwidths = bandwidths.data();
  c.a.alpha = 0.5, c.a.tol = 0.01, c.a.max_iter = 20;
  c.a.modes = c.modes.data.data(), c.a.modes_count = 2, c.a.capture_radius = 0.3;
  REQUIRE(c.run() == VICINAL_OK);
  const auto expected = ascents::shift<T>(c.keys, c.seeds, kernel,
                                          {.alpha = 0.5,
                                           .tol = 0.01,
                                           .max_iter = 20,
                                           .weights = weights,
                                           .key_bandwidths = bandwidths,
                                           .modes = c.modes.view(),
                                           .capture_radius = 0.3});
  CHECK(c.out == expected);
  CHECK(expected.count(AscentStatus::captured) > 0);
}

TEST_CASE_TEMPLATE("the last step leads from `before` to the end", T, float, double) {
  Call<T> c;
  c.k.profile = VICINAL_BIWEIGHT, c.k.bandwidth = 1.5;
  REQUIRE(c.run() == VICINAL_OK);
  Call<T> last;
  last.k = c.k, last.seeds = c.out.before, last.a.max_iter = 1;
  REQUIRE(last.run() == VICINAL_OK);
  CHECK(sample::same_bits(last.out.ends, c.out.ends));
  CHECK(last.out.status == c.out.status);
}

// vicinal_ascents as it was before `before`: what a program built then passes.
struct OlderAscents {
  size_t struct_size;
  void* ends;
  int64_t* iterations;
  int8_t* status;
  int64_t* mode;
};
static_assert(offsetof(vicinal_ascents, before) == sizeof(OlderAscents));
static_assert(offsetof(vicinal_ascents, mode) == offsetof(OlderAscents, mode));

TEST_CASE("a program that was built before `before`") {
  Call<double> c;
  struct {
    OlderAscents ascents;
    void* beyond;  // where a newer structure has `before`
  } old{{}, &c.out.before.data[0]};
  auto* given = reinterpret_cast<vicinal_ascents*>(&old.ascents);
  REQUIRE(vicinal_ascents_init(given, sizeof old.ascents) == VICINAL_OK);
  CHECK(old.beyond == &c.out.before.data[0]);
  old.ascents.ends = c.out.ends.data.data();
  c.to = {};
  const auto untouched = c.out.before.data;
  REQUIRE(vicinal_mean_shift_f64(&c.o, &c.a, c.seeds.data.data(), 500, c.keys.data.data(), 500, 2,
                                 given, nullptr) == VICINAL_OK);
  CHECK(sample::same_bits(c.out.ends, ascents::shift(c.keys, c.seeds, Kernel{}).ends));
  CHECK(c.out.before.data == untouched);
}

TEST_CASE("defaults, optional outputs and rounds") {
  const auto keys = ascents::groups<double>(200, 2, 7, 1);
  std::vector<std::int64_t> iterations(200);
  vicinal_ascents to = made<vicinal_ascents>(vicinal_ascents_init);
  to.iterations = iterations.data();
  REQUIRE(vicinal_mean_shift_f64(nullptr, nullptr, keys.data.data(), 200, keys.data.data(), 200, 2,
                                 &to, nullptr) == VICINAL_OK);
  CHECK(iterations == ascents::shift(keys, keys, Kernel{}).iterations);

  vicinal_mean_shift_options a = ascent();
  std::int64_t rounds = 0;
  a.context = &rounds;
  a.iterated = [](int64_t iteration, int64_t moving, double longest, void* context) {
    CHECK(moving > 0);
    CHECK(longest > 0);
    *static_cast<std::int64_t*>(context) = iteration;
    return iteration == 2 ? 1 : 0;
  };
  REQUIRE(vicinal_mean_shift_f64(nullptr, &a, keys.data.data(), 200, keys.data.data(), 200, 2, &to,
                                 nullptr) == VICINAL_OK);
  CHECK(rounds == 2);
  CHECK(iterations == std::vector<std::int64_t>(200, 2));
}

TEST_CASE("what C can get wrong") {
  const std::int64_t own[500] = {};
  const auto refused = [](auto&& change, vicinal_status status, const char* word) {
    Call<float> c;
    change(c);
    c.refused(status, word);
  };
  using C = Call<float>;
  refused([](C& c) { c.a.struct_size = 3; }, VICINAL_ERROR_STRUCT_SIZE, "mean_shift_options");
  refused([](C& c) { c.to.struct_size = 0; }, VICINAL_ERROR_STRUCT_SIZE, "ascents");
  refused([](C& c) { c.a.modes_count = -1; }, bad, "modes");
  refused([](C& c) { c.a.modes_count = 2; }, VICINAL_ERROR_NULL_POINTER, "modes");
  refused([](C& c) { c.a.alpha = -1; }, bad, "alpha");
  refused([](C& c) { c.o.tol = 2; }, bad, "mass_tol");
  refused([&](C& c) { c.o.self_indices = own; }, bad, "self_indices");
  refused([](C& c) { c.o.exclude_self = 1; }, bad, "exclude_self");
  refused([](C& c) { c.to.ends = c.seeds.data.data(); }, bad, "ends must not overlap seeds");
  refused([](C& c) { c.to.before = c.out.ends.data.data(); }, bad, "before must not overlap ends");
  refused([](C& c) { c.seeds.data[3] = INFINITY; }, bad, "seeds must be finite");
  refused([](C& c) { c.o.interrupted = [](void*) { return 1; }, c.k.profile = VICINAL_SOFTMAX; },
          bad, "euclidean");
  const auto other = sample::normal<float>(500, 2, 1);
  const Index index = index_of(other);
  refused([&](C& c) { c.o.index = index.get(); }, bad, "index");
  check_refused(vicinal_mean_shift_f32(nullptr, nullptr, other.data.data(), 1, other.data.data(), 1,
                                       2, nullptr, nullptr),
                VICINAL_ERROR_NULL_POINTER, "ascents");
}
