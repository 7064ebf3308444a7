// reduce: weights · value columns, two layouts.
//
// Few columns stand feature-major and are summed lane by lane (a column costs one fma per pack of
// keys, and no padding); many columns stand key-major and a weight is broadcast over a row of them.
// Both sum a tile, or a part of one, from zero before they touch the chunk's sums: one long float
// chain would lose two digits.
#pragma once

#include "score.hpp"

namespace vicinal::kernels {
namespace {

// Keys whose terms one chain of a lane adds up, at most 32 of them.
template <class T>
inline constexpr int chain_keys = tile_keys < 32 * Pack<T>::width ? tile_keys : 32 * Pack<T>::width;

// Feature-major. lanes[(r * columns + c) * W]: one pack per row and column, summed over the tiles
// of a chunk.
template <class T, int R, int C>
VICINAL_INLINE void reduce_lane_block(const T* weights, const T* values, T* lanes, int columns) {
  constexpr int W = Pack<T>::width;
  Pack<T> total[R][C];
  for (int first = 0; first < tile_keys; first += chain_keys<T>) {
    Pack<T> acc[R][C];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) acc[r][c] = Pack<T>(T(0));
    for (int k = first; k < first + chain_keys<T>; k += W) {
      Pack<T> y[C];
      for (int c = 0; c < C; ++c) y[c] = Pack<T>::load(values + c * tile_keys + k);
      for (int r = 0; r < R; ++r) {
        const Pack<T> w = Pack<T>::load(weights + r * tile_keys + k);
        for (int c = 0; c < C; ++c) acc[r][c] = fma(w, y[c], acc[r][c]);
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) total[r][c] = first == 0 ? acc[r][c] : total[r][c] + acc[r][c];
  }
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) {
      T* sum = lanes + (r * columns + c) * W;
      (Pack<T>::load(sum) + total[r][c]).store(sum);
    }
}

template <class T, int R>
VICINAL_INLINE void reduce_lane_rows(const T* weights, const ValueTile<T>& v, T* lanes) {
  constexpr int W = Pack<T>::width, C = register_packs;
  int c = 0;
  for (; c + C <= v.columns; c += C)
    reduce_lane_block<T, R, C>(weights, v.data + c * tile_keys, lanes + c * W, v.columns);
  if (c + 2 <= v.columns) {
    reduce_lane_block<T, R, 2>(weights, v.data + c * tile_keys, lanes + c * W, v.columns);
    c += 2;
  }
  if (c < v.columns)
    reduce_lane_block<T, R, 1>(weights, v.data + c * tile_keys, lanes + c * W, v.columns);
}

template <class T>
void reduce_lanes(const T* weights, ValueTile<T> v, T* lanes, int rows) {
  const std::int64_t row_lanes = std::int64_t(v.columns) * Pack<T>::width;
  int r = 0;
  for (; r + register_rows <= rows; r += register_rows)
    reduce_lane_rows<T, register_rows>(weights + r * tile_keys, v, lanes + r * row_lanes);
  for (; r < rows; ++r) reduce_lane_rows<T, 1>(weights + r * tile_keys, v, lanes + r * row_lanes);
}

// Σw and, if asked, Σ|w| and Σw², in the header's own lanes: slots 0, 2, 3 of header_columns. Σw
// adds up as a feature-major column of ones would: the mean of such a column is exactly 1.
template <class T, int R>
VICINAL_INLINE void reduce_header_rows(const T* weights, T* lanes, bool full, Panels panels) {
  constexpr int W = Pack<T>::width;
  const auto each = [&](int slot, auto&& term) VICINAL_INLINE_LAMBDA {
    Pack<T> total[R];
    for (int first = 0; first < tile_keys; first += chain_keys<T>) {
      Pack<T> sum[R];
      for (int r = 0; r < R; ++r) sum[r] = Pack<T>(T(0));
      for (int panel = first; panel < first + chain_keys<T>; panel += panel_keys) {
        if (!has_lane(panels, panel)) continue;
        for (int k = panel; k < panel + panel_keys; k += W)
          for (int r = 0; r < R; ++r)
            sum[r] = term(Pack<T>::load(weights + r * tile_keys + k), sum[r]);
      }
      for (int r = 0; r < R; ++r) total[r] = first == 0 ? sum[r] : total[r] + sum[r];
    }
    VICINAL_UNROLL
    for (int r = 0; r < R; ++r) {
      T* at = lanes + (r * header_columns + slot) * W;
      (Pack<T>::load(at) + total[r]).store(at);
    }
  };
  each(0, [](Pack<T> w, Pack<T> sum) VICINAL_INLINE_LAMBDA { return sum + w; });
  if (!full) return;
  each(2, [](Pack<T> w, Pack<T> sum) VICINAL_INLINE_LAMBDA { return sum + abs(w); });
  each(3, [](Pack<T> w, Pack<T> sum) VICINAL_INLINE_LAMBDA { return fma(w, w, sum); });
}

template <class T>
void reduce_header(const T* weights, T* lanes, bool full, int rows, Panels panels) {
  constexpr int row_lanes = header_columns * Pack<T>::width;
  int r = 0;
  for (; r + register_rows <= rows; r += register_rows)
    reduce_header_rows<T, register_rows>(weights + r * tile_keys, lanes + r * row_lanes, full,
                                         panels);
  for (; r < rows; ++r)
    reduce_header_rows<T, 1>(weights + r * tile_keys, lanes + r * row_lanes, full, panels);
}

// One column and Σw at once: the case of a density or a regression, whose weights are read once.
template <class T, int R>
VICINAL_INLINE void reduce_single_rows(const T* weights, const T* values, T* header, T* lanes) {
  constexpr int W = Pack<T>::width;
  Pack<T> total_mass[R], total[R];
  for (int first = 0; first < tile_keys; first += chain_keys<T>) {
    Pack<T> mass[R], sum[R];
    for (int r = 0; r < R; ++r) mass[r] = sum[r] = Pack<T>(T(0));
    for (int k = first; k < first + chain_keys<T>; k += W) {
      const Pack<T> y = Pack<T>::load(values + k);
      for (int r = 0; r < R; ++r) {
        const Pack<T> w = Pack<T>::load(weights + r * tile_keys + k);
        mass[r] = mass[r] + w;
        sum[r] = fma(w, y, sum[r]);
      }
    }
    for (int r = 0; r < R; ++r) {
      total_mass[r] = first == 0 ? mass[r] : total_mass[r] + mass[r];
      total[r] = first == 0 ? sum[r] : total[r] + sum[r];
    }
  }
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r) {
    T* at = header + r * header_columns * W;
    (Pack<T>::load(at) + total_mass[r]).store(at);
    (Pack<T>::load(lanes + r * W) + total[r]).store(lanes + r * W);
  }
}

