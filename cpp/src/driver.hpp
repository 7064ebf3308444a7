// A whole call: every problem goes the way that suits it, by lists, through a tree, or past all
// keys.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "workspace.hpp"

namespace vicinal {

struct Watch {  // what the calling thread looks at while the house works
  std::function<bool()> interrupted;
  std::function<void(double)> progress;
};

// What becomes of a finished block: outputs are written, or an accumulator takes it in. Called by
// the workers, for disjoint rows; returns how many rows were empty.
template <class T>
using Sink =
    std::function<std::int64_t(const Problem<T>& problem, std::size_t entry, Block<T>& block)>;

// `problems` are the same points under several kernels: neighbors in the list that differ in
// profile or in a common factor of their bandwidths share the scores of the pairs. One report each.
template <class T>
std::vector<Report> run(std::span<const Problem<T>> problems, int num_threads, const Watch& watch,
                        const Sink<T>& sink);

}  // namespace vicinal
