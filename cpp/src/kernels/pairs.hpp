// pairs: lists of keys that belong to single rows. A lane is a pair (query, key), so the lists of
// many rows share a tile; a row's lanes begin with a pack, so what stands beside them changes no
// bit.
#pragma once

#include "reduce.hpp"
#include "weigh.hpp"

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

// Peaks rise to the next even number, so that ties of the exponent's rounding fall alike.
template <class T>
void run_peaks(const T* logs, Run<T>* runs, int count) {
  for (int i = 0; i < count; ++i) {
    const T top =
        2 * static_cast<T>(__builtin_ceil(run_peak(logs + runs[i].first, runs[i].lanes) / 2));
    if (top > runs[i].peak) runs[i].peak = top;
  }
}

template <class T>
void exponentiate_runs(const T* logs, const T* factors, T* weights, const Run<T>* runs, int count) {
  for (int i = 0; i < count; ++i) {
    const int first = runs[i].first;
    const T peak = runs[i].peak;
    if (peak == infinity<T>) continue;
    exponentiate_run(logs + first, factors == nullptr ? nullptr : factors + first, weights + first,
                     runs[i].lanes, peak == -infinity<T> ? T(0) : peak);
  }
}

// The slots of a header: Σw, and if full Σ|w| and Σw².
template <class T>
VICINAL_INLINE void sum_run(const T* weights, int lanes, bool full, T* sums) {
  const auto each = [&](auto&& term) VICINAL_INLINE_LAMBDA {
    Pack<T> sum(T(0));
    for (int k = 0; k < lanes; k += Pack<T>::width)
      sum = term(Pack<T>::load_unaligned(weights + k), sum);
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
template <class T, int P, class Row>
VICINAL_INLINE void sum_run_packs(const T* weights, const Row* rows, int count, int follow,
                                  const T* values, std::int64_t stride, T* sums) {
  constexpr int W = Pack<T>::width, ahead = 16;
  Pack<T> acc[P];
  for (int p = 0; p < P; ++p) acc[p] = Pack<T>(T(0));
  const int known = count + follow - ahead;
  for (int i = 0; i < count; ++i) {
    if (i < known)
      for (int p = 0; p < P; ++p)
        __builtin_prefetch(values + std::int64_t(rows[i + ahead]) * stride + p * W);
    const Pack<T> w(weights[i]);
    const T* y = values + std::int64_t(rows[i]) * stride;
    for (int p = 0; p < P; ++p) acc[p] = fma(w, Pack<T>::load_unaligned(y + p * W), acc[p]);
  }
  VICINAL_UNROLL
  for (int p = 0; p < P; ++p) acc[p].store_unaligned(sums + p * W);
}

// Where rows begin; lanes past the last repeat the first. Returns the lanes in whole packs.
template <class T, class Row>
VICINAL_INLINE int find_rows(const Row* rows, int count, std::int64_t stride,
                             std::int64_t* offsets) {
  constexpr int W = Pack<T>::width;
  const int lanes = (count + W - 1) / W * W;
  for (int k = 0; k < count; ++k) offsets[k] = std::int64_t(rows[k]) * stride;
  for (int k = count; k < lanes; ++k) offsets[k] = offsets[0];
  return lanes;
}

// One column, lane by lane; lanes past the last have weight 0.
template <class T, class Offset>
VICINAL_INLINE T sum_run_column(const T* weights, const Offset* offsets, int lanes,
                                const T* values) {
  Pack<T> sum(T(0));
  for (int k = 0; k < lanes; k += Pack<T>::width)
    sum = fma(Pack<T>::load_unaligned(weights + k), Pack<T>::gather(values, offsets + k), sum);
  return sum_lanes(sum);
}

// The values of up to `follow` rows that come after these are asked for meanwhile.
template <class T, class Row>
VICINAL_INLINE void sum_values(const T* weights, const Row* rows, int count, int follow,
                               const T* values, std::int64_t stride, int columns, T* sums) {
  constexpr int W = Pack<T>::width, P = register_packs;
  int c = 0;
  for (; c + P * W <= columns; c += P * W)
    sum_run_packs<T, P, Row>(weights, rows, count, follow, values + c, stride, sums + c);
  for (; c + W <= columns; c += W)
    sum_run_packs<T, 1, Row>(weights, rows, count, follow, values + c, stride, sums + c);
  if (c == columns) return;
  if (columns == 1 && stride == 1 && count % W == 0) {  // rows are offsets
    if constexpr (sizeof(Row) == 4) sums[0] = sum_run_column(weights, rows, count, values);
    if constexpr (sizeof(Row) == 4) return;
  }
  alignas(VICINAL_VECTOR_BYTES) std::int64_t offsets[tile_keys];
  const int lanes = find_rows<T>(rows, count, stride, offsets);
  for (; c < columns; ++c) sums[c] = sum_run_column<T>(weights, offsets, lanes, values + c);
}

template <class T>
void sum_run_values(const T* weights, const std::int64_t* rows, int count, const T* values,
                    std::int64_t stride, int columns, T* sums) {
  sum_values(weights, rows, count, 0, values, stride, columns, sums);
}

// Coordinates of the keys of all lanes, feature-major.
template <class T>
void gather_keys(const T* rows, std::int64_t stride, const std::int64_t* index, int lanes,
                 int depth, T scale, T* panel) {
  alignas(VICINAL_VECTOR_BYTES) std::int64_t offsets[tile_keys];
  find_rows<T>(index, lanes, stride, offsets);
  for (int k = 0; k < lanes; k += Pack<T>::width)
    for (int j = 0; j < depth; ++j)
      (Pack<T>::gather(rows + j, offsets + k) * Pack<T>(scale)).store(panel + j * key_stride + k);
}

// Queries of all lanes, feature-major: one row holds the lanes of a run.
template <class T>
void spread_query(const T* query, int lanes, int depth, T scale, T* panel) {
  for (int j = 0; j < depth; ++j)
    for (int k = 0; k < lanes; k += Pack<T>::width)
      Pack<T>(query[j] * scale).store(panel + j * key_stride + k);
}

template <class T>
bool all_finite(const T* x, int count) {
  constexpr int W = Pack<T>::width;
  constexpr T most = std::numeric_limits<T>::max();
  constexpr unsigned all = (1U << W) - 1;
  unsigned finite = all;
  int k = 0;
  for (; k + W <= count; k += W)
    finite &= less_equal_bits(abs(Pack<T>::load_unaligned(x + k)), Pack<T>(most));
  for (; k < count; ++k) finite &= x[k] >= -most && x[k] <= most ? all : 0U;
  return finite == all;
}

}  // namespace
}  // namespace vicinal::kernels
