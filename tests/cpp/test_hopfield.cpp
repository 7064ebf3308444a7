// Hopfield networks against the formula in long double; bits of queries and threads; refusals.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "sample.hpp"
#include "vicinal/hopfield.hpp"

using namespace vicinal;
using Real = long double;

namespace {

constexpr std::int64_t n = 50, m = 30, d = 7;

const Kernel modern{.profile = Profile::softmax, .bandwidth = 0.6};
const Kernel polynomial{.profile = Profile::polynomial, .shape = 4};

template <class T>
struct Recalled {
  sample::Matrix<T> states{m, d};
  std::vector<std::int64_t> iterations = std::vector<std::int64_t>(m);
  std::vector<double> residuals = std::vector<double>(m);
  HopfieldReport report{};

  HopfieldOutputs<T> all() { return {states.view(), iterations, residuals}; }
  bool operator==(const Recalled& o) const {
    return states.data == o.states.data && iterations == o.iterations && residuals == o.residuals;
  }
};

template <class T>
struct Memory {
  sample::Matrix<T> patterns = sample::normal<T>(n, d, 1), queries = sample::normal<T>(m, d, 2);
  std::vector<T> weights = std::vector<T>(n);

  Memory() {
    for (std::size_t j = 0; j < weights.size(); ++j) weights[j] = T(1 + j % 3);
  }
  Recalled<T> recall(const Kernel& kernel, const HopfieldOptions<T>& options) {
    Recalled<T> out;
    out.report = hopfield(patterns.view(), queries.view(), kernel, out.all(), options);
    return out;
  }
  Real dot(const Real* q, std::int64_t j) const {
    Real sum = 0;
    for (std::int64_t c = 0; c < d; ++c) sum += q[c] * patterns.row(j)[c];
    return sum;
  }
  // One update by the `nearest` patterns of largest dot product.
  template <class Weight>
  std::vector<Real> update(const std::vector<Real>& q, Weight&& weight, std::int64_t nearest) {
    std::vector<std::int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return dot(q.data(), a) > dot(q.data(), b); });
    order.resize(static_cast<std::size_t>(nearest));
    std::vector<Real> next(d);
    Real mass = 0;
    for (const std::int64_t j : order) {
      const Real w = Real(weights[static_cast<std::size_t>(j)]) * weight(dot(q.data(), j));
      mass += w;
      for (std::size_t c = 0; c < d; ++c) next[c] += w * patterns.row(j)[c];
    }
    for (Real& x : next) x /= mass;
    return next;
  }
};

}  // namespace

TEST_CASE("retrievals are those of the formula") {
  Memory<double> memory;
  const auto exponential = [](Real s) { return std::exp(s / Real(modern.bandwidth)); };
  const auto fourth = [](Real s) { return s * s * s * s; };
  for (const bool is_modern : {true, false})
    for (const std::int64_t nearest : {std::int64_t(0), std::int64_t(6)}) {
      HopfieldOptions<double> options{.tol = 1e-6, .max_iter = 400};
      options.weights = memory.weights;
      options.nearest = nearest;
      const auto found = memory.recall(is_modern ? modern : polynomial, options);
      for (std::int64_t i = 0; i < m; ++i) {
        std::vector<Real> q(memory.queries.row(i), memory.queries.row(i) + d);
        std::int64_t steps = 0;
        for (Real length = 1; length > 1e-6L && steps < 400; ++steps) {
          const std::int64_t count = nearest == 0 ? n : nearest;
          const auto next =
              is_modern ? memory.update(q, exponential, count) : memory.update(q, fourth, count);
          length = 0;
          for (std::size_t c = 0; c < d; ++c) length += (next[c] - q[c]) * (next[c] - q[c]);
          length = std::sqrt(length);
          q = next;
        }
        const auto at = static_cast<std::size_t>(i);
        CHECK(found.iterations[at] == steps);
        CHECK((found.residuals[at] <= 1e-6) == (steps < 400));
        for (std::size_t c = 0; c < d; ++c)
          CHECK(std::abs(double(found.states.row(i)[c] - q[c])) < 1e-9);
      }
    }
}

TEST_CASE_TEMPLATE("neither threads, other queries nor an index change a bit", T, float, double) {
  Memory<T> memory;
  const KeyIndex<T> index(memory.patterns.view(), {.metric = Metric::dot});
  HopfieldOptions<T> options{.tol = 1e-3};
  options.nearest = 9;
  options.num_threads = 1;
  const auto whole = memory.recall(modern, options);
  options.num_threads = 3;
  CHECK(memory.recall(modern, options) == whole);
  options.index = &index;
  CHECK(memory.recall(modern, options) == whole);
  Recalled<T> alone;
  for (std::int64_t i = 0; i < m; ++i) {
    const auto at = static_cast<std::size_t>(i);
    hopfield(
        memory.patterns.view(), View<const T>(memory.queries.row(i), 1, d), modern,
        {View<T>(alone.states.row(i), 1, d), {&alone.iterations[at], 1}, {&alone.residuals[at], 1}},
        options);
  }
  CHECK(alone == whole);
}

TEST_CASE("callbacks, any update, refusals") {
  Memory<double> memory;
  std::int64_t rounds = 0;
  HopfieldOptions<double> options{.tol = 0};
  options.callback = [&](const HopfieldRound<double>& round) {
    CHECK(round.moved.size() == m);
    CHECK(round.states.rows == m);
    return (rounds = round.iteration) == 2;
  };
  const auto told = memory.recall(modern, options).report;
  CHECK(rounds == 2);
  CHECK(told.iterations == 2);
  CHECK(told.moving == m);

  Recalled<double> out;
  const HopfieldUpdate<double> halve = [](View<const double> states, View<double> next) {
    for (std::int64_t i = 0; i < states.rows; ++i)
      for (std::int64_t j = 0; j < d; ++j) next.row(i)[j] = states.row(i)[j] / 2;
    return true;
  };
  CHECK(hopfield(halve, memory.queries.view(), out.all(), {.tol = 1e-3}).moving == 0);
  CHECK(*std::max_element(out.states.data.begin(), out.states.data.end()) < 1e-3);
  const HopfieldUpdate<double> stop = [](View<const double>, View<double>) { return false; };
  CHECK(hopfield(stop, memory.queries.view(), out.all()).interrupted);
  CHECK(out.states.data == memory.queries.data);

  CHECK_THROWS_AS(memory.recall(Kernel{}, {}), std::invalid_argument);
  CHECK_THROWS_AS(memory.recall(modern, {.tol = -1}), std::invalid_argument);
  CHECK_THROWS_AS(memory.recall(modern, {.max_iter = 0}), std::invalid_argument);
  CHECK_THROWS_AS(memory.recall(modern, {.nearest = -1}), std::invalid_argument);
  CHECK_THROWS_AS(hopfield(HopfieldUpdate<double>{}, memory.queries.view(), out.all()),
                  std::invalid_argument);
  sample::Matrix<double> small(m, d - 1);
  CHECK_THROWS_AS(hopfield(stop, memory.queries.view(), {.states = small.view()}),
                  std::invalid_argument);
}
