// Elementary functions on Pack<T>, T = float or double: no tables, no branches, no library calls.
//
// The bound beside each function is in units in the last place of the exact result (ulp), float
// then double, as tests/cpp/test_math.cpp measures it on every instruction set; "SSE2" where the
// missing fused multiply-add widens it. Polynomials are our own minimax fits: the leading
// coefficients were rounded first and the others fitted again. Subnormal arguments count as the
// numbers next to them.
#pragma once

#include "exponent.hpp"
#include "simd.hpp"

namespace vicinal::kernels {
namespace {

template <class T>
inline constexpr T infinite = std::numeric_limits<T>::infinity();

// The sign of `from` on the magnitude of `to`, which is not negative.
template <class T>
VICINAL_INLINE Pack<T> with_sign(Pack<T> to, Pack<T> from) {
  return Pack<T>::from_bits(to.bits() | (from.bits() & Pack<T>(T(-0.0)).bits()));
}

// ------------------------------------------------------------------------------------ reciprocals
// Where the native estimate is a division already, there is nothing to refine.
#if defined(__aarch64__)
template <class T>
inline constexpr bool native_estimates = false;
#else
template <class T>
inline constexpr bool native_estimates = sizeof(T) == 4 || VICINAL_VECTOR_BYTES == 64;
#endif

// 1/x for normal x: y (1 + e + e^2 + ...), e = 1 - x y. 1/0 = inf, 1/inf = 0, NaN stays NaN;
// results below the normal range may be 0. Bound 1 ulp (SSE2 2).
template <class T>
VICINAL_INLINE Pack<T> reciprocal(Pack<T> x) {
  const Pack<T> y = native_reciprocal(x.v);
  if constexpr (!native_estimates<T>) return y;
  const Pack<T> e = fma(-x, y, Pack<T>(T(1)));
  Pack<T> series = e;  // |e| <= 2^-14 with AVX-512, 2^-11 before
  if constexpr (sizeof(T) == 8 || VICINAL_VECTOR_BYTES < 64) series = fma(e, e, e);
  if constexpr (sizeof(T) == 8) series = fma(series, e * e, series);
  return select<T>(e == e, fma(y, series, y), y);
}

// x^(-1/2) for normal x >= 0: y (1 + e/2 + 3 e^2/8 + ...), e = 1 - x y^2. rsqrt(0) = inf,
// rsqrt(inf) = 0, NaN stays NaN. Bound 2 ulp (SSE2 3).
template <class T>
VICINAL_INLINE Pack<T> rsqrt(Pack<T> x) {
  const Pack<T> y = native_rsqrt(x.v);
  if constexpr (!native_estimates<T>) return y;
  const Pack<T> e = fma(-(x * y), y, Pack<T>(T(1)));
  Pack<T> series(T(0.5));
  if constexpr (sizeof(T) == 8) {
    series = horner(e, 0.5, 0.375, 0.3125, 0.2734375);
  } else if constexpr (VICINAL_VECTOR_BYTES < 64) {
    series = horner(e, 0.5, 0.375);
  }
  return select<T>(e == e, fma(y * e, series, y), y);
}

// √x for x >= 0, where `normal` is x or, near 0, any normal number: from the estimate y of
// normal^(-1/2) as g (1 + e/2 + 3 e²/8 + ...) with g = x y and r = e/2 = 1/2 - g y/2 (Goldschmidt).
// √0 = 0. Bound 2 ulp.
template <class T>
VICINAL_INLINE Pack<T> estimated_root(Pack<T> x, Pack<T> normal) {
  if constexpr (!native_estimates<T>) return native_sqrt(x.v);
  const Pack<T> y = native_rsqrt(normal.v), g = x * y,
                r = fma(-g, y * Pack<T>(T(0.5)), Pack<T>(T(0.5)));
  Pack<T> series = r;  // |r| <= 2^-15 with AVX-512, 2^-12 before
  if constexpr (sizeof(T) == 8) {
    series = r * horner(r, 1, 1.5, 2.5, 4.375);
  } else if constexpr (VICINAL_VECTOR_BYTES < 64) {
    series = r * horner(r, 1, 1.5);
  }
  return fma(g, series, g);
}

// √max(x, 0⁺) for x <= huge, about twice the rate of the processor's square root; exact at 0.
template <class T>
VICINAL_INLINE Pack<T> positive_root(Pack<T> x) {
  const Pack<T> tiny(sizeof(T) == 4 ? T(1e-36) : T(1e-290));
  return estimated_root(x, max(tiny, x));
}

// ------------------------------------------------------------------------------- logarithm, power
// x = 2^k m with sqrt(1/2) <= m < sqrt(2): k as a number, and log2 m.
template <class T>
struct Logarithm {
  Pack<T> exponent, mantissa;
};
// log2(1 + r) / r as a polynomial of degree 9, error 0.25 ulp
VICINAL_INLINE Pack<float> log2_mantissa(Pack<float> m) {
  const Pack<float> r = m - Pack<float>(1);
  return r * horner(r, 0x1.715476p+0f, -0x1.71546ep-1f, 0x1.ec7244p-2f, -0x1.715d3ep-2f,
                    0x1.27274ep-2f, -0x1.e9b25p-3f, 0x1.ae63b4p-3f, -0x1.9aadc2p-3f, 0x1.40db92p-3f,
                    -0x1.af5a42p-5f);
}
// 2 log2(e) atanh(s) with s = (m - 1)/(m + 1): s q(s^2), error 0.13 ulp
VICINAL_INLINE Pack<double> log2_mantissa(Pack<double> m) {
  const Pack<double> s = (m - Pack<double>(1)) / (m + Pack<double>(1));
  return s * horner(s * s, 0x1.71547652b82fep+1, 0x1.ec709dc3a08f8p-1, 0x1.2776c50e48e55p-1,
                    0x1.a61763d01c2e6p-2, 0x1.484a9be34aa6cp-2, 0x1.0cb423e8f874ep-2,
                    0x1.c0c83ef3a7627p-3, 0x1.d9321d96612b7p-3);
}
template <class T>
VICINAL_INLINE Logarithm<T> logarithm(Pack<T> x) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  typedef Bits Unsigned __attribute__((vector_size(VICINAL_VECTOR_BYTES)));
  constexpr Bits one = sizeof(T) == 4 ? Bits(0x3f800000) : Bits(0x3ff0000000000000);
  constexpr Bits root = sizeof(T) == 4 ? Bits(0x3f3504f3) : Bits(0x3fe6a09e667f3bcd);
  constexpr int shift = Format<T>::mantissa_bits;
  constexpr T whole = sizeof(T) == 4 ? T(0x1p23) : T(0x1p52);  // its low bits count in units of 1
  const Unsigned u = reinterpret_cast<Unsigned>(x.v) + (one - root);
  const Unsigned biased = (u >> shift) | reinterpret_cast<Unsigned>(Pack<T>(whole).v);
  const Unsigned m = (u & ((Bits(1) << shift) - 1)) + root;
  return {Pack<T>(reinterpret_cast<typename Pack<T>::Vector>(biased)) -
              Pack<T>(whole + (sizeof(T) == 4 ? 127 : 1023)),
          log2_mantissa(Pack<T>(reinterpret_cast<typename Pack<T>::Vector>(m)))};
}

// log2 x for x >= 0: log2(0) = -inf, log2(inf) = inf, NaN stays NaN. Bound 2 ulp, 3 ulp.
template <class T>
VICINAL_INLINE Pack<T> log2(Pack<T> x) {
  const Logarithm<T> l = logarithm(x);
  const Pack<T> finite = select<T>(x < Pack<T>(infinite<T>), l.exponent + l.mantissa, x);
  return select<T>(x == Pack<T>(T(0)), Pack<T>(-infinite<T>), finite);
}

// y k + c for whole |k| < 2^11 and c within 1 of -y k, exact but for the last rounding. Without fma
// y is split, so that its leading half times k is exact.
template <class T>
VICINAL_INLINE Pack<T> near_multiple(Pack<T> y, Pack<T> k, Pack<T> c) {
  if constexpr (fused_multiply_add) return fma(y, k, c);
  using Integer = typename Pack<T>::Integer;
  constexpr Integer tail = sizeof(T) == 4 ? 0xfff : 0x7ffffff;
  const Pack<T> high = Pack<T>::from_bits(y.bits() & ~tail);
  return (high * k + c) + (y - high) * k;
}

// x^y = 2^(k y + y log2 m) for normal x > 0, with 2^(k y) reduced apart from the mantissa's share:
// the error grows with |y| and not with |y log2 x|. Exactly 0 where the result is below 2^(cutoff -
// 1/2); x = 0 and x = inf give 0 or inf, NaN stays NaN. Bound 3 + |y| ulp (SSE2 plus |y log2 x| /
// 2).
template <class T>
VICINAL_INLINE Pack<T> pow(Pack<T> x, Pack<T> y, T cutoff = Format<T>::weight_cutoff) {
  const Logarithm<T> l = logarithm(x);
  const Pack<T> rounder(Format<T>::rounder), share = y * l.mantissa;
  const Pack<T> z = fma(y, l.exponent, share) + rounder;
  const Pack<T> g = (near_multiple(y, l.exponent, rounder - z) + share) + Pack<T>(T(0.5));
  const Pack<T> power =
      scaled_or_zero<T>(exp2_centered(g), z, z < Pack<T>(Format<T>::rounder + cutoff));
  const Pack<T> edge = max(Pack<T>(T(0)), y * log2(x));
  return select<T>((Pack<T>(T(0)) < x) & (x < Pack<T>(infinite<T>)), power, edge);
}

// ---------------------------------------------------------------------------------------- tanh
// (2^f - 1) / f on [-1/2, 1/2], error 0.05 ulp, 0.46 ulp
VICINAL_INLINE Pack<float> exp2_minus_one(Pack<float> f) {
  return horner(f, 0x1.62e43p-1f, 0x1.ebfbep-3f, 0x1.c6b044p-5f, 0x1.3b2a66p-7f, 0x1.5de966p-10f,
                0x1.440176p-13f, 0x1.7f5406p-17f);
}
VICINAL_INLINE Pack<double> exp2_minus_one(Pack<double> f) {
  return horner(f, 0x1.62e42fefa39efp-1, 0x1.ebfbdff82c5a2p-3, 0x1.c6b08d704a39p-5,
                0x1.3b2ab6fb9fc49p-7, 0x1.5d87fe77e89a5p-10, 0x1.430913113e10ep-13,
                0x1.ffcc00ac03383p-17, 0x1.62bfbf21400b4p-20, 0x1.b51af860ca3bap-24,
                0x1.e62ceb2a5732ep-28, 0x1.fa27f9acc525ep-32);
}
// tanh x = t / (t + 2), t = e^(2|x|) - 1 = 2^n (2^f - 1) + (2^n - 1), exact +-1 at the ends. Bound
// 4.5 ulp.
template <class T>
VICINAL_INLINE Pack<T> tanh(Pack<T> x) {
  const Pack<T> a = min(Pack<T>(sizeof(T) == 4 ? T(9.5) : T(20)), abs(x));
  const Pack<T> scale(T(2.8853900817779268)), rounder(Format<T>::rounder), one(T(1));
  const Pack<T> z = fma(a, scale, rounder), f = fma(a, scale, rounder - z), p = power_of_two(z);
  const Pack<T> t = fma(f * exp2_minus_one(f), p, p - one);
  return with_sign(t / (t + one + one), x);
}

// --------------------------------------------------------------------------------- trigonometry
// (sin r / r - 1) / r^2 in z = r^2 <= (pi/2)^2, error 0.1 ulp, 0.01 ulp
VICINAL_INLINE Pack<float> sine_series(Pack<float> z) {
  return horner(z, -0x1.55554cp-3f, 0x1.110edap-7f, -0x1.9f70eap-13f, 0x1.5dc84ap-19f);
}
VICINAL_INLINE Pack<double> sine_series(Pack<double> z) {
  return horner(z, -0x1.5555555555555p-3, 0x1.11111111110c8p-7, -0x1.a01a01a014d6fp-13,
                0x1.71de3a52a0b16p-19, -0x1.ae6454d474698p-26, 0x1.6123cd074b43p-33,
                -0x1.ae4384779f93fp-41, 0x1.8832a98ae9436p-49);
}

// r = x - n pi, n pi in parts so short that their products with n < 2^12 are exact even without
// fma.
template <class T>
VICINAL_INLINE Pack<T> subtract_pi(Pack<T> x, Pack<T> n) {
  if constexpr (sizeof(T) == 4) {
    Pack<T> r = fma(n, Pack<T>(-0x1.92p+1f), x);
    r = fma(n, Pack<T>(-0x1.fb4p-11f), r);
    r = fma(n, Pack<T>(-0x1.444p-23f), r);
    return fma(n, Pack<T>(-0x1.68c234p-38f), r);
  } else {
    Pack<T> r = fma(n, Pack<T>(-0x1.921fb54442p+1), x);
    r = fma(n, Pack<T>(-0x1.a308d3131ap-40), r);
    return fma(n, Pack<T>(0x1.d747f23e32ed7p-82), r);
  }
}
// (-1)^n sin r; z = n + 1.5 * 2^mantissa_bits
template <class T>
VICINAL_INLINE Pack<T> signed_sine(Pack<T> r, Pack<T> z) {
  const Pack<T> square = r * r, sine = fma(r * square, sine_series(square), r);
  return Pack<T>::from_bits(sine.bits() ^ (z.bits() << (8 * sizeof(T) - 1)));
}

// sin x and cos x for |x| <= 1e4 (beyond, absolute accuracy is lost with |x|); NaN for inf. Bound
// 2.5 ulp.
template <class T>
VICINAL_INLINE Pack<T> sin(Pack<T> x) {
  const Pack<T> whole(sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52));
  const Pack<T> z = fma(x, Pack<T>(T(0.31830988618379067)), whole);
  return signed_sine(subtract_pi(x, z - whole), z);
}
// cos x = -(-1)^n sin(x - (n + 1/2) pi)
template <class T>
VICINAL_INLINE Pack<T> cos(Pack<T> x) {
  const Pack<T> whole(sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52));
  const Pack<T> a = abs(x), t = fma(a, Pack<T>(T(0.31830988618379067)), Pack<T>(T(-0.5)));
  const Pack<T> z = t + whole;
  return -signed_sine(subtract_pi(a, (z - whole) + Pack<T>(T(0.5))), z);
}

