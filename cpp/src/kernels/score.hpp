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

// Features that all rows of a tile meet before the next: those of a panel of keys and of the
// queries stay in L1 so long, beside those that follow.
inline constexpr int part_features = 64;
struct Features {
  int first, end;
};

// Sums of the blocks of a panel, between two parts of the features. Rows that two blocks share have
// a place in each.
template <class T>
struct Between {
  static constexpr int block = register_rows * register_packs * Pack<T>::width;
  alignas(VICINAL_VECTOR_BYTES) T sums[(max_group_rows / register_rows + 1) * block];

  VICINAL_INLINE T* of(int row) { return sums + (row + register_rows - 1) / register_rows * block; }
};
template <class T, int R, int P>
VICINAL_INLINE void store_sums(const Pack<T> (&acc)[R][P], T* sums) {
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) acc[r][p].store(sums + (r * P + p) * Pack<T>::width);
}

// Lines that are read after this block travel while it computes.
template <class T>
VICINAL_INLINE void send_for(const T* at, std::int64_t stride, int lines) {
  for (int i = 0; i < lines; ++i, at += stride) __builtin_prefetch(at);
}

// One key panel of P packs against R rows: acc[r][p] over these features, in order.
template <class T, template <class> class S, int R, int P>
VICINAL_INLINE void score_panel(const T* queries, const T* keys, const T* extra, int depth,
                                Pack<T> (&acc)[R][P], Ahead& ahead) {
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

// A pack of the keys of the part that follows, with every block of rows.
template <class T>
VICINAL_INLINE void send_for_keys(const ScoreArguments<T>& a, Features part, int row, int k) {
  constexpr int P = register_packs, W = Pack<T>::width;
  if (part.first == 0 && part.end == a.depth) return;
  const T* keys =
      part.end < a.depth ? a.keys + part.end * key_stride + k : a.keys + (k + P * W) % tile_keys;
  send_for(keys + row / register_rows % P * W, key_stride, part_features);
}

template <class T, template <class> class S, int R, int P>
VICINAL_INLINE void score_block(const ScoreArguments<T>& a, Features part, int row, int k,
                                T* between, Ahead& ahead) {
  constexpr int W = Pack<T>::width;
  Pack<T> acc[R][P];
  if (part.first == 0) {
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>(T(0));
  } else {
    VICINAL_UNROLL
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>::load(between + (r * P + p) * W);
  }
  score_panel<T, S, R, P>(
      a.queries + row + part.first * query_lanes, a.keys + k + part.first * key_stride,
      a.feature_weights + part.first * S<T>::extra, part.end - part.first, acc, ahead);
  if (part.end < a.depth) return store_sums(acc, between);
  T* scores = a.scores + row * tile_keys + k;
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) S<T>::close(acc[r][p]).store(scores + r * tile_keys + p * W);
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
// every size is another copy of the loop, so a finer unit is for what takes most of the time. All
// blocks of a panel meet `step` features before the next; one or two rows, and fewer than eight
// such parts, which the second-level cache brings in time, meet all at once.
template <int unit, class T, class Wide, class Single>
VICINAL_INLINE void each_used_block(const ScoreArguments<T>& a, int rows, int step, Wide&& wide,
                                    Single&& single) {
  constexpr int P = register_packs, W = Pack<T>::width;
  if (rows < 3 || a.depth < 8 * step) step = a.depth;
  for (int k = 0; k < tile_keys; k += P * W) {
    if (!has_lane(a.panels, k)) continue;
    Features part{0, 0};
    do {  // without a feature all scores are those of nothing
      part.first = part.end;
      part.end = a.depth - part.first < step ? a.depth : part.first + step;
      each_block(
          rows,
          [&](int r) VICINAL_INLINE_LAMBDA {
            const int count = rows - r < register_rows ? rows - r : register_rows;
            const LaneRange used = used_lanes<P * W>(a.dropped, r, count, k);
            if (used.first == used.end) return;
            send_for_keys(a, part, r, k);
            constexpr int lanes = unit * W;
            const int first = used.first / lanes, end = (used.end + lanes - 1) / lanes;
            with_packs<P, unit>((end - first) * unit, [&](auto packs) VICINAL_INLINE_LAMBDA {
              wide(part, r, k + first * lanes, packs);
            });
          },
          [&](int r) VICINAL_INLINE_LAMBDA { single(part, r, k); });
    } while (part.end < a.depth);
  }
}

template <class T, template <class> class S, int unit = register_packs>
void score(const ScoreArguments<T>& a, int rows) {
  Ahead ahead = a.ahead.at != nullptr ? a.ahead : Ahead{reinterpret_cast<const char*>(a.keys), 0};
  Between<T> between;
  each_used_block<unit>(
      a, rows, part_features,
      [&](Features part, int r, int k, auto packs) VICINAL_INLINE_LAMBDA {
        score_block<T, S, register_rows, packs.value>(a, part, r, k, between.of(r), ahead);
      },
      [&](Features part, int r, int k) VICINAL_INLINE_LAMBDA {
        score_block<T, S, 1, register_packs>(a, part, r, k, between.sums, ahead);
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
