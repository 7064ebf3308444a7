// score: a tile of similarities from feature-major panels, held in registers as R rows × P packs.
#pragma once

#include "similarities.hpp"

namespace vicinal::kernels {
namespace {

// 6 rows × 4 packs + 4 packs of keys + 1 query fill 29 of 32 registers; 6 × 2 + 2 + 1 fill 15
// of 16.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int register_packs = 4;
#else
inline constexpr int register_packs = 2;
#endif
inline constexpr int register_rows = 6;

// From the first to the last of `count` lanes from k on that one of the rows may use; they stand in
// one panel.
struct LaneRange {
  int first, end;
};
template <int count>
VICINAL_INLINE LaneRange used_lanes(const std::uint64_t* dropped, int row, int rows, int k) {
  if (dropped == nullptr) return {0, count};
  std::uint64_t unused = ~std::uint64_t{0};
  for (int r = row; r < row + rows; ++r)
    unused &= dropped[r * (tile_keys / panel_keys) + k / panel_keys];
  const std::uint64_t used = ~unused >> k % panel_keys << (64 - count);
  if (used == 0) return {0, 0};
  return {__builtin_ctzll(used) - (64 - count), count - __builtin_clzll(used)};
}

VICINAL_INLINE void fetch_line(Ahead& ahead) {
  __builtin_prefetch(ahead.at, 0, 2);
  ahead.at += ahead.step;
}

// One key panel of P packs against R rows: acc[r][p] over all features, in order.
template <class T, template <class> class S, int R, int P>
VICINAL_INLINE void score_panel(const T* queries, const T* keys, const T* extra, int depth,
                                Pack<T> (&acc)[R][P], Ahead& ahead) {
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>(T(0));
  for (int j = 0; j < depth; ++j) {
    Pack<T> x[P];
    for (int p = 0; p < P; ++p) x[p] = Pack<T>::load(keys + j * key_stride + p * Pack<T>::width);
    fetch_line(ahead);
    for (int r = 0; r < R; ++r) {
      const Pack<T> q(queries[j * query_lanes + r]);
      for (int p = 0; p < P; ++p)
        acc[r][p] = S<T>::step(acc[r][p], q, x[p], extra + j * S<T>::extra);
    }
  }
}

template <class T, template <class> class S, int R, int P>
VICINAL_INLINE void score_block(const ScoreArguments<T>& a, int row, int k, Ahead& ahead) {
  Pack<T> acc[R][P];
  score_panel<T, S, R, P>(a.queries + row, a.keys + k, a.feature_weights, a.depth, acc, ahead);
  T* scores = a.scores + row * tile_keys + k;
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p)
      S<T>::close(acc[r][p]).store(scores + r * tile_keys + p * Pack<T>::width);
}

// A panel of keys stays in L1 while all rows pass: blocks of 6, the last one over rows already done
// or past the end, whose lanes repeat the last row. One or two rows are cheaper alone. Both are
// instantiations of one template, so that a row's bits are the same in either.
template <class Wide, class Single>
VICINAL_INLINE void each_block(int rows, Wide&& wide, Single&& single) {
  if (rows < 3) {
    for (int r = 0; r < rows; ++r) single(r);
    return;
  }
  int r = 0;
  for (; r + register_rows <= rows; r += register_rows) wide(r);
  if (r < rows) wide(rows < register_rows ? 0 : rows - register_rows);
}

// take(packs) with packs, a multiple of `unit` up to P, as a constant.
template <int P, int unit, class Take>
VICINAL_INLINE void with_packs(int packs, Take&& take) {
  if constexpr (P > unit) {
    if (packs < P) return with_packs<P - unit, unit>(packs, take);
  }
  take(std::integral_constant<int, P>{});
}

// The blocks of a tile, each from the first to the last `unit` of packs that its rows may use:
// every size is another copy of the loop, so a finer unit is for what takes most of the time.
template <int unit, class T, class Wide, class Single>
VICINAL_INLINE void each_used_block(const ScoreArguments<T>& a, int rows, Wide&& wide,
                                    Single&& single) {
  constexpr int P = register_packs, W = Pack<T>::width;
  for (int k = 0; k < tile_keys; k += P * W) {
    if (!has_lane(a.panels, k)) continue;
    each_block(
        rows,
        [&](int r) VICINAL_INLINE_LAMBDA {
          const int count = rows - r < register_rows ? rows - r : register_rows;
          const LaneRange used = used_lanes<P * W>(a.dropped, r, count, k);
          if (used.first == used.end) return;
          constexpr int lanes = unit * W;
          const int first = used.first / lanes, end = (used.end + lanes - 1) / lanes;
          with_packs<P, unit>((end - first) * unit, [&](auto packs) VICINAL_INLINE_LAMBDA {
            wide(r, k + first * lanes, packs);
          });
        },
        [&](int r) VICINAL_INLINE_LAMBDA { single(r, k); });
  }
}

template <class T, template <class> class S, int unit = register_packs>
void score(const ScoreArguments<T>& a, int rows) {
  Ahead ahead = a.ahead.at != nullptr ? a.ahead : Ahead{reinterpret_cast<const char*>(a.keys), 0};
  each_used_block<unit>(
      a, rows,
      [&](int r, int k, auto packs)
          VICINAL_INLINE_LAMBDA { score_block<T, S, register_rows, packs.value>(a, r, k, ahead); },
      [&](int r, int k)
          VICINAL_INLINE_LAMBDA { score_block<T, S, 1, register_packs>(a, r, k, ahead); });
}

// ---------------------------------------------------------------------- expanded squared distances

// ‖q − x‖² = a + b − 2 (q−c)·(x−c) cancels when the distance is small against a + b. A
// pair with D ≤ (a + b)/4 is computed again from its own coordinates; that also covers q = x, whose
// D is then exactly 0, and every negative D. So is a pair whose a + b overflows: its D is ∞ − ∞.
template <class T>
[[gnu::noinline]] T direct_squared(const PairSource<T>& s, int row, int key) {
  const T* q = s.query_rows[row];
  const T* x = s.key_rows != nullptr
                   ? s.key_rows[key]
                   : s.keys + (s.order == nullptr ? key : s.order[key]) * s.key_stride;
  if (s.components == nullptr && s.columns == nullptr && !s.unit) {
    constexpr int W = Pack<T>::width;
    Pack<T> sum(T(0));
    int j = 0;
    for (; j + W <= s.columns_count; j += W) {
      const Pack<T> t = (Pack<T>::load_unaligned(q + j) - Pack<T>::load_unaligned(x + j)) *
                        Pack<T>::load_unaligned(s.scales + j);
      sum = fma(t, t, sum);
    }
    T total = sum_lanes(sum);
    for (; j < s.columns_count; ++j) {
      const T t = (q[j] - x[j]) * s.scales[j];
      total += t * t;
    }
    return total;
  }
  const auto column = [&](int j) { return s.columns == nullptr ? j : s.columns[j]; };
  double total = 0;
  if (s.unit) {
    double qq = 0, xx = 0;
    for (int j = 0; j < s.columns_count; ++j) {
      qq += double(q[column(j)]) * q[column(j)];
      xx += double(x[column(j)]) * x[column(j)];
    }
    const double a = qq > 0 ? 1 / __builtin_sqrt(qq) : 0, b = xx > 0 ? 1 / __builtin_sqrt(xx) : 0;
    for (int j = 0; j < s.columns_count; ++j) {
      const double t = q[column(j)] * a - x[column(j)] * b;
      total += t * t;
    }
    return T(total + ((qq == 0) != (xx == 0) ? 1 : 0));
  }
  if (s.components == nullptr) {
    for (int j = 0; j < s.columns_count; ++j) {
      const double t = (double(q[column(j)]) - double(x[column(j)])) * double(s.scales[j]);
      total += t * t;
    }
    return T(total);
  }
  for (int i = 0; i < s.rank; ++i) {
    double t = 0;
    for (int j = 0; j < s.columns_count; ++j)
      t += s.components[i * s.columns_count + j] * (double(q[column(j)]) - double(x[column(j)]));
    total += t * t;
  }
  return T(total);
}

// Dot products are summed in blocks of 32 features, each from zero: a chain of d terms loses more
// than the guard allows where D is a third of a + b (data with few latent dimensions).
inline constexpr int feature_block = 32;

template <class T, int R, int P>
VICINAL_INLINE void dot_blocks(const ScoreArguments<T>& a, int row, int k, Pack<T> (&acc)[R][P],
                               Ahead& ahead) {
  for (int j = 0; j < a.depth; j += feature_block) {
    const int depth = a.depth - j < feature_block ? a.depth - j : feature_block;
    score_panel<T, Dot, R, P>(a.queries + row + j * query_lanes, a.keys + k + j * key_stride,
                              nullptr, depth, acc, ahead);
    T* sums = a.scores + row * tile_keys + k;
    if (j > 0) {
      VICINAL_UNROLL
      for (int r = 0; r < R; ++r)
        for (int p = 0; p < P; ++p)
          acc[r][p] = Pack<T>::load(sums + r * tile_keys + p * Pack<T>::width) + acc[r][p];
    }
    if (j + depth == a.depth) return;
    VICINAL_UNROLL
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) acc[r][p].store(sums + r * tile_keys + p * Pack<T>::width);
  }
}

