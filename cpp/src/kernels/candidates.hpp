// candidates and suspects: which pairs of a tile are, or may be, within a row's limit, without the
// whole tile's scores.
#pragma once

#include "expanded.hpp"

namespace vicinal::kernels {
namespace {

// D = a + b − 2p errs by less than `slack` · (a + b), whatever cancels. So a pair with D at most
// the limit L keeps a + b − 2p − slack · (a + b) ≤ L, that is
//   p − (1 − slack) b/2 ≥ (1 − slack) a/2 − L/2:
// the left side is a chain of products that begins at −(1 − slack) b/2, the right side one number
// of the row. What overflows is NaN, and NaN is a candidate.
//
// An inner product has no such loss here: −p is at most L where p reaches −L, and the chain begins
// at 0.
template <class T, bool inner>
struct Sieve {
  const ScoreArguments<T>& tile;
  const T* limits;
  T slack;
  std::uint64_t* bits;
  T bounds[max_group_rows];  // right sides

  VICINAL_INLINE Pack<T> start(int k) const {
    if constexpr (inner) return Pack<T>(T(0));
    const Pack<T> b = Pack<T>::load(tile.key_norms + k);
    return fma(b, Pack<T>((slack - 1) / 2), b - b);  // ∞ − ∞ is NaN
  }
  VICINAL_INLINE unsigned passing(Pack<T> left, int row) const {
    return ~less_equal_bits(left, Pack<T>(bounds[row])) & ((1U << Pack<T>::width) - 1);
  }
};

// Below −L by a rounding, and never above the least number: judge() looks at what is left.
template <class T>
T inner_bound(T limit) {
  constexpr T infinity = std::numeric_limits<T>::infinity(),
              share = std::numeric_limits<T>::epsilon(), least = std::numeric_limits<T>::min();
  if (!(limit < infinity)) return std::numeric_limits<T>::quiet_NaN();
  return -limit - (limit < 0 ? -limit : limit) * share - least;
}

template <class T, bool inner>
void set_bounds(Sieve<T, inner>& sieve, int rows) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for (int i = 0; i < rows * (tile_keys / 64); ++i) sieve.bits[i] = 0;
  for (int r = 0; r < rows; ++r) {
    if constexpr (inner) {
      sieve.bounds[r] = inner_bound(sieve.limits[r]);
    } else {
      const T a = sieve.tile.query_norms[r];
      sieve.bounds[r] = a < infinity ? (1 - sieve.slack) / 2 * a - sieve.limits[r] / 2
                                     : std::numeric_limits<T>::quiet_NaN();
    }
  }
}

// The distances of candidates, where they are not trusted from their own coordinates; and of these
// only the ones at most the limit.
template <class T>
[[gnu::noinline]] void judge(const Sieve<T, false>& s, int rows, int row, int first) {
  constexpr int P = register_packs, W = Pack<T>::width;
  const ScoreArguments<T>& a = s.tile;
  for (int r = row; r < row + rows; ++r)
    for (int k = first; k < first + P * W; k += W) {
      T* scores = a.scores + r * tile_keys + k;
      const Pack<T> left = Pack<T>::load(scores);
      unsigned found = s.passing(left, r);
      if (found == 0) continue;
      const Pack<T> norm(a.query_norms[r]), b = Pack<T>::load(a.key_norms + k);
      const Pack<T> squared = fma(Pack<T>(T(-2)), left, fma(Pack<T>(s.slack), b, norm));
      const Pack<T> margin = trust(squared, norm + b);
      squared.store(scores);
      unsigned again = found & (less_equal_bits(margin, Pack<T>(T(0))) | unordered_bits(margin));
      for (; again != 0; again &= again - 1) {
        const int lane = __builtin_ctz(again);
        if (k + lane < a.source->count) scores[lane] = direct_squared(*a.source, r, k + lane);
      }
      found &= less_equal_bits(Pack<T>::load(scores), Pack<T>(s.limits[r]));
      s.bits[r * (tile_keys / 64) + k / 64] |= static_cast<std::uint64_t>(found) << (k % 64);
    }
}

// Inner products with their signs turned: those at most the limit.
template <class T>
[[gnu::noinline]] void judge(const Sieve<T, true>& s, int rows, int row, int first) {
  constexpr int P = register_packs, W = Pack<T>::width;
  for (int r = row; r < row + rows; ++r)
    for (int k = first; k < first + P * W; k += W) {
      T* scores = s.tile.scores + r * tile_keys + k;
      const Pack<T> turned = -Pack<T>::load(scores);
      turned.store(scores);
      const unsigned found = less_equal_bits(turned, Pack<T>(s.limits[r]));
      s.bits[r * (tile_keys / 64) + k / 64] |= static_cast<std::uint64_t>(found) << (k % 64);
    }
}

// Takes every pair of a block of R rows that the inequality leaves: judged by its distance, or as
// it is.
template <bool judged, int R, class T, bool inner>
VICINAL_INLINE void sift_block(const Sieve<T, inner>& s, int row, int k) {
  constexpr int P = register_packs, W = Pack<T>::width;
  const ScoreArguments<T>& a = s.tile;
  const T* queries = a.queries + row;
  const T* keys = a.keys + k;
  // The panel that follows travels meanwhile, one of its packs with every block of rows.
  const T* next = a.keys + (k + P * W) % tile_keys + row / register_rows % P * W;
  Pack<T> acc[R][P];
  for (int p = 0; p < P; ++p) {
    const Pack<T> left = s.start(k + p * W);
    for (int r = 0; r < R; ++r) acc[r][p] = left;
  }
  for (int j = 0; j < a.depth; ++j) {
    Pack<T> x[P];
    for (int p = 0; p < P; ++p) x[p] = Pack<T>::load(keys + j * key_stride + p * W);
    __builtin_prefetch(next + j * key_stride);
    for (int r = 0; r < R; ++r) {
      const Pack<T> q(queries[j * query_lanes + r]);
      for (int p = 0; p < P; ++p) acc[r][p] = fma(q, x[p], acc[r][p]);
    }
  }
  unsigned any = 0;
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) any |= s.passing(acc[r][p], row + r);
  if (any == 0) return;
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) {
      const int at = k + p * W;
      if constexpr (judged)
        acc[r][p].store(a.scores + (row + r) * tile_keys + at);
      else
        s.bits[(row + r) * (tile_keys / 64) + at / 64] |=
            static_cast<std::uint64_t>(s.passing(acc[r][p], row + r)) << (at % 64);
    }
  if constexpr (judged) judge(s, R, row, k);
}

