// Partial states: any split of the keys gives the same statistics to rounding, in any order of
// merging.
#include <doctest/doctest.h>

#include "every_kernel.hpp"
#include "vicinal/partial.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t m = 29, n = 1000, p = 2, k = 4;

const StateStatistics everything{.ess = true,
                                 .variance = true,
                                 .covariance = true,
                                 .self_weight = true,
                                 .count = true,
                                 .top_k = k};

template <class T>
std::vector<std::int64_t> own_keys() {
  std::vector<std::int64_t> own(m);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::int64_t>(i) * 31;
  return own;
}

template <class T>
struct Stream {
  const KernelSum& kernel;
  const sample::Points<T>& points;
  std::vector<std::int64_t> own = own_keys<T>();
  std::vector<T> weights{};

  PartialState<T> state(const StateStatistics& wanted = everything) const {
    return {kernel, {points.queries.view()}, points.values.columns, wanted};
  }
  // Keys first … last − 1 of the whole.
  void add(PartialState<T>& state, std::int64_t first, std::int64_t last, int threads = 1) const {
    BatchItem<T> item;
    item.keys = {points.keys.row(first), last - first, points.keys.columns};
    item.values = {points.values.row(first), last - first, points.values.columns};
    item.self_indices = own;
    if (!weights.empty())
      item.weights = std::span(weights).subspan(static_cast<std::size_t>(first),
                                                static_cast<std::size_t>(last - first));
    state.update({&item, 1}, {.key_offset = first, .num_threads = threads});
  }
  sample::Outputs<T> finish(const PartialState<T>& state) const {
    sample::Outputs<T> out(m, 0, points.values.columns, k);
    Statistics<T> statistics = out.all();
    statistics.weights = {};
    state.finish({&statistics, 1});
    return out;
  }
  sample::Outputs<T> direct() const {
    sample::Outputs<T> out(m, 0, points.values.columns, k);
    Statistics<T> statistics = out.all();
    statistics.weights = {};
    local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(), statistics,
                {.weights = weights, .self_indices = own});
    return out;
  }
};

template <class T>
double gap(std::span<const T> a, std::span<const T> b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    worst = std::max(worst, std::abs(double(a[i]) - double(b[i])) / (1 + std::abs(double(b[i]))));
    if (std::isnan(a[i]) != std::isnan(b[i])) return 1e300;
  }
  return worst;
}

template <class T>
void check_close(const sample::Outputs<T>& a, const sample::Outputs<T>& b) {
  const double bound = sizeof(T) == 4 ? 2e-6 : 1e-14;
  CHECK(gap<T>(a.mean.data, b.mean.data) <= bound);
  CHECK(gap<T>(a.log_mass, b.log_mass) <= bound);
  CHECK(gap<T>(a.ess, b.ess) <= bound);
  CHECK(gap<T>(a.self_weight, b.self_weight) <= bound);
  CHECK(gap<T>(a.variance.data, b.variance.data) <= 10 * bound);
  CHECK(gap<T>(a.covariance.data, b.covariance.data) <= 10 * bound);
  CHECK(gap<T>(a.top_k_weights.data, b.top_k_weights.data) <= bound);
  CHECK(a.top_k_indices.data == b.top_k_indices.data);
  CHECK(a.count == b.count);
}

}  // namespace

TEST_CASE_TEMPLATE("pieces of any size, merged in any order", T, float, double) {
  const sample::Points<T> points(m, n, 3, p);
  std::vector<T> weights(n);
  sample::Numbers numbers(5);
  for (T& w : weights) w = static_cast<T>(std::exp(8 * numbers.normal()));
  for (const auto& [name, profile] : every::distance_profiles()) {
    CAPTURE(name);
    Kernel kernel = profile;
    kernel.bandwidth = 1.7;
    const KernelSum sum(kernel);
    for (const bool weighted : {false, true}) {
      Stream<T> stream{sum, points};
      if (weighted) stream.weights = weights;
      const auto whole = stream.direct();
      auto one = stream.state(), left = stream.state(), right = stream.state();
      for (const auto& [first, last] :
           {std::pair{0, 1}, {1, 300}, {300, 300}, {300, 777}, {777, 1000}})
        stream.add(one, first, last);
      check_close(stream.finish(one), whole);
      stream.add(right, 500, 1000);
      stream.add(left, 0, 500);
      right.merge(left);
      check_close(stream.finish(right), whole);
    }
  }
}

