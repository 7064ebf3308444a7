// The loop over blocks of rows and chunks of keys, in parallel over whichever there is more of.
#pragma once

#include <functional>

#include "workspace.hpp"

namespace vicinal {

struct Watch {  // what the calling thread looks at while the house works
  std::function<bool()> interrupted;
  std::function<void(double)> progress;
};

// What becomes of a finished block: outputs are written, or an accumulator takes it in. Called by
// the workers, for disjoint rows; returns how many rows were empty.
template <class T>
using Sink = std::function<std::int64_t(std::size_t entry, Block<T>& block)>;

template <class T>
Report run(const Problem<T>& problem, int num_threads, const Watch& watch, const Sink<T>& sink);

}  // namespace vicinal
