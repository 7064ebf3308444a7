// Sums over the keys of one list, whose columns stand one after the other: normal equations and
// likelihoods. Lists are padded to whole registers with keys of weight 0.
#pragma once

#include "exponent.hpp"
#include "simd.hpp"
#include "table.hpp"

namespace vicinal::kernels {
namespace {

// out[b] = Σ_j w_j x_j z_bj for B columns z from `first` on; x: nullptr is 1.
template <class T, int B>
VICINAL_INLINE void project_block(const ListColumns<T>& z, int first, const T* w, const T* x,
                                  T* out) {
  constexpr int W = Pack<T>::width;
  Pack<T> sums[B];
  const T* columns[B];
  VICINAL_UNROLL
  for (int b = 0; b < B; ++b) {
    sums[b] = Pack<T>(T(0));
    columns[b] = z.data + (first + b) * z.stride;
  }
  for (std::int64_t j = 0; j < z.count; j += W) {
    Pack<T> share = Pack<T>::load_unaligned(w + j);
    if (x != nullptr) share = share * Pack<T>::load_unaligned(x + j);
    VICINAL_UNROLL
    for (int b = 0; b < B; ++b)
      sums[b] = fma(share, Pack<T>::load_unaligned(columns[b] + j), sums[b]);
  }
  VICINAL_UNROLL
  for (int b = 0; b < B; ++b) out[b] = sum_lanes(sums[b]);
}

template <class T>
void project_from(const ListColumns<T>& z, int first, const T* w, const T* x, T* out) {
  int b = first;
  for (; b + 4 <= z.columns; b += 4) project_block<T, 4>(z, b, w, x, out + b);
  for (; b < z.columns; ++b) project_block<T, 1>(z, b, w, x, out + b);
}

// out[b] = Σ_j w_j z_bj.
template <class T>
void list_projections(const ListColumns<T>& z, const T* weights, T* out) {
  project_from<T>(z, 0, weights, nullptr, out);
}

// out[a · stride + b] = Σ_j w_j z_aj z_bj for b ≥ a.
template <class T>
void list_products(const ListColumns<T>& z, const T* weights, T* out, std::int64_t stride) {
  for (int a = 0; a < z.columns; ++a)
    project_from<T>(z, a, weights, z.data + a * z.stride, out + a * stride);
}

// out[j] = Σ_a c_a z_aj.
template <class T>
void list_combination(const ListColumns<T>& z, const T* coefficients, T* out) {
  constexpr int W = Pack<T>::width;
  for (std::int64_t j = 0; j < z.count; j += W) {
    Pack<T> sum(T(0));
    for (int a = 0; a < z.columns; ++a)
      sum = fma(Pack<T>(coefficients[a]), Pack<T>::load_unaligned(z.data + a * z.stride + j), sum);
    sum.store_unaligned(out + j);
  }
}

// log x for x from 1 to 2, to an absolute 1e-16: ½ log 2 + 2 artanh z, z = (x − √2) / (x + √2).
template <class T>
VICINAL_INLINE Pack<T> log_below_two(Pack<T> x) {
  const Pack<T> root(T(1.4142135623730951)), z = (x - root) / (x + root), square = z * z;
  Pack<T> sum(T(1.0 / 21));
  VICINAL_UNROLL
  for (int odd = 19; odd > 0; odd -= 2) sum = fma(sum, square, Pack<T>(T(1) / T(odd)));
  return fma(z + z, sum, Pack<T>(T(0.34657359027997264)));
}

// Σ w (log(1 + e^η) − y η) over weights above 0; of every key w μ (1 − μ) and w (y − μ).
template <class T>
T list_logits(const LogitArguments<T>& a) {
  constexpr int W = Pack<T>::width;
  const Pack<T> zero(T(0)), one(T(1));
  Pack<T> total = zero;
  for (std::int64_t j = 0; j < a.count; j += W) {
    const Pack<T> eta = Pack<T>::load_unaligned(a.eta + j),
                  y = Pack<T>::load_unaligned(a.values + j),
                  w = Pack<T>::load_unaligned(a.weights + j),
                  e = exp2(abs(eta) * Pack<T>(T(-1.4426950408889634))), share = one / (one + e),
                  mean = select<T>(eta < zero, e, one) * share;
    (w * (e * share * share)).store_unaligned(a.curvature + j);
    (w * (y - mean)).store_unaligned(a.residual + j);
    const Pack<T> cumulant = select<T>(eta < zero, zero, eta) + log_below_two(one + e);
    total = total + select<T>(zero < w, w * (cumulant - y * eta), zero);
  }
  return sum_lanes(total);
}

}  // namespace
}  // namespace vicinal::kernels
