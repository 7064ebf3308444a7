// Mean shift against the formula, and what may not change a bit of it.
#include <doctest/doctest.h>

#include "ascents.hpp"

using namespace vicinal;
using namespace ascents;

namespace {

Real gaussian(Real square) { return std::exp(-square / 2); }
Real flat(Real square) { return square <= 1; }
Real biweight(Real square) { return square < 1 ? (1 - square) * (1 - square) : 0; }

template <class T>
Weight weight_of(const sample::Matrix<T>& keys, Real h, Real (*profile)(Real)) {
  return [&keys, h, profile](const Real* q, std::int64_t key) {
    return profile(squared_distance(q, keys.row(key), keys.columns) / (h * h));
  };
}

}  // namespace

TEST_CASE("ascents are those of the formula") {
  struct Case {
    Profile profile;
    Real (*weight)(Real);
    std::int64_t n, d;
    double h, alpha;
  };
  for (const Case& c : {Case{Profile::gaussian, gaussian, 700, 2, 0.8, 1},
                        Case{Profile::uniform, flat, 700, 2, 1.2, 1},
                        Case{Profile::biweight, biweight, 5000, 3, 2.0, 0.7},
                        Case{Profile::uniform, flat, 5000, 2, 1.1, 1},
                        Case{Profile::gaussian, gaussian, 400, 12, 2.0, 1.3}}) {
    CAPTURE(c.n);
    CAPTURE(c.d);
    const auto keys = groups<double>(c.n, c.d, 7, 1);
    sample::Matrix<double> seeds(25, c.d);
    std::copy_n(keys.data.begin(), seeds.data.size(), seeds.data.begin());
    const double tol = 1e-3 * c.h;
    const auto out = shift(keys, seeds, Kernel{.profile = c.profile, .bandwidth = c.h},
                           {.alpha = c.alpha, .tol = tol, .num_threads = 2});
    for (std::int64_t i = 0; i < seeds.rows; ++i) {
      const auto [end, steps] =
          climb(seeds.row(i), keys, weight_of(keys, c.h, c.weight), c.alpha, tol, 300);
      CHECK(out.iterations[static_cast<std::size_t>(i)] == steps);
      for (std::int64_t j = 0; j < c.d; ++j)
        CHECK(std::abs(double(out.ends.row(i)[j] - end[static_cast<std::size_t>(j)])) < 1e-10);
    }
    CHECK(out.count(AscentStatus::converged) == seeds.rows);
  }
}

TEST_CASE("weights and bandwidths of keys, two factors") {
  const auto keys = groups<double>(300, 3, 7, 3);
  sample::Numbers numbers(4);
  std::vector<double> weights(300), bandwidths(300);
  for (std::size_t i = 0; i < 300; ++i) {
    weights[i] = i % 5 == 0 ? 0 : numbers.uniform(0.5, 2);
    bandwidths[i] = numbers.uniform(0.7, 1.5);
  }
  sample::Matrix<double> seeds(10, 3);
  std::copy_n(keys.data.begin(), seeds.data.size(), seeds.data.begin());
  const auto check = [&](const KernelSum& kernel, const MeanShiftOptions<double>& options,
                         const Weight& weight) {
    const auto out = shift(keys, seeds, kernel, options);
    for (std::int64_t i = 0; i < 10; ++i) {
      const auto [end, steps] = climb(seeds.row(i), keys, weight, 1, options.tol, 300);
      CHECK(out.iterations[static_cast<std::size_t>(i)] == steps);
      for (std::int64_t j = 0; j < 3; ++j)
        CHECK(std::abs(double(out.ends.row(i)[j] - end[static_cast<std::size_t>(j)])) < 1e-10);
    }
  };
  check(Kernel{}, {.tol = 1e-4, .weights = weights, .key_bandwidths = bandwidths},
        [&](const Real* q, std::int64_t key) {
          const Real h = bandwidths[static_cast<std::size_t>(key)];
          return Real(weights[static_cast<std::size_t>(key)]) *
                 gaussian(squared_distance(q, keys.row(key), 3) / (h * h));
        });
  const std::int64_t place[] = {0, 1}, color[] = {2};  // the joint domain of an image
  const Kernel near{.profile = Profile::uniform, .bandwidth = 1.5, .columns = place},
      like{.bandwidth = 0.8, .columns = color};
  check(KernelSum({Term{1, {near, like}}}), {.tol = 1e-4}, [&](const Real* q, std::int64_t key) {
    const double* x = keys.row(key);
    return flat(squared_distance(q, x, 2) / (Real(1.5) * Real(1.5))) *
           gaussian(squared_distance(q + 2, x + 2, 1) / (Real(0.8) * Real(0.8)));
  });
}

