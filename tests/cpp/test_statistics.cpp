// Every statistic of one pass against a naive loop in long double, and the policy for empty rows.
#include <doctest/doctest.h>

#include <numeric>

#include "every_kernel.hpp"
#include "naive.hpp"

using namespace vicinal;

namespace {

template <class T>
constexpr double bound = sizeof(T) == 4 ? 1e-5 : 1e-13;

// |got - expected| relative to `scale`; NaN never passes.
template <class T>
bool close(T got, naive::Real expected, double scale = 1) {
  return std::abs(static_cast<double>(got - expected)) <= bound<T> * scale;
}

template <class T>
struct Checker {
  const KernelSum& kernel;
  const sample::Points<T>& points;
  const Options<T>& options;
  std::int64_t k;

  void check() const {
    const std::int64_t m = points.queries.rows, n = points.keys.rows, p = points.values.columns;
    sample::Outputs<T> out(m, n, p, k);
    local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(), out.all(),
                options);
    for (std::int64_t i = 0; i < m; ++i) {
      const naive::Row row = naive::row_of(kernel, i, points.queries.view(), points.keys.view(),
                                           points.values.view(), options);
      CAPTURE(i);
      check_scalars(row, out, i);
      check_moments(row, out, i);
      check_weights(row, out, i);
    }
  }

  void check_scalars(const naive::Row& row, const sample::Outputs<T>& out, std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i);
    const double condition = static_cast<double>(row.condition());
    const std::int64_t own = options.self_indices.empty() ? i : options.self_indices[at];
    CHECK(close(out.log_mass[at], row.log_mass(),
                condition * (3 + std::abs(double(row.log_mass())))));
    CHECK(close(out.ess[at] / static_cast<T>(row.ess()), 1, 10));
    CHECK(out.count[at] == row.count);
    CHECK(close(out.self_weight[at],
                own < 0 ? 0 : row.weights[static_cast<std::size_t>(own)] / row.mass, condition));
  }
  void check_moments(const naive::Row& row, const sample::Outputs<T>& out, std::int64_t i) const {
    const auto p = static_cast<std::size_t>(points.values.columns);
    const double condition = static_cast<double>(row.condition());
    for (std::size_t a = 0; a < p; ++a) {
      CHECK(close(out.mean.row(i)[a], row.mean[a], 4 * condition));
      CHECK(close(out.variance.row(i)[a], row.covariance[a * p + a], 16 * condition * condition));
      for (std::size_t b = 0; b < p; ++b)
        CHECK(close(out.covariance.row(i)[a * p + b], row.covariance[a * p + b],
                    16 * condition * condition));
    }
  }
  // Shares, and the k heaviest of them: their order may differ where weights tie to rounding.
  void check_weights(const naive::Row& row, const sample::Outputs<T>& out, std::int64_t i) const {
    const double condition = static_cast<double>(row.condition());
    std::vector<naive::Real> sorted;
    for (std::size_t j = 0; j < row.weights.size(); ++j) {
      CHECK(close(out.weights.row(i)[j], row.weights[j] / row.mass, condition));
      sorted.push_back(std::abs(row.weights[j]));
    }
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (std::int64_t t = 0; t < k; ++t) {
      const std::int64_t key = out.top_k_indices.row(i)[t];
      const T share = out.top_k_weights.row(i)[t];
      if (t >= row.count) {
        CHECK(key == -1);
        CHECK(share == 0);
        continue;
      }
      REQUIRE((key >= 0 && key < points.keys.rows));
      const naive::Real w = row.weights[static_cast<std::size_t>(key)];
      CHECK(close(share, w / row.mass, 4 * condition));
      CHECK(std::abs(double(std::abs(w) / sorted[static_cast<std::size_t>(t)] - 1)) <=
            100 * bound<T>);
    }
  }
};

template <class T>
void check(const std::string& name, const KernelSum& kernel, const sample::Points<T>& points,
           const Options<T>& options = {}, std::int64_t k = 5) {
  INFO(name, ", ", sizeof(T) == 4 ? "float" : "double");
  Checker<T>{kernel, points, options, k}.check();
}

template <class T>
std::vector<T> positive(std::size_t n, unsigned seed) {
  sample::Numbers numbers(seed);
  std::vector<T> weights(n);
  for (T& w : weights) w = static_cast<T>(numbers.uniform(0.1, 3));
  return weights;
}

}  // namespace

TEST_CASE_TEMPLATE("all statistics of every profile", T, float, double) {
  const sample::Points<T> points(9, 291, 3, 2);
  std::vector<std::int64_t> own(9);
  std::iota(own.begin(), own.end(), 100);
  const auto weights = positive<T>(291, 3);
  for (const auto& [name, profile] : every::distance_profiles()) {
    Kernel kernel = profile;
    kernel.bandwidth = 2.5;
    check<T>(name, kernel, points, {.self_indices = own});
    check<T>(name + ", weights", kernel, points, {.weights = weights, .self_indices = own});
    check<T>(name + ", own left out", kernel, points, {.self_indices = own, .exclude_self = true});
  }
}

TEST_CASE_TEMPLATE("all statistics of inner products and sums", T, float, double) {
  std::vector<std::int64_t> own(9, 17);
  own[2] = -1;
  for (const every::Case& c : every::similarity_cases()) {
    if (c.kernel.profile == Profile::sigmoid) continue;  // condition numbers in the thousands
    if (c.d < 10)
      check<T>(c.name, c.kernel, every::points_for<T>(c, 9, 291, 2), {.self_indices = own});
  }
  const Kernel a{.bandwidth = 2}, b{.profile = Profile::epanechnikov, .bandwidth = 3};
  check<T>("sum", KernelSum({Term{1, {a}}, Term{2, {b}}}), sample::Points<T>(9, 291, 3, 2),
           {.self_indices = own}, 0);
  check<T>("product", KernelSum({Term{1, {a, b}}}), sample::Points<T>(9, 291, 3, 2),
           {.self_indices = own});
}

