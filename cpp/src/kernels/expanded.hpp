// Squared distances from products: where a pair keeps too few digits, its own coordinates decide.
#pragma once

#include "score.hpp"

namespace vicinal::kernels {
namespace {

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

// Whether these features were the last: acc is whole.
template <class T, int R, int P>
VICINAL_INLINE bool dot_blocks(const ScoreArguments<T>& a, Features part, int row, int k,
                               Pack<T> (&acc)[R][P], T* between, Ahead& ahead) {
  constexpr int W = Pack<T>::width;
  static_assert(part_features % feature_block == 0);
  for (int j = part.first; j < part.end; j += feature_block) {
    const int depth = part.end - j < feature_block ? part.end - j : feature_block;
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>(T(0));
    score_panel<T, Dot, R, P>(a.queries + row + j * query_lanes, a.keys + k + j * key_stride,
                              nullptr, depth, acc, ahead);
    if (j > 0) {
      VICINAL_UNROLL
      for (int r = 0; r < R; ++r)
        for (int p = 0; p < P; ++p)
          acc[r][p] = Pack<T>::load(between + (r * P + p) * W) + acc[r][p];
    }
    if (j + depth == a.depth) return true;
    store_sums(acc, between);
  }
  return false;
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
VICINAL_INLINE void score_expanded_block(const ScoreArguments<T>& a, Features part, T top, int row,
                                         int k, T* between, Ahead& ahead) {
  constexpr int W = Pack<T>::width;
  Pack<T> acc[R][P], least[R], largest(T(0));
  if (!dot_blocks(a, part, row, k, acc, between, ahead)) return;
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
  Between<T> between;
  T top = 0;
  for (int r = 0; r < rows; ++r) top = a.query_norms[r] > top ? a.query_norms[r] : top;
  each_used_block<1>(
      a, rows, part_features,
      [&](Features part, int r, int k, auto packs) VICINAL_INLINE_LAMBDA {
        score_expanded_block<T, register_rows, packs.value>(a, part, top, r, k, between.of(r),
                                                            ahead);
      },
      [&](Features part, int r, int k) VICINAL_INLINE_LAMBDA {
        score_expanded_block<T, 1, register_packs>(a, part, top, r, k, between.sums, ahead);
      });
}

}  // namespace
}  // namespace vicinal::kernels
