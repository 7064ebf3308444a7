// Profiles of the caller: tables of polynomials, and C functions. What their members are:
// profiles.hpp.
#pragma once

#include "profile_table.hpp"
#include "profiles.hpp"

namespace vicinal::kernels {
namespace {

struct Tabulated : Factor {
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return evaluate(p.table, root(s) * Pack<T>(p.scale));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s), c(p.scale);
    return derivative(p.table, r * c) * root_slope(r, c);
  }
};

struct LogTable : Exponential {
  template <class T>
  VICINAL_INLINE static Pack<T> log_weight(Pack<T> s, const Parameters<T>& p) {
    return evaluate(p.table, root(s) * Pack<T>(p.scale));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    return flushed_exp2(log_weight(s, p));
  }
  template <class T>
  VICINAL_INLINE static Pack<T> log_slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s), c(p.scale);
    return Pack<T>(ln_2<T>) * derivative(p.table, r * c) * root_slope(r, c);
  }
};

struct Function : Factor {  // one call per pair: convenience, not speed
  template <class T>
  VICINAL_INLINE static Pack<T> weight(Pack<T> s, const Parameters<T>& p) {
    alignas(VICINAL_VECTOR_BYTES) T lane[Pack<T>::width];
    (root(s) * Pack<T>(p.scale)).store(lane);
    for (T& u : lane) u = static_cast<T>(p.function(static_cast<double>(u)));
    return Pack<T>::load(lane);
  }
  // By central differences of the even continuation, in double.
  template <class T>
  VICINAL_INLINE static Pack<T> slope(Pack<T> s, const Parameters<T>& p) {
    const Pack<T> r = root(s), c(p.scale);
    alignas(VICINAL_VECTOR_BYTES) T lane[Pack<T>::width];
    (r * c).store(lane);
    for (T& x : lane) {
      const double u = static_cast<double>(x), step = 6e-6 * (u > 1 ? u : 1);
      const double low = u > step ? u - step : step - u;
      x = static_cast<T>((p.function(u + step) - p.function(low)) / (2 * step));
    }
    return Pack<T>::load(lane) * root_slope(r, c);
  }
};

}  // namespace
}  // namespace vicinal::kernels
