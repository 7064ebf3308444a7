// Gradients of local means against the formula in double, by loops over all pairs.
#include <doctest/doctest.h>

#include "c_caller.hpp"
#include "vicinal/gradient.hpp"

using namespace vicinal;
using sample::Matrix;
using sample::Points;

namespace {

constexpr std::int64_t m = 70, n = 600, d = 3, p = 2;

// Σ G · m of a Gaussian: gradients by queries, keys, values and the bandwidth h.
struct Naive {
  Matrix<double> queries{m, d}, keys{n, d}, values{n, p};
  double bandwidth = 0;

  template <class T>
  Naive(const Points<T>& x, const Matrix<T>& gradient, double h) {
    for (std::int64_t i = 0; i < m; ++i) add_row(x, gradient, h, i);
  }

 private:
  template <class T>
  void add_row(const Points<T>& x, const Matrix<T>& gradient, double h, std::int64_t i) {
    std::vector<double> w(n), square(n), mean(p);
    double mass = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      const auto at = static_cast<std::size_t>(j);
      for (std::int64_t f = 0; f < d; ++f) {
        const double t = double(x.queries.row(i)[f]) - double(x.keys.row(j)[f]);
        square[at] += t * t;
      }
      w[at] = std::exp(-square[at] / (2 * h * h));
      mass += w[at];
      for (std::int64_t c = 0; c < p; ++c)
        mean[static_cast<std::size_t>(c)] += w[at] * double(x.values.row(j)[c]);
    }
    for (std::int64_t j = 0; j < n; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const double share = w[at] / mass;
      double a = 0;
      for (std::int64_t c = 0; c < p; ++c) {
        const double g = double(gradient.row(i)[c]);
        values.row(j)[c] += share * g;
        a += share * g * (double(x.values.row(j)[c]) - mean[static_cast<std::size_t>(c)] / mass);
      }
      bandwidth += a * square[at] / (h * h * h);
      for (std::int64_t f = 0; f < d; ++f) {
        const double pull = a * (double(x.keys.row(j)[f]) - double(x.queries.row(i)[f])) / (h * h);
        queries.row(i)[f] += pull;
        keys.row(j)[f] -= pull;
      }
    }
  }
};

template <class T>
struct Found {
  Matrix<T> queries{m, d}, keys{n, d}, values{n, p};
  double bandwidth = 0;

  GradientItem<T> item(const Points<T>& x, const Matrix<T>& gradient) {
    GradientItem<T> item;
    item.points.queries = x.queries.view();
    item.points.keys = x.keys.view();
    item.points.values = x.values.view();
    item.gradient = gradient.view();
    item.queries = queries.view(), item.keys = keys.view(), item.values = values.view();
    item.bandwidth = {&bandwidth, 1};
    return item;
  }
};

template <class T>
void check_near(const Matrix<T>& found, const Matrix<double>& expected, double tolerance) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < found.data.size(); ++i) {
    largest = std::max(largest, std::abs(expected.data[i]));
    worst = std::max(worst, std::abs(double(found.data[i]) - expected.data[i]));
  }
  CHECK(worst <= tolerance * largest);
}

}  // namespace

TEST_CASE_TEMPLATE("gradients of a Gaussian are those of the formula", T, float, double) {
  const Points<T> x(m, n, d, p);
  const Matrix<T> gradient = sample::normal<T>(m, p, 9);
  const Naive expected(x, gradient, 0.8);
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  Found<T> found;
  const GradientItem<T> item = found.item(x, gradient);
  local_mean_gradient(Kernel{.bandwidth = 0.8}, {&item, 1}, {.num_threads = 2});
  check_near(found.queries, expected.queries, tolerance);
  check_near(found.keys, expected.keys, tolerance);
  check_near(found.values, expected.values, tolerance);
  CHECK(std::abs(found.bandwidth - expected.bandwidth) < tolerance * 30);
}

TEST_CASE_TEMPLATE("lists of all keys give what all keys do", T, float, double) {
  const Points<T> x(m, n, d, p);
  const Matrix<T> gradient = sample::normal<T>(m, p, 9);
  const Naive expected(x, gradient, 0.8);
  Found<T> found;
  const GradientItem<T> item = found.item(x, gradient);
  local_mean_gradient(Kernel{.bandwidth = 0.8}, {&item, 1},
                      {.neighbors = nearest(n), .num_threads = 2});
  check_near(found.queries, expected.queries, sizeof(T) == 4 ? 2e-6 : 1e-13);
  check_near(found.keys, expected.keys, sizeof(T) == 4 ? 2e-6 : 1e-13);
}

