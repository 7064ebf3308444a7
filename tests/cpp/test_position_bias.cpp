// Biases by position have the bits of the array that they stand for.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "sample.hpp"
#include "vicinal/neighbor_set.hpp"

using namespace vicinal;
using sample::Matrix;
using sample::Points;

namespace {

constexpr std::int64_t m = 90, n = 400;

// −slope · |δ| + table[clamp(δ, −r, r) + r], δ = key − (query + offset), in the type itself.
template <class T>
Matrix<T> array_of(const PositionBias<T>& bias) {
  Matrix<T> array(m, n);
  const std::int64_t reach = std::ssize(bias.table) / 2;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t apart = j - (i + bias.offset);
      const auto place = static_cast<std::size_t>(std::clamp(apart, -reach, reach) + reach);
      const T ramp = bias.slope == 0 ? T(0) : -bias.slope * static_cast<T>(std::abs(apart));
      array.row(i)[j] = bias.table.empty() ? ramp : ramp + bias.table[place];
    }
  return array;
}

template <class T>
void compare(const PositionBias<T>& bias, Options<T> options) {
  const Points<T> x(m, n, 5, 3);
  const Kernel kernel{.profile = Profile::softmax, .bandwidth = 2, .metric = Metric::dot};
  const Matrix<T> array = array_of(bias);
  options.bias = {array.data.data(), n, 1};
  const Matrix<T> expected = x.mean(kernel, options);
  options.bias = {};
  options.position_bias = bias;
  for (const int threads : {1, 3}) {
    options.num_threads = threads;
    CHECK(sample::same_bits(x.mean(kernel, options), expected));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("slopes and tables are the arrays that they stand for", T, float, double) {
  for (const std::int64_t offset : {std::int64_t(0), n - m, std::int64_t(-40)})
    for (const std::int64_t reach : {0, 3, 1000}) {
      Matrix<T> table = sample::normal<T>(1, 2 * reach + 1, 7);
      if (reach == 3) table.data[2] = -std::numeric_limits<T>::infinity();
      compare<T>({.slope = T(0.3), .offset = offset}, {});
      compare<T>({.table = table.data, .offset = offset}, {});
      compare<T>({.slope = T(0.125), .table = table.data, .offset = offset}, {});
    }
}

TEST_CASE_TEMPLATE("windows and lists take them too", T, float, double) {
  const PositionBias<T> bias{.slope = T(0.25), .offset = 100};
  compare<T>(bias, {.neighbors = window(50, 20, 100)});
  compare<T>(bias, {.neighbors = nearest(9)});
}

TEST_CASE("position biases that are none are refused") {
  const Points<double> x(4, 6, 2, 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> even(4);
  const Kernel kernel{.profile = Profile::softmax, .metric = Metric::dot};
  CHECK_THROWS_WITH_AS(x.mean(kernel, {.position_bias = {.slope = nan}}),
                       doctest::Contains("slope of position_bias must be finite"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(x.mean(kernel, {.position_bias = {.table = even}}),
                       doctest::Contains("must have 2 r + 1 numbers, got 4"),
                       std::invalid_argument);
}
