// The search of one group of queries through a prepared tree: which of its queries meets which
// leaf, and which scores there are within their limits.
#pragma once

#include <functional>

#include "candidate_list.hpp"
#include "prepared.hpp"
#include "sketch_sieve.hpp"

namespace vicinal {

// What rules keys out besides their distance: a mask, sets of neighbors. Empty: nothing.
struct Restriction {
  std::function<bool(std::int64_t row, std::int64_t key)> admits{};
  std::vector<const NeighborSet*> sets{};  // part of that; windows on a column pass over boxes
};

// Either the k nearest, or every key within a radius. One per worker.
template <class T>
class GroupSearch {
 public:
  // k > 0: the k nearest; else the keys at most `radius` away.
  GroupSearch(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed,
              std::int64_t k, double radius, Restriction restriction = {});
  GroupSearch(const GroupSearch&) = delete;

  // Queries of these rows, at most group_rows; then found(r) lists what query r found, in order.
  void run(const std::int64_t* rows, int count);

  // The steps of run: after open, every leaf that is not beyond reach is visited, then close.
  void open(const std::int64_t* rows, int count);
  double bound_of(const TreeNode& node) const { return bounds_.of(node); }
  bool passes_over(const TreeNode& node, double bound) const {
    return bounds_.is_beyond(bound, limit_of_group()) ||
           (!windows_.empty() && bounds_.is_outside(windows_, node));
  }
  // The node's leaves, of those that are met at once; false: its children are to be met.
  bool visit_whole(const TreeNode& node);
  void close();

  std::span<const Found> found(int r) const { return lists_[r].found(); }
  std::int64_t pairs() const { return pairs_; }
  std::int64_t leaves() const { return keys_.tree.leaves; }
  const Chunk<T>& chunk(std::int64_t number) const {
    return packed_.chunk(problem_, entry_, number, w_.rows.data());
  }

 private:
  using RowBits = std::uint32_t;  // bit r: query r of the group

  void seed(const TreeNode& node, RowBits rows);
  void visit(const TreeNode& node, std::int64_t leaf);
  void visit_rows(std::int64_t leaf, RowBits rows);
  T* score_some(int tile, RowBits rows);
  T* score(std::int64_t leaf, RowBits rows);
  T* sift(std::int64_t leaf);
  T* score_suspects(std::int64_t leaf, const T* limits);
  int meet(std::int64_t leaf);
  std::int64_t keys_of(std::int64_t leaf) const {
    return std::min<std::int64_t>(kernels::tile_keys,
                                  keys_.tree.points - leaf * kernels::tile_keys);
  }
  RowBits rows_within(const TreeNode& node, std::int64_t leaf) const;
  void drop(int r, std::int64_t first);
  RowBits all_rows() const { return (RowBits{1} << w_.group.rows) - 1; }
  T limit_of_group() const;

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const PackedKeys<T>& packed_;
  const KeyTree<T>& keys_;
  const FactorPlan<T>& factor_;
  GroupBounds<T> bounds_;
  SketchSieve<T> sieve_;
  Selection<T> selection_;
  Restriction restriction_;
  std::vector<const NeighborSet*> windows_;
  Workspace<T> w_;
  CandidateList<T> lists_[kernels::max_group_rows];
  LaneBits near_[kernels::max_group_rows];      // of the tile: keys that a query may take
  std::int64_t home_[kernels::max_group_rows];  // leaf that a query has met first, or −1
  std::int64_t pairs_ = 0;
};

extern template class GroupSearch<float>;
extern template class GroupSearch<double>;

}  // namespace vicinal
