// What the lanes of a row add up to.
#include <algorithm>
#include <cmath>
#include <limits>

#include "fold.hpp"
#include "graph_means.hpp"
#include "kernels/tame.hpp"
#include "pair_tile.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
void PairTile<T>::sum(Block<T>& block, const Run& run, T reference) noexcept {
  T* sums = scratch_.sums.data();
  const T* weights = logs(0) + run.first;
  problem_.table->sum_run(weights, run.lanes, problem_.full_header, sums);
  sums[1] = 0;
  if (sums[2] == 0) return;
  if (problem_.needs_self) {
    const std::int64_t own = own_key(problem_, entry_, block.row(run.slot));
    for (int k = 0; k < run.count; ++k)
      if (keys_[run.first + k] == own) sums[1] += weights[k];
  }
  bool scaled = false;
  if (problem_.p > 0) {
    problem_.table->sum_run_values(weights, keys_ + run.first, run.count, entry_.values,
                                   problem_.value_stride, static_cast<int>(problem_.p),
                                   sums + header_columns);
    scaled = sum_with_care(run, sums + header_columns, scales_.data() + header_columns);
  }
  if (problem_.moment_columns() > 0) sum_moments(run);
  std::fill_n(scales_.begin(), header_columns, 1.0);
  fold_row(
      problem_,
      {sums, reference, scaled ? scales_.data() : plain_scales_.data(), scaled && sizeof(T) == 8,
       problem_.moment_columns() > 0 ? scratch_.moments.data() : nullptr},
      block.state, run.slot, scratch_);
}

// Sums that left the middle of the type's range are taken again, each column scaled by a power of
// two; so are those that met a value that is not finite, which counts only where its weight is not
// 0. Returns whether columns are scaled.
template <class T>
bool PairTile<T>::sum_with_care(const Run& run, T* sums, double* scales) noexcept {
  bool all = true;
  for (std::int64_t c = 0; c < problem_.p; ++c) all &= is_tame(sums[c]);
  if (all) return false;
  const T* weights = logs(0) + run.first;
  for (std::int64_t c = 0; c < problem_.p; ++c) {
    scales[c] = 1;
    if (is_tame(sums[c])) continue;
    const auto value = [&](int k) {
      return entry_.values[keys_[run.first + k] * problem_.value_stride + c];
    };
    double largest = 0;
    for (int k = 0; k < run.count; ++k)
      if (std::isfinite(value(k)) && weights[k] != 0)
        largest = std::max(largest, std::abs(static_cast<double>(value(k))));
    const int exponent = largest == 0 ? 0 : std::ilogb(largest);
    double sum = 0;
    for (int k = 0; k < run.count; ++k)
      if (weights[k] != 0)
        sum +=
            static_cast<double>(weights[k]) * std::ldexp(static_cast<double>(value(k)), -exponent);
    sums[c] = static_cast<T>(sum);
    scales[c] = std::ldexp(1.0, exponent);
  }
  return true;
}

// Second moments about the center of all values, in double.
template <class T>
void PairTile<T>::sum_moments(const Run& run) noexcept {
  double* moments = scratch_.moments.data();
  const std::int64_t p = problem_.p;
  std::fill_n(moments, problem_.moment_columns(), 0.0);
  for (int k = 0; k < run.count; ++k) {
    const double w = static_cast<double>(logs(0)[run.first + k]);
    if (w == 0) continue;
    const T* y = entry_.values + keys_[run.first + k] * problem_.value_stride;
    const auto z = [&](std::int64_t c) {  // what is not finite spoils the mean already
      return std::isfinite(y[c])
                 ? static_cast<double>(y[c]) - entry_.value_center[static_cast<std::size_t>(c)]
                 : 0.0;
    };
    double* at = moments;
    *at++ += w;
    for (std::int64_t c = 0; c < p; ++c) *at++ += w * z(c);
    for (std::int64_t a = 0; a < p; ++a)
      for (std::int64_t b = a; b < (problem_.covariance ? p : a + 1); ++b) *at++ += w * z(a) * z(b);
  }
}

// -------------------------------------------------------------------------- means without a state

// Of the runs of the tile that are all of their rows; the others, and rows that need care, go by
// their states.
template <class T>
void PairTile<T>::write_means(Block<T>& block) noexcept {
  const T infinity = std::numeric_limits<T>::infinity();
  means_.clear();
  for (const Run& run : runs_)
    if (run.alone && run.peak != infinity)
      means_.push_back({logs(0) + run.first, keys_ + run.first, run.count,
                        used_ - run.first - run.count,
                        entry_.mean + block.row(run.slot) * problem_.mean_stride});
  problem_.table->mean_runs(means_.data(), static_cast<int>(means_.size()),
                            mean_arguments(problem_, entry_));
  auto mean = means_.begin();
  for (const Run& run : runs_) {
    if (!run.alone) continue;
    if (run.peak != infinity && (mean++)->done)
      block.kind[static_cast<std::size_t>(run.slot)] = written;
    else
      block.clear(run.slot);
  }
}

#define VICINAL_INSTANTIATE(T)                                       \
  template void PairTile<T>::sum(Block<T>&, const Run&, T) noexcept; \
  template void PairTile<T>::write_means(Block<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