// Positive where the pair is trusted: D − (a + b)/4. NaN where a + b overflows.
template <class T>
VICINAL_INLINE Pack<T> trust(Pack<T> squared, Pack<T> sum) {
  return fma(sum, Pack<T>(T(-0.25)), squared);
}

template <class T>
[[gnu::noinline]] void redo_pairs(const ScoreArguments<T>& a, int rows, int packs, int row,
                                  int first) {
  constexpr int W = Pack<T>::width;
  for (int r = row; r < row + rows; ++r)
    for (int k = first; k < first + packs * W; k += W) {
      T* scores = a.scores + r * tile_keys + k;
      const Pack<T> sum = Pack<T>(a.query_norms[r]) + Pack<T>::load(a.key_norms + k);
      const Pack<T> margin = trust(Pack<T>::load(scores), sum);
      unsigned bits = less_equal_bits(margin, Pack<T>(T(0))) | unordered_bits(margin);
      for (; bits != 0; bits &= bits - 1) {
        const int lane = __builtin_ctz(bits);
        if (k + lane < a.source->count) scores[lane] = direct_squared(*a.source, r, k + lane);
      }
    }
}

// One branch for the whole block: the next block's products overlap the end of this one. `top` is
// the largest norm of all rows: below the end of the range with it, no pair of the block overflows.
template <class T, int R, int P>
VICINAL_INLINE void score_expanded_block(const ScoreArguments<T>& a, T top, int row, int k,
                                         Ahead& ahead) {
  constexpr int W = Pack<T>::width;
  Pack<T> acc[R][P], least[R], largest(T(0));
  dot_blocks(a, row, k, acc, ahead);
  for (int p = 0; p < P; ++p) largest = max(Pack<T>::load(a.key_norms + k + p * W), largest);
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r) {
    const Pack<T> norm(a.query_norms[row + r]);
    least[r] = Pack<T>(T(1));
    for (int p = 0; p < P; ++p) {
      const Pack<T> sum = norm + Pack<T>::load(a.key_norms + k + p * W);
      const Pack<T> squared = fma(Pack<T>(T(-2)), acc[r][p], sum);
      least[r] = min(trust(squared, sum), least[r]);  // a NaN is passed over
      squared.store(a.scores + (row + r) * tile_keys + k + p * W);
    }
  }
  VICINAL_UNROLL
  for (int r = 1; r < R; ++r) least[0] = min(least[r], least[0]);
  const Pack<T> room = Pack<T>(std::numeric_limits<T>::max()) - (largest + Pack<T>(top));
  least[0] = min(room, least[0]);
  if (less_equal_bits(least[0], Pack<T>(T(0))) != 0) [[unlikely]]
    redo_pairs(a, R, P, row, k);
}

