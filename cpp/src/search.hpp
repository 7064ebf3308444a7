// The search of one group of queries through a prepared tree: candidates by computed scores with a
// guard band, then the exact order.
#pragma once

#include "group_bounds.hpp"
#include "nearest.hpp"
#include "prepared.hpp"

namespace vicinal {

struct Found {
  double rank;  // pair_rank
  std::int64_t row;

  bool operator<(const Found& other) const {
    return rank < other.rank || (rank == other.rank && row < other.row);
  }
};

// Either the k nearest, or every key within a radius. One per worker.
template <class T>
class GroupSearch {
 public:
  // k > 0: the k nearest; else the keys at most `radius` away.
  GroupSearch(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed,
              std::int64_t k, double radius);

  // Queries of these rows, at most group_rows; then found(r) lists what query r found, in order.
  void run(const std::int64_t* rows, int count);
  std::span<const Found> found(int r) const { return found_[static_cast<std::size_t>(r)]; }
  std::int64_t pairs() const { return pairs_; }
  const Chunk<T>& chunk(std::int64_t number) const {
    return packed_.chunk(problem_, entry_, number, w_.rows.data());
  }

 private:
  // Keys that may be among the k nearest of one query, or within its radius: by computed scores.
  struct Candidates {
    Buffer<T> score;
    Buffer<std::int64_t> row;
    int count = 0, room = 0;
    T limit;  // no key that scores more matters

    void reserve(int more);
    std::span<const std::int64_t> rows() const {
      return {row.data(), static_cast<std::size_t>(count)};
    }
  };
  using RowBits = std::uint32_t;  // bit r: query r of the group

  void seed(const TreeNode& node, RowBits rows);
  void descend(const TreeNode& node, double bound);
  void visit(const TreeNode& node, std::int64_t leaf);
  void visit_rows(std::int64_t leaf, RowBits rows);
  void visit_row(std::int64_t leaf, int r, const T* scores);
  void tighten(Candidates& all, int r);
  void tighten_exactly(Candidates& all, int r);
  void close(int r);
  double rank_of(int r, std::int64_t row) const;
  RowBits rows_within(const TreeNode& node, std::int64_t leaf) const;
  RowBits all_rows() const { return (RowBits{1} << w_.group.rows) - 1; }
  T limit_of_group() const;

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const PackedKeys<T>& packed_;
  const KeyTree<T>& keys_;
  const FactorPlan<T>& factor_;
  int k_, most_;  // candidates beyond `most_` are looked through
  double radius_;
  bool inner_;  // scores are inner products: their signs are turned
  GroupBounds<T> bounds_;
  Workspace<T> w_;
  std::vector<std::pair<Found, T>> exact_;
  Candidates candidates_[kernels::max_group_rows];
  std::vector<Found> found_[kernels::max_group_rows];
  std::int64_t home_[kernels::max_group_rows];  // leaf that a query has met first, or −1
  std::int64_t pairs_ = 0;
};

extern template class GroupSearch<float>;
extern template class GroupSearch<double>;

}  // namespace vicinal
