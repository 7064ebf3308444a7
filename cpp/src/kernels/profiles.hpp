// A profile turns a similarity into a weight. Each stands here once and serves every type,
// instruction set and statistic.
//
//   weight(s, p)        the weight itself, never above 1 in size: the hot path, relative to the
//   fixed reference 0 log_weight(s, p)    its log2, for rows whose weights would all vanish and for
//   unbounded profiles; factor(s, p)        what the logarithm cannot hold: compact supports and
//   signs. weight = factor · 2^log_weight
//
//   log_slope(s, p)     d ln weight / ds of profiles without a factor; of those that have one
//   slope(s, p)         d weight / ds, or its factor: slope · 2^log_weight. 0 at s = 0 where u
//   itself has no derivative
//
// `s` is a squared distance (or, for linear, softcap, polynomial and sigmoid, an inner product or a
// log2-weight). NaN stays NaN: constants come first in max and min.
#pragma once

#include <limits>

#include "math.hpp"
#include "simd.hpp"
#include "table.hpp"

namespace vicinal::kernels {
namespace {

// Weights below weight_cutoff of the row's largest count as 0 (log2): nothing the sums hold would
// change, and subnormal products cost up to 180 times the time of normal ones.
template <class T>
VICINAL_INLINE Pack<T> flushed_exp2(Pack<T> s, Pack<T> scale) {
  return exp2_scaled(s, scale);
}
template <class T>
VICINAL_INLINE Pack<T> flushed_exp2(Pack<T> x) {
  return exp2(x, Format<T>::weight_cutoff);
}

// √s, exact at 0, finite for infinite s.
template <class T>
VICINAL_INLINE Pack<T> root(Pack<T> s) {
  return positive_root(min(Pack<T>(sizeof(T) == 4 ? T(1e34) : T(1e290)), s));
}

template <class T>
VICINAL_INLINE Pack<T> power(Pack<T> base, int exponent) {
  Pack<T> product = base;
  for (int i = 1; i < exponent; ++i) product = product * base;
  return product;
}

template <class T>
VICINAL_INLINE Pack<T> one() {
  return Pack<T>(T(1));
}
template <class T>
VICINAL_INLINE Pack<T> zero() {
  return Pack<T>(T(0));
}

// du/ds at u = c √s, and 0 at s = 0, where there is none.
template <class T>
VICINAL_INLINE Pack<T> root_slope(Pack<T> root_of_s, Pack<T> c) {
  const Pack<T> r = root_of_s;
  return select<T>(r == zero<T>(), zero<T>(), Pack<T>(T(0.5)) * c / r);
}
template <class T>
inline constexpr T ln_2 = T(0.693147180559945309417232121458);

// Profiles that are a power of two of something.
struct Exponential {
  static constexpr bool has_factor = false;
};
// Compact and signed profiles: log2-weight 0 where the factor is not.
struct Factor {
  static constexpr bool has_factor = true;
};

template <class T>
using Parameters = ProfileParameters<T>;

struct Gaussian : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return flushed_exp2(s, Pack<T>(p.scale));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    return s * Pack<T>(p.scale);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T>, const Parameters<T>& p) {
    return Pack<T>(p.scale * ln_2<T>);
  }
};

using Linear = Gaussian;  // the same arithmetic on an inner product or a log2-weight

struct Laplace : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return flushed_exp2(root(s), Pack<T>(p.scale));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    return root(s) * Pack<T>(p.scale);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T> s, const Parameters<T>& p) {
    return root_slope(root(s), Pack<T>(p.scale * ln_2<T>));
  }
};

// (1 + v) e^−v with v = √3 u, and (1 + v + v²/3) e^−v with v = √5 u; offset · √s = v.
template <int Order>
struct Matern : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> polynomial(Pack<T> scaled) {
    const Pack<T> v =
        min(Pack<T>(T(1e18)), scaled);  // finite, so that far keys are −inf and not NaN
    if constexpr (Order == 3) return one<T>() + v;
    return fma(v, fma(v, Pack<T>(T(1.0 / 3)), one<T>()), one<T>());
  }
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s), decay = flushed_exp2(r, Pack<T>(p.scale));
    return select<T>(decay == zero<T>(), decay, decay * polynomial(r * Pack<T>(p.offset)));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s);
    return fma(r, Pack<T>(p.scale), log2(polynomial(r * Pack<T>(p.offset))));
  }
  // w′(v)/w = −v / (1 + v), and −v (1 + v) / 3 over the polynomial; v dv/ds = offset² / 2.
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> v = min(Pack<T>(T(1e18)), root(s) * Pack<T>(p.offset));
    const Pack<T> half(T(-0.5) * p.offset * p.offset), x = one<T>() + v;
    if constexpr (Order == 3) return half / x;
    return half * (x * Pack<T>(T(1.0 / 3))) /
           fma(v, fma(v, Pack<T>(T(1.0 / 3)), one<T>()), one<T>());
  }
};