template <class T>
void reduce_single(const T* weights, const T* values, T* header, T* lanes, int rows) {
  constexpr int W = Pack<T>::width;
  int r = 0;
  for (; r + register_rows <= rows; r += register_rows)
    reduce_single_rows<T, register_rows>(weights + r * tile_keys, values,
                                         header + r * header_columns * W, lanes + r * W);
  for (; r < rows; ++r)
    reduce_single_rows<T, 1>(weights + r * tile_keys, values, header + r * header_columns * W,
                             lanes + r * W);
}

template <class T>
void close_lanes(const T* lanes, int columns, T* sums) {
  for (int c = 0; c < columns; ++c) sums[c] = sum_lanes(Pack<T>::load(lanes + c * Pack<T>::width));
}

// Key-major. Sums of one part start from zero, which bounds the float chain at 64 terms; a part of
// the values stays in L1 while all rows pass.
inline constexpr int reduce_part = panel_keys;

template <class T>
struct RowSums {
  const T* weights;
  const ValueTile<T>& values;
  T* sums;  // sums[r * stride + c]
  std::int64_t stride;
  int rows;
};

template <class T, int R, int P>
VICINAL_INLINE void reduce_row_block(const T* weights, const T* values, int keys,
                                     std::int64_t value_stride, T* sums, std::int64_t stride,
                                     Ahead& ahead) {
  constexpr int W = Pack<T>::width;
  Pack<T> acc[R][P];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>(T(0));
  for (int i = 0; i < keys; ++i, values += value_stride) {
    Pack<T> y[P];
    for (int p = 0; p < P; ++p) y[p] = Pack<T>::load_unaligned(values + p * W);
    fetch_line(ahead);
    for (int r = 0; r < R; ++r) {
      const Pack<T> w(weights[r * tile_keys + i]);
      for (int p = 0; p < P; ++p) acc[r][p] = fma(w, y[p], acc[r][p]);
    }
  }
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) {
      T* sum = sums + r * stride + p * W;
      (Pack<T>::load(sum) + acc[r][p]).store(sum);
    }
}

