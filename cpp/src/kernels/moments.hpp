// moments: Σ_j w_j y_j^α of a tile of points of one to three features, for every |α| ≤ degree.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace vicinal::kernels {
namespace {

// lanes[c] += Σ_k row[k] · z_k^c for c = 0 … most; the sums stay in registers.
template <int most, class T>
VICINAL_INLINE void add_powers(const T* row, const T* powers, int count, T* lanes) {
  constexpr int W = Pack<T>::width;
  Pack<T> sums[most + 1];
  VICINAL_UNROLL
  for (int c = 0; c <= most; ++c) sums[c] = Pack<T>::load(lanes + c * W);
  for (int k = 0; k < count; k += W) {
    const Pack<T> x = Pack<T>::load(row + k);
    sums[0] = sums[0] + x;
    VICINAL_UNROLL
    for (int c = 1; c <= most; ++c)
      sums[c] = fma(x, Pack<T>::load(powers + c * tile_keys + k), sums[c]);
  }
  VICINAL_UNROLL
  for (int c = 0; c <= most; ++c) sums[c].store(lanes + c * W);
}

template <class T>
void add_powers_to(int most, const T* row, const T* powers, int count, T* lanes) {
  static_assert(most_degree == 13);
  switch (most) {
#define VICINAL_POWERS(c) \
  case c:                 \
    return add_powers<c>(row, powers, count, lanes);
    VICINAL_POWERS(0)
    VICINAL_POWERS(1)
    VICINAL_POWERS(2)
    VICINAL_POWERS(3)
    VICINAL_POWERS(4)
    VICINAL_POWERS(5)
    VICINAL_POWERS(6)
    VICINAL_POWERS(7)
    VICINAL_POWERS(8)
    VICINAL_POWERS(9)
    VICINAL_POWERS(10)
    VICINAL_POWERS(11)
    VICINAL_POWERS(12)
    VICINAL_POWERS(13)
#undef VICINAL_POWERS
    default:
      return;
  }
}

template <class T>
VICINAL_INLINE void multiply_by(T* row, const T* feature, int count) {
  for (int k = 0; k < count; k += Pack<T>::width)
    (Pack<T>::load(row + k) * Pack<T>::load(feature + k)).store(row + k);
}

// The last feature's powers stand ready; the others' are multiplied into the weights one by one.
template <class T>
void moments(const MomentArguments<T>& a) {
  constexpr int W = Pack<T>::width;
  alignas(VICINAL_VECTOR_BYTES) T powers[(most_degree + 1) * tile_keys], outer[tile_keys],
      inner[tile_keys];
  const T* last = a.features + std::int64_t(a.depth - 1) * tile_keys;
  for (int k = 0; k < a.count; k += W) {
    Pack<T> power(T(1));
    const Pack<T> z = Pack<T>::load(last + k);
    for (int c = 1; c <= a.degree; ++c) {
      power = power * z;
      power.store(powers + c * tile_keys + k);
    }
    Pack<T>::load(a.weights + k).store(outer + k);
  }
  T* lanes = a.lanes;
  const auto meet = [&](const T* row, int most) {
    add_powers_to(most, row, powers, a.count, lanes);
    lanes += (most + 1) * W;
  };
  const auto plane = [&](T* row, const T* feature, int most, const auto& each) {
    for (int e = 0; e <= most; ++e) {
      if (e > 0) multiply_by(row, feature, a.count);
      each(row, most - e);
    }
  };
  if (a.depth == 1) return meet(outer, a.degree);
  if (a.depth == 2) return plane(outer, a.features, a.degree, meet);
  plane(outer, a.features, a.degree, [&](const T* row, int most) {
    for (int k = 0; k < a.count; k += W) Pack<T>::load(row + k).store(inner + k);
    plane(inner, a.features + tile_keys, most, meet);
  });
}

}  // namespace
}  // namespace vicinal::kernels
