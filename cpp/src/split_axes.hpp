// The features at which the trees of a call's keys and queries are split.
#pragma once

#include <vector>

#include "boxes.hpp"

namespace vicinal {

// Where windows on a column cut the keys: the features along which a row reaches a bounded way
// only, in units of that way, since boxes that reach as far in every feature have the least of
// them in reach of a row. Without such windows the tree is that of the coordinates, which an index
// keeps: empty, all features alike (of keys that carry scales, without these).
template <class T>
std::vector<SplitAxis<T>> split_axes(const Problem<T>& problem, int depth);

}  // namespace vicinal
