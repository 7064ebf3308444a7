// A balanced k-d tree whose leaves are tiles of keys: ranges of positions in one order of the keys.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "poll.hpp"

namespace vicinal {

// A feature at which nodes may be split, and the unit in which its extent is compared with those of
// others.
template <class T>
struct SplitAxis {
  int feature = 0;
  T unit = 1;

  bool operator==(const SplitAxis&) const = default;
};

// Points as the tree sees them: `rows` rows of `depth` finite numbers, `stride` apart.
template <class T>
struct TreePoints {
  const T* data = nullptr;
  std::int64_t rows = 0, stride = 0;
  int depth = 0;
  std::vector<SplitAxis<T>> axes{};  // empty: all features

  const T* row(std::int64_t i) const { return data + i * stride; }
  // Of the axes, the feature along which the rows row_at(0), row_at(step) … below `count` reach
  // farthest.
  template <class F>
  int widest_feature(std::int64_t count, std::int64_t step, F&& row_at) const {
    int widest = axes.empty() ? 0 : axes[0].feature;
    const int choices = axes.empty() ? depth : static_cast<int>(axes.size());
    T most = T(-1);
    for (int a = 0; a < choices && choices > 1; ++a) {
      const auto [j, unit] = axes.empty() ? SplitAxis<T>{a} : axes[static_cast<std::size_t>(a)];
      T low = row(row_at(0))[j], high = low;
      for (std::int64_t i = 0; i < count; i += step) {
        const T x = row(row_at(i))[j];
        low = std::min(low, x);
        high = std::max(high, x);
      }
      if ((high / 2 - low / 2) / unit > most) most = (high / 2 - low / 2) / unit, widest = j;
    }
    return widest;
  }
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

// Splits at the median of the widest axis, in whole leaves; ties by row number,
// and rows of a leaf in their own order. So the tree is a function of the points alone, balanced
// whatever they are: a million equal points make the same leaves as any others. Unfinished once the
// poll has stopped.
template <class T>
Tree<T> build_tree(const TreePoints<T>& points, int leaf_size, int threads, Poll& poll);

}  // namespace vicinal
