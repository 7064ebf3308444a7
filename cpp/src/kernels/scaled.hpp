// Scores where every key has a scale per feature: Σ ((q − x) · a)², a beside x in the panel of
// keys.
//
// A panel of keys holds depth / 2 features and then as many scales; of a query's panel the second
// half is not read. The arithmetic of a feature is that of the metric with scales of its own.
#pragma once

#include "score.hpp"

namespace vicinal::kernels {
namespace {

template <class T, template <class> class S, int R, int P>
VICINAL_INLINE void scaled_block(const ScoreArguments<T>& a, int row, int k, Ahead& ahead) {
  constexpr int W = Pack<T>::width;
  const int half = a.depth / 2;
  Pack<T> acc[R][P];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>(T(0));
  for (int j = 0; j < half; ++j) {
    const T* keys = a.keys + j * key_stride + k;
    fetch_line(ahead);
    for (int p = 0; p < P; ++p) {
      const Pack<T> x = Pack<T>::load(keys + p * W),
                    scale = Pack<T>::load(keys + half * key_stride + p * W);
      for (int r = 0; r < R; ++r)
        acc[r][p] =
            S<T>::scaled(acc[r][p], Pack<T>(a.queries[j * query_lanes + row + r]), x, scale);
    }
  }
  T* scores = a.scores + row * tile_keys + k;
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) S<T>::close(acc[r][p]).store(scores + r * tile_keys + p * W);
}

template <class T, template <class> class S>
void score_scaled(const ScoreArguments<T>& a, int rows) {
  Ahead ahead = a.ahead.at != nullptr ? a.ahead : Ahead{reinterpret_cast<const char*>(a.keys), 0};
  each_used_block<register_packs>(
      a, rows, a.depth,
      [&](Features, int r, int k, auto packs)
          VICINAL_INLINE_LAMBDA { scaled_block<T, S, register_rows, packs.value>(a, r, k, ahead); },
      [&](Features, int r, int k)
          VICINAL_INLINE_LAMBDA { scaled_block<T, S, 1, register_packs>(a, r, k, ahead); });
}

template <class T, template <class> class S>
void score_scaled_pairs(const PairArguments<T>& a) {
  const int half = a.depth / 2;
  for (int k = 0; k < a.lanes; k += Pack<T>::width) {
    Pack<T> sum(T(0));
    for (int j = 0; j < half; ++j)
      sum = S<T>::scaled(sum, Pack<T>::load(a.queries + j * key_stride + k),
                         Pack<T>::load(a.keys + j * key_stride + k),
                         Pack<T>::load(a.keys + (half + j) * key_stride + k));
    S<T>::close(sum).store(a.scores + k);
  }
}

}  // namespace
}  // namespace vicinal::kernels
