// patches: weights of pixels by the difference of the patches around them (Buades, Coll & Morel
// 2005), the rows of an image against the same rows displaced.
//
//   d²(p, q) = Σ_k g(k) (I[p + k] − I[q + k])²,   w = exp(−max(d² − 2σ², 0) / h²) · factor(p − q)
//
// The patch's weights g are a product over the axes, so d² takes one pass per axis over the squares
// of one displacement: down the columns, whose last squares stay in registers, then along the rows.
// A box is summed by halves, Σ of 7 = (1 + 1 + (1 + 1)) + ((1 + 1) + 1), of which the sums of two
// and of four are those of the rows before: 4 additions in place of 7. Nothing is ever subtracted
// from a sum, and all patches are summed in one order, so that a pair of pixels has the same bits
// from either side.
#pragma once

#include "math.hpp"
#include "patch_arguments.hpp"

namespace vicinal::kernels {
namespace {

// The sum of the last S of a column, 3, 5 or 7.
template <class T, int S>
struct BoxColumn {
  static constexpr int back = S == 7 ? 3 : 1;  // how far behind the sum of four stands
  Pack<T> one, two[2], four[back];

  VICINAL_INLINE BoxColumn() : one(T(0)), two{T(0), T(0)} {
    VICINAL_UNROLL
    for (int k = 0; k < back; ++k) four[k] = Pack<T>(T(0));
  }
  VICINAL_INLINE Pack<T> next(Pack<T> x) {
    const Pack<T> pair = one + x, quad = two[1] + pair;
    const Pack<T> sum = S == 3 ? two[0] + x : S == 5 ? four[0] + x : four[back - 1] + (two[0] + x);
    one = x, two[1] = two[0], two[0] = pair;
    VICINAL_UNROLL
    for (int k = back - 1; k > 0; --k) four[k] = four[k - 1];
    four[0] = quad;
    return sum;
  }
};

template <class T>
struct BoxColumn<T, 1> {
  VICINAL_INLINE Pack<T> next(Pack<T> x) { return x; }
};

// Σ_k g[k] x[k] of the last of a column. `ring` holds each twice, so that they stand in a row.
template <class T>
struct WeightedColumn {
  const PatchAxis<T>& g;
  T* ring;
  int slot = 0;

