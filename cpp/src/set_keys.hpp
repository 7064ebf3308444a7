// The keys of one set of neighbors, one after the other, for sets that know them by their numbers.
#pragma once

#include <algorithm>
#include <vector>

#include "vicinal/neighbor_set.hpp"

namespace vicinal {

// The keys of a call, by the numbers that sets count.
struct KeyRange {
  std::int64_t first, count;

  bool holds(std::int64_t number) const { return number >= first && number - first < count; }
  // Row of the call that is nearest to a number; count: past the last.
  std::int64_t row(std::int64_t number) const {
    return number <= first ? 0 : std::min(number - first, count);
  }
};

// Appends the rows of the call's keys that lie in one set which has no `nearest` in it, in order.
// `row` is the query's number. Sets that look at coordinates give every key, to be tested one by
// one.
void list_keys(const NeighborSet& set, std::int64_t row, KeyRange keys,
               std::vector<std::int64_t>& out);

// How dear it is to list the keys of a set; the rest of a conjunction is then tested.
int cost_of(const NeighborSet& set);

}  // namespace vicinal
