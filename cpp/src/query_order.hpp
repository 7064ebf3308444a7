// An order of the queries in which neighbors stand together, so that a group meets few tiles.
#pragma once

#include "boxes.hpp"

namespace vicinal {

// Rows by a tree of leaves of `together` rows; those that are not finite come last. No choice
// changes a result.
template <class T>
std::vector<std::int64_t> order_of_queries(const Problem<T>& problem, const Entry<T>& entry,
                                           const BoxSpace<T>& space, int together, int threads,
                                           Poll& poll);

}  // namespace vicinal
