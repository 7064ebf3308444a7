#include "column_trees.hpp"

#include <algorithm>

namespace vicinal {

namespace {

constexpr int leaf_size = 32;

void find_features(const NeighborSet& set, std::vector<std::int64_t>& features) {
  if (set.kind == NeighborSet::Kind::column_window &&
      std::find(features.begin(), features.end(), set.column) == features.end())
    features.push_back(set.column);
  for (const NeighborSet& part : set.parts) find_features(part, features);
}

struct Leaves {  // of one feature, leaves stand in its order: those in a range are neighbors
  std::int64_t first = 0, end = 0;

  void add(const TreeNode& node) {
    if (end == 0) first = node.first;
    end = node.first + node.leaves;
  }
};

template <class T>
void find_leaves(const Tree<T>& tree, const TreeNode& node, const ColumnRange& range,
                 Leaves& leaves) {
  const auto low = static_cast<double>(tree.lows(node.index)[0]),
             high = static_cast<double>(tree.highs(node.index)[0]);
  if (high < range.first || low > range.last) return;
  if (node.leaf() || (range.holds(low) && range.holds(high))) return leaves.add(node);
  find_leaves(tree, node.left(), range, leaves);
  find_leaves(tree, node.right(), range, leaves);
}

}  // namespace

template <class T>
ColumnTrees<T>::ColumnTrees(const Problem<T>& problem, const Entry<T>& entry, int threads,
                            Poll& poll) {
  std::vector<std::int64_t> features;
  find_features(problem.neighborhood->set, features);
  for (const std::int64_t j : features)
    columns_.push_back({j, build_tree<T>({entry.keys + j, problem.n, problem.key_stride, 1, {}},
                                         leaf_size, threads, poll)});
}

template <class T>
std::span<const std::int64_t> ColumnTrees<T>::near(const NeighborSet& window,
                                                   const T* query) const {
  const Tree<T>& tree = std::find_if(columns_.begin(), columns_.end(), [&](const Column& c) {
                          return c.feature == window.column;
                        })->tree;
  Leaves leaves;
  if (tree.leaves > 0) find_leaves(tree, {0, 0, tree.leaves}, column_range(window, query), leaves);
  const std::int64_t first = leaves.first * leaf_size,
                     end = std::min(leaves.end * leaf_size, tree.points);
  return std::span(tree.order)
      .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first));
}

template class ColumnTrees<float>;
template class ColumnTrees<double>;

}  // namespace vicinal