TEST_CASE_TEMPLATE("neither threads, other seeds nor an index change a bit", T, float, double) {
  for (const std::int64_t n : {900, 6000})
    for (const Profile profile : {Profile::uniform, Profile::gaussian}) {
      const auto keys = groups<T>(n, 2, 6, 5);
      const Kernel kernel{.profile = profile, .bandwidth = 0.9};
      MeanShiftOptions<T> options{.tol = 1e-3, .mass_tol = n == 900 ? 0 : 1e-4, .num_threads = 1};
      sample::Matrix<T> seeds(600, 2);
      std::copy_n(keys.data.begin(), 1000, seeds.data.begin());
      std::copy_n(keys.data.begin(), 200, seeds.data.begin() + 1000);  // some twice
      const auto together = shift(keys, seeds, kernel, options);
      for (const int threads : {2, 5}) {
        options.num_threads = threads;
        CHECK(shift(keys, seeds, kernel, options) == together);
      }
      Outputs<T> prepared(600, 2), alone(600, 2);
      const KeyIndex<T> index(keys.view());
      const MeanShiftReport report =
          mean_shift(index, seeds.view(), kernel, prepared.all(), options);
      CHECK(prepared == together);
      std::int64_t steps = 0;
      for (std::int64_t i = 0; i < 600; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const View<T> end{alone.ends.row(i), 1, 2};
        const MeanShiftReport one = mean_shift(keys.view(), {seeds.row(i), 1, 2}, kernel,
                                               {end,
                                                {&alone.iterations[at], 1},
                                                {&alone.status[at], 1},
                                                {&alone.mode[at], 1},
                                                {alone.before.row(i), 1, 2}},
                                               options);
        steps += one.walked;
      }
      CHECK(alone == together);
      CHECK(report.walked < steps);  // equal positions were walked once
      CHECK(steps == std::accumulate(together.iterations.begin(), together.iterations.end(),
                                     std::int64_t{0}));
    }
}

TEST_CASE_TEMPLATE("why an ascent ends", T, float, double) {
  const auto keys = groups<T>(600, 2, 8, 7);
  sample::Matrix<T> seeds(4, 2);
  seeds.row(0)[0] = T(0.5);   // climbs to the first group
  seeds.row(1)[0] = T(8.4);   // starts in the ball of mode 0 below
  seeds.row(2)[0] = T(15);    // climbs to the third group
  seeds.row(3)[0] = T(1000);  // sees nothing
  const Kernel kernel{.profile = Profile::epanechnikov, .bandwidth = 2};
  sample::Matrix<T> modes(3, 2);
  modes.row(0)[0] = T(8), modes.row(1)[0] = modes.row(2)[0] = T(16);
  MeanShiftOptions<T> options{.tol = 1e-6, .modes = modes.view(), .capture_radius = 0.5};
  Outputs<T> out(4, 2);
  const MeanShiftReport report = mean_shift(keys.view(), seeds.view(), kernel, out.all(), options);
  CHECK(out.status == std::vector<std::int8_t>{0, 3, 3, 2});
  CHECK(out.mode == std::vector<std::int64_t>{-1, 0, 1, -1});  // of two in one place, the first
  CHECK(out.iterations[1] == 0);
  CHECK(out.ends.row(1)[0] == T(8.4));  // ends stay where they were caught
  CHECK(out.iterations[2] > 0);
  CHECK(std::hypot(double(out.ends.row(2)[0]) - 16, double(out.ends.row(2)[1])) <= 0.5);
  CHECK(out.iterations[3] == 0);
  CHECK(out.ends.row(3)[0] == T(1000));
  CHECK(report.orphans == 1);
  CHECK(report.captured == 2);
  CHECK(report.exhausted == 0);
  CHECK(report.iterations == *std::max_element(out.iterations.begin(), out.iterations.end()));

  options.modes = {}, options.max_iter = 2;
  const auto cut = shift(keys, seeds, kernel, options);
  CHECK(cut.status == std::vector<std::int8_t>{1, 1, 1, 2});
  CHECK(cut.iterations == std::vector<std::int64_t>{2, 2, 2, 0});
  options.max_iter = 0;
  CHECK(sample::same_bits(shift(keys, seeds, kernel, options).ends, seeds));
}

TEST_CASE("the ball of the flat kernel and of a mode is closed") {
  sample::Matrix<double> keys(2, 1), seeds(1, 1), modes(1, 1);
  keys.row(1)[0] = 1;
  auto out = shift(keys, seeds, Kernel{.profile = Profile::uniform, .bandwidth = 1});
  CHECK(out.ends.row(0)[0] == 0.5);
  out = shift(keys, seeds, Kernel{.profile = Profile::uniform, .bandwidth = 0.999});
  CHECK(out.ends.row(0)[0] == 0);
  modes.row(0)[0] = 0.25;
  MeanShiftOptions<double> options{.modes = modes.view(), .capture_radius = 0.25};
  CHECK(shift(keys, seeds, Kernel{}, options).status[0] == 3);
  options.capture_radius = 0.2499;
  options.max_iter = 0;
  CHECK(shift(keys, seeds, Kernel{}, options).status[0] == 1);
}

