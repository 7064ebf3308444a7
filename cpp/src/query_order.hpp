// An order of the queries in which neighbors stand together, so that a group meets few tiles.
#pragma once

#include "boxes.hpp"

namespace vicinal {

// Rows by a tree whose leaves are groups, and in a group by halves that stand apart; those that are
// not finite come last. No choice changes a result.
template <class T>
std::vector<std::int64_t> order_of_queries(const Problem<T>& problem, const Entry<T>& entry,
                                           const BoxSpace<T>& space, int threads, Poll& poll);

// Rows by the cells of a coarse grid over the widest features: cheaper, and good enough to meet the
// same values again while they are in a cache.
template <class T>
std::vector<std::int64_t> order_by_cells(const Problem<T>& problem, const Entry<T>& entry);

}  // namespace vicinal