TEST_CASE_TEMPLATE("more than is there: k above n, one key, many columns", T, float, double) {
  const Kernel kernel{.bandwidth = 2};
  const std::vector<std::int64_t> own(3, 0);
  check<T>("k > n", kernel, sample::Points<T>(3, 4, 2, 1), {.self_indices = own}, 9);
  check<T>("n = 1", kernel, sample::Points<T>(3, 1, 2, 1), {.self_indices = own}, 2);
  check<T>("p = 20", kernel, sample::Points<T>(3, 280, 2, 20), {.self_indices = own}, 2);
}

TEST_CASE_TEMPLATE("variance far from zero", T, float, double) {
  sample::Points<T> points(5, 500, 2, 2);
  for (T& y : points.values.data) y += 1000;
  const Kernel kernel{.bandwidth = 1};
  sample::Outputs<T> out(5, 500, 2, 0);
  local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(),
              {.variance = out.variance.view()});
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto row =
        naive::row_of(KernelSum(kernel), i, std::as_const(points.queries).view(),
                      std::as_const(points.keys).view(), std::as_const(points.values).view());
    CHECK(close(out.variance.row(i)[0], row.covariance[0], sizeof(T) == 4 ? 1 : 100));
  }
}

TEST_CASE_TEMPLATE("plain weights are the formula's", T, float, double) {
  const sample::Points<T> points(4, 300, 2, 1);
  const KernelSum kernel{Kernel{.profile = Profile::laplace, .bandwidth = 0.5}};
  sample::Matrix<T> weights(4, 300);
  local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(),
              {.weights = weights.view(), .normalize_weights = false});
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t k = 0; k < 300; ++k)
      CHECK(close(weights.row(i)[k],
                  naive::weight(kernel, points.queries.row(i), points.keys.row(k), 2)));
}

TEST_CASE_TEMPLATE("empty rows", T, float, double) {
  sample::Points<T> points(3, 40, 1, 2);
  points.queries.row(1)[0] = 500;
  const Kernel kernel{.profile = Profile::triweight, .bandwidth = 3};
  sample::Outputs<T> out(3, 40, 2, 2);
  const std::vector<std::int64_t> own(3, -1);
  const auto run = [&](Options<T> options) {
    options.self_indices = own;
    return local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(),
                       out.all(), options);
  };
  CHECK(run({.empty = Empty::nan, .num_threads = 1}).empty_rows == 1);
  CHECK(std::isnan(out.mean.row(1)[0]));
  CHECK(std::isnan(out.variance.row(1)[1]));
  CHECK(out.log_mass[1] == -std::numeric_limits<T>::infinity());
  CHECK(out.ess[1] == 0);
  CHECK(out.count[1] == 0);
  CHECK(out.top_k_indices.row(1)[0] == -1);
  CHECK_FALSE(std::isnan(out.mean.row(0)[0]));
  run({.empty = Empty::zero});
  CHECK(out.mean.row(1)[1] == 0);
  run({.empty = Empty::value, .empty_value = 7.5});
  CHECK(out.mean.row(1)[0] == T(7.5));
  run({.empty = Empty::nearest});
  const auto nearest = std::max_element(points.keys.data.begin(), points.keys.data.end());
  const auto key = nearest - points.keys.data.begin();
  CHECK(std::memcmp(out.mean.row(1), points.values.row(key), 2 * sizeof(T)) == 0);
}

TEST_CASE_TEMPLATE("no keys, no queries", T, float, double) {
  const sample::Points<T> none(3, 0, 2, 2), nobody(0, 5, 2, 2);
  const Kernel kernel{.bandwidth = 1};
  for (const T x : none.mean(kernel, {.empty = Empty::zero}).data) CHECK(x == 0);
  for (const T x : none.mean(kernel).data) CHECK(std::isnan(x));
  CHECK(nobody.mean(kernel).data.empty());
}

TEST_CASE_TEMPLATE("numbers that are not finite", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  const Kernel kernel{.bandwidth = 1};
  sample::Points<T> points(5, 600, 2, 2);
  const auto clean = points.mean(kernel);
  std::vector<T> weights(600, 1);
  for (const std::int64_t absent : {std::int64_t{7}, std::int64_t{300}, std::int64_t{599}})
    weights[static_cast<std::size_t>(absent)] = 0;
  const auto without = points.mean(kernel, {.weights = weights});
  points.keys.row(7)[0] = nan, points.keys.row(300)[1] = inf, points.values.row(599)[0] = nan;
  CHECK(sample::same_bits(points.mean(kernel, {.weights = weights}), without));

  points = sample::Points<T>(5, 600, 2, 2);
  points.queries.row(2)[1] = nan;
  const auto poisoned = points.mean(kernel);
  for (const std::int64_t i : {0, 1, 3, 4})
    CHECK(std::memcmp(poisoned.row(i), clean.row(i), 2 * sizeof(T)) == 0);
  CHECK(std::isnan(poisoned.row(2)[0]));

  points = sample::Points<T>(5, 600, 2, 2);
  points.values.row(30)[1] = nan;
  const auto spoiled = points.mean(kernel);
  CHECK(std::isnan(spoiled.row(0)[1]));
  CHECK(spoiled.row(0)[0] == clean.row(0)[0]);
  points.keys.row(30)[0] = -inf;  // infinitely far: its value is out of reach
  CHECK_FALSE(std::isnan(points.mean(kernel).row(0)[1]));
}
