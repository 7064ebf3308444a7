// pairs: lists of keys that belong to single rows. A lane is a pair (query, key), so the lists of
// many rows share a tile; a row's lanes begin with a pack, so what stands beside them changes no
// bit.
#pragma once

#include "reduce.hpp"

namespace vicinal::kernels {
namespace {

template <class T, template <class> class S>
void score_pairs(const PairArguments<T>& a) {
  for (int k = 0; k < a.lanes; k += Pack<T>::width) {
    Pack<T> sum(T(0));
    for (int j = 0; j < a.depth; ++j)
      sum = S<T>::step(sum, Pack<T>::load(a.queries + j * key_stride + k),
                       Pack<T>::load(a.keys + j * key_stride + k),
                       a.feature_weights + j * S<T>::extra);
    S<T>::close(sum).store(a.scores + k);
  }
}

template <class T>
void score_pairs_directly(const PairArguments<T>& a) {
  for (int k = 0; k < a.source->count; ++k) a.scores[k] = direct_squared(*a.source, k, k);
}

template <class T>
void score_pairs_haversine(const PairArguments<T>& a) {
  for (int k = 0; k < a.lanes; k += Pack<T>::width) {
    const T* at = a.queries + k;
    const Pack<T> q[3] = {Pack<T>::load(at), Pack<T>::load(at + key_stride),
                          Pack<T>::load(at + 2 * key_stride)};
    squared_arc(q, a.keys + k, a.feature_weights).store(a.scores + k);
  }
}

// The slots of a header: Σw, and if full Σ|w| and Σw².
template <class T>
void sum_run(const T* weights, int lanes, bool full, T* sums) {
  const auto each = [&](auto&& term) VICINAL_INLINE_LAMBDA {
    Pack<T> sum(T(0));
    for (int k = 0; k < lanes; k += Pack<T>::width) sum = term(Pack<T>::load(weights + k), sum);
    return sum_lanes(sum);
  };
  sums[0] = each([](Pack<T> w, Pack<T> sum) VICINAL_INLINE_LAMBDA { return sum + w; });
  sums[2] = sums[0];
  sums[3] = T(0);
  if (!full) return;
  sums[2] = each([](Pack<T> w, Pack<T> sum) VICINAL_INLINE_LAMBDA { return sum + abs(w); });
  sums[3] = each([](Pack<T> w, Pack<T> sum) VICINAL_INLINE_LAMBDA { return fma(w, w, sum); });
}

// Columns in whole packs: a weight is broadcast over the row of its key, read where it stands.
template <class T, int P>
VICINAL_INLINE void sum_run_packs(const T* weights, const std::int64_t* rows, int count,
                                  const T* values, std::int64_t stride, T* sums) {
  constexpr int W = Pack<T>::width;
  Pack<T> acc[P];
  for (int p = 0; p < P; ++p) acc[p] = Pack<T>(T(0));
  for (int i = 0; i < count; ++i) {
    const Pack<T> w(weights[i]);
    const T* y = values + rows[i] * stride;
    for (int p = 0; p < P; ++p) acc[p] = fma(w, Pack<T>::load_unaligned(y + p * W), acc[p]);
  }
  VICINAL_UNROLL
  for (int p = 0; p < P; ++p) acc[p].store_unaligned(sums + p * W);
}

// One column, lane by lane.
template <class T>
VICINAL_INLINE T sum_run_column(const T* weights, const std::int64_t* rows, int count,
                                const T* values, std::int64_t stride) {
  constexpr int W = Pack<T>::width;
  Pack<T> sum(T(0));
  for (int k = 0; k < count; k += W) {
    alignas(VICINAL_VECTOR_BYTES) T y[W] = {};
    const int lanes = count - k < W ? count - k : W;
    for (int i = 0; i < lanes; ++i) y[i] = values[rows[k + i] * stride];
    sum = fma(Pack<T>::load(weights + k), Pack<T>::load(y), sum);
  }
  return sum_lanes(sum);
}

template <class T>
void sum_run_values(const T* weights, const std::int64_t* rows, int count, const T* values,
                    std::int64_t stride, int columns, T* sums) {
  constexpr int W = Pack<T>::width, P = register_packs;
  int c = 0;
  for (; c + P * W <= columns; c += P * W)
    sum_run_packs<T, P>(weights, rows, count, values + c, stride, sums + c);
  for (; c + W <= columns; c += W)
    sum_run_packs<T, 1>(weights, rows, count, values + c, stride, sums + c);
  for (; c < columns; ++c) sums[c] = sum_run_column<T>(weights, rows, count, values + c, stride);
}

}  // namespace
}  // namespace vicinal::kernels
