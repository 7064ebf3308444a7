// folds: the sums of a chunk go into the states of their rows, and states into means.
#pragma once

#include "simd.hpp"
#include "tame.hpp"

namespace vicinal::kernels {
namespace {

// What falls below all numbers is +0: a sum to which a term of 0 is added or not has one sign.
template <class T>
void rescale(T* data, std::int64_t count, T factor) {
  for (std::int64_t i = 0; i < count; ++i) data[i] = data[i] * factor + T(0);
}

// (hi, lo) ← (hi, lo) · old + sums · scales · new, with Knuth's TwoSum; factors and scales are
// powers of two or 0.
template <class T>
void fold(double* hi, double* lo, const T* sums, const double* scales, int count, double old_factor,
          double new_factor) {
  for (int c = 0; c < count; ++c) {
    const double a = hi[c] * old_factor, b = double(sums[c]) * scales[c] * new_factor;
    const double s = a + b, t = s - a;
    const double error = (a - (s - t)) + (b - t);
    hi[c] = s;
    lo[c] = lo[c] * old_factor + error;
  }
}

template <class T>
void quotients(const double* hi, const double* lo, int count, double divisor, T* out) {
  const Divisor<T> quotient(divisor);
  for (int c = 0; c < count; ++c) out[c] = quotient.of(hi[c] + (hi[c] - hi[c] == 0 ? lo[c] : 0.0));
}

template <class T>
void shares(const T* sums, int count, double divisor, T* out) {
  const Divisor<T> quotient(divisor);
  for (int c = 0; c < count; ++c) out[c] = quotient.of(static_cast<double>(sums[c]));
}

}  // namespace
}  // namespace vicinal::kernels
