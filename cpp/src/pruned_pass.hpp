// One worker's pass over rows and the leaves of a tree that they need: those that some row of a
// group may give a weight.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "cut.hpp"
#include "group.hpp"
#include "poll.hpp"
#include "prepared.hpp"

namespace vicinal {

using namespace kernels;

// A pass of one worker over the listed rows of its block.
template <class T>
class PrunedPass {
 public:
  PrunedPass(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed)
      : problem_(problem), entry_(entry), packed_(packed), keys_(packed.keys()) {
    const auto depth = static_cast<std::size_t>(keys_.space.depth);
    low_.resize(depth);
    high_.resize(depth);
    rows_.resize(depth * group_rows<T>);
    if (!entry.key_scales.empty()) {
      least_scales_.resize(2 *
                           static_cast<std::size_t>(std::max<std::int64_t>(keys_.tree.leaves, 1)));
      if (keys_.tree.leaves > 0) find_least_scale({0, 0, keys_.tree.leaves});
    }
  }

  void run(Workspace<T>& w, Poll& poll, std::atomic<std::int64_t>& pairs) {
    const auto rows = static_cast<std::int64_t>(w.block->todo.size());
    for (std::int64_t first = 0; first < rows && !poll.stopped(); first += group_rows<T>) {
      const int count = static_cast<int>(std::min<std::int64_t>(group_rows<T>, rows - first));
      take_rows(problem_, entry_, first, count, w);
      for (int r = 0; r < count; ++r)
        keys_.space.row(w.group.query_rows[r], entry_.origin.data(), row(r));
      std::copy_n(w.group.cut, count, cuts_);
      std::copy_n(w.group.index, count, index_);
      parts_.clear();
      divide({0, count, needed(0, count)});
      for (const Part& part : parts_) {
        if (parts_.size() > 1)
          take_rows(problem_, entry_, first + part.begin, part.end - part.begin, w);
        meet(part.leaves, w, poll);
        pairs += keys_in(part.leaves) * w.group.rows;
      }
      poll.advance(count * problem_.n);
      poll.look();
    }
  }

 private:
  T* row(int r) { return rows_.data() + r * keys_.space.depth; }

  // Rows of the group that go together, and the leaves that they meet.
  struct Part {
    int begin, end;
    std::vector<std::int64_t> leaves;

    // Time: tile functions take six rows at once, or one alone.
    std::size_t work() const {
      const int rows = end - begin;
      return leaves.size() * static_cast<std::size_t>(rows < 3 ? 2 * rows : std::max(rows, 6));
    }
  };

  static constexpr std::size_t few_leaves = 4;  // sooner met than divided

  // Adds the part to the plan, or its halves where they have less to do apart: rows that stand far
  // from each other, or of very different reach. Returns the work.
  std::size_t divide(Part part) {
    const int rows = part.end - part.begin, middle = part.begin + rows / 2;
    const std::size_t together = part.work(), before = parts_.size();
    if (rows > 1 && part.leaves.size() > few_leaves) {
      const auto alone = [&](int r) { return Part{r, r + 1, needed(r, r + 1)}.work(); };
      const std::size_t guess =
          (alone(part.begin) + alone(part.end - 1)) * static_cast<std::size_t>(rows) / 2;
      if (10 * guess < 9 * together) {
        const std::size_t apart = divide({part.begin, middle, needed(part.begin, middle)}) +
                                  divide({middle, part.end, needed(middle, part.end)});
        if (10 * apart < 9 * together) return apart;
        parts_.resize(before);
      }
    }
    parts_.push_back(std::move(part));
    return together;
  }

  std::int64_t keys_in(const std::vector<std::int64_t>& leaves) const {
    const Tree<T>& tree = keys_.tree;
    const bool last = !leaves.empty() && leaves.back() == tree.leaves - 1;  // may be partly filled
    return static_cast<std::int64_t>(leaves.size()) * tile_keys -
           (last ? tree.leaves * tile_keys - tree.points : 0);
  }

  // The leaves that some of these rows of the group need, in order.
  std::vector<std::int64_t> needed(int begin, int end) {
    for (std::size_t j = 0; j < low_.size(); ++j) {
      low_[j] = high_[j] = row(begin)[j];
      for (int r = begin + 1; r < end; ++r) {
        low_[j] = std::min(low_[j], row(r)[j]);
        high_[j] = std::max(high_[j], row(r)[j]);
      }
    }
    find_reaches(*std::min_element(cuts_ + begin, cuts_ + end));
    if (!entry_.query_scales.empty()) {
      const auto scale = [&](int r) {
        return entry_.query_scales[static_cast<std::size_t>(index_[r])];
      };
      least_query_scale_ = static_cast<double>(scale(begin));
      for (int r = begin + 1; r < end; ++r)
        least_query_scale_ = std::min(least_query_scale_, static_cast<double>(scale(r)));
    }
    std::vector<std::int64_t> leaves;
    if (keys_.tree.leaves > 0) collect({0, 0, keys_.tree.leaves}, leaves);
    return leaves;
  }

