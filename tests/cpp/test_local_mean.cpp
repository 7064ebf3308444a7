// Local means of every kernel against a naive loop in long double.
#include <doctest/doctest.h>

#include "every_kernel.hpp"
#include "naive.hpp"

using namespace vicinal;

namespace {

// Relative to the largest value; what is promised for ordinary data.
template <class T>
constexpr double bound = sizeof(T) == 4 ? 1e-5 : 1e-13;

template <class T>
double largest(const sample::Matrix<T>& matrix) {
  double most = 0;
  for (const T x : matrix.data) most = std::max(most, std::abs(static_cast<double>(x)));
  return most;
}

// Cancellation in a signed row is in the data, not in the arithmetic: the bound grows with it.
// Without a weight worth the name (`least`), a row is empty by definition.
template <class T>
void compare(const std::string& name, const KernelSum& kernel, const sample::Points<T>& points,
             const Options<T>& options = {}) {
  const auto means = points.mean(kernel, options);
  const double scale = largest(points.values);
  double worst = 0;
  for (std::int64_t i = 0; i < means.rows; ++i) {
    const naive::Row row = naive::row_of(kernel, i, points.queries.view(), points.keys.view(),
                                         points.values.view(), options);
    if (row.magnitude == 0 || row.condition() > 1e3) continue;
    for (std::int64_t c = 0; c < means.columns; ++c) {
      const auto expected = row.mean[static_cast<std::size_t>(c)];
      const double error = static_cast<double>(std::abs(means.row(i)[c] - expected));
      worst = std::max(
          worst, std::isnan(error) ? 1e300 : error / scale / static_cast<double>(row.condition()));
    }
  }
  CHECK_MESSAGE(worst <= bound<T>, name, ", ", sizeof(T) == 4 ? "float" : "double", ": ", worst);
}

template <class T>
void compare_all(const std::vector<every::Case>& cases) {
  for (const every::Case& c : cases) {
    compare(c.name, c.kernel, every::points_for<T>(c, 7, 290, 1));
    compare(c.name, c.kernel, every::points_for<T>(c, 3, 270, 19));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("distance kernels", T, float, double) {
  compare_all<T>(every::distance_cases());
}
TEST_CASE_TEMPLATE("inner products", T, float, double) {
  compare_all<T>(every::similarity_cases());
}
TEST_CASE_TEMPLATE("categories", T, float, double) { compare_all<T>(every::category_cases()); }

TEST_CASE_TEMPLATE("sizes around packs, tiles, groups and chunks", T, float, double) {
  const Kernel kernel{.bandwidth = 0.8};
  for (const std::int64_t n : {1, 2, 15, 16, 17, 255, 256, 257, 511, 4095, 4096, 4097})
    compare("n = " + std::to_string(n), kernel, sample::Points<T>(3, n, 2, 2));
  for (const std::int64_t m : {1, 5, 6, 7, 11, 12, 13, 23, 24, 25, 49, 505})
    compare("m = " + std::to_string(m), kernel, sample::Points<T>(m, 40, 2, 2));
  for (const std::int64_t p : {1, 2, 3, 4, 5, 8, 9, 16, 31, 64, 65, 130})
    compare("p = " + std::to_string(p), kernel, sample::Points<T>(7, 300, 3, p));
  for (const std::int64_t d : {1, 2, 7, 8, 9, 16, 17, 64, 129})
    compare("d = " + std::to_string(d), Kernel{.bandwidth = std::sqrt(double(d))},
            sample::Points<T>(7, 300, d, 2));
}

TEST_CASE_TEMPLATE("products and sums", T, float, double) {
  const std::array<std::int64_t, 2> space{0, 1};
  const std::array<std::int64_t, 3> color{4, 2, 3};
  const Kernel near{.profile = Profile::epanechnikov, .bandwidth = 1.5, .columns = space};
  const Kernel alike{.bandwidth = 2, .columns = color};
  const Kernel heavy{.profile = Profile::cauchy, .bandwidth = 0.5};
  const sample::Points<T> points(9, 700, 5, 3);
  compare("product", KernelSum({Term{1, {near, alike}}}), points);
  compare("sum", KernelSum({Term{0.25, {alike}}, Term{2, {heavy}}}), points);
  compare("sum of products", KernelSum({Term{3, {near, heavy}}, Term{0.5, {alike, heavy}}}),
          points);
  compare("difference", KernelSum({Term{2, {heavy}}, Term{-0.4, {alike}}}), points);
  compare("scaled", KernelSum({Term{1e-3, {heavy}}}), points);
}

TEST_CASE_TEMPLATE("priors, masks, biases, own keys", T, float, double) {
  const sample::Points<T> points(31, 531, 3, 2);
  sample::Numbers numbers(7);
  std::vector<T> weights(531), logs(531), bias(31 * 531);
  for (T& w : weights) w = static_cast<T>(numbers.uniform() < 0.2 ? 0 : 5 * numbers.uniform());
  for (T& l : logs) l = static_cast<T>(3 * numbers.normal());
  for (T& b : bias) b = static_cast<T>(numbers.normal());
  std::vector<std::uint8_t> bits(31 * 531);
  for (auto& bit : bits) bit = numbers.uniform() < 0.7;
  std::vector<std::int64_t> own(31);
  for (auto& index : own) index = numbers.below(531);
  const PairView<bool> mask{reinterpret_cast<const bool*>(bits.data()), 531, 1};
  for (const auto& [name, profile] : every::distance_profiles()) {
    Kernel kernel = profile;
    kernel.bandwidth = 2;
    compare(name + ", weights", kernel, points, {.weights = weights});
    compare(name + ", log weights", kernel, points, {.log_weights = logs});
    compare(name + ", mask", kernel, points, {.mask = mask});
    compare(name + ", bias", kernel, points, {.bias = {bias.data(), 531, 1}});
    compare(name + ", own", kernel, points, {.self_indices = own, .exclude_self = true});
    compare(name + ", all", kernel, points,
            {.weights = weights,
             .mask = mask,
             .bias = {bias.data(), 0, 1},
             .self_indices = own,
             .exclude_self = true});
  }
}

TEST_CASE_TEMPLATE("far queries keep their digits", T, float, double) {
  sample::Points<T> points(9, 600, 2, 1);
  for (T& q : points.queries.data) q += 60;
  for (const auto& [name, profile] : every::distance_profiles()) {
    Kernel kernel = profile;
    if (kernel.profile >= Profile::epanechnikov && kernel.profile <= Profile::wendland_c2) continue;
    compare(name, kernel, points);
  }
}

TEST_CASE_TEMPLATE("strides: repeated rows, gaps, backwards", T, float, double) {
  const sample::Points<T> points(8, 300, 2, 2);
  const Kernel kernel{.bandwidth = 0.7};
  const auto plain = points.mean(kernel);
  sample::Matrix<T> wide(300, 5), out(8, 7);
  for (std::int64_t k = 0; k < 300; ++k) std::copy_n(points.keys.row(k), 2, wide.row(299 - k));
  const View<const T> backwards{wide.row(299), 300, 2, -5};
  local_mean(kernel, points.queries.view(), backwards, points.values.view(),
             {out.data.data(), 8, 2, 7});
  for (std::int64_t i = 0; i < 8; ++i)
    CHECK(std::memcmp(out.row(i), plain.row(i), 2 * sizeof(T)) == 0);
  const View<const T> repeated{points.queries.row(3), 8, 2, 0};
  local_mean(kernel, repeated, points.keys.view(), points.values.view(),
             {out.data.data(), 8, 2, 7});
  for (std::int64_t i = 0; i < 8; ++i)
    CHECK(std::memcmp(out.row(i), plain.row(3), 2 * sizeof(T)) == 0);
}
