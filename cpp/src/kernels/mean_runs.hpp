// mean_runs: rows of one run, from their weights straight to their means. The sums are those of
// sum_run and sum_run_values, so a row has the bits that it gets by way of a state.
#pragma once

#include "pairs.hpp"
#include "tame.hpp"

namespace vicinal::kernels {
namespace {

// Whether the row has a mean: a weight, and more of it than rounding leaves of weights that cancel.
template <class T>
VICINAL_INLINE bool weighs(const T* header, bool is_signed) {
  if (!is_signed) return header[0] > 0 && is_tame(header[0]);
  const double floor = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());
  return is_tame(header[2]) &&
         __builtin_fabs(static_cast<double>(header[0])) > floor * static_cast<double>(header[2]);
}

template <bool or_zero, class T>
VICINAL_INLINE bool are_tame(const T* sums, int columns) {
  int wild = 0;
  for (int c = 0; c < columns; ++c) wild += !(is_tame(sums[c]) & (or_zero | (sums[c] != 0)));
  return wild == 0;
}

// From the weights of a row and their header to its mean. False: it is not done.
template <bool or_zero, class T, class Row>
VICINAL_INLINE bool mean_of(const T* header, const T* weights, const Row* rows, int count,
                            int follow, const MeanArguments<T>& a, T* mean) {
  if (!weighs(header, a.is_signed)) return false;
  sum_values(weights, rows, count, follow, a.values, a.stride, a.columns, mean);
  const bool done = are_tame<or_zero>(mean, a.columns);
  const Divisor<T> mass(static_cast<double>(header[0]));
  for (int c = 0; c < a.columns; ++c) mean[c] = mass.of(static_cast<double>(mean[c]));
  return done;
}

template <class T>
void mean_runs(MeanRun<T>* runs, int count, const MeanArguments<T>& a) {
  for (int r = 0; r < count; ++r) {
    MeanRun<T>& run = runs[r];
    const int lanes = (run.count + Pack<T>::width - 1) / Pack<T>::width * Pack<T>::width;
    T header[header_columns];
    sum_run(run.weights, lanes, a.is_signed, header);
    run.done = mean_of<true>(header, run.weights, run.rows, run.count, run.follow, a, run.mean);
  }
}

}  // namespace
}  // namespace vicinal::kernels