  // Per term and factor, the score beyond which no row of the group needs a key.
  void find_reaches(T cut) {
    reaches_.resize(problem_.plan.terms.size());
    for (std::size_t t = 0; t < reaches_.size(); ++t) {
      reaches_[t].clear();
      for (const FactorPlan<T>& f : problem_.plan.terms[t].factors) reaches_[t].push_back(f.reach);
    }
    if (problem_.cuts) reaches_[0][0] = std::min(reaches_[0][0], reach_of_cut(problem_, cut));
    radius_ = std::numeric_limits<double>::infinity();
    if (const auto* n = problem_.neighborhood.get()) radius_ = n->radius_score * (1 + 1e-12);
  }

  // Smallest scale of the scores of a node's keys.
  T find_least_scale(const TreeNode& node) {
    T least = std::numeric_limits<T>::max();
    if (node.leaf()) {
      const std::int64_t end = std::min((node.first + 1) * tile_keys, keys_.tree.points);
      for (std::int64_t i = node.first * tile_keys; i < end; ++i)
        least = std::min(least, entry_.key_scales[static_cast<std::size_t>(entry_.row_at(i))]);
    } else {
      least = find_least_scale(node.left());
      least = std::min(least, find_least_scale(node.right()));
    }
    return least_scales_[static_cast<std::size_t>(node.index)] = least;
  }

  // And of pairs of the rows in question with them.
  double least_scale(const TreeNode& node) const {
    return static_cast<double>(
               least_scales_.empty() ? T(1) : least_scales_[static_cast<std::size_t>(node.index)]) *
           least_query_scale_;
  }

  bool is_needed(const TreeNode& node) const {
    const Box<T> keys = keys_.box(node.index);
    const double slack = sizeof(T) == 4 ? 1e-5 : 1e-12;
    const Box<T> queries{low_.data(), high_.data()};
    if (std::isfinite(radius_) &&
        nearest_score(problem_.plan.terms[0].factors[0], keys_.space, queries, keys) * (1 - slack) >
            radius_)
      return false;
    for (std::size_t t = 0; t < reaches_.size(); ++t) {
      bool within = true;
      for (std::size_t j = 0; j < reaches_[t].size() && within; ++j)
        within = std::isinf(reaches_[t][j]) ||
                 nearest_score(problem_.plan.terms[t].factors[j], keys_.space, queries, keys) *
                         least_scale(node) * (1 - slack) <=
                     reaches_[t][j];
      if (within) return true;
    }
    return false;
  }

  void collect(const TreeNode& node, std::vector<std::int64_t>& leaves) const {
    if (!is_needed(node)) return;
    if (node.leaf()) return leaves.push_back(node.first);
    collect(node.left(), leaves);
    collect(node.right(), leaves);
  }

  // The tiles in the order of the tree; a chunk is summed afresh and folded, as in a dense call.
  void meet(const std::vector<std::int64_t>& leaves, Workspace<T>& w, Poll& poll) {
    std::int64_t open = -1;
    for (const std::int64_t leaf : leaves) {
      const TilePlace place = place_of(problem_, leaf);
      if (place.chunk != open) {
        if (open >= 0) fold_group(problem_, w);
        poll.look();
        if (poll.stopped()) return;
        open = place.chunk;
        w.chunk = &packed_.chunk(problem_, entry_, open, w.rows.data());
        open_group(problem_, w);
      }
      meet_tile(problem_, entry_, place.tile, w);
    }
    if (open >= 0) fold_group(problem_, w);
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const PackedKeys<T>& packed_;
  const KeyTree<T>& keys_;
  std::vector<T> low_, high_, rows_;  // of the rows in question, as they stand in boxes
  T cuts_[max_group_rows] = {};
  std::int64_t index_[max_group_rows] = {};
  std::vector<T> least_scales_;  // per node
  double least_query_scale_ = 1;
  std::vector<Part> parts_;
  std::vector<std::vector<double>> reaches_;
  double radius_ = 0;  // as a score
};

}  // namespace vicinal
