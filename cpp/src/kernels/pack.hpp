// pack: rows as the caller stores them → the panels that score and reduce read.
//
// A key tile is feature-major, tile[j * 256 + k], every lane filled: absent keys repeat a good one
// and carry log-weight −inf.
#pragma once

#include "center.hpp"
#include "expanded.hpp"
#include "reduce.hpp"
#include "weigh.hpp"

namespace vicinal::kernels {
namespace {

template <class T, int Width>
VICINAL_INLINE void interleave(Pack<T> a, Pack<T> b, Pack<T>& low, Pack<T>& high) {
  using V = typename Pack<T>::Vector;
  if constexpr (Width == 16) {
    low = V(
        __builtin_shufflevector(a.v, b.v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    high = V(__builtin_shufflevector(a.v, b.v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                     15, 31));
  } else if constexpr (Width == 8) {
    low = V(__builtin_shufflevector(a.v, b.v, 0, 8, 1, 9, 2, 10, 3, 11));
    high = V(__builtin_shufflevector(a.v, b.v, 4, 12, 5, 13, 6, 14, 7, 15));
  } else if constexpr (Width == 4) {
    low = V(__builtin_shufflevector(a.v, b.v, 0, 4, 1, 5));
    high = V(__builtin_shufflevector(a.v, b.v, 2, 6, 3, 7));
  } else {
    low = V(__builtin_shufflevector(a.v, b.v, 0, 2));
    high = V(__builtin_shufflevector(a.v, b.v, 1, 3));
  }
}

// W × W transpose: log2 W rounds of perfect shuffles.
template <class T>
VICINAL_INLINE void transpose(Pack<T> (&rows)[Pack<T>::width]) {
  constexpr int W = Pack<T>::width;
  for (int round = 1; round < W; round *= 2) {
    Pack<T> next[W];
    for (int i = 0; i < W / 2; ++i)
      interleave<T, W>(rows[i], rows[i + W / 2], next[2 * i], next[2 * i + 1]);
    for (int i = 0; i < W; ++i) rows[i] = next[i];
  }
}

// `count` rows of `depth` elements → out[j * out_stride + k], k < lanes; rows past `count` repeat
// the last one. Returns whether all elements are finite: 0 · x is NaN for those that are not.
template <class T>
bool transpose_rows(const T* rows, std::int64_t stride, int count, int depth, T* out, int lanes,
                    int out_stride) {
  constexpr int W = Pack<T>::width;
  T rest = 0;
  Pack<T> sums[2] = {zero<T>(), zero<T>()};
  for (int k = 0; k < lanes; k += W) {
    const T* at[W];
    for (int i = 0; i < W; ++i) at[i] = rows + (k + i < count ? k + i : count - 1) * stride;
    if (depth < W) {
      for (int j = 0; j < depth; ++j)
        for (int i = 0; i < W; ++i) {
          out[j * out_stride + k + i] = at[i][j];
          rest += at[i][j] * T(0);
        }
      continue;
    }
    for (int j = 0; j < depth; j += W) {
      const int first = j + W <= depth ? j : depth - W;  // the last block overlaps the one before
      Pack<T> block[W];
      for (int i = 0; i < W; ++i) block[i] = Pack<T>::load_unaligned(at[i] + first);
      for (int i = 0; i < W; ++i) sums[i % 2] = fma(block[i], zero<T>(), sums[i % 2]);
      transpose<T>(block);
      for (int i = 0; i < W; ++i) block[i].store(out + (first + i) * out_stride + k);
    }
  }
  return rest + sum_lanes(sums[0] + sums[1]) == 0;
}

// Mean of the tile per feature, coarse; false if a sum is not finite.
template <class T>
bool tile_center(const T* tile, int depth, T* center) {
  bool finite = true;
  for (int j = 0; j < depth; ++j) {
    const T* column = tile + j * key_stride;
    Pack<T> sum[2] = {zero<T>(), zero<T>()}, low = Pack<T>::load(column), high = low;
    for (int k = 0; k < tile_keys; k += 2 * Pack<T>::width)
      for (int i = 0; i < 2; ++i) {
        const Pack<T> x = Pack<T>::load(column + k + i * Pack<T>::width);
        sum[i] = sum[i] + x;
        low = min(x, low);
        high = max(x, high);
      }
    const T mean = sum_lanes(sum[0] + sum[1]) * T(1.0 / tile_keys);
    finite &= mean - mean == 0;
    center[j] = coarse(mean, max_lanes(high) + max_lanes(-low));
  }
  return finite;
}

template <class T>
void center_tile(T* tile, int depth, const T* center, const T* scales) {
  for (int j = 0; j < depth; ++j) {
    const Pack<T> c(center[j]), a(scales[j]);
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {
      T* at = tile + j * key_stride + k;
      ((Pack<T>::load(at) - c) * a).store(at);
    }
  }
}

// ‖x‖² by the same blocks as the dot product, so that q = x gives exactly 0.
template <class T>
VICINAL_INLINE Pack<T> squared_norm(const T* column, int depth, int stride) {
  Pack<T> total = zero<T>();
  for (int j = 0; j < depth; j += feature_block) {
    Pack<T> sum = zero<T>();
    for (int i = j; i < depth && i < j + feature_block; ++i) {
      const Pack<T> x = Pack<T>::load(column + i * stride);
      sum = fma(x, x, sum);
    }
    total = j == 0 ? sum : total + sum;
  }
  return total;
}

template <class T>
void tile_norms(const T* tile, int depth, T* norms) {
  for (int k = 0; k < tile_keys; k += Pack<T>::width)
    squared_norm(tile + k, depth, key_stride).store(norms + k);
}

// The same for a panel of queries, centered and scaled on the way: all packs of a feature at once.
template <class T>
void center_queries(const T* panel, int depth, const T* center, const T* scales, T* out, T* norms) {
  constexpr int W = Pack<T>::width, P = query_lanes / W < 4 ? query_lanes / W : 4;
  for (int r = 0; r < query_lanes; r += P * W) {
    Pack<T> total[P], sum[P];
    for (int p = 0; p < P; ++p) total[p] = sum[p] = zero<T>();
    for (int j = 0; j < depth; ++j) {
      if (j % feature_block == 0)
        for (int p = 0; p < P; ++p) {
          total[p] = j <= feature_block ? sum[p] : total[p] + sum[p];
          sum[p] = zero<T>();
        }
      const Pack<T> c(center[j]), a(scales[j]);
      for (int p = 0; p < P; ++p) {
        const int at = j * query_lanes + r + p * W;
        const Pack<T> q = (Pack<T>::load(panel + at) - c) * a;
        q.store(out + at);
        sum[p] = fma(q, q, sum[p]);
      }
    }
    for (int p = 0; p < P; ++p)
      (depth <= feature_block ? sum[p] : total[p] + sum[p]).store(norms + r + p * W);
  }
}

// C packs of columns of `count` rows: copied, and their peaks kept in registers.
template <class T, int C, bool copies>
VICINAL_INLINE void copy_columns(const T* rows, std::int64_t stride, int count, int padded, T* out,
                                 T* peaks) {
  constexpr int W = Pack<T>::width;
  decltype(zero<T>().bits()) top[C];
  for (int c = 0; c < C; ++c) top[c] = zero<T>().bits();
  for (int k = 0; k < count; ++k, rows += stride) {
    for (int c = 0; c < C; ++c) {
      const Pack<T> y = Pack<T>::load_unaligned(rows + c * W);
      const auto size = abs(y).bits();
      top[c] = size > top[c] ? size : top[c];
      if (copies) y.store(out + k * padded + c * W);
    }
  }
  for (int c = 0; c < C; ++c) Pack<T>::from_bits(top[c]).store(peaks + c * W);
}

template <class T, bool copies>
VICINAL_INLINE void copy_rows(const T* rows, std::int64_t stride, int count, int columns,
                              int padded, T* out, T* peaks) {
  constexpr int W = Pack<T>::width, C = register_packs;
  int c = 0;
  for (; c + C * W <= columns; c += C * W)
    copy_columns<T, C, copies>(rows + c, stride, count, padded, out + c, peaks + c);
  for (; c + W <= columns; c += W)
    copy_columns<T, 1, copies>(rows + c, stride, count, padded, out + c, peaks + c);
  if (c == columns) return;
  for (int k = 0; k < count; ++k)
    for (int i = c; i < padded; ++i)
      out[k * padded + i] = i < columns ? rows[k * stride + i] : T(0);
  copy_columns<T, 1, false>(out + c, padded, count, padded, out, peaks + c);
}

// Rows of values padded with zeros; peaks[c] becomes the largest |y| of a column. It is taken on
// the bits, whose order is that of the sizes and puts infinity and NaN on top, so that one number
// also tells whether all are finite. out = nullptr: only the peaks, of columns that need no
// padding.
template <class T>
void copy_values(const T* rows, std::int64_t stride, int count, int columns, int padded, T* out,
                 T* peaks) {
  if (out == nullptr)
    copy_rows<T, false>(rows, stride, count, columns, padded, peaks, peaks);
  else
    copy_rows<T, true>(rows, stride, count, columns, padded, out, peaks);
}

// The same for one feature-major column of a tile.
template <class T>
T column_peak(const T* column) {
  auto top = zero<T>().bits();
  for (int k = 0; k < tile_keys; k += Pack<T>::width) {
    const auto size = abs(Pack<T>::load(column + k)).bits();
    top = size > top ? size : top;
  }
  alignas(VICINAL_VECTOR_BYTES) T lane[Pack<T>::width];
  Pack<T>::from_bits(top).store(lane);
  T peak = lane[0];
  for (const T x : lane) peak = x > peak || x != x ? x : peak;
  return peak;
}

}  // namespace
}  // namespace vicinal::kernels