  VICINAL_INLINE WeightedColumn(const PatchAxis<T>& axis, T* memory) : g(axis), ring(memory) {
    for (int k = 0; k < 2 * g.size; ++k) Pack<T>(T(0)).store(ring + k * Pack<T>::width);
  }
  VICINAL_INLINE Pack<T> next(Pack<T> x) {
    constexpr int W = Pack<T>::width;
    x.store(ring + slot * W);
    x.store(ring + (slot + g.size) * W);
    slot = slot + 1 == g.size ? 0 : slot + 1;
    const T* first = ring + slot * W;
    Pack<T> sum = Pack<T>(g.weights[0]) * Pack<T>::load(first);
    for (int k = 1; k < g.size; ++k)
      sum = fma(Pack<T>(g.weights[k]), Pack<T>::load(first + k * W), sum);
    return sum;
  }
};

template <class T>
struct Squares {
  Pack<T> sum, used;
};
// Σ (a − b)² of pixel `at`, of the displacement k: for a box as it is, else weighted.
template <class T, bool weighted, bool masked, int pairs>
VICINAL_INLINE Squares<T> squares(const SquaresArguments<T>& s, std::int64_t at, int k) {
  Squares<T> of{Pack<T>(T(0)), Pack<T>(T(0))};
  for (int i = 0; i < (pairs > 0 ? pairs : s.pairs_count); ++i) {
    const RowPair<T>& pair = s.pairs[i];
    const Pack<T> d =
        Pack<T>::load_unaligned(pair.a + at) - Pack<T>::load_unaligned(pair.b + at + k);
    if constexpr (weighted) {
      Pack<T> g(pair.weight);
      if constexpr (masked) {
        g = g * (Pack<T>::load_unaligned(pair.used_a + at) *
                 Pack<T>::load_unaligned(pair.used_b + at + k));
        of.used = of.used + g;
      }
      of.sum = fma(g * d, d, of.sum);
    } else {
      of.sum = fma(d, d, of.sum);
    }
  }
  return of;
}

template <class T, bool weighted, bool masked, int pairs = 0>
VICINAL_INLINE void sum_column(const SquaresArguments<T>& s, int x, int k, auto column, auto used) {
  std::int64_t at = x, to = k * s.plane + x;
  for (int y = 1; y < s.down.size; ++y, at += s.stride) {
    const auto of = squares<T, weighted, masked, pairs>(s, at, k);
    column.next(of.sum);
    if constexpr (masked) used.next(of.used);
  }
  for (std::int64_t y = 0; y < s.rows; ++y, at += s.stride, to += s.out_stride) {
    const auto of = squares<T, weighted, masked, pairs>(s, at, k);
    column.next(of.sum).store(s.out + to);
    if constexpr (masked) used.next(of.used).store(s.used + to);
  }
}
template <class T>
VICINAL_INLINE void each_column(const SquaresArguments<T>& s, auto&& take) {
  for (int x = 0; x < s.count; x += Pack<T>::width)
    for (int k = 0; k < s.displacements; ++k) take(x, k);
}
template <class T, int S>
void sum_boxes(const SquaresArguments<T>& s) {
  each_column(s, [&](int x, int k) VICINAL_INLINE_LAMBDA {
    if (s.pairs_count == 1)
      sum_column<T, false, false, 1>(s, x, k, BoxColumn<T, S>(), 0);
    else
      sum_column<T, false, false>(s, x, k, BoxColumn<T, S>(), 0);
  });
}
template <class T, bool masked>
void sum_weighted(const SquaresArguments<T>& s) {
  T* second = s.ring + 2 * s.down.size * Pack<T>::width;
  each_column(s, [&](int x, int k) VICINAL_INLINE_LAMBDA {
    sum_column<T, true, masked>(s, x, k, WeightedColumn<T>(s.down, s.ring),
                                WeightedColumn<T>(s.down, second));
  });
}
template <class T>
void sum_squares(const SquaresArguments<T>& s) {
  if (s.used != nullptr) return sum_weighted<T, true>(s);
  if (!s.down.box) return sum_weighted<T, false>(s);
  if (s.down.size == 1) return sum_boxes<T, 1>(s);
  if (s.down.size == 3) return sum_boxes<T, 3>(s);
  if (s.down.size == 5) return sum_boxes<T, 5>(s);
  sum_boxes<T, 7>(s);
}

// The weights of a patch along the rows. Of S of them, which common patches have, registers hold
// all; S = 0: any number.
template <class T, int S, bool box>
struct AlongRow {
  Pack<T> g[S == 0 ? 1 : S];
  const T* weights;
  int size;