// (asin s / s - 1) / s^2 in z = s^2 <= 1/4, error 0.08 ulp, 0.13 ulp
VICINAL_INLINE Pack<float> arcsine_series(Pack<float> z) {
  return horner(z, 0x1.5555c8p-3f, 0x1.330204p-4f, 0x1.747bbap-5f, 0x1.8c3e2ap-6f, 0x1.595c8cp-5f);
}
VICINAL_INLINE Pack<double> arcsine_series(Pack<double> z) {
  return horner(z, 0x1.555555555539p-3, 0x1.333333336e83p-4, 0x1.6db6db42780f8p-5,
                0x1.f1c72c39eb218p-6, 0x1.6e89f425d291p-6, 0x1.1c6be35f8a6fbp-6,
                0x1.c6fd9cd5dd14ap-7, 0x1.8ec3fde330347p-7, 0x1.abc638b89a57dp-8,
                0x1.3ffb302604d8p-6, -0x1.09ddc80404ceep-6, 0x1.05712f7aec9a2p-5);
}
// asin x for 0 <= x <= 1, above 1/2 as pi/2 - 2 asin sqrt((1 - x)/2). NaN for x > 1. Bound 2.5 ulp.
template <class T>
VICINAL_INLINE Pack<T> asin(Pack<T> x) {
  const Pack<T> half(T(0.5));
  const Mask<T> large = half < x;
  const Pack<T> z = select<T>(large, fma(-x, half, half), x * x);
  const Pack<T> s = select<T>(large, sqrt(z), x);
  const Pack<T> r = fma(s * z, arcsine_series(z), s);
  constexpr T right = T(1.5707963267948966);  // pi/2 rounded, and what is missing
  constexpr T rest = sizeof(T) == 4 ? T(-4.3711388286737929e-8) : T(6.123233995736766e-17);
  return select<T>(large, Pack<T>(right) - (r + r - Pack<T>(rest)), r);
}

