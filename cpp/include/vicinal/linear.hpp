// Linear maps of rows, and what stands between them in a network: y = f(x Wᵀ + b) + r.
//
// A row's result is a function of that row, the weights and the instruction set alone: neither the
// other rows nor the threads change a bit of it. (A BLAS gives other bits for one row than for
// many.)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "vicinal/export.h"
#include "vicinal/view.hpp"

namespace vicinal {

enum class Activation : std::int32_t {
  none,
  relu,       // max(x, 0)
  gelu,       // x Φ(x), Φ the normal distribution function
  gelu_tanh,  // the same with Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
  silu        // x / (1 + e⁻ˣ)
};

// Weights as the product reads them: copied once, for any number of calls.
template <class T>
class VICINAL_EXPORT PackedLinear {
 public:
  // weight: outputs × inputs, at least one of each. bias: one per output, or empty.
  explicit PackedLinear(View<const T> weight, std::span<const T> bias = {});
  ~PackedLinear();
  PackedLinear(PackedLinear&&) noexcept;
  PackedLinear& operator=(PackedLinear&&) noexcept;

  std::int64_t inputs() const;
  std::int64_t outputs() const;

  struct Panels;
  const Panels& panels() const { return *panels_; }

 private:
  std::unique_ptr<Panels> panels_;
};

template <class T>
struct LinearOptions {
  Activation activation = Activation::none;
  View<const T> residual{};             // m × outputs, added last; may be `out` itself
  int num_threads = 0;                  // 0 = what OpenMP gives the calling thread
  std::function<bool()> interrupted{};  // polled by the calling thread; true stops the call
};

// x is m × inputs, out m × outputs; they do not overlap. Sums run in the working type, over runs of
// 128 inputs each from zero.
VICINAL_EXPORT void linear(View<const float> x, const PackedLinear<float>& map, View<float> out,
                           const LinearOptions<float>& options = {});
VICINAL_EXPORT void linear(View<const double> x, const PackedLinear<double>& map, View<double> out,
                           const LinearOptions<double>& options = {});

// (x − mean) / √(variance + epsilon) · gain + bias of every row (Ba, Kiros & Hinton 2016), by which
// `out` may be `x` itself. Empty gain: 1; empty bias: 0.
VICINAL_EXPORT void layer_norm(View<const float> x, std::span<const float> gain,
                               std::span<const float> bias, double epsilon, View<float> out,
                               int num_threads = 0);
VICINAL_EXPORT void layer_norm(View<const double> x, std::span<const double> gain,
                               std::span<const double> bias, double epsilon, View<double> out,
                               int num_threads = 0);

}  // namespace vicinal
