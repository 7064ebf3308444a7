// 2^x on Pack<T>: the one function that every decaying profile ends in.
//
// Monotone by construction: 2^t = p(g) 2^n where 0 <= g <= 1 and p(g) ~ 2^(g - offset) is evaluated
// by Horner's rule with positive coefficients, so that every step is monotone in g; at the seams
// p(1) <= 2 p(0). A fraction in [-1/2, 1/2] with p(f) = 1 + f q(f) saves one subtraction and is not
// monotone for -1/2 < t < 0: where q rounds up to its next value, f q moves down.
//
// NaN stays NaN whatever its payload: 2^n is multiplied in, never added to the bits of p.
#pragma once

#include "simd.hpp"

namespace vicinal::kernels {
namespace {

// Adding `rounder` to |x| < 2^(mantissa_bits - 2) rounds x to the nearest integer n and leaves
// n + exponent bias in the low bits of the sum, ready to be shifted into an exponent field.
template <class T>
struct Format;
template <>
struct Format<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr float rounder = 0x1.8p23f + 127;
  static constexpr float lowest_exponent = -126;  // of a normal number
  static constexpr float weight_cutoff = -100;    // weights below 2^-100 of the largest count as 0
};
template <>
struct Format<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr double rounder = 0x1.8p52 + 1023;
  static constexpr double lowest_exponent = -1022;
  static constexpr double weight_cutoff = -900;
};

// c0 + c1 x + c2 x^2 + ...
template <class T, class... Rest>
VICINAL_INLINE Pack<T> horner(Pack<T> x, std::type_identity_t<T> c, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return Pack<T>(c);
  } else {
    return fma(horner(x, rest...), x, Pack<T>(c));
  }
}

// 2^n from z = n + rounder. A NaN in z gives some number.
template <class T>
VICINAL_INLINE Pack<T> power_of_two(Pack<T> z) {
  return Pack<T>::from_bits(z.bits() << Format<T>::mantissa_bits);
}

#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool fused_multiply_add = true;
#else
inline constexpr bool fused_multiply_add = false;
#endif

// c0 + g (c1 + g r). Without fma the product's own rounding would cost the bound of 2^x, so half of
// g is added apart, its rounding error is recovered, and the rest of the slope is small.
template <class T>
VICINAL_INLINE Pack<T> last_steps(Pack<T> g, T c0, T c1, Pack<T> r) {
  if constexpr (fused_multiply_add) return fma(fma(r, g, Pack<T>(c1)), g, Pack<T>(c0));
  const Pack<T> half = g * Pack<T>(T(0.5)), sum = half + Pack<T>(c0);
  const Pack<T> lost = half - (sum - Pack<T>(c0));
  return sum + (lost + g * fma(r, g, Pack<T>(c1 - T(0.5))));
}

// 2^(g - 1/2) on [0, 1] with p(1/2) = 1 and p(1) <= 2 p(0) as computed. Error 1.1 ulp in float; in
// double 0.4 ulp at 0, which is that of c0 = sqrt(1/2), and 0.04 ulp from 0.05 on.
VICINAL_INLINE Pack<float> exp2_centered(Pack<float> g) {
  return last_steps(g, 0x1.6a09e6p-1f, 0x1.f5e548p-2f,
                    horner(g, 0x1.5bc9e2p-3f, 0x1.434c3ep-5f, 0x1.a132acp-8f, 0x1.5b3f46p-10f));
}
VICINAL_INLINE Pack<double> exp2_centered(Pack<double> g) {
  return last_steps(g, 0x1.6a09e667f3bcdp-1, 0x1.f5e46537ab8dp-2,
                    horner(g, 0x1.5be298adf0c12p-3, 0x1.41839eb86e032p-5, 0x1.bdb696ead7161p-8,
                           0x1.ee4fd23d3313bp-11, 0x1.c8d748dd1e07bp-14, 0x1.69e6636c518dfp-17,
                           0x1.f586979bd0438p-21, 0x1.36c9e5d8306dep-24, 0x1.42ba2d2145ff5p-28,
                           0x1.db854142d976cp-32));
}

// p 2^n with n = z - rounder, or 0 where `flushed`.
template <class T>
VICINAL_INLINE Pack<T> scaled_or_zero(Pack<T> p, Pack<T> z, Mask<T> flushed) {
  return select<T>(flushed, T(0), p * power_of_two(z));
}

