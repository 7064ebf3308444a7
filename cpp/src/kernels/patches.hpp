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

// The weights of a patch along one axis. Of S of them, which common patches have, registers hold
// all; S = 0: any number.
template <class T, int S>
struct AxisWeights {
  Pack<T> g[S == 0 ? 1 : S];
  const T* weights;
  int size;

  VICINAL_INLINE AxisWeights(const T* first, int count) : weights(first), size(S == 0 ? count : S) {
    VICINAL_UNROLL
    for (int k = 0; k < S; ++k) g[k] = Pack<T>(first[k]);
  }
  // Σ_k g[k] at(k)
  VICINAL_INLINE Pack<T> sum(auto&& at) const {
    if constexpr (S == 0) {
      Pack<T> sum = Pack<T>(weights[0]) * at(0);
      for (int k = 1; k < size; ++k) sum = fma(Pack<T>(weights[k]), at(k), sum);
      return sum;
    } else {
      Pack<T> sum = g[0] * at(0);
      VICINAL_UNROLL
      for (int k = 1; k < S; ++k) sum = fma(g[k], at(k), sum);
      return sum;
    }
  }
};

// out[x] = Σ_k g[k] rows[k][x]
template <class T, int S>
VICINAL_INLINE void sum_down(const T* const* rows, const AxisWeights<T, S>& g, int count, T* out) {
  const T* row[S == 0 ? 1 : S];
  VICINAL_UNROLL
  for (int k = 0; k < S; ++k) row[k] = rows[k];
  for (int x = 0; x < count; x += Pack<T>::width)
    g.sum([&](int k) VICINAL_INLINE_LAMBDA {
       return Pack<T>::load((S == 0 ? rows[k] : row[k]) + x);
     }).store(out + x);
}
template <class T, int S>
VICINAL_INLINE Pack<T> sum_along(const T* row, const AxisWeights<T, S>& g) {
  return g.sum([&](int k) VICINAL_INLINE_LAMBDA { return Pack<T>::load_unaligned(row + k); });
}

template <class T, bool masked, int S>
void weigh_row(const PatchArguments<T>& a) {
  constexpr int W = Pack<T>::width;
  const Pack<T> zero(T(0)), allowance(a.allowance), scale(a.scale);
  const int wide = a.count + a.along_size - 1;
  T* used = a.scratch + (wide + 2 * W) / W * W;
  const AxisWeights<T, S> down(a.down, a.down_size);
  sum_down(a.rows, down, wide, a.scratch);
  if constexpr (masked) sum_down(a.used, down, wide, used);
  const AxisWeights<T, S> along(a.along, a.along_size);
  for (int x = 0; x < a.count; x += W) {
    Pack<T> d = sum_along(a.scratch + x, along);
    if constexpr (masked) {
      const Pack<T> share = sum_along(used + x, along);
      // Patches without a pixel in common are infinitely far.
      d = select<T>(share == zero, Pack<T>(infinite<T>), d / share);
    }
    exp2_scaled(max(zero, d - allowance), scale).store(a.weights + x);
  }
  for (int x = a.count; x % W != 0; ++x) a.weights[x] = 0;
}
template <class T>
void weigh_patches(const PatchArguments<T>& a) {
  if (a.used != nullptr) return weigh_row<T, true, 0>(a);
  const int size = a.down_size == a.along_size ? a.along_size : 0;
  if (size == 3) return weigh_row<T, false, 3>(a);
  if (size == 5) return weigh_row<T, false, 5>(a);
  if (size == 7) return weigh_row<T, false, 7>(a);
  weigh_row<T, false, 0>(a);
}

template <class T>
VICINAL_INLINE void add_to(T* at, Pack<T> x) {
  (Pack<T>::load_unaligned(at) + x).store_unaligned(at);
}
template <class T>
VICINAL_INLINE void add_product(T* at, Pack<T> w, Pack<T> x) {
  fma(w, x, Pack<T>::load_unaligned(at)).store_unaligned(at);
}

// Differences from the own value are summed, so that a flat image stays as it is, whatever its
// level. Within a row the sums of either side overlap: every pack is written before the next.
template <class T, bool masked, bool both, int one>
void add_row(const PixelArguments<T>& a) {
  const Pack<T> zero(T(0));
  const int channels = one ? 1 : a.channels;
  for (int x = 0; x < a.count; x += Pack<T>::width) {
    const Pack<T> w = Pack<T>::load(a.weights + x);
    const Mask<T> weighs = w != zero;  // what has no weight may be anything
    Pack<T> own = w, other = w;
    if constexpr (masked) {
      own = w * Pack<T>::load_unaligned(a.used_other + x);
      if constexpr (both) other = w * Pack<T>::load_unaligned(a.used_own + x);
    }
    add_to(a.mass + x, own);
    if constexpr (both) add_to(a.other_mass + x, other);
    for (int c = 0; c < channels; ++c) {
      const Pack<T> d = select<T>(weighs,
                                  Pack<T>::load_unaligned(a.other + c * a.plane + x) -
                                      Pack<T>::load_unaligned(a.own + c * a.plane + x),
                                  zero);
      add_product(a.sums + c * a.sums_plane + x, own, d);
      if constexpr (both) add_product(a.other_sums + c * a.sums_plane + x, other, -d);
    }
  }
}
template <class T, bool both>
void add_sides(const PixelArguments<T>& a) {
  if (a.used_own != nullptr) return add_row<T, true, both, 0>(a);
  a.channels == 1 ? add_row<T, false, both, 1>(a) : add_row<T, false, both, 0>(a);
}
template <class T>
void add_pixels(const PixelArguments<T>& a) {
  a.other_mass == nullptr ? add_sides<T, false>(a) : add_sides<T, true>(a);
}

}  // namespace
}  // namespace vicinal::kernels
