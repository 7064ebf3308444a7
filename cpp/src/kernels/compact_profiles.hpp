// Profiles with a factor and no logarithm: those of compact support, and the constant ones. What
// their members are: profiles.hpp.
#pragma once

#include "profiles.hpp"

namespace vicinal::kernels {
namespace {

// u = √(scale · s) of a compact profile, at most 2: all is 0 from 1 on. `tiny` changes no weight
// and keeps the estimate at u = 0 finite.
template <class T>
VICINAL_INLINE Pack<T> compact_root(Pack<T> s, Pack<T> scale) {
  const Pack<T> tiny(sizeof(T) == 4 ? T(1e-36) : T(1e-290));
  const Pack<T> x = min(Pack<T>(T(4)), fma(s, scale, tiny));
  return estimated_root(x, x);
}

struct PowerOfOneMinus : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return power(max(zero<T>(), fma(s, Pack<T>(-p.scale), one<T>())), p.power);
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> base = max(zero<T>(), fma(s, Pack<T>(-p.scale), one<T>()));
    const Pack<T> rest = p.power > 1 ? power(base, p.power - 1) : one<T>();
    return select<T>(base == zero<T>(), zero<T>(), Pack<T>(-p.scale * T(p.power)) * rest);
  }
};

struct Tricube : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> u = compact_root(s, Pack<T>(p.scale));
    return power(max(zero<T>(), fma(-(u * u), u, one<T>())), 3);
  }
  // w′(u) du/ds = −9 u² (1 − u³)² · scale / 2u
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> u = compact_root(s, Pack<T>(p.scale));
    const Pack<T> rest = max(zero<T>(), fma(-(u * u), u, one<T>()));
    return Pack<T>(T(-4.5) * p.scale) * u * rest * rest;
  }
};

struct Triangular : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return max(zero<T>(), one<T>() - compact_root(s, Pack<T>(p.scale)));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> u = compact_root(s, Pack<T>(p.scale));
    const Pack<T> slope = select<T>(one<T>() <= u, zero<T>(), Pack<T>(T(-0.5) * p.scale) / u);
    return select<T>(s == zero<T>(), zero<T>(), slope);
  }
};

struct Cosine : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> z = s * Pack<T>(p.scale);
    return select<T>(one<T>() < z, zero<T>(), max(zero<T>(), cos_half_pi_sqrt(min(one<T>(), z))));
  }
  // −(π/4) scale · sin(πu/2) / u, whose limit at 0 is −(π²/8) scale.
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> z = s * Pack<T>(p.scale), u = positive_root(min(one<T>(), z));
    const Pack<T> ratio = sin(u * Pack<T>(T(1.57079632679489661923))) / u;
    const Pack<T> bounded = select<T>(u == zero<T>(), Pack<T>(T(1.57079632679489661923)), ratio);
    return select<T>(one<T>() <= z, zero<T>(),
                     Pack<T>(T(-0.785398163397448309616) * p.scale) * bounded);
  }
};

// 1 inside the closed ball; scale is the squared bandwidth itself, so that the boundary is
// compared, not rounded.
struct Uniform : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return select<T>(Pack<T>(p.scale) < s, zero<T>(), select<T>(s != s, s, one<T>()));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T>, const Parameters<T>&) {
    return zero<T>();
  }
};

struct WendlandC2 : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> u = compact_root(s, Pack<T>(p.scale)), t = max(zero<T>(), one<T>() - u);
    return power(t * t, 2) * fma(u, Pack<T>(T(4)), one<T>());
  }
  // w′(u) du/ds = −20 u (1 − u)³ · scale / 2u
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> t = max(zero<T>(), one<T>() - compact_root(s, Pack<T>(p.scale)));
    return Pack<T>(T(-10) * p.scale) * t * t * t;
  }
};

struct Constant : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>&) {
    return select<T>(s != s, s, one<T>());
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T>, const Parameters<T>&) {
    return zero<T>();
  }
};

struct Coincidence : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>&) {
    return select<T>(s == zero<T>(), one<T>(), select<T>(s != s, s, zero<T>()));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T>, const Parameters<T>&) {
    return zero<T>();
  }
};

}  // namespace
}  // namespace vicinal::kernels
