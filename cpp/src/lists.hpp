// The keys that single rows see, listed: k nearest, graphs, grids, and whatever is joined with
// them.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "column_trees.hpp"
#include "descent.hpp"
#include "nearest_source.hpp"
#include "pair_search.hpp"

namespace vicinal {

// Keys of one row in the order in which they are summed: where they stand in a graph, or made.
template <class T>
struct RowList {
  std::span<const std::int64_t> keys;
  std::span<const T> edges;  // a graph's distances or weights beside them, or empty
  std::vector<std::int64_t> own_keys;
  std::vector<T> own_edges;
};

// One per worker.
template <class T>
class ListMaker {
 public:
  // Of at most `groups` groups of rows at once.
  ListMaker(std::int64_t groups, const Problem<T>& problem, const Entry<T>& entry,
            const NearestSource<T>* source, const ColumnTrees<T>* columns, Poll& poll);

  // Lists of these rows until the next run.
  void run(std::span<const std::int64_t> rows);
  std::int64_t most_rows() const { return std::ssize(lists_); }
  // Met in the tree so far.
  std::int64_t pairs_searched() const;
  const RowList<T>& list(int r) const { return lists_[static_cast<std::size_t>(r)]; }

 private:
  using Keys = std::vector<std::int64_t>;
  using Cut = std::vector<const NeighborSet*>;

  void take_whole(std::int64_t row, RowList<T>& list);
  void find(const NeighborSet& set, std::int64_t row, const Cut& cut, Keys& out);
  void find_nearest(const NeighborSet& set, std::int64_t row, const Cut& cut, Keys& out);
  void find_members(std::int64_t row, const Cut& sets, Keys& out);
  void add_search(const NeighborSet* set, const Cut& cut, const Restriction& restriction);
  std::optional<std::span<const Found>> search(const NeighborSet* set);
  std::optional<std::span<const std::int64_t>> narrowest(std::int64_t row, const Cut& cut) const;
  bool list_window(std::int64_t row, const Cut& sets, Keys& out);
  bool list_ball(Cut& rest, Keys& out);
  void list_cheapest(std::int64_t row, Cut& rest, Keys& out);
  void cut_graph(std::int64_t row, RowList<T>& list);
  void keep_nearest(std::int64_t k, RowList<T>& list);
  bool is_candidate_of(std::int64_t row, std::int64_t key, const Cut& cut);

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const Neighborhood<T>& n_;
  const NearestSource<T>* source_;
  const ColumnTrees<T>* columns_;
  Poll& poll_;
  std::int64_t tested_ = 0;
  const NeighborSet* whole_ = nullptr;  // a graph whose rows are the lists as they stand
  bool in_tree_order_ = false;
  struct Search {  // of k nearest, or within a radius: for the run when a row first asks
    const NeighborSet* set;
    Cut cut;                                 // before k nearest
    std::unique_ptr<BlockSearch<T>> search;  // null: row by row, by pair_search_
    bool ready = false;
  };
  std::vector<Search> searches_;
  std::unique_ptr<PairSearch<T>> pair_search_;  // where pairs have no one metric
  std::span<const std::int64_t> rows_;          // of the run
  std::size_t r_ = 0;                           // row of the run in question
  std::vector<std::pair<double, std::int64_t>> ranked_;
  std::vector<RowList<T>> lists_;
};

}  // namespace vicinal
