// A similarity: how one feature of a pair is accumulated, and what is stored at the end.
//
// Distances are stored squared, whatever the metric, so that every profile reads one scale. One
// accumulator per pair, features in index order: the canonical arithmetic of a row.
#pragma once

#include "math.hpp"
#include "simd.hpp"
#include "table.hpp"

namespace vicinal::kernels {
namespace {

template <class T>
struct Squared {  // ‖q − x‖² by differences
  static constexpr int extra = 0;
  VICINAL_INLINE static Pack<T> step(Pack<T> sum, Pack<T> q, Pack<T> x, const T*) {
    const Pack<T> t = q - x;
    return fma(t, t, sum);
  }
  VICINAL_INLINE static Pack<T> close(Pack<T> sum) { return sum; }
};

template <class T>
struct SquaredWeighted {  // Σ ((q − x) · a)², a per feature: the scale acts on differences
  static constexpr int extra = 1;
  VICINAL_INLINE static Pack<T> scaled(Pack<T> sum, Pack<T> q, Pack<T> x, Pack<T> a) {
    const Pack<T> t = (q - x) * a;
    return fma(t, t, sum);
  }
  VICINAL_INLINE static Pack<T> step(Pack<T> sum, Pack<T> q, Pack<T> x, const T* a) {
    return scaled(sum, q, x, Pack<T>(a[0]));
  }
  VICINAL_INLINE static Pack<T> close(Pack<T> sum) { return sum; }
};

template <class T>
struct Dot {
  static constexpr int extra = 0;
  VICINAL_INLINE static Pack<T> step(Pack<T> sum, Pack<T> q, Pack<T> x, const T*) {
    return fma(q, x, sum);
  }
  VICINAL_INLINE static Pack<T> close(Pack<T> sum) { return sum; }
};

template <class T>
struct Manhattan {
  static constexpr int extra = 1;
  VICINAL_INLINE static Pack<T> scaled(Pack<T> sum, Pack<T> q, Pack<T> x, Pack<T> a) {
    return fma(abs(q - x), a, sum);
  }
  VICINAL_INLINE static Pack<T> step(Pack<T> sum, Pack<T> q, Pack<T> x, const T* a) {
    return scaled(sum, q, x, Pack<T>(a[0]));
  }
  VICINAL_INLINE static Pack<T> close(Pack<T> sum) { return sum * sum; }
};

template <class T>
struct Chebyshev {
  static constexpr int extra = 1;
  VICINAL_INLINE static Pack<T> scaled(Pack<T> sum, Pack<T> q, Pack<T> x, Pack<T> a) {
    const Pack<T> t = abs(q - x) * a;
    return select<T>(t != t, t, max(t, sum));  // NaN in either stays
  }
  VICINAL_INLINE static Pack<T> step(Pack<T> sum, Pack<T> q, Pack<T> x, const T* a) {
    return scaled(sum, q, x, Pack<T>(a[0]));
  }
  VICINAL_INLINE static Pack<T> close(Pack<T> sum) { return sum * sum; }
};

// log2-weight of category columns: a[2] where equal, a[0] + |q − x| · a[1] where not.
template <class T>
struct Category {
  static constexpr int extra = 3;
  VICINAL_INLINE static Pack<T> step(Pack<T> sum, Pack<T> q, Pack<T> x, const T* a) {
    const Pack<T> t = abs(q - x);
    return sum + select<T>(t == Pack<T>(T(0)), Pack<T>(a[2]), fma(t, Pack<T>(a[1]), Pack<T>(a[0])));
  }
  VICINAL_INLINE static Pack<T> close(Pack<T> sum) { return sum; }
};

}  // namespace
}  // namespace vicinal::kernels
