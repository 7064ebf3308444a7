// Linear maps and layer norms against long double; bits of a row; refusals.
#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "sample.hpp"
#include "vicinal/linear.hpp"

using namespace vicinal;

namespace {

template <class T>
struct Scene {
  sample::Matrix<T> x, weight, residual;
  std::vector<T> bias;
  PackedLinear<T> map;

  Scene(std::int64_t m, std::int64_t inputs, std::int64_t outputs)
      : x(sample::normal<T>(m, inputs, 1)),
        weight(sample::normal<T>(outputs, inputs, 2)),
        residual(sample::normal<T>(m, outputs, 3)),
        bias(sample::normal<T>(1, outputs, 4).data),
        map(weight.view(), bias) {}

  sample::Matrix<T> run(const LinearOptions<T>& options = {}) const {
    sample::Matrix<T> out(x.rows, weight.rows);
    linear(x.view(), map, out.view(), options);
    return out;
  }
};

long double activated(Activation a, long double y) {
  const long double cubic = y + 0.044715L * y * y * y;
  switch (a) {
    case Activation::relu:
      return y > 0 ? y : 0;
    case Activation::gelu:
      return y * std::erfc(-y / std::sqrt(2.0L)) / 2;
    case Activation::gelu_tanh:
      return y * (1 + std::tanh(0.79788456080286535588L * cubic)) / 2;
    case Activation::silu:
      return y / (1 + std::exp(-y));
    default:
      return y;
  }
}

constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::gelu,
                                      Activation::gelu_tanh, Activation::silu};

template <class Call>
void refused(const std::string& part, Call&& call) {
  std::string message;
  try {
    call();
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  INFO(message);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE_TEMPLATE("products are those of long double", T, float, double) {
  const long double u = std::numeric_limits<T>::epsilon();
  for (const auto& [inputs, outputs] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 7}, {128, 64}, {129, 65}, {300, 130}}) {
    const Scene<T> scene(23, inputs, outputs);
    for (const Activation a : activations) {
      CAPTURE(inputs);
      CAPTURE(static_cast<int>(a));
      const auto got = scene.run({.activation = a, .residual = scene.residual.view()});
      long double worst = 0;
      for (std::int64_t i = 0; i < got.rows; ++i)
        for (std::int64_t j = 0; j < outputs; ++j) {
          long double sum = scene.bias[static_cast<std::size_t>(j)], terms = std::fabs(sum);
          for (std::int64_t k = 0; k < inputs; ++k) {
            const long double term =
                static_cast<long double>(scene.x.row(i)[k]) * scene.weight.row(j)[k];
            sum += term;
            terms += std::fabs(term);
          }
          const long double added = scene.residual.row(i)[j];
          const long double error = std::fabs(got.row(i)[j] - (activated(a, sum) + added));
          worst = std::max(worst, error / (terms + std::fabs(added)));
        }
      // Chains of at most 128 terms, whose roundings rarely add up, and the activation's own.
      CHECK(worst <= 12 * u);
    }
  }
}

TEST_CASE_TEMPLATE("a row has its bits in any batch, on any number of threads", T, float, double) {
  const Scene<T> scene(211, 200, 150);
  for (const Activation a : activations) {
    const auto whole = scene.run({.activation = a, .num_threads = 1});
    for (const int threads : {2, 3, 8})
      CHECK(scene.run({.activation = a, .num_threads = threads}).data == whole.data);
    for (std::int64_t m = 1; m <= 25; ++m) {
      sample::Matrix<T> out(m, 150);
      linear(View<const T>(scene.x.row(3), m, 200), scene.map, out.view(), {.activation = a});
      CHECK(std::memcmp(out.data.data(), whole.row(3), out.data.size() * sizeof(T)) == 0);
    }
  }
}