TEST_CASE_TEMPLATE("unbounded, signed and composed kernels", T, float, double) {
  const Kernel a{.bandwidth = 0.4}, b{.profile = Profile::cauchy};
  const std::vector<KernelSum> kernels = {
      Kernel{.profile = Profile::softmax, .bandwidth = 0.05},
      Kernel{.profile = Profile::polynomial, .shape = 3, .offset = 9},
      KernelSum({Term{2, {b}}, Term{0.5, {a, b}}}), KernelSum({Term{2, {b}}, Term{-0.1, {a}}})};
  const sample::Points<T> points(m, n, 3, p);
  StateStatistics wanted = everything;
  for (const KernelSum& kernel : kernels) {
    const Stream<T> stream{kernel, points};
    const bool composed = kernel.terms.size() > 1;
    wanted.top_k = composed ? 0 : k;
    auto state = stream.state(wanted);
    for (std::int64_t first = 0; first < n; first += 250) stream.add(state, first, first + 250);
    sample::Outputs<T> pieces(m, 0, p, k), whole(m, 0, p, k);
    Statistics<T> of_pieces = pieces.all(), of_whole = whole.all();
    for (auto* s : {&of_pieces, &of_whole}) {
      s->weights = {};
      if (composed) s->top_k_indices = {}, s->top_k_weights = {};
    }
    state.finish({&of_pieces, 1});
    local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(), of_whole,
                {.self_indices = stream.own});
    check_close(pieces, whole);
  }
}

TEST_CASE_TEMPLATE("one piece and threads: the same bits", T, float, double) {
  const sample::Points<T> points(m, 9000, 3, p);
  const KernelSum kernel{Kernel{.bandwidth = 0.4}};
  const Stream<T> stream{kernel, points};
  const StateStatistics wanted{.ess = true, .count = true};
  sample::Matrix<T> means[4]{{m, p}, {m, p}, {m, p}, {m, p}};
  int index = 0;
  for (const int threads : {1, 2, 5}) {
    auto state = stream.state(wanted);
    stream.add(state, 0, 9000, threads);
    const Statistics<T> statistics{.mean = means[index++].view()};
    state.finish({&statistics, 1});
  }
  CHECK(sample::same_bits(means[0], means[1]));
  CHECK(sample::same_bits(means[0], means[2]));
}

TEST_CASE_TEMPLATE("values near the ends of the range", T, float, double) {
  const double exponents[] = {sizeof(T) == 4 ? 36.0 : 306.0, sizeof(T) == 4 ? -30.0 : -290.0, 0.0};
  const KernelSum kernel{Kernel{.bandwidth = 1}};
  for (const double first : exponents)
    for (const double second : exponents) {
      sample::Points<T> points(m, n, 3, 1);
      for (std::int64_t i = 0; i < n; ++i)
        points.values.row(i)[0] *= static_cast<T>(std::pow(10.0, i < 500 ? first : second));
      const auto whole = points.mean(kernel);
      const Stream<T> stream{kernel, points};
      auto state = stream.state({}), tail = stream.state({});
      stream.add(state, 0, 500, 2);
      stream.add(tail, 500, n, 2);
      state.merge(tail);
      sample::Matrix<T> means(m, 1);
      const Statistics<T> statistics{.mean = means.view()};
      state.finish({&statistics, 1});
      for (std::int64_t i = 0; i < m; ++i)
        CHECK(std::abs(double(means.data[std::size_t(i)] / whole.data[std::size_t(i)]) - 1) <
              (sizeof(T) == 4 ? 1e-4 : 1e-11));
    }
}

TEST_CASE_TEMPLATE("variance does not depend on where the stream began", T, float, double) {
  sample::Points<T> points(m, n, 3, p);
  for (T& y : points.values.data) y += static_cast<T>(1e5);
  const KernelSum kernel{Kernel{.bandwidth = 1}};
  const Stream<T> stream{kernel, points};
  const auto whole = stream.direct();
  auto state = stream.state();
  stream.add(state, 0, 0);  // an empty piece first
  for (std::int64_t first = 0; first < n; first += 100) stream.add(state, first, first + 100);
  CHECK(gap<T>(stream.finish(state).variance.data, whole.variance.data) <
        (sizeof(T) == 4 ? 1e-4 : 1e-9));
}

TEST_CASE_TEMPLATE("arrays go out and come back", T, float, double) {
  const sample::Points<T> points(m, n, 3, p);
  const KernelSum kernel{Kernel{.bandwidth = 0.7}};
  const Stream<T> stream{kernel, points};
  auto state = stream.state(), copy = stream.state();
  stream.add(state, 0, 400);
  copy.restore(state.arrays());
  stream.add(state, 400, n);
  stream.add(copy, 400, n);
  CHECK(stream.finish(state) == stream.finish(copy));
}
