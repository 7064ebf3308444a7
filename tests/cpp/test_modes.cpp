// Floating-point modes: a call neither changes the caller's nor lets them reach its results.
#include <doctest/doctest.h>

#include <cfenv>

#include "sample.hpp"
#include "vicinal/partial.hpp"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

using namespace vicinal;

namespace {

#if defined(__x86_64__)
using Word = unsigned;
Word read_modes() { return _mm_getcsr(); }
void write_modes(Word word) { _mm_setcsr(word); }
const Word settings[] = {0x1f80, 0x1f80 | 0x8040 /* flush to zero, subnormals are zero */,
                         0x1f80 | 0x2000 /* round down */, 0x1f80 | 0x6000 /* toward zero */};
#elif defined(__aarch64__)
using Word = unsigned long;
Word read_modes() {
  Word word;
  asm volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
void write_modes(Word word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
const Word settings[] = {0, 1UL << 24 /* flush to zero */, 1UL << 23 /* round down */};
#endif

class Modes {
 public:
  explicit Modes(Word word) : saved_(read_modes()) { write_modes(word); }
  ~Modes() { write_modes(saved_); }

 private:
  Word saved_;
};

// Values so small that means and variances are subnormal, and bandwidths that do not divide evenly.
template <class T>
sample::Points<T> small_points(std::int64_t m, std::int64_t n) {
  sample::Points<T> points(m, n, 3, 2);
  for (T& y : points.values.data) y *= std::numeric_limits<T>::min() / 4;
  return points;
}

template <class T>
sample::Outputs<T> run(const sample::Points<T>& points, int threads, std::span<const T> weights) {
  const std::int64_t m = points.queries.rows;
  sample::Outputs<T> out(m, 0, 2, 0);
  Statistics<T> statistics = out.all();
  statistics.weights = {}, statistics.self_weight = {};
  statistics.top_k_indices = {}, statistics.top_k_weights = {};
  const std::array<double, 3> h{0.7, 0.33, 1.1};
  local_stats(Kernel{.bandwidths = h}, points.queries.view(), points.keys.view(),
              points.values.view(), statistics, {.weights = weights, .num_threads = threads});
  return out;
}

template <class T>
sample::Outputs<T> accumulate(const sample::Points<T>& points, std::span<const T> weights) {
  const std::int64_t m = points.queries.rows;
  sample::Outputs<T> out(m, 0, 2, 0);
  Statistics<T> statistics{
      .mean = out.mean.view(), .log_mass = out.log_mass, .variance = out.variance.view()};
  PartialState<T> state(Kernel{.bandwidth = 0.3}, {points.queries.view()}, 2, {.variance = true});
  auto other =
      PartialState<T>(Kernel{.bandwidth = 0.3}, {points.queries.view()}, 2, {.variance = true});
  const BatchItem<T> item{
      .keys = points.keys.view(), .values = points.values.view(), .weights = weights};
  state.update({&item, 1}, {.num_threads = 2});
  other.update({&item, 1});
  state.merge(other);
  state.finish({&statistics, 1});
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE("results do not depend on the caller's modes", T, float, double) {
  sample::Numbers numbers(2);
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{7, 9000}, {300, 300}}) {
    const auto points = small_points<T>(m, n);
    std::vector<T> weights(static_cast<std::size_t>(n));
    for (T& w : weights) w = static_cast<T>(numbers.uniform());
    const std::span<const T> priors(weights);
    const auto expected = run(points, 1, priors), sums = accumulate(points, priors);
    CHECK(expected.mean.data[0] != 0);
    for (const Word word : settings)
      for (const int threads : {1, 2}) {
        CAPTURE(word);
        CAPTURE(threads);
        const Modes modes(word);
        const auto out = run(points, threads, priors);
        const auto state = accumulate(points, priors);
        const Word after = read_modes();
        write_modes(settings[0]);
        CHECK(out == expected);
        CHECK(state == sums);
        CHECK((after & ~Word{0x3f}) == (word & ~Word{0x3f}));  // exception flags may be raised
      }
  }
}

#ifdef _OPENMP
// The pool is shared with whoever uses OpenMP in the process, and its threads keep their own modes.
TEST_CASE("nor on modes that someone else left in the workers") {
  const auto points = small_points<float>(300, 3000);
  const auto expected = run(points, 1, std::span<const float>{});
  const auto set_modes = [](Word word) {
#pragma omp parallel num_threads(2)
    if (omp_get_thread_num() != 0) write_modes(word);
  };
  for (const Word word : settings) {
    CAPTURE(word);
    set_modes(word);
    const auto out = run(points, 2, std::span<const float>{});
    Word after = ~word;
#pragma omp parallel num_threads(2)
    if (omp_get_thread_num() == 1) after = read_modes();
    set_modes(settings[0]);
    CHECK(out == expected);
    CHECK((after & ~Word{0x3f}) == (word & ~Word{0x3f}));
  }
}
#endif

TEST_CASE("far rows that take the limit h to 0") {
  sample::Points<float> points(3, 9000, 2, 1);
  for (float& q : points.queries.data) q = q * 1e30f;
  const auto expected = points.mean(Kernel{.bandwidth = 1e-20});
  for (const Word word : settings) {
    const Modes modes(word);
    const auto means = points.mean(Kernel{.bandwidth = 1e-20}, {.num_threads = 2});
    write_modes(settings[0]);
    CHECK(sample::same_bits(means, expected));
  }
}
