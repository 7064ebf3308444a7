// The door of neighbor sets: what a set must be to fit a problem.
#pragma once

#include "vicinal/neighbor_set.hpp"

namespace vicinal {

struct SetSizes {
  std::int64_t query_offset, key_offset, m, n, d;  // offsets: what the set calls row 0 of the call
  bool is_piece = false;  // of a longer sequence: the set may know of more keys than these
};

// Throws std::invalid_argument; `T` is the type of the numbers on a graph's edges.
template <class T>
void check_set(const NeighborSet& set, const SetSizes& sizes);

// A graph with numbers on its edges gives the scores of all pairs: it stands in the set once, and
// what else there is may only cut. `graph` is the one that was found joined by &, or null.
void check_single_graph(const NeighborSet& set, const NeighborSet* graph);

}  // namespace vicinal
