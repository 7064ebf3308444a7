// mean_runs: rows of one run, from their weights straight to their means. The sums are those of
// sum_run and sum_run_values, so a row has the bits that it gets by way of a state.
#pragma once

#include "pairs.hpp"
#include "tame.hpp"

namespace vicinal::kernels {
namespace {

// Weights of a graph as lanes in whole packs, times a power of two that takes a tame largest one to
// about 1. Returns the number of lanes.
template <class T>
VICINAL_INLINE int take_given(const MeanRun<T>& run, T* weights) {
  using I = typename Pack<T>::Integer;
  constexpr int W = Pack<T>::width, digits = std::numeric_limits<T>::digits - 1;
  constexpr I bias = std::numeric_limits<T>::max_exponent - 1;
  const int lanes = (run.count + W - 1) / W * W;
  for (int k = 0; k < run.count; ++k) weights[k] = run.weights[k];
  for (int k = run.count; k < lanes; ++k) weights[k] = T(0);
  Pack<T> peak(T(0));
  for (int k = 0; k < lanes; k += W) peak = max(abs(Pack<T>::load(weights + k)), peak);
  const T largest = max_lanes(peak);
  if (!is_tame(largest) || largest == 0) return lanes;
  const I exponent = __builtin_bit_cast(I, largest) >> digits;  // of 2, biased
  const T up = __builtin_bit_cast(T, (2 * bias - exponent) << digits);
  for (int k = 0; k < lanes; k += W) (Pack<T>::load(weights + k) * Pack<T>(up)).store(weights + k);
  return lanes;
}

// Whether the row has a mean: a weight, and more of it than rounding leaves of weights that cancel.
template <class T>
VICINAL_INLINE bool weighs(const T* header, bool is_signed) {
  if (!is_signed) return header[0] > 0 && is_tame(header[0]);
  const double floor = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());
  return is_tame(header[2]) &&
         __builtin_fabs(static_cast<double>(header[0])) > floor * static_cast<double>(header[2]);
}

template <class T>
VICINAL_INLINE bool are_tame(const T* sums, int columns) {
  int wild = 0;
  for (int c = 0; c < columns; ++c) wild += !is_tame(sums[c]);
  return wild == 0;
}

// The lists that follow in memory travel while this one is summed.
template <class T>
VICINAL_INLINE void prefetch_lists(const MeanRun<T>& run) {
  constexpr int ahead = 128, line = 64;
  for (int k = 0; k < run.count; k += line / 8) __builtin_prefetch(run.rows + k + ahead);
  for (int k = 0; k < run.count; k += line / static_cast<int>(sizeof(T)))
    __builtin_prefetch(run.weights + k + ahead);
}

template <class T>
void mean_runs(MeanRun<T>* runs, int count, const MeanArguments<T>& a) {
  alignas(VICINAL_VECTOR_BYTES) T given[tile_keys];
  T header[header_columns];
  for (int r = 0; r < count; ++r) {
    MeanRun<T>& run = runs[r];
    const T* weights = run.weights;
    int lanes = (run.count + Pack<T>::width - 1) / Pack<T>::width * Pack<T>::width;
    if (a.given) {
      prefetch_lists(run);
      lanes = take_given(run, given);
      weights = given;
    }
    sum_run(weights, lanes, a.is_signed, header);
    run.done = weighs(header, a.is_signed);
    if (!run.done) continue;
    sum_values(weights, run.rows, run.count, run.follow, a.values, a.stride, a.columns, run.mean);
    run.done = are_tame(run.mean, a.columns);
    const Divisor<T> mass(static_cast<double>(header[0]));
    for (int c = 0; c < a.columns; ++c) run.mean[c] = mass.of(static_cast<double>(run.mean[c]));
  }
}

}  // namespace
}  // namespace vicinal::kernels
