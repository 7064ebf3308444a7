// Means by the weights of a graph: rows whose lists are read where they stand.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// What all rows of a call share on the way from weights to means.
template <class T>
kernels::MeanArguments<T> mean_arguments(const Problem<T>& problem, const Entry<T>& entry) {
  return {entry.values, problem.value_stride, static_cast<int>(problem.p), problem.plan.is_signed};
}

// Whether the set is a graph of weights and nothing else weighs or cuts its edges.
template <class T>
bool is_graph_of_means(const Problem<T>& problem, const Entry<T>& entry) noexcept;

// Writes the means of ordinary rows of the block, which stand in order; returns how many edges were
// read. Rows without weight, and those that need care, are left as they are.
template <class T>
std::int64_t write_graph_means(const Problem<T>& problem, const Entry<T>& entry,
                               Block<T>& block) noexcept;

}  // namespace vicinal
