#include "tree.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <numeric>

#include "parallel.hpp"

namespace vicinal {

namespace {

constexpr std::int64_t most_samples = 512;  // rows that decide which feature is widest

// One feature of one row, beside the number of the row: sorting needs no way back to the points.
// Ordered by value, then by row.
template <class T>
struct Item {
  T value;
  std::int64_t number;

  Item() = default;
  Item(T x, std::int64_t r) : value(x), number(r) {}
  std::int64_t row() const { return number; }
  bool operator<(const Item& other) const {
    return (value < other.value) | ((value == other.value) & (number < other.number));
  }
};

// The same in one word, for rows below 2³²: the bits of a float, those of a negative one turned
// over, rise as it does; −0 counts as 0.
struct Word {
  static constexpr std::int64_t most_rows = std::int64_t{1} << 32;
  std::uint64_t bits;

  Word() = default;
  Word(float x, std::int64_t r) {
    const auto b = std::bit_cast<std::uint32_t>(x + 0.0F);
    const std::uint32_t rising = b >> 31 != 0 ? ~b : b | 0x80000000U;
    bits = std::uint64_t{rising} << 32 | static_cast<std::uint64_t>(r);
  }
  std::int64_t row() const { return static_cast<std::int64_t>(bits & 0xFFFFFFFFU); }
  bool operator<(const Word& other) const { return bits < other.bits; }
};

// Puts the smallest of the different items before `middle`, as std::nth_element does, without a
// branch that depends on an item: where x < pivot is as likely as not, guesses cost more than
// swaps.
template <class Sorted>
void select(Sorted* first, Sorted* middle, Sorted* end) {
  for (int round = 0; end - first > 64; ++round) {
    if (round == 64) break;  // pivots were bad
    const std::ptrdiff_t step = (end - first) / 8;
    Sorted sample[8];
    for (int i = 0; i < 8; ++i) sample[i] = first[step * i + step / 2];
    std::sort(sample, sample + 8);
    const Sorted pivot = sample[std::clamp<std::ptrdiff_t>((middle - first) / step, 1, 6)];
    Sorted* below = first;
    for (Sorted* at = first; at < end; ++at) {
      const Sorted item = *at;
      *at = *below;
      *below = item;
      below += item < pivot ? 1 : 0;
    }
    if (middle < below)
      end = below;
    else
      first = below;
  }
  std::nth_element(first, middle, end);
}

template <class T, class Sorted>
struct Builder {
  const TreePoints<T>& points;
  Tree<T>& tree;
  Poll& poll;
  std::vector<Sorted> items;

  std::int64_t first_of(const TreeNode& node) const { return node.first * tree.leaf_size; }
  std::int64_t end_of(const TreeNode& node) const {
    return std::min((node.first + node.leaves) * tree.leaf_size, tree.points);
  }

  int widest_feature(const TreeNode& node) const {
    const std::int64_t first = first_of(node), count = end_of(node) - first,
                       step = (count + most_samples - 1) / most_samples;
    return points.widest_feature(count, step, [&](std::int64_t i) {
      return tree.order[static_cast<std::size_t>(first + i)];
    });
  }

  void split(const TreeNode& node) {
    const std::int64_t first = first_of(node), end = end_of(node), middle = first_of(node.right());
    const int feature = widest_feature(node);
    for (std::int64_t i = first; i < end; ++i) {
      const std::int64_t row = tree.order[static_cast<std::size_t>(i)];
      items[static_cast<std::size_t>(i)] = {points.row(row)[feature], row};
    }
    select(items.data() + first, items.data() + middle, items.data() + end);
    for (std::int64_t i = first; i < end; ++i)
      tree.order[static_cast<std::size_t>(i)] = items[static_cast<std::size_t>(i)].row();
  }

