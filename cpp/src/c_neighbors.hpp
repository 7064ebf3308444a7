// The handle of a set of neighbors.
#pragma once

#include <memory>
#include <vector>

#include "c_call.hpp"

struct vicinal_neighbors {
  vicinal::NeighborSet set;
  std::vector<std::shared_ptr<const void>> owned;  // arrays that the set points to
};

namespace vicinal::c {

// The set of a call of type T; null: all keys.
template <class T>
NeighborSet set_of(const vicinal_neighbors* neighbors);

}  // namespace vicinal::c
