// mean_rows: rows of a graph of weights, from where they stand straight to their means.
#pragma once

#include "mean_runs.hpp"

namespace vicinal::kernels {
namespace {

// Far from both ends of the range: sums of such weights and products with tame values need no care.
template <class T>
constexpr bool is_moderate(T weight) {
  constexpr T most = std::is_same_v<T, float> ? T(0x1p30) : T(0x1p300);
  return (weight < most) & (weight > 1 / most);
}

// Times a power of two that takes a tame largest weight to about 1.
template <class T>
VICINAL_INLINE void scale_weights(const T* given, int lanes, T* weights) {
  using I = typename Pack<T>::Integer;
  constexpr int W = Pack<T>::width, digits = std::numeric_limits<T>::digits - 1;
  constexpr I bias = std::numeric_limits<T>::max_exponent - 1;
  Pack<T> peak(T(0));
  for (int k = 0; k < lanes; k += W) peak = max(abs(Pack<T>::load_unaligned(given + k)), peak);
  const T largest = max_lanes(peak);
  const bool scaled = is_tame(largest) && largest != 0;
  const I exponent = __builtin_bit_cast(I, largest) >> digits;  // of 2, biased
  const T up = scaled ? __builtin_bit_cast(T, (2 * bias - exponent) << digits) : T(1);
  for (int k = 0; k < lanes; k += W)
    (Pack<T>::load_unaligned(given + k) * Pack<T>(up)).store(weights + k);
}

// Weights in whole packs: where they stand, or in the buffer.
template <class T>
VICINAL_INLINE const T* fill_packs(const T* given, int count, int lanes, T* buffer) {
  if (lanes == count) return given;
  for (int k = 0; k < count; ++k) buffer[k] = given[k];
  for (int k = count; k < lanes; ++k) buffer[k] = T(0);
  return buffer;
}

// Lists that follow in memory travel while this one is summed.
template <class X>
VICINAL_INLINE void prefetch_list(const X* list, int count) {
  constexpr int ahead = 128, line = 64 / static_cast<int>(sizeof(X));
  for (int k = 0; k < count; k += line) __builtin_prefetch(list + k + ahead);
}

template <class T, class Row>
struct GraphRow {
  const T* weights = nullptr;  // in whole packs
  const Row* keys = nullptr;
  int count = 0, lanes = 0;
  int follow = 0;  // keys of other rows that stand behind these
};

// A row whose sums could leave the range.
template <class T, class Row>
[[gnu::noinline, gnu::cold]] bool mean_with_care(const GraphRow<T, Row>& row,
                                                 const MeanArguments<T>& a, T* mean) {
  alignas(VICINAL_VECTOR_BYTES) T weights[tile_keys];
  T header[header_columns];
  scale_weights(row.weights, row.lanes, weights);
  sum_run(weights, row.lanes, a.is_signed, header);
  return mean_of<true>(header, weights, row.keys, row.count, row.follow, a, mean);
}

template <class T, class Row>
VICINAL_INLINE bool mean_of_row(const GraphRow<T, Row>& row, const MeanArguments<T>& a, T* mean) {
  T header[header_columns];
  sum_run(row.weights, row.lanes, a.is_signed, header);
  // A sum of 0 may have lost products that vanished.
  return (is_moderate(header[2]) &&
          mean_of<false>(header, row.weights, row.keys, row.count, row.follow, a, mean)) ||
         mean_with_care(row, a, mean);
}

// A row of several tiles: their sums are folded as those of a state are, so it has the bits that it
// gets by way of one. Signed weights and sums that need care go that way.
template <class T, class Row>
bool mean_of_long_row(const T* weights, const Row* keys, std::int64_t count, std::int64_t follow,
                      const MeanArguments<T>& a, T* mean) {
  constexpr int W = Pack<T>::width, most = 64;
  if (a.is_signed || a.columns > most) return false;
  alignas(VICINAL_VECTOR_BYTES) T buffer[tile_keys];
  T header[header_columns], sums[1 + most];
  double hi[1 + most] = {}, lo[1 + most] = {}, ones[1 + most];
  for (double& one : ones) one = 1;
  for (std::int64_t k = 0; k < count; k += tile_keys) {
    const std::int64_t left = count - k, rest = left < tile_keys ? 0 : left - tile_keys;
    const int keys_here = left < tile_keys ? static_cast<int>(left) : tile_keys,
              lanes = (keys_here + W - 1) / W * W,
              behind = rest + follow < tile_keys ? static_cast<int>(rest + follow) : tile_keys;
    prefetch_list(keys + k, keys_here);
    prefetch_list(weights + k, keys_here);
    const T* tile = fill_packs(weights + k, keys_here, lanes, buffer);
    sum_run(tile, lanes, false, header);
    if (!is_moderate(header[2])) return false;
    sum_values(tile, keys + k, keys_here, behind, a.values, a.stride, a.columns, sums + 1);
    if (!are_tame<false>(sums + 1, a.columns)) return false;
    sums[0] = header[0];
    fold(hi, lo, sums, ones, 1 + a.columns, 1, 1);
  }
  quotients(hi + 1, lo + 1, a.columns, hi[0] + lo[0], mean);
  return true;
}

template <class T, class Row>
VICINAL_INLINE std::uint64_t mean_rows_of(const Row* keys, const MeanRows<T>& rows,
                                          const MeanArguments<T>& a) {
  constexpr int W = Pack<T>::width;
  alignas(VICINAL_VECTOR_BYTES) T buffer[tile_keys];
  const std::int64_t end = rows.begins[rows.count];
  std::uint64_t done = 0;
  for (int r = 0; r < rows.count; ++r) {
    const std::int64_t first = rows.begins[r], past = rows.begins[r + 1], follow = end - past;
    if (first == past) continue;
    T* mean = rows.means + r * rows.mean_stride;
    if (past - first > tile_keys) {
      const bool has =
          mean_of_long_row(rows.weights + first, keys + first, past - first, follow, a, mean);
      done |= std::uint64_t{has} << r;
      continue;
    }
    GraphRow<T, Row> row;
    row.count = static_cast<int>(past - first);
    row.lanes = (row.count + W - 1) / W * W;
    row.keys = keys + first;
    row.follow = static_cast<int>(follow < tile_keys ? follow : tile_keys);
    prefetch_list(row.keys, row.count);
    prefetch_list(rows.weights + first, row.count);
    row.weights = fill_packs(rows.weights + first, row.count, row.lanes, buffer);
    done |= std::uint64_t{mean_of_row(row, a, mean)} << r;
  }
  return done;
}

template <class T>
std::uint64_t mean_rows(const MeanRows<T>& rows, const MeanArguments<T>& a) {
  return rows.short_keys != nullptr ? mean_rows_of(rows.short_keys, rows, a)
                                    : mean_rows_of(rows.keys, rows, a);
}

}  // namespace
}  // namespace vicinal::kernels
