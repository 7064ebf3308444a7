// Profiles of inner products, but for the exponential (Linear). What their members are:
// profiles.hpp.
#pragma once

#include "profiles.hpp"

namespace vicinal::kernels {
namespace {

// exp(c tanh(q·x / (h c))): scale = c log2 e, offset = 1 / (h c).
struct Softcap : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    return tanh(s * Pack<T>(p.offset)) * Pack<T>(p.scale);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return flushed_exp2(log_weight(s, p));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> t = tanh(s * Pack<T>(p.offset));
    return Pack<T>(p.scale * p.offset * ln_2<T>) * fma(-t, t, one<T>());
  }
};

// (scale · s + offset)^exponent; an odd power keeps the sign in the factor.
template <bool Rectified>
struct Polynomial {
  static constexpr bool has_factor = true;
  template <class T>
  VICINAL_INLINE static Pack<T> base(Pack<T> s, const Parameters<T>& p) {
    return fma(s, Pack<T>(p.scale), Pack<T>(p.offset));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> factor(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> t = base(s, p), minus(T(Rectified ? 0 : p.power % 2 != 0 ? -1 : 1));
    const Pack<T> sign =
        select<T>(t < zero<T>(), minus, select<T>(t == zero<T>(), zero<T>(), one<T>()));
    return select<T>(t != t, t, sign);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    return log2(abs(base(s, p))) * Pack<T>(p.exponent);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return factor(s, p) * flushed_exp2(log_weight(s, p));
  }
  // About t = 0 the weight is t · |t|^(exponent − 1), which has a slope where it is 0.
  template <class T>
  VICINAL_INLINE static Pack<T> gradient_log(Pack<T> s, const Parameters<T>& p) {
    if (p.exponent == T(1)) return zero<T>();
    return log2(abs(base(s, p))) * Pack<T>(p.exponent - T(1));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> gradient_factor(Pack<T> s, const Parameters<T>& p) {
    return factor(s, p) * abs(base(s, p));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> t = base(s, p), up(p.exponent * p.scale);
    const Pack<T> below = Rectified ? zero<T>() : p.power % 2 != 0 ? up : -up;
    const Pack<T> slope = select<T>(t < zero<T>(), below, up);
    return select<T>(t != t, t, Rectified ? select<T>(t == zero<T>(), zero<T>(), slope) : slope);
  }
};

struct Sigmoid : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return tanh(fma(s, Pack<T>(p.scale), Pack<T>(p.offset)));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> w = weight(s, p);
    return Pack<T>(p.scale) * fma(-w, w, one<T>());
  }
};

}  // namespace
}  // namespace vicinal::kernels