template <class T>
void score_expanded(const ScoreArguments<T>& a, int rows) {
  Ahead ahead = a.ahead.at != nullptr ? a.ahead : Ahead{reinterpret_cast<const char*>(a.keys), 0};
  T top = 0;
  for (int r = 0; r < rows; ++r) top = a.query_norms[r] > top ? a.query_norms[r] : top;
  each_used_block<1>(
      a, rows,
      [&](int r, int k, auto packs) VICINAL_INLINE_LAMBDA {
        score_expanded_block<T, register_rows, packs.value>(a, top, r, k, ahead);
      },
      [&](int r, int k) VICINAL_INLINE_LAMBDA {
        score_expanded_block<T, 1, register_packs>(a, top, r, k, ahead);
      });
}

// --------------------------------------------------------------------------------------- haversine

// Features: latitude, longitude, cos(latitude); feature_weights[0] = half a unit in
// radians, [1] = radius of the sphere. hav = sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2), d = 2 R asin
// √hav: exact differences first, so near points stay apart.
template <class T>
VICINAL_INLINE Pack<T> squared_arc(const Pack<T> (&q)[3], const T* keys, const T* weights) {
  const Pack<T> half(weights[0]), diameter(2 * weights[1]);
  const Pack<T> u = sin((q[0] - Pack<T>::load(keys)) * half);
  const Pack<T> v = sin((q[1] - Pack<T>::load(keys + key_stride)) * half);
  const Pack<T> c = q[2] * Pack<T>::load(keys + 2 * key_stride);
  const Pack<T> hav = fma(c * v, v, u * u);
  const Pack<T> root = sqrt(max(Pack<T>(T(0)), hav));  // over the pole hav rounds below 0
  const Pack<T> d = diameter * asin(select<T>(Pack<T>(T(1)) < root, Pack<T>(T(1)), root));
  return d * d;
}

template <class T>
void score_haversine(const ScoreArguments<T>& a, int rows) {
  for (int r = 0; r < rows; ++r) {
    const Pack<T> q[3] = {a.queries[r], a.queries[query_lanes + r], a.queries[2 * query_lanes + r]};
    for (int k = 0; k < tile_keys; k += Pack<T>::width)
      squared_arc(q, a.keys + k, a.feature_weights).store(a.scores + r * tile_keys + k);
  }
}

}  // namespace
}  // namespace vicinal::kernels