// A look at the weights pays from four strips on, sending ahead from eight: before, the
// second-level cache brings the columns in time.
template <class T>
VICINAL_INLINE bool has_strips(const ValueTile<T>& v, int count) {
  return v.padded >= count * register_packs * Pack<T>::width;
}

// A pack of the strip that follows, with every block of rows.
template <class T>
VICINAL_INLINE void send_for_values(const ValueTile<T>& v, int r, int k, int c) {
  constexpr int P = register_packs, W = Pack<T>::width;
  const T* strip = c + P * W < v.padded ? v.data + k * v.stride + c + P * W
                                        : v.data + (k + reduce_part) % tile_keys * v.stride;
  send_for(strip + r / register_rows % P * W, v.stride, reduce_part);
}

// Columns [c, c + P packs) of the part that begins with key k, in blocks of R rows from row r on,
// as far as they go; returns the row where they end. Weights of 0 before the first and after the
// last key that a block uses are left out, and so are blocks of rows that weigh nothing here: the
// term of a zero changes no bit.
template <class T, int R, int P>
VICINAL_INLINE int reduce_row_blocks(const RowSums<T>& s, int r, int k, int c,
                                     std::uint32_t weighing, Ahead& ahead) {
  const ValueTile<T>& v = s.values;
  for (; r + R <= s.rows; r += R) {
    if ((weighing >> r & ((1U << R) - 1)) == 0) continue;
    const LaneRange used = used_lanes<reduce_part>(v.dropped, r, R, k);
    const int first = k + used.first;
    if (R == register_rows && has_strips(v, 8)) send_for_values(v, r, k, c);
    if (used.first < used.end)
      reduce_row_block<T, R, P>(s.weights + r * tile_keys + first, v.data + first * v.stride + c,
                                used.end - used.first, v.stride, s.sums + r * s.stride + c,
                                s.stride, ahead);
  }
  return r;
}

// The values of a strip of columns stay in L1 while all rows pass. One pack of columns leaves most
// registers free: 12 rows hide the latency of the sums.
template <class T, int P>
VICINAL_INLINE void reduce_strip(const RowSums<T>& s, int k, int c, std::uint32_t weighing,
                                 Ahead& ahead) {
  int r = 0;
  if (P == 1) r = reduce_row_blocks<T, 2 * register_rows, 1>(s, r, k, c, weighing, ahead);
  r = reduce_row_blocks<T, register_rows, P>(s, r, k, c, weighing, ahead);
  r = reduce_row_blocks<T, 4, P>(s, r, k, c, weighing, ahead);
  r = reduce_row_blocks<T, 2, P>(s, r, k, c, weighing, ahead);
  reduce_row_blocks<T, 1, P>(s, r, k, c, weighing, ahead);
}

// Bit r: some weight of row r in this part is not 0.
template <class T>
std::uint32_t rows_that_weigh(const T* weights, int rows) {
  constexpr int W = Pack<T>::width;
  std::uint32_t found = 0;
  for (int r = 0; r < rows; ++r, weights += tile_keys) {
    unsigned zeros = ~0U;  // a NaN is none
    for (int k = 0; k < reduce_part; k += W)
      zeros &= less_equal_bits(abs(Pack<T>::load(weights + k)), Pack<T>(T(0)));
    found |= std::uint32_t{zeros != (1U << W) - 1} << r;
  }
  return found;
}

template <class T>
void reduce_rows(const T* weights, ValueTile<T> v, T* sums, std::int64_t stride, int rows) {
  constexpr int W = Pack<T>::width, P = register_packs;
  Ahead ahead = v.ahead.at != nullptr ? v.ahead : Ahead{reinterpret_cast<const char*>(v.data), 0};
  const RowSums<T> s{weights, v, sums, stride, rows};
  for (int k = 0; k < tile_keys; k += reduce_part) {
    if (!has_lane(v.panels, k)) continue;
    const std::uint32_t weighing =
        has_strips(v, 4) ? rows_that_weigh(weights + k, rows) : ~std::uint32_t{0};
    if (weighing == 0) continue;
    int c = 0;
    for (; c + P * W <= v.padded; c += P * W) reduce_strip<T, P>(s, k, c, weighing, ahead);
    for (; P > 2 && c + 2 * W <= v.padded; c += 2 * W) reduce_strip<T, 2>(s, k, c, weighing, ahead);
    for (; c < v.padded; c += W) reduce_strip<T, 1>(s, k, c, weighing, ahead);
  }
}

}  // namespace
}  // namespace vicinal::kernels