// t / (1 + t)², t = e^−u.
struct Logistic : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> t = flushed_exp2(root(s), Pack<T>(p.scale)), d = one<T>() + t;
    return t * reciprocal(d * d);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s), t = flushed_exp2(r, Pack<T>(p.scale));
    return fma(r, Pack<T>(p.scale), Pack<T>(T(-2)) * log2(one<T>() + t));
  }
  // −tanh(u/2) du/ds, whose limit at 0 is −(du/d√s)² / 4.
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s), c(-p.scale * ln_2<T>), half(T(0.5));
    const Pack<T> slope = -tanh(r * c * half) * half * c / r;
    return select<T>(r == zero<T>(), Pack<T>(T(-0.25)) * c * c, slope);
  }
};

// (offset + scale · s)^−exponent: Cauchy, Student t, rational quadratic, inverse distance (offset
// 0).
template <class T>
VICINAL_INLINE Pack<T> rational_base(Pack<T> s, const Parameters<T>& p) {
  return fma(s, Pack<T>(p.scale), Pack<T>(p.offset));
}
// Where scale · s overflows (a tiny bandwidth), the logarithm still tells far keys apart.
template <class T>
VICINAL_INLINE Pack<T> rational_log(Pack<T> s, const Parameters<T>& p) {
  const Pack<T> x = rational_base(s, p), most(std::numeric_limits<T>::max());
  const Pack<T> log = select<T>(most < x, log2(s) + Pack<T>(p.log_scale), log2(x));
  return log * Pack<T>(-p.exponent);
}

// d ln w / ds = −exponent · scale / x; 0 at an exact hit of inverse distance.
template <class T>
VICINAL_INLINE Pack<T> rational_slope(Pack<T> s, const Parameters<T>& p) {
  const Pack<T> x = rational_base(s, p), slope = Pack<T>(-p.exponent * p.scale) / x;
  return select<T>(x == zero<T>(), zero<T>(), slope);
}

// Any exponent. The whole part of the log2-weight goes into the logarithm, the rest into the
// factor: their product rounded once would cost as many digits as the logarithm is large.
struct Rational {
  static constexpr bool has_factor = true;
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return pow(rational_base(s, p), Pack<T>(-p.exponent));
  }
  template <class T>
  VICINAL_INLINE static Mask<T> ordinary(Pack<T> x) {
    return (Pack<T>(std::numeric_limits<T>::min()) < x) &
           (x < Pack<T>(std::numeric_limits<T>::max()));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> whole_part(Pack<T> x, const Parameters<T>& p, Pack<T>& rest) {
    const Logarithm<T> l = logarithm(x);
    const Pack<T> rounder(sizeof(T) == 4 ? T(0x1.8p23) : T(0x1.8p52));
    const Pack<T> y(-p.exponent), share = y * l.mantissa;
    const Pack<T> whole = (fma(y, l.exponent, share) + rounder) - rounder;
    rest = near_multiple(y, l.exponent, -whole) + share;
    return whole;
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> x = rational_base(s, p);
    Pack<T> rest;
    const Pack<T> whole = whole_part(x, p, rest);
    return select<T>(ordinary(x), whole, rational_log(s, p));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> factor(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> x = rational_base(s, p);
    Pack<T> rest;
    whole_part(x, p, rest);
    return select<T>(ordinary(x), exp2(rest), select<T>(x != x, x, one<T>()));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    return factor(s, p) * rational_slope(s, p);
  }
};

// The same with 2 · exponent a small whole number: powers of rsqrt. `limit` is where the weight
// falls under the flush.
struct RationalHalfPower : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> x = rational_base(s, p), limit(p.limit), inside = min(limit, x);
    const Pack<T> w =
        p.power % 2 == 0 ? power(reciprocal(inside), p.power / 2) : power(rsqrt(inside), p.power);
    return select<T>(limit < x, zero<T>(), w);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    return rational_log(s, p);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T> s, const Parameters<T>& p) {
    return rational_slope(s, p);
  }
};

}  // namespace
}  // namespace vicinal::kernels
