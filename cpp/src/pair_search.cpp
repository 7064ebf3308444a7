#include "pair_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

namespace {

constexpr double slack = 1e-9;  // bounds and distances are rounded apart, in double

// No pair from the two boxes has a smaller distance_of by this factor.
template <class T>
double least_distance(const FactorPlan<T>& f, const BoxSpace<T>& space, const Box<T>& query,
                      const Box<T>& keys) {
  if (!f.distance && f.unit) return -1;  // −cos
  const double score = nearest_score(f, space, query, keys);
  if (f.similarity == kernels::Similarity::dot) return score - slack * std::abs(score);
  return std::sqrt(score) * f.inverse_bandwidth * (1 - slack);
}

}  // namespace

// As pair_distance: the largest of a term's factors, the smallest of the terms.
template <class T>
double PairSearch<T>::bound_of(const TreeNode& node) const {
  const Box<T> query{query_, query_}, box = keys_.box(node.index);
  double smallest = std::numeric_limits<double>::infinity();
  for (const TermPlan<T>& term : problem_.plan.terms) {
    double largest = -std::numeric_limits<double>::infinity();
    for (const FactorPlan<T>& f : term.factors)
      largest = std::max(largest, least_distance(f, keys_.space, query, box));
    smallest = std::min(smallest, largest);
  }
  return smallest;
}

template <class T>
void PairSearch<T>::visit(const TreeNode& leaf) {
  const std::int64_t first = leaf.first * kernels::tile_keys,
                     end = std::min(first + kernels::tile_keys, keys_.tree.points);
  for (std::int64_t i = first; i < end; ++i) {
    const std::int64_t key = keys_.order[static_cast<std::size_t>(i)];
    const double rank = pair_distance(problem_, query_, entry_.keys + key * problem_.key_stride);
    const Found one{std::isnan(rank) ? std::numeric_limits<double>::infinity() : rank, key};
    const bool full = found_.size() == k_;
    if ((full && !(one < found_.front())) || !(*admits_)(key)) continue;
    if (full) {
      std::pop_heap(found_.begin(), found_.end());
      found_.pop_back();
    }
    found_.push_back(one);
    std::push_heap(found_.begin(), found_.end());
  }
  pairs_ += end - first;
}

template <class T>
void PairSearch<T>::descend(const TreeNode& node, double bound) {
  if (found_.size() == k_ && bound > found_.front().rank) return;  // a tie may be of a lower row
  if (node.leaf()) return visit(node);
  const TreeNode left = node.left(), right = node.right();
  const double at_left = bound_of(left), at_right = bound_of(right);
  if (at_right < at_left) descend(right, at_right);
  descend(left, at_left);
  if (!(at_right < at_left)) descend(right, at_right);
}

template <class T>
std::span<const Found> PairSearch<T>::run(std::int64_t row, std::int64_t k,
                                          const std::function<bool(std::int64_t key)>& admits) {
  query_ = entry_.queries + row * problem_.query_stride;
  k_ = static_cast<std::size_t>(k);
  admits_ = &admits;
  found_.clear();
  const TreeNode root{0, 0, keys_.tree.leaves};
  if (root.leaves > 0 && k > 0) descend(root, bound_of(root));
  return found_;
}

template class PairSearch<float>;
template class PairSearch<double>;

}  // namespace vicinal