  void close_leaf(const TreeNode& node) {
    std::sort(tree.order.begin() + first_of(node), tree.order.begin() + end_of(node));
    T* low = tree.low.data() + node.index * tree.depth;
    T* high = tree.high.data() + node.index * tree.depth;
    for (std::int64_t i = first_of(node); i < end_of(node); ++i) {
      const T* x = points.row(tree.order[static_cast<std::size_t>(i)]);
      for (int j = 0; j < tree.depth; ++j) {
        low[j] = i == first_of(node) ? x[j] : std::min(low[j], x[j]);
        high[j] = i == first_of(node) ? x[j] : std::max(high[j], x[j]);
      }
    }
  }

  // The box of a node holds those of its children.
  void close_node(const TreeNode& node) {
    const T *left_low = tree.lows(node.left().index), *right_low = tree.lows(node.right().index);
    const T *left_high = tree.highs(node.left().index),
            *right_high = tree.highs(node.right().index);
    for (int j = 0; j < tree.depth; ++j) {
      tree.low[static_cast<std::size_t>(node.index * tree.depth + j)] =
          std::min(left_low[j], right_low[j]);
      tree.high[static_cast<std::size_t>(node.index * tree.depth + j)] =
          std::max(left_high[j], right_high[j]);
    }
  }

  void build(const TreeNode& node) {
    poll.look();
    if (poll.stopped()) return;
    if (node.leaf()) return close_leaf(node);
    split(node);
    build(node.left());
    build(node.right());
    close_node(node);
  }

  // The nodes from which on workers go alone, in preorder; those above are split here.
  void open(const TreeNode& node, std::int64_t most, std::vector<TreeNode>& parts) {
    poll.look();
    if (node.leaves <= most || poll.stopped()) return parts.push_back(node);
    split(node);
    open(node.left(), most, parts);
    open(node.right(), most, parts);
  }
  void close(const TreeNode& node, std::int64_t most) {
    if (node.leaves <= most) return;
    close(node.left(), most);
    close(node.right(), most);
    close_node(node);
  }
};

template <class T, class Sorted>
void build_nodes(const TreePoints<T>& points, int threads, Poll& poll, Tree<T>& tree) {
  Builder<T, Sorted> builder{points, tree, poll, {}};
  builder.items.resize(tree.order.size());
  const TreeNode root{0, 0, tree.leaves};
  const std::int64_t most = threads <= 1 ? tree.leaves : tree.leaves / (4 * threads) + 1;
  std::vector<TreeNode> parts;
  builder.open(root, most, parts);
  std::atomic<std::size_t> next{0};
  parallel(
      static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), parts.size())),
      [&](int) {
        for (std::size_t i = next++; i < parts.size(); i = next++) builder.build(parts[i]);
      },
      [&] { poll.look(); });
  if (!poll.stopped()) builder.close(root, most);
}

}  // namespace

template <class T>
Tree<T> build_tree(const TreePoints<T>& points, int leaf_size, int threads, Poll& poll) {
  Tree<T> tree;
  tree.points = points.rows;
  tree.leaf_size = leaf_size;
  tree.depth = points.depth;
  tree.leaves = (points.rows + leaf_size - 1) / leaf_size;
  tree.order.resize(static_cast<std::size_t>(points.rows));
  std::iota(tree.order.begin(), tree.order.end(), std::int64_t{0});
  if (tree.leaves == 0) return tree;
  const auto nodes = static_cast<std::size_t>(2 * tree.leaves - 1);
  tree.low.resize(nodes * static_cast<std::size_t>(tree.depth));
  tree.high.resize(tree.low.size());
  if constexpr (sizeof(T) == 4)
    if (points.rows <= Word::most_rows) {
      build_nodes<T, Word>(points, threads, poll, tree);
      return tree;
    }
  build_nodes<T, Item<T>>(points, threads, poll, tree);
  return tree;
}

template Tree<float> build_tree(const TreePoints<float>&, int, int, Poll&);
template Tree<double> build_tree(const TreePoints<double>&, int, int, Poll&);

}  // namespace vicinal
