// Keys in the order of single features: which of them lie in a window on a column.
#pragma once

#include <span>
#include <vector>

#include "prepared.hpp"

namespace vicinal {

// A tree of every feature on which the call's set has a window. Shared by all workers.
template <class T>
class ColumnTrees {
 public:
  ColumnTrees(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll);

  // The keys in the window of a query, and some of its ends, in no order.
  std::span<const std::int64_t> near(const NeighborSet& window, const T* query) const;

 private:
  struct Column {
    std::int64_t feature;
    Tree<T> tree;
  };
  std::vector<Column> columns_;
};

extern template class ColumnTrees<float>;
extern template class ColumnTrees<double>;

}  // namespace vicinal