TEST_CASE_TEMPLATE("strides, and a residual that is the output", T, float, double) {
  const Scene<T> scene(40, 30, 20);
  const auto expected = scene.run({.residual = scene.residual.view()});
  sample::Matrix<T> wide(40, 50);
  for (std::int64_t i = 0; i < 40; ++i) std::copy_n(scene.residual.row(i), 20, wide.row(i) + 10);
  const View<T> inside(wide.row(0) + 10, 40, 20, 50);
  linear(scene.x.view(), scene.map, inside, {.residual = inside});
  for (std::int64_t i = 0; i < 40; ++i) {
    CHECK(std::memcmp(inside.row(i), expected.row(i), 20 * sizeof(T)) == 0);
    CHECK(wide.row(i)[9] == 0);
    CHECK(wide.row(i)[30] == 0);
  }
  sample::Matrix<T> once(40, 20);
  linear(View<const T>(scene.x.row(7), 40, 30, 0), scene.map, once.view());
  const auto plain = scene.run();
  for (std::int64_t i = 0; i < 40; ++i)
    CHECK(std::memcmp(once.row(i), plain.row(7), 20 * sizeof(T)) == 0);
}

TEST_CASE_TEMPLATE("layer norms of rows far from 0", T, float, double) {
  const long double u = std::numeric_limits<T>::epsilon();
  for (const std::int64_t columns : {1, 3, 16, 33, 384})
    for (const T offset : {T(0), T(1000)}) {
      auto x = sample::normal<T>(9, columns, 5);
      for (T& number : x.data) number += offset;
      const auto gain = sample::normal<T>(1, columns, 6).data,
                 bias = sample::normal<T>(1, columns, 7).data;
      sample::Matrix<T> out(9, columns);
      layer_norm(x.view(), gain, bias, 1e-5, out.view());
      for (std::int64_t i = 0; i < 9; ++i) {
        long double mean = 0, variance = 0;
        for (std::int64_t j = 0; j < columns; ++j) mean += x.row(i)[j];
        mean /= static_cast<long double>(columns);
        for (std::int64_t j = 0; j < columns; ++j)
          variance += (x.row(i)[j] - mean) * (x.row(i)[j] - mean);
        const long double scale = std::sqrt(variance / static_cast<long double>(columns) + T(1e-5));
        for (std::int64_t j = 0; j < columns; ++j) {
          const auto at = static_cast<std::size_t>(j);
          const long double term = (x.row(i)[j] - mean) / scale * gain[at];
          const long double size = std::fabs(term) + std::fabs(bias[at]) + std::fabs(gain[at]);
          CHECK(std::fabs(out.row(i)[j] - (term + bias[at])) <= 8 * u * size);
        }
      }
      layer_norm(x.view(), gain, bias, 1e-5, x.view(), 3);
      CHECK(x.data == out.data);
    }
}

TEST_CASE("calls that do not fit are refused") {
  const Scene<float> scene(5, 6, 7);
  sample::Matrix<float> out(5, 7), narrow(5, 6);
  refused("x must be 5 x 6, got 5 x 7",
          [&] { linear(View<const float>(out.view()), scene.map, out.view()); });
  refused("out must be 5 x 7, got 5 x 6",
          [&] { linear(scene.x.view(), scene.map, narrow.view()); });
  refused("residual must be 5 x 7", [&] {
    linear(scene.x.view(), scene.map, out.view(), {.residual = View<const float>(narrow.view())});
  });
  refused("weight must be outputs x inputs",
          [] { const PackedLinear<float> none(View<const float>(nullptr, 0, 4)); });
  refused("bias must have one element per output (7), got 2", [&] {
    const std::vector<float> two(2);
    const PackedLinear<float> map(scene.weight.view(), two);
  });
  refused("gain must have one element per column (6), got 7",
          [&] { layer_norm(scene.x.view(), scene.bias, {}, 1e-5, narrow.view()); });
  refused("epsilon must be finite", [&] { layer_norm(scene.x.view(), {}, {}, -1, narrow.view()); });
  linear(View<const float>(nullptr, 0, 6), scene.map, View<float>(nullptr, 0, 7));
  const PackedLinear<float> moved = PackedLinear<float>(scene.weight.view());
  CHECK(moved.inputs() == 6);
  CHECK(moved.outputs() == 7);
}
