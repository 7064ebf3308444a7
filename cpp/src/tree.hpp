// A balanced k-d tree whose leaves are tiles of keys: ranges of positions in one order of the keys.
#pragma once

#include <cstdint>
#include <vector>

#include "poll.hpp"

namespace vicinal {

// Points as the tree sees them: `rows` rows of `depth` finite numbers, `stride` apart.
template <class T>
struct TreePoints {
  const T* data = nullptr;
  std::int64_t rows = 0, stride = 0;
  int depth = 0;
  int split = depth;  // of so many features, the first ones, nodes are split at the widest

  const T* row(std::int64_t i) const { return data + i * stride; }
};

// Node 0 holds all leaves. A node of L > 1 leaves has ⌈L/2⌉ of them on its left, whose node follows
// it; the right one follows that subtree of 2⌈L/2⌉ − 1 nodes.
template <class T>
struct Tree {
  std::int64_t points = 0, leaves = 0;
  int leaf_size = 0, depth = 0;
  std::vector<std::int64_t> order;  // position → row of the points
  std::vector<T> low, high;         // nodes × depth: boxes

  const T* lows(std::int64_t node) const { return low.data() + node * depth; }
  const T* highs(std::int64_t node) const { return high.data() + node * depth; }
};

struct TreeNode {
  std::int64_t index = 0, first = 0, leaves = 0;  // its leaves are first … first + leaves − 1

  bool leaf() const { return leaves == 1; }
  TreeNode left() const { return {index + 1, first, (leaves + 1) / 2}; }
  TreeNode right() const {
    const std::int64_t l = (leaves + 1) / 2;
    return {index + 2 * l, first + l, leaves - l};
  }
};

// Splits at the median of the widest of the features to split, in whole leaves; ties by row number,
// and rows of a leaf in their own order. So the tree is a function of the points alone, balanced
// whatever they are: a million equal points make the same leaves as any others. Unfinished once the
// poll has stopped.
template <class T>
Tree<T> build_tree(const TreePoints<T>& points, int leaf_size, int threads, Poll& poll);

}  // namespace vicinal
