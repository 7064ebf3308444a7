// The public functions: through the door, over the blocks, out with the results.
#include "vicinal/local_mean.hpp"

#include <algorithm>
#include <new>
#include <string>

#include "door.hpp"
#include "driver.hpp"
#include "lowering.hpp"
#include "results.hpp"

namespace vicinal {

namespace {

template <class T>
std::vector<Report> run_all(std::span<const Problem<T>> problems, const Options<T>& options) {
  if (problems.empty() || problems[0].m == 0) return std::vector<Report>(problems.size());
  return run<T>(problems, options.num_threads, {options.interrupted, options.progress},
                [](const Problem<T>& problem, std::size_t e, Block<T>& block) {
                  const std::int64_t empty = write_results(problem, problem.entries[e], block);
                  if (block.lost) throw std::bad_alloc();
                  return empty;
                });
}

template <class T>
void join(std::vector<std::vector<Kept<T>>>& rows, WeightLists<T>& lists) {
  lists = {};
  lists.indptr.push_back(0);
  for (const auto& row : rows)
    lists.indptr.push_back(lists.indptr.back() + static_cast<std::int64_t>(row.size()));
  lists.indices.reserve(static_cast<std::size_t>(lists.indptr.back()));
  lists.weights.reserve(lists.indices.capacity());
  for (auto& row : rows) {
    for (const Kept<T>& kept : row) {
      lists.indices.push_back(kept.key);
      lists.weights.push_back(kept.weight);
    }
    std::vector<Kept<T>>().swap(row);
  }
}

// With an index coordinates are packed as its own are, a power of two apart from what they were:
// no bit changes, and its tiles may serve.
template <class T>
Plan<T> plan_of(const KernelSum& kernel, std::int64_t d, const Options<T>& options,
                const KernelSum* first = nullptr) {
  Plan<T> plan = lower<T>(kernel, d, first);
  if (options.index == nullptr || plan.terms.size() != 1 || plan.terms[0].factors.size() != 1 ||
      !plan.terms[0].factors[0].plain)
    return plan;
  const KernelSum pilot(Kernel{});
  return lower<T>(kernel, d, &pilot);
}

template <class T>
Problem<T> open(const KernelSum& kernel, const Plan<T>& plan, std::span<const BatchItem<T>> batch,
                const Options<T>& options) {
  if (options.neighbors.kind == NeighborSet::Kind::all) return open_door(plan, batch, options);
  const SetMetric<T> metric(kernel, plan, batch[0].keys.columns);
  return open_door(plan, batch, options, &metric);
}

template <class T>
Report batch_stats(const KernelSum& kernel, std::span<const BatchItem<T>> batch,
                   const Options<T>& options) {
  if (batch.empty()) return {};
  Problem<T> problem =
      open(kernel, plan_of(kernel, batch[0].keys.columns, options), batch, options);
  std::vector<std::vector<Kept<T>>> rows;  // weights asked for as lists
  if (problem.lists_weights) {
    if (batch.size() > 1) refuse("weight_lists are of one problem, not of a batch");
    rows.resize(static_cast<std::size_t>(problem.m));
    problem.entries[0].weight_rows = rows.data();
  }
  const Report report = run_all<T>({&problem, 1}, options)[0];
  if (problem.lists_weights) join(rows, *batch[0].statistics.weight_lists);
  return report;
}

template <class T>
BatchItem<T> item_of(View<const T> queries, View<const T> keys, View<const T> values,
                     const Statistics<T>& statistics, const Options<T>& options) {
  return {queries,
          keys,
          values,
          statistics,
          options.weights,
          options.log_weights,
          options.mask,
          options.bias,
          options.self_indices,
          options.key_bandwidths,
          options.query_bandwidths,
          options.position_bias};
}

template <class T>
Report single_stats(const KernelSum& kernel, View<const T> queries, View<const T> keys,
                    View<const T> values, const Statistics<T>& statistics,
                    const Options<T>& options) {
  const BatchItem<T> item = item_of(queries, keys, values, statistics, options);
  return batch_stats<T>(kernel, {&item, 1}, options);
}

template <class T>
std::vector<Report> many_stats(std::span<const KernelSum> kernels, View<const T> queries,
                               View<const T> keys, View<const T> values,
                               std::span<const Statistics<T>> statistics,
                               const Options<T>& options) {
  if (std::any_of(statistics.begin(), statistics.end(),
                  [](const Statistics<T>& s) { return s.weight_lists != nullptr; }))
    refuse("weight_lists are of one kernel, not of several");
  if (statistics.size() != kernels.size())
    refuse("statistics must have one element per kernel, got " + std::to_string(statistics.size()) +
           " for " + std::to_string(kernels.size()));
  std::vector<Problem<T>> problems;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const BatchItem<T> item = item_of(queries, keys, values, statistics[i], options);
    problems.push_back(open<T>(kernels[i], plan_of(kernels[i], keys.columns, options, &kernels[0]),
                               {&item, 1}, options));
  }
  return run_all<T>(problems, options);
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

std::vector<Report> local_stats(std::span<const KernelSum> kernels, View<const float> queries,
                                View<const float> keys, View<const float> values,
                                std::span<const Statistics<float>> statistics,
                                const Options<float>& options) {
  return many_stats(kernels, queries, keys, values, statistics, options);
}
std::vector<Report> local_stats(std::span<const KernelSum> kernels, View<const double> queries,
                                View<const double> keys, View<const double> values,
                                std::span<const Statistics<double>> statistics,
                                const Options<double>& options) {
  return many_stats(kernels, queries, keys, values, statistics, options);
}

}  // namespace vicinal
