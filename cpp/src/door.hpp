// The door: every check of a call and every constant of its house, before any work.
#pragma once

#include "problem.hpp"

namespace vicinal {

// `plan` is the kernel, lowered for points of the batch's features; it keeps borrowing a tabulated
// profile. `metric` is needed where there are neighbors. `in_pieces`: more keys come in other
// calls. Throws std::invalid_argument naming the argument, what came and the rule.
template <class T>
Problem<T> open_door(const Plan<T>& plan, std::span<const BatchItem<T>> batch,
                     const Options<T>& options, const SetMetric<T>* metric = nullptr,
                     bool in_pieces = false);

}  // namespace vicinal
