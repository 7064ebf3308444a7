// Rows of gradients on their way in and out: features of one query or key at a time, in double
// where sums of tiles add up.
#pragma once

#include <cstdint>

#include "simd.hpp"

namespace vicinal::kernels {
namespace {

// scaled = gradient · inverse; returns Σ scaled (mean − center), where there is a mean, in eight
// sums.
template <class T>
double scale_gradient(const T* gradient, double inverse, const T* mean, const double* center,
                      int columns, T* scaled) {
  for (int c = 0; c < columns; ++c) scaled[c] = static_cast<T>(double(gradient[c]) * inverse);
  if (mean == nullptr) return 0;
  constexpr int chains = 8;
  double sums[chains] = {};
  int c = 0;
  for (; c + chains <= columns; c += chains)
    for (int i = 0; i < chains; ++i)
      sums[i] += double(scaled[c + i]) * (double(mean[c + i]) - center[c + i]);
  for (; c < columns; ++c) sums[0] += double(scaled[c]) * (double(mean[c]) - center[c]);
  for (int half = chains / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
  return sums[0];
}

// sums += x
template <class T>
void add_wide(const T* x, std::int64_t count, double* sums) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += double(x[i]);
}

// sums[c] += scales[c] · x[c]
template <class T>
void add_scaled(const T* x, const double* scales, int count, double* sums) {
  for (int c = 0; c < count; ++c) sums[c] += scales[c] * double(x[c]);
}

// out[r][c] = scales[c] · x[r][c], rounded once.
template <class S, class T>
void write_scaled(const S* x, std::int64_t stride, int rows, int columns, const double* scales,
                  T* out, std::int64_t out_stride) {
  for (int r = 0; r < rows; ++r, x += stride, out += out_stride)
    for (int c = 0; c < columns; ++c) out[c] = static_cast<T>(scales[c] * double(x[c]));
}

}  // namespace
}  // namespace vicinal::kernels