// (P(s) - 1) / s on [0, 1] where cos(pi/2 sqrt s) = (1 - s) P(s), error 0.02 ulp, 0.01 ulp
VICINAL_INLINE Pack<float> cosine_series(Pack<float> s) {
  return horner(s, -0x1.de9e6p-3f, 0x1.472a76p-6f, -0x1.d4786ep-11f, 0x1.8bd856p-16f);
}
VICINAL_INLINE Pack<double> cosine_series(Pack<double> s) {
  return horner(s, -0x1.de9e64df22ef3p-3, 0x1.472be122434bep-6, -0x1.d4fcd831179e4p-11,
                0x1.9f05cb00a7bf4p-16, -0x1.f309e80726cbp-22, 0x1.b268366863cf5p-28,
                -0x1.1e5f933742dd4p-34, 0x1.20bf4311e3bbp-41);
}
// cos(pi/2 sqrt s) for 0 <= s <= 1: exactly 1 at 0 and 0 at 1. Bound 2.5 ulp.
template <class T>
VICINAL_INLINE Pack<T> cos_half_pi_sqrt(Pack<T> s) {
  const Pack<T> one(T(1));
  return (one - s) * fma(s, cosine_series(s), one);
}

// -------------------------------------------------------------------------------------------- erf
// erf x / x - 1 in x^2 for |x| <= 3/4, error 0.03 ulp, 0.61 ulp
VICINAL_INLINE Pack<float> erf_series(Pack<float> z) {
  return horner(z, 0x1.06eba8p-3f, -0x1.81273ap-2f, 0x1.ce2acep-4f, -0x1.b7a75cp-6f, 0x1.4f188ap-8f,
                -0x1.613e52p-11f);
}
VICINAL_INLINE Pack<double> erf_series(Pack<double> z) {
  return horner(z, 0x1.06eba8214db66p-3, -0x1.812746b037811p-2, 0x1.ce2f21a027d23p-4,
                -0x1.b82ce308fb8c1p-6, 0x1.565bcb557c49bp-8, -0x1.c02d5879a3d56p-11,
                0x1.f9978cc04bfe1p-14, -0x1.f3e8202ea26a8p-17, 0x1.aea1599ef303dp-20,
                -0x1.10c86e77b24fep-23);
}
// log2 (1 - erf x) on [3/4, 4] and [3/4, 6]: error in erf 0.05 ulp, 0.56 ulp
VICINAL_INLINE Pack<float> log2_complement(Pack<float> x) {
  return horner(x, -0x1.032092p-15f, -0x1.a0c3a6p+0f, -0x1.d5abb8p-1f, -0x1.36b93ap-3f,
                0x1.0e08cp-5f, -0x1.2f19b2p-8f, 0x1.427a7cp-12f);
}
VICINAL_INLINE Pack<double> log2_complement(Pack<double> x) {
  return horner(x, -0x1.83b9592d2479cp-24, -0x1.a0be722e1e51bp+0, -0x1.d63f94c9db05cp-1,
                -0x1.2f9e46d754f93p-3, 0x1.c379d58938058p-6, 0x1.7ef98721aa03ap-12,
                -0x1.4a0456610e32fp-9, 0x1.da87152e20a95p-11, -0x1.ee0997150462fp-15,
                -0x1.a20fac229a1ecp-14, 0x1.02ac1b24a0b65p-14, -0x1.6beca1f9167b4p-16,
                0x1.672e02ba12315p-18, -0x1.02aa75278fa4p-20, 0x1.0cb9fc827afbep-23,
                -0x1.7f6b57d734cc4p-27, 0x1.50fe84f4c9d91p-31, -0x1.1355a385d7b68p-36);
}
// erf x for any x, NaN stays NaN. Bound 2 ulp, 3 ulp.
template <class T>
VICINAL_INLINE Pack<T> erf(Pack<T> x) {
  const Pack<T> a = min(Pack<T>(sizeof(T) == 4 ? T(4) : T(6)), abs(x));
  const Pack<T> small = fma(a, erf_series(a * a), a);
  const Pack<T> large = Pack<T>(T(1)) - exp2(log2_complement(a));
  return with_sign(select<T>(Pack<T>(T(0.75)) < a, large, small), x);
}

}  // namespace
}  // namespace vicinal::kernels