// The argument `origin` of exp2_scaled for a reference R, an even integer with |R| < 2^21 (float),
// 2^50 (double). R enters through the exponent alone, so that moving R scales every result exactly.
// (Even, so that s scale = n + 1/2, which may go either way, goes the same way for every R.)
template <class T>
VICINAL_INLINE Pack<T> exp2_origin(Pack<T> reference) {
  return Pack<T>(Format<T>::rounder) - reference;
}

// 2^(s scale - R) for s scale - R <= 127 (float), 1023 (double), with the product folded into the
// reduction s scale + 1/2 = n + g. Exactly 0 where s scale - R < cutoff - 1/2, also for -inf, and
// not 0 from the cutoff on; cutoff >= -125 (float), -1021 (double), so no subnormal is made. NaN
// stays NaN; monotone in s scale. Bound 2 ulp in float, 1.1 ulp in double, of 2^(s scale) (without
// fma: of the rounded product's power).
template <class T>
VICINAL_INLINE Pack<T> exp2_scaled(Pack<T> s, Pack<T> scale, Pack<T> origin,
                                   T cutoff = Format<T>::weight_cutoff) {
  const Pack<T> z = fma(s, scale, origin);
  const Pack<T> g = fma(s, scale, Pack<T>(T(0.5)) - (z - origin));
  return scaled_or_zero<T>(exp2_centered(g), z, z < Pack<T>(Format<T>::rounder + cutoff));
}

#ifdef VICINAL_NATIVE_SCALE
// Two instructions replace five: y less its rounding to a whole number, and p 2^floor y, or 0 where
// x < cutoff.
template <class T>
VICINAL_INLINE Pack<T> scaled_or_zero(Pack<T> p, Pack<T> y, Pack<T> x, T cutoff) {
  return native_scale(p.v, y.v, x.v, native_set(cutoff));
}

template <class T>
VICINAL_INLINE Pack<T> exp2_scaled(Pack<T> s, Pack<T> scale) {
  const Pack<T> y = fma(s, scale, Pack<T>(T(0.5)));
  const Pack<T> g = Pack<T>(native_above_floor(y.v));
  return scaled_or_zero(exp2_centered(g), y, y, Format<T>::weight_cutoff + T(0.5));
}
template <class T>
VICINAL_INLINE Pack<T> exp2(Pack<T> x, T cutoff = Format<T>::lowest_exponent) {
  const Pack<T> f = Pack<T>(native_above_nearest(x.v));
  return scaled_or_zero(exp2_centered(f + Pack<T>(T(0.5))), x - f, x, cutoff);
}
template <class T>
VICINAL_INLINE Pack<T> exp2_below(Pack<T> x, T reference) {
  const Pack<T> f = Pack<T>(native_above_nearest(x.v)), n = (x - f) - Pack<T>(reference);
  return scaled_or_zero(exp2_centered(f + Pack<T>(T(0.5))), n, n, Format<T>::weight_cutoff);
}
#else
// exp2_scaled with R = 0 and the cut-off of weights. Not the same bits: a row is weighed by one of
// the two throughout. With AVX-512 s scale + 1/2 is rounded first, which costs what rounding s
// would.
template <class T>
VICINAL_INLINE Pack<T> exp2_scaled(Pack<T> s, Pack<T> scale) {
  return exp2_scaled(s, scale, Pack<T>(Format<T>::rounder));
}

// 2^x for x <= 127 (float), 1023 (double). Exactly 0 where x < cutoff; NaN stays NaN; exp2(0) = 1;
// monotone. Bound for x <= 0: 2 ulp in float, 1 ulp in double; above 2.1 and 1.1.
template <class T>
VICINAL_INLINE Pack<T> exp2(Pack<T> x, T cutoff = Format<T>::lowest_exponent) {
  const Pack<T> z = x + Pack<T>(Format<T>::rounder);
  const Pack<T> g = (x - (z - Pack<T>(Format<T>::rounder))) + Pack<T>(T(0.5));
  return scaled_or_zero<T>(exp2_centered(g), z, x < Pack<T>(cutoff));
}

// 2^(x - R) for a reference R >= x, an even integer: moving R scales every result exactly, because
// R enters through the exponent. One too large for that is subtracted, which is exact because such
// x are whole numbers. Cut off as weights are, by x rounded to a whole number.
template <class T>
VICINAL_INLINE Pack<T> exp2_below(Pack<T> x, T reference) {
  if (__builtin_fabs(reference) > T(1 << 20))
    return exp2(x - Pack<T>(reference), Format<T>::weight_cutoff);
  return exp2_scaled(x, Pack<T>(T(1)), exp2_origin(Pack<T>(reference)));
}
#endif

}  // namespace
}  // namespace vicinal::kernels
