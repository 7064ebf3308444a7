// patches: weights of pixels by the difference of the patches around them (Buades, Coll & Morel
// 2005), a row of an image against the same row displaced.
//
//   d²(p, q) = Σ_k g(k) (I[p + k] − I[q + k])²,   w = exp(−max(d² − 2σ², 0) / h²)
//
// The patch's weights g are a product over the axes, so d² takes one pass per axis over the squares
// of one displacement: a patch of 7 × 7 costs 14 operations, box or Gaussian. Nothing is ever
// subtracted from a sum, and a pair of pixels has the same bits from either side.
#pragma once

#include "math.hpp"

namespace vicinal::kernels {
namespace {

// out[x] = Σ weight (a[x] − b[x])² of the pairs of rows, over the pixels that both use.
template <class T, bool masked>
VICINAL_INLINE void square_pairs(const SquaresArguments<T>& s) {
  constexpr int W = Pack<T>::width;
  for (int x = 0; x < s.count; x += W) {
    Pack<T> sum(T(0)), used(T(0));
    for (int k = 0; k < s.pairs_count; ++k) {
      const RowPair<T>& pair = s.pairs[k];
      const Pack<T> d = Pack<T>::load_unaligned(pair.a + x) - Pack<T>::load_unaligned(pair.b + x);
      Pack<T> g(pair.weight);
      if constexpr (masked) {
        g = g *
            (Pack<T>::load_unaligned(pair.used_a + x) * Pack<T>::load_unaligned(pair.used_b + x));
        used = used + g;
      }
      sum = fma(g * d, d, sum);
    }
    sum.store(s.out + x);
    if constexpr (masked) used.store(s.used + x);
  }
}
template <class T>
void square_rows(const SquaresArguments<T>& s) {
  s.used == nullptr ? square_pairs<T, false>(s) : square_pairs<T, true>(s);
}

// out[x] = Σ_k g[k] rows[k][x]
template <class T>
VICINAL_INLINE void sum_down(const T* const* rows, const T* g, int size, int count, T* out) {
  constexpr int W = Pack<T>::width;
  for (int x = 0; x < count; x += W) {
    Pack<T> sum = Pack<T>(g[0]) * Pack<T>::load(rows[0] + x);
    for (int k = 1; k < size; ++k) sum = fma(Pack<T>(g[k]), Pack<T>::load(rows[k] + x), sum);
    sum.store(out + x);
  }
}
// Σ_k g[k] row[k]
template <class T>
VICINAL_INLINE Pack<T> sum_along(const T* row, const T* g, int size) {
  Pack<T> sum = Pack<T>(g[0]) * Pack<T>::load(row);
  for (int k = 1; k < size; ++k) sum = fma(Pack<T>(g[k]), Pack<T>::load_unaligned(row + k), sum);
  return sum;
}

template <class T, bool masked>
VICINAL_INLINE void weigh_row(const PatchArguments<T>& a) {
  constexpr int W = Pack<T>::width;
  const Pack<T> zero(T(0)), allowance(a.allowance), scale(a.scale);
  const int wide = a.count + a.along_size - 1;
  T* used = a.scratch + (wide + 2 * W) / W * W;
  sum_down(a.rows, a.down, a.down_size, wide, a.scratch);
  if constexpr (masked) sum_down(a.used, a.down, a.down_size, wide, used);
  for (int x = 0; x < a.count; x += W) {
    Pack<T> d = sum_along(a.scratch + x, a.along, a.along_size);
    if constexpr (masked) {
      const Pack<T> share = sum_along(used + x, a.along, a.along_size);
      // Patches without a pixel in common are infinitely far.
      d = select<T>(share == zero, Pack<T>(infinite<T>), d / share);
    }
    exp2_scaled(max(zero, d - allowance), scale).store(a.weights + x);
  }
  for (int x = a.count; x % W != 0; ++x) a.weights[x] = 0;
}
template <class T>
void weigh_patches(const PatchArguments<T>& a) {
  a.used == nullptr ? weigh_row<T, false>(a) : weigh_row<T, true>(a);
}

// Differences from the own value are summed, so that a flat image stays as it is, whatever its
// level.
template <class T, bool masked>
VICINAL_INLINE void add_row(const PixelArguments<T>& a) {
  constexpr int W = Pack<T>::width;
  const Pack<T> zero(T(0));
  for (int x = 0; x < a.count; x += W) {
    Pack<T> w = Pack<T>::load(a.weights + x);
    if constexpr (masked) w = w * Pack<T>::load_unaligned(a.used + x);
    (Pack<T>::load_unaligned(a.mass + x) + w).store_unaligned(a.mass + x);
    const Mask<T> weighs = w != zero;  // what has no weight may be anything
    for (int c = 0; c < a.channels; ++c) {
      T* sum = a.sums + c * a.sums_plane + x;
      const Pack<T> d = Pack<T>::load_unaligned(a.other + c * a.plane + x) -
                        Pack<T>::load_unaligned(a.own + c * a.plane + x);
      fma(w, select<T>(weighs, d, zero), Pack<T>::load_unaligned(sum)).store_unaligned(sum);
    }
  }
}
template <class T>
void add_pixels(const PixelArguments<T>& a) {
  a.used == nullptr ? add_row<T, false>(a) : add_row<T, true>(a);
}

}  // namespace
}  // namespace vicinal::kernels