// Rows enough for several blocks, whose sums over keys the workers add up in turns.
TEST_CASE_TEMPLATE("gradients have the same bits on any number of threads", T, float, double) {
  constexpr std::int64_t rows = 700;
  const Points<T> x(rows, n, d, p);
  const Matrix<T> gradient = sample::normal<T>(rows, p, 9);
  for (const NeighborSet& neighbors : {NeighborSet{}, nearest(9), window(50, 50)}) {
    const auto run = [&](int threads) {
      std::vector<Matrix<T>> out{{rows, d}, {n, d}, {n, p}};
      GradientItem<T> item;
      item.points.queries = x.queries.view();
      item.points.keys = x.keys.view();
      item.points.values = x.values.view();
      item.gradient = gradient.view();
      item.queries = out[0].view(), item.keys = out[1].view(), item.values = out[2].view();
      local_mean_gradient(Kernel{.bandwidth = 0.8}, {&item, 1},
                          {.neighbors = neighbors, .num_threads = threads});
      return out;
    };
    const auto one = run(1);
    for (const int threads : {2, 3, 7}) {
      const auto more = run(threads);
      for (std::size_t i = 0; i < one.size(); ++i) CHECK(sample::same_bits(one[i], more[i]));
    }
  }
}

TEST_CASE("without queries keys have the gradient 0, whatever stood there") {
  const Points<double> x(m, n, d, p);
  const Matrix<double> gradient(0, p);
  Found<double> found;
  GradientItem<double> item = found.item(x, gradient);
  for (Matrix<double>* out : {&found.keys, &found.values})
    std::fill(out->data.begin(), out->data.end(), 7.0);
  found.bandwidth = 7;
  item.points.queries = View<const double>(nullptr, 0, d);
  item.queries = {};
  local_mean_gradient(Kernel{}, {&item, 1});
  CHECK(sample::same_bits(found.keys, Matrix<double>(n, d)));
  CHECK(sample::same_bits(found.values, Matrix<double>(n, p)));
  CHECK(found.bandwidth == 0);
}

TEST_CASE("what does not fit is refused") {
  const Points<double> x(m, n, d, p);
  const Matrix<double> gradient = sample::normal<double>(m, p, 9), small(m, p + 1);
  Found<double> found;
  GradientItem<double> item = found.item(x, gradient);
  item.gradient = small.view();
  CHECK_THROWS_AS(local_mean_gradient(Kernel{}, {&item, 1}), std::invalid_argument);
  item = found.item(x, gradient);
  const KernelSum product(std::vector<Term>{{1.0, {Kernel{}, Kernel{}}}});
  CHECK_THROWS_AS(local_mean_gradient(product, {&item, 1}), std::invalid_argument);
}

TEST_CASE("the C ABI gives the bits of C++ and refuses what overlaps") {
  const Points<double> x(m, n, d, p);
  const Matrix<double> gradient = sample::normal<double>(m, p, 9);
  const std::vector<double> of_mass(m, 0.3);
  Found<double> expected, found;
  Matrix<double> expected_bias(m, n), bias(m, n);
  std::fill(bias.data.begin(), bias.data.end(), 7.0);  // what stood there before does not count
  GradientItem<double> item = expected.item(x, gradient);
  item.log_mass_gradient = of_mass;
  item.bias = expected_bias.data.data(), item.bias_row_stride = n, item.bias_column_stride = 1;
  local_mean_gradient(Kernel{.bandwidth = 0.8}, {&item, 1});
  vicinal_kernel kernel = c_caller::kernel();
  kernel.bandwidth = 0.8;
  const vicinal_options options = c_caller::options_of(kernel);
  auto g = c_caller::made<vicinal_gradients>(vicinal_gradients_init);
  g.gradient = gradient.data.data();
  g.log_mass_gradient = of_mass.data();
  g.bias = bias.data.data();
  g.queries = found.queries.data.data(), g.keys = found.keys.data.data();
  g.values = found.values.data.data();
  g.bandwidth = &found.bandwidth, g.bandwidths_count = 1;
  const auto run = [&] {
    return vicinal_local_mean_gradient_f64(&options, x.queries.data.data(), m, x.keys.data.data(),
                                           n, d, x.values.data.data(), p, &g, nullptr);
  };
  CHECK(run() == VICINAL_OK);
  CHECK(sample::same_bits(expected.queries, found.queries));
  CHECK(sample::same_bits(expected.keys, found.keys));
  CHECK(sample::same_bits(expected.values, found.values));
  CHECK(sample::same_bits(expected_bias, bias));
  CHECK(expected.bandwidth == found.bandwidth);
  g.values = found.keys.data.data();
  c_caller::check_refused(run(), VICINAL_ERROR_INVALID_ARGUMENT, "overlap");
  g.gradient = nullptr;
  c_caller::check_refused(run(), VICINAL_ERROR_NULL_POINTER, "gradient");
}
