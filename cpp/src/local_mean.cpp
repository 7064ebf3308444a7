// The public functions: through the door, over the blocks, out with the results.
#include "vicinal/local_mean.hpp"

#include "door.hpp"
#include "driver.hpp"
#include "results.hpp"

namespace vicinal {

namespace {

template <class T>
Report batch_stats(const KernelSum& kernel, std::span<const BatchItem<T>> batch,
                   const Options<T>& options) {
  if (batch.empty()) return {};
  const Problem<T> problem = open_door(lower<T>(kernel, batch[0].keys.columns), batch, options);
  if (problem.m == 0) return {};
  return run<T>(problem, options.num_threads, {options.interrupted, options.progress},
                [&](std::size_t e, Block<T>& block) {
                  return write_results(problem, problem.entries[e], block);
                });
}

template <class T>
Report single_stats(const KernelSum& kernel, View<const T> queries, View<const T> keys,
                    View<const T> values, const Statistics<T>& statistics,
                    const Options<T>& options) {
  const BatchItem<T> item{queries,
                          keys,
                          values,
                          statistics,
                          options.weights,
                          options.log_weights,
                          options.mask,
                          options.bias,
                          options.self_indices};
  return batch_stats<T>(kernel, {&item, 1}, options);
}

}  // namespace

Report local_stats(const KernelSum& kernel, View<const float> queries, View<const float> keys,
                   View<const float> values, const Statistics<float>& statistics,
                   const Options<float>& options) {
  return single_stats(kernel, queries, keys, values, statistics, options);
}
Report local_stats(const KernelSum& kernel, View<const double> queries, View<const double> keys,
                   View<const double> values, const Statistics<double>& statistics,
                   const Options<double>& options) {
  return single_stats(kernel, queries, keys, values, statistics, options);
}
Report local_stats(const KernelSum& kernel, std::span<const BatchItem<float>> batch,
                   const Options<float>& options) {
  return batch_stats(kernel, batch, options);
}
Report local_stats(const KernelSum& kernel, std::span<const BatchItem<double>> batch,
                   const Options<double>& options) {
  return batch_stats(kernel, batch, options);
}

}  // namespace vicinal