  VICINAL_INLINE explicit AlongRow(const PatchAxis<T>& axis)
      : weights(axis.weights), size(axis.size) {
    if constexpr (!box) {
      VICINAL_UNROLL
      for (int k = 0; k < S; ++k) g[k] = Pack<T>(weights[k]);
    }
  }
  // Σ_k g[k] row[k]
  VICINAL_INLINE Pack<T> sum(const T* row) const {
    const auto at = [&](int k) VICINAL_INLINE_LAMBDA { return Pack<T>::load_unaligned(row + k); };
    if constexpr (S == 1 && box) {
      return at(0);
    } else if constexpr (box) {
      const Pack<T> two = at(0) + at(1);
      if constexpr (S == 3) return two + at(2);
      const Pack<T> four = two + (at(2) + at(3));
      if constexpr (S == 5) return four + at(4);
      return four + ((at(4) + at(5)) + at(6));
    } else if constexpr (S == 0) {
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

template <class T, int S, bool box = false, bool masked = false>
void weigh_row(const PatchArguments<T>& a) {
  const Pack<T> zero(T(0)), allowance(a.allowance), scale(a.scale), factor(a.factor);
  const AlongRow<T, S, box> along(a.along);
  for (int x = 0; x < a.count; x += Pack<T>::width) {
    const Pack<T> d = along.sum(a.sums + x);
    const auto weight = [&](Pack<T> mean) VICINAL_INLINE_LAMBDA {
      return exp2_scaled(max(zero, mean - allowance), scale) * factor;
    };
    if constexpr (masked) {
      const Pack<T> share = along.sum(a.used + x);
      // Patches without a pixel in common tell nothing, whatever h.
      select<T>(share == zero, zero, weight(d / share)).store(a.weights + x);
    } else {
      weight(d).store(a.weights + x);
    }
  }
}
template <class T>
void weigh_patches(const PatchArguments<T>& a) {
  const int size = a.along.size;
  if (a.used != nullptr) return weigh_row<T, 0, false, true>(a);
  if (size == 1 && a.along.box) return weigh_row<T, 1, true>(a);
  if (size == 3) return a.along.box ? weigh_row<T, 3, true>(a) : weigh_row<T, 3>(a);
  if (size == 5) return a.along.box ? weigh_row<T, 5, true>(a) : weigh_row<T, 5>(a);
  if (size == 7) return a.along.box ? weigh_row<T, 7, true>(a) : weigh_row<T, 7>(a);
  weigh_row<T, 0>(a);
}

// Differences from the own value are summed, so that a flat image stays as it is, whatever its
// level. What has no weight may be anything. Two packs at a time, whose sums do not wait for each
// other.
template <class T, bool masked, bool with_mass>
VICINAL_INLINE void add_channel(const PixelArguments<T>& a, int channel, int x) {
  constexpr int W = Pack<T>::width;
  const Pack<T> zero(T(0));
  const T* own = a.own + channel * a.plane + x;
  T* const mass = a.mass + x;
  T* const sums = a.sums + channel * a.sums_plane + x;
  Pack<T> m[2], sum[2], value[2];
  VICINAL_UNROLL
  for (int i = 0; i < 2; ++i) {
    m[i] = Pack<T>::load(mass + i * W);
    sum[i] = Pack<T>::load(sums + i * W);
    value[i] = Pack<T>::load_unaligned(own + i * W);
  }
  const T* weights = a.weights + x;
  const T* partners = a.partners + channel * a.plane + x;
  const T* used = masked ? a.used + x : nullptr;
  for (int k = 0; k < a.displacements; ++k) {
    VICINAL_UNROLL
    for (int i = 0; i < 2; ++i) {
      Pack<T> w = Pack<T>::load_unaligned(weights + i * W);
      const Pack<T> partner = Pack<T>::load_unaligned(partners + i * W);
      const Pack<T> d = select<T>(w != zero, partner - value[i], zero);
      if constexpr (masked) w = w * Pack<T>::load_unaligned(used + i * W);
      if constexpr (with_mass) m[i] = m[i] + w;
      sum[i] = fma(w, d, sum[i]);
    }
    weights += a.weights_step;
    partners += a.partners_step;
    if constexpr (masked) used += a.partners_step;
  }
  VICINAL_UNROLL
  for (int i = 0; i < 2; ++i) {
    if constexpr (with_mass) m[i].store(mass + i * W);
    sum[i].store(sums + i * W);
  }
}
template <class T, bool masked>
VICINAL_INLINE void add_row(const PixelArguments<T>& a) {
  for (int x = 0; x < a.count; x += 2 * Pack<T>::width) {
    add_channel<T, masked, true>(a, 0, x);
    for (int c = 1; c < a.channels; ++c) add_channel<T, masked, false>(a, c, x);
  }
}
template <class T>
void add_pixels(const PixelArguments<T>& a) {
  a.used != nullptr ? add_row<T, true>(a) : add_row<T, false>(a);
}

}  // namespace
}  // namespace vicinal::kernels