template <bool judged, class T, bool inner>
VICINAL_INLINE void sift(Sieve<T, inner>& sieve, int rows) {
  set_bounds(sieve, rows);
  for (int k = 0; k < tile_keys; k += register_packs * Pack<T>::width)
    each_block(
        rows, [&](int r) VICINAL_INLINE_LAMBDA { sift_block<judged, register_rows>(sieve, r, k); },
        [&](int r) VICINAL_INLINE_LAMBDA { sift_block<judged, 1>(sieve, r, k); });
}

// Bit k % 64 of bits[r * 4 + k / 64]: row r's distance to key k is at most its limit, and stands in
// the tile of scores. Other scores are not to be read.
template <class T>
void candidates(const ScoreArguments<T>& a, const T* limits, T slack, std::uint64_t* bits,
                int rows) {
  Sieve<T, false> sieve{a, limits, slack, bits, {}};
  sift<true>(sieve, rows);
}

// The same of inner products with their signs turned.
template <class T>
void inner_candidates(const ScoreArguments<T>& a, const T* limits, std::uint64_t* bits, int rows) {
  Sieve<T, true> sieve{a, limits, 0, bits, {}};
  sift<true>(sieve, rows);
}

// The same of distances that may be at most the limit. No score is written, and no pair's own
// coordinates are read.
template <class T>
void suspects(const ScoreArguments<T>& a, const T* limits, T slack, std::uint64_t* bits, int rows) {
  Sieve<T, false> sieve{a, limits, slack, bits, {}};
  sift<false>(sieve, rows);
}

}  // namespace
}  // namespace vicinal::kernels
