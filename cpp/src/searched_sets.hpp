// Which sets of a call's neighbors are looked for through a tree of the keys.
#pragma once

#include <vector>

#include "problem.hpp"

namespace vicinal {

// The radii in a set.
void find_radii(const NeighborSet& set, std::vector<const NeighborSet*>& radii);

// To rank c candidates takes a time in proportion to c, to search the k nearest of them among n
// keys one in proportion to the k n / c keys that hold k candidates where these lie evenly.
bool are_few(std::int64_t candidates, std::int64_t k, std::int64_t n);

// A `nearest` in the call's set that is looked for through a tree, and what cuts before it.
struct NearestSearch {
  const NeighborSet* set;
  std::vector<const NeighborSet*> cut;
};
// Those before which nothing but radii cuts, and those before which no set cuts that is a radius or
// short: of these few keys, the nearest are found by looking at all.
template <class T>
std::vector<NearestSearch> nearest_searches(const Problem<T>& problem, const Entry<T>& entry);

// Lists stand in the order of the tree: some `nearest`, before which nothing but a radius cuts, or
// some radius is found through it, and there is no mask.
template <class T>
bool lists_in_tree_order(const Problem<T>& problem, const Entry<T>& entry);

// Keys are found through a tree, for lists in its order always, for others where it pays and all
// keys can stand in a tree: the lists are the same without it.
template <class T>
bool searches_tree(const Problem<T>& problem, const Entry<T>& entry);

// The same of windows on a column, through trees of single features.
template <class T>
bool searches_columns(const Problem<T>& problem, const Entry<T>& entry);

// The call's index is a tree of its keys in the metric of its sets; where these have none, of the
// points as they are.
template <class T>
bool index_serves(const Problem<T>& problem, const Entry<T>& entry);

}  // namespace vicinal
