// The limit h → 0: rows whose weights all vanish take the mean of their nearest keys.
#include <cmath>

#include "results.hpp"

namespace vicinal {

using kernels::header_columns;
using kernels::tile_keys;

namespace {

// Prior weight of a pair, relative to the largest of the keys.
template <class T>
double prior_of(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                std::int64_t key) {
  const std::int64_t at = key * problem.weight_stride;
  double log = 0;
  if (entry.weights != nullptr)
    log = std::log(static_cast<double>(entry.weights[at])) - entry.prior_peak;
  if (entry.log_weights != nullptr)
    log = static_cast<double>(entry.log_weights[at]) - entry.prior_peak;
  if (entry.bias) log += static_cast<double>(entry.bias.of(row, key));
  return std::exp(log);
}

}  // namespace

template <class T>
void take_limit(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block,
                std::int64_t slot, const Choice<T>& among) noexcept {
  RowState<T>& state = block.state;
  const std::int64_t count = state.count[static_cast<std::size_t>(slot)];
  block.clear(slot);
  state.count[static_cast<std::size_t>(slot)] = count;
  double* sums = state.hi_row(slot);
  const std::int64_t row = block.row(slot), p = problem.p, base = problem.linear_columns();
  const std::int64_t own = own_key(problem, entry, row);
  const auto take = [&](std::int64_t key) {
    const T* y = p == 0 ? nullptr : value_row(problem, entry, key);
    const double w = prior_of(problem, entry, row, key);
    sums[0] += w;
    sums[1] += own == key ? w : 0;
    sums[2] += w;
    sums[3] += w * w;
    for (std::int64_t c = 0; c < p; ++c) sums[header_columns + c] += w * static_cast<double>(y[c]);
    if (problem.moment_columns() > 0) {
      const auto z = [&](std::int64_t c) {
        return static_cast<double>(y[c]) - entry.value_center[static_cast<std::size_t>(c)];
      };
      std::int64_t at = base;
      sums[at++] += w;
      for (std::int64_t c = 0; c < p; ++c) sums[at++] += w * z(c);
      for (std::int64_t a = 0; a < p; ++a)
        for (std::int64_t b = a; b < (problem.covariance ? p : a + 1); ++b)
          sums[at++] += w * z(a) * z(b);
    }
    if (problem.k > 0)
      state.offer(slot, static_cast<T>(std::log2(w)), 1.0, problem.key_offset + key);
    if (entry.weights_out != nullptr) {
      const std::int64_t tiles = (problem.n + tile_keys - 1) / tile_keys;
      entry.weights_out[row * problem.weights_stride + key] = static_cast<T>(w);
      block.weight_references[slot * tiles + key / tile_keys] = 0;
    }
    block.keep(slot, key, static_cast<T>(w), T(0));
  };
  each_nearest(problem, entry, row, true, take, among);
}

#define VICINAL_INSTANTIATE(T)                                                          \
  template void take_limit(const Problem<T>&, const Entry<T>&, Block<T>&, std::int64_t, \
                           const Choice<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
