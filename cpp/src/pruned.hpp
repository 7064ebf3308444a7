// Calls whose keys are met through a tree: tiles that weigh nothing are left out. What is left out
// is a property of the row, never of the rows beside it, so bits do not depend on the batch.
#pragma once

#include "driver.hpp"
#include "poll.hpp"

namespace vicinal {

// A function of keys, kernel and what is asked, not of the queries: compact kernels, and decaying
// ones with tol > 0, over many finite keys of few features.
template <class T>
bool prunes(const Problem<T>& problem);

template <class T>
Report run_pruned(const Problem<T>& problem, int threads, Poll& poll, const Sink<T>& sink);

}  // namespace vicinal
