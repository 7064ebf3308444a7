// How near the keys of a tree's nodes can be to a group of queries, and how far computed scores may
// be from exact ones.
#pragma once

#include <vector>

#include "column_windows.hpp"
#include "prepared.hpp"

namespace vicinal {

// Of one factor's scores; those of inner products with their signs turned. One per worker.
template <class T>
class GroupBounds {
 public:
  GroupBounds(const FactorPlan<T>& factor, const KeyTree<T>& keys);

  // The rows of this group from now on.
  void open(const Group<T>& group, const T* origin);

  // No pair of the group, or of row r, with a key of the node has a smaller exact score.
  double of(const TreeNode& node) const;
  double of_row(int r, const TreeNode& node) const;
  // The bound is beyond the computed score `limit`, whatever the roundings were.
  bool is_beyond(double bound, T limit) const;
  // No pair whose exact score is at most `score` computes more than this.
  double guarded(double score) const;
  // A computed sum of squares or products errs by less than this share of its terms' sizes.
  double relative() const { return relative_; }

  // Scores are products, which tell the candidates of a tile before they are written.
  bool sifts() const { return inner_ || factor_.expanded(); }
  // Bounds of rows are cheap, and leave out more than they cost.
  bool of_rows() const { return of_rows_; }
  bool holds_group(const TreeNode& node) const;
  // No key of the node is in these windows of any query of the group, or of row r.
  bool is_outside(std::span<const NeighborSet* const> windows, const TreeNode& node) const;
  bool is_row_outside(std::span<const NeighborSet* const> windows, int r,
                      const TreeNode& node) const;
  // All keys of the node are one point.
  bool is_point(const TreeNode& node) const;

 private:
  const FactorPlan<T>& factor_;
  const KeyTree<T>& keys_;
  bool inner_, of_rows_;
  std::vector<T> low_, high_;  // box of the group's queries
  std::vector<T> boxed_;       // and each of them, as it stands in the box
  double relative_, absolute_ = 0, slack_ = 0;
};

extern template class GroupBounds<float>;
extern template class GroupBounds<double>;

}  // namespace vicinal
