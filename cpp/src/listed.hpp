// Calls whose rows have lists of keys of their own: k nearest, graphs, grids and what joins them.
#pragma once

#include "driver.hpp"
#include "poll.hpp"

namespace vicinal {

template <class T>
Report run_listed(const Problem<T>& problem, int threads, Poll& poll, const Sink<T>& sink);

}  // namespace vicinal