TEST_CASE_TEMPLATE("a memory changes no bit, and a Gaussian keeps to mass_tol", T, float, double) {
  for (const std::int64_t d : {1, 2, 3}) {
    CAPTURE(d);
    const auto keys = groups<T>(9000, d, 3, 5);
    sample::Matrix<T> seeds(40, d);
    std::copy_n(keys.data.begin(), seeds.data.size(), seeds.data.begin());
    const Kernel kernel{.bandwidth = 0.5};
    MeanShiftMemory<T> memory;
    const auto shift_by = [&](int threads, std::int64_t steps, MeanShiftMemory<T>* kept) {
      MeanShiftOptions<T> o{.tol = 0, .max_iter = steps, .mass_tol = 1e-3, .num_threads = threads};
      o.memory = kept;
      return shift(keys, seeds, kernel, o);
    };
    const auto ends = shift_by(2, 1, nullptr).ends.data;
    CHECK(shift_by(1, 1, &memory).ends.data == ends);
    CHECK(shift_by(2, 1, &memory).ends.data == ends);
    CHECK(shift_by(2, 30, &memory).ends.data == shift_by(1, 30, nullptr).ends.data);
    T low = keys.data[0], high = low;
    for (const T x : keys.data) low = std::min(low, x), high = std::max(high, x);
    for (std::int64_t i = 0; i < seeds.rows; ++i) {
      const auto [end, steps] = climb(seeds.row(i), keys, weight_of(keys, 0.5, gaussian), 1, 0, 1);
      for (std::int64_t j = 0; j < d; ++j)
        CHECK(std::abs(double(ends[static_cast<std::size_t>(i * d + j)] -
                              end[static_cast<std::size_t>(j)])) < 1e-3 * double(high - low));
    }
  }
}

TEST_CASE("rounds are told, and may be the last") {
  const auto keys = groups<double>(500, 2, 7, 9);
  std::int64_t calls = 0;
  MeanShiftOptions<double> options{.tol = 0};
  options.callback = [&](const MeanShiftRound<double>& round) {
    CHECK(round.iteration == ++calls);
    CHECK(round.positions.rows == std::ssize(round.seeds));
    CHECK(round.longest_step > 0);
    return calls == 3;
  };
  auto out = shift(keys, keys, Kernel{.bandwidth = 0.7}, options);
  CHECK(calls == 3);
  CHECK(out.count(AscentStatus::exhausted) == 500);
  CHECK(out.iterations == std::vector<std::int64_t>(500, 3));

  options.callback = {};
  options.interrupted = [&] { return true; };
  options.max_iter = 1'000'000'000;
  const auto many = groups<double>(40000, 2, 7, 9);
  Outputs<double> partial(many.rows, 2);
  const MeanShiftReport report =
      mean_shift(many.view(), many.view(), Kernel{.bandwidth = 0.7}, partial.all(), options);
  CHECK(report.interrupted);
  CHECK(partial.count(AscentStatus::exhausted) == many.rows);
}

TEST_CASE("nothing to do") {
  const sample::Matrix<float> none(0, 2);
  const auto keys = sample::normal<float>(5, 2, 1);
  CHECK(shift(keys, none, Kernel{}).status.empty());
  CHECK(shift(none, keys, Kernel{}).count(AscentStatus::orphan) == 5);
  CHECK(mean_shift(keys.view(), keys.view(), Kernel{}, {}).iterations > 0);
}

TEST_CASE("what the door refuses") {
  auto keys = sample::normal<double>(5, 2, 1), seeds = keys;
  const auto refused = [&](const KernelSum& kernel, const MeanShiftOptions<double>& options,
                           const char* message) {
    Outputs<double> out(5, 2);
    CHECK_THROWS_WITH_AS(mean_shift(keys.view(), seeds.view(), kernel, out.all(), options), message,
                         std::invalid_argument);
    CHECK(out.status == std::vector<std::int8_t>(5, 77));  // before any work
  };
  refused(Kernel{}, {.alpha = 0}, "alpha must be finite and above 0, got 0.000000");
  refused(Kernel{}, {.tol = -1}, "tol must be at least 0, got -1.000000");
  refused(Kernel{}, {.max_iter = -1}, "max_iter must not be negative, got -1");
  refused(Kernel{}, {.mass_tol = 1}, "mass_tol must be at least 0 and below 1, got 1.000000");
  refused(KernelSum({Term{1, {Kernel{}}}, Term{-0.5, {Kernel{.bandwidth = 2}}}}), {},
          "mean shift needs weights that are not negative, got a kernel with the coefficient "
          "-0.500000");
  refused(Kernel{.profile = Profile::softmax}, {},
          "mean shift needs a kernel of the euclidean, manhattan, chebyshev or mahalanobis "
          "distance, because its steps are means of coordinates; bring other data into such "
          "coordinates");
  sample::Matrix<double> modes(1, 3);
  refused(Kernel{}, {.modes = modes.view()},
          "modes and keys must have the same number of features, got 3 and 2");
  seeds.row(2)[1] = INFINITY;
  refused(Kernel{}, {}, "seeds must be finite, got inf in row 2");
  seeds = keys;
  keys.row(4)[0] = NAN;
  refused(Kernel{}, {}, "keys must be finite, got nan in row 4");
  const std::vector<double> weights{1, 1, 1, 1, 0};  // a key without weight is no key
  CHECK(shift(keys, seeds, Kernel{}, {.weights = weights}).count(AscentStatus::converged) >= 4);
}
