// Which leaves of a tree some of a group's rows may give a weight.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "column_windows.hpp"
#include "cut.hpp"
#include "prepared.hpp"

namespace vicinal {

struct Leaf {
  std::int64_t node, number;
};

// Windows that cut boxes of keys.
template <class T>
std::vector<const NeighborSet*> boxed_gates(const Problem<T>& problem) {
  if (problem.neighborhood == nullptr) return {};
  return boxed_windows<T>(problem.neighborhood->gates, box_space(problem));
}

// One per worker. A leaf is left out where its box lies beyond the reach of the rows by more than
// what bounds and computed scores disagree.
template <class T>
class NeededLeaves {
 public:
  NeededLeaves(const Problem<T>& problem, const Entry<T>& entry, const KeyTree<T>& keys)
      : problem_(problem),
        entry_(entry),
        keys_(keys),
        cut_reach_(problem),
        gates_(boxed_gates(problem)) {
    const auto depth = static_cast<std::size_t>(keys_.space.depth);
    low_.resize(depth);
    high_.resize(depth);
    rows_.resize(depth * kernels::max_group_rows);
    if (!entry.key_scales.empty()) {
      least_scales_.resize(2 *
                           static_cast<std::size_t>(std::max<std::int64_t>(keys_.tree.leaves, 1)));
      if (keys_.tree.leaves > 0) find_least_scale({0, 0, keys_.tree.leaves});
    }
    const auto& terms = problem.plan.terms;
    plain_ = terms.size() == 1 && terms[0].factors.size() == 1 && terms[0].factors[0].plain;
  }

  // The rows of this group are asked about from now on.
  void take(const Group<T>& group) {
    for (int r = 0; r < group.rows; ++r)
      keys_.space.row(group.query_rows[r], entry_.origin.data(), row(r));
    std::copy_n(group.cut, group.rows, cuts_);
    std::copy_n(group.index, group.rows, index_);
  }

  // The leaves that some of the rows from `begin` to `end` need, in order.
  std::vector<Leaf> of(int begin, int end) {
    std::vector<Leaf> leaves;
    aim(begin, end);
    if (keys_.tree.leaves > 0 && is_needed(0)) collect({0, 0, keys_.tree.leaves}, leaves);
    return leaves;
  }

  // The same, where they are known to be among these.
  std::vector<Leaf> among(const std::vector<Leaf>& known, int begin, int end) {
    std::vector<Leaf> leaves;
    leaves.reserve(known.size());
    aim(begin, end);
    for (const Leaf& leaf : known)
      if (is_needed(leaf.node)) leaves.push_back(leaf);
    return leaves;
  }

 private:
  T* row(int r) { return rows_.data() + r * keys_.space.depth; }

  void collect(const TreeNode& node, std::vector<Leaf>& leaves) const {
    if (node.leaf()) return leaves.push_back({node.index, node.first});
    const TreeNode left = node.left(), right = node.right();
    if (is_needed(left.index)) collect(left, leaves);
    if (is_needed(right.index)) collect(right, leaves);
  }

  // Box, reach and smallest scale of these rows.
  void aim(int begin, int end) {
    for (std::size_t j = 0; j < low_.size(); ++j) {
      low_[j] = high_[j] = row(begin)[j];
      for (int r = begin + 1; r < end; ++r) {
        low_[j] = std::min(low_[j], row(r)[j]);
        high_[j] = std::max(high_[j], row(r)[j]);
      }
    }
    find_reaches(*std::min_element(cuts_ + begin, cuts_ + end));
    if (entry_.query_scales.empty()) return;
    const auto scale = [&](int r) {
      return static_cast<double>(entry_.query_scales[static_cast<std::size_t>(index_[r])]);
    };
    least_query_scale_ = scale(begin);
    for (int r = begin + 1; r < end; ++r)
      least_query_scale_ = std::min(least_query_scale_, scale(r));
  }

  // Per term and factor, the score beyond which no row in question needs a key.
  void find_reaches(T cut) {
    reaches_.resize(problem_.plan.terms.size());
    for (std::size_t t = 0; t < reaches_.size(); ++t) {
      reaches_[t].clear();
      for (const FactorPlan<T>& f : problem_.plan.terms[t].factors) reaches_[t].push_back(f.reach);
    }
    if (problem_.cuts) reaches_[0][0] = std::min(reaches_[0][0], cut_reach_.of(cut));
    radius_ = std::numeric_limits<double>::infinity();
    if (const auto* n = problem_.neighborhood.get()) radius_ = n->radius_score * (1 + 1e-12);
  }

  // Smallest scale of the scores of a node's keys.
  T find_least_scale(const TreeNode& node) {
    T least = std::numeric_limits<T>::max();
    if (node.leaf()) {
      const std::int64_t end = std::min((node.first + 1) * kernels::tile_keys, keys_.tree.points);
      for (std::int64_t i = node.first * kernels::tile_keys; i < end; ++i)
        least = std::min(least, entry_.key_scales[static_cast<std::size_t>(entry_.row_at(i))]);
    } else {
      least = find_least_scale(node.left());
      least = std::min(least, find_least_scale(node.right()));
    }
    return least_scales_[static_cast<std::size_t>(node.index)] = least;
  }

  // And of pairs of the rows in question with them.
  double least_scale(std::int64_t node) const {
    return static_cast<double>(
               least_scales_.empty() ? T(1) : least_scales_[static_cast<std::size_t>(node)]) *
           least_query_scale_;
  }

  static constexpr double slack = sizeof(T) == 4 ? 1e-5 : 1e-12;

  // No pair of the rows in question with keys of the node scores less, by this factor.
  double least_score(const FactorPlan<T>& factor, std::int64_t node) const {
    const Box<T> queries{low_.data(), high_.data()}, keys = keys_.box(node);
    if (plain_) {
      const double scale = static_cast<double>(factor.coordinate_scale);
      return squared_gap(queries, keys, keys_.space.depth) * scale * scale * (1 - slack);
    }
    return nearest_score(factor, keys_.space, queries, keys) * (1 - slack);
  }

  // No key of the node is in the windows of the rows in question.
  bool is_outside(std::int64_t node) const {
    return vicinal::is_outside<T>(gates_, {low_.data(), high_.data()}, keys_.box(node));
  }

  bool is_needed(std::int64_t node) const {
    if (is_outside(node)) return false;
    const auto& terms = problem_.plan.terms;
    if (plain_) {
      const double score = least_score(terms[0].factors[0], node);
      return !(score > radius_ || score * least_scale(node) > reaches_[0][0]);
    }
    if (std::isfinite(radius_) && least_score(terms[0].factors[0], node) > radius_) return false;
    for (std::size_t t = 0; t < reaches_.size(); ++t) {
      bool within = true;
      for (std::size_t j = 0; j < reaches_[t].size() && within; ++j)
        within = std::isinf(reaches_[t][j]) ||
                 least_score(terms[t].factors[j], node) * least_scale(node) <= reaches_[t][j];
      if (within) return true;
    }
    return false;
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const KeyTree<T>& keys_;
  CutReach<T> cut_reach_;
  std::vector<const NeighborSet*> gates_;
  bool plain_;                        // one factor, of Euclidean distance
  std::vector<T> low_, high_, rows_;  // of the rows in question, as they stand in boxes
  T cuts_[kernels::max_group_rows] = {};
  std::int64_t index_[kernels::max_group_rows] = {};
  std::vector<T> least_scales_;  // per node
  double least_query_scale_ = 1;
  std::vector<std::vector<double>> reaches_;
  double radius_ = 0;  // as a score
};

}  // namespace vicinal
