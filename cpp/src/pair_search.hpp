// The k nearest keys of one query by the distance of a kernel of several factors or terms, through
// a tree of the points as they are.
#pragma once

#include <functional>
#include <vector>

#include "candidate_list.hpp"
#include "prepared.hpp"

namespace vicinal {

// Branch and bound: a node is passed over if no pair with a key of its box can be nearer than the
// k nearest keys so far. One per worker.
template <class T>
class PairSearch {
 public:
  PairSearch(const Problem<T>& problem, const Entry<T>& entry, const KeyTree<T>& keys)
      : problem_(problem), entry_(entry), keys_(keys) {}

  // Of the keys that `admits` lets through; ties by row. In no order, until the next run.
  std::span<const Found> run(std::int64_t row, std::int64_t k,
                             const std::function<bool(std::int64_t key)>& admits);
  std::int64_t pairs() const { return pairs_; }

 private:
  double bound_of(const TreeNode& node) const;
  void descend(const TreeNode& node, double bound);
  void visit(const TreeNode& leaf);

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const KeyTree<T>& keys_;
  const T* query_ = nullptr;
  std::size_t k_ = 0;
  const std::function<bool(std::int64_t)>* admits_ = nullptr;
  std::vector<Found> found_;  // a heap: the farthest first
  std::int64_t pairs_ = 0;
};

extern template class PairSearch<float>;
extern template class PairSearch<double>;

}  // namespace vicinal
