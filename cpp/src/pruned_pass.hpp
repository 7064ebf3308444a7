// One worker's pass over rows and the leaves of a tree that they need: those that some row of a
// group may give a weight.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "group.hpp"
#include "needed_leaves.hpp"
#include "poll.hpp"

namespace vicinal {

using namespace kernels;

// A pass of one worker over the listed rows of its block.
template <class T>
class PrunedPass {
 public:
  PrunedPass(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed)
      : problem_(problem),
        entry_(entry),
        packed_(packed),
        keys_(packed.keys()),
        needed_(problem, entry, packed.keys()) {}

  void run(Workspace<T>& w, Poll& poll, std::atomic<std::int64_t>& pairs) {
    const auto rows = static_cast<std::int64_t>(w.block->todo.size());
    for (std::int64_t first = 0; first < rows && !poll.stopped(); first += group_rows<T>) {
      const int count = static_cast<int>(std::min<std::int64_t>(group_rows<T>, rows - first));
      take_rows(problem_, entry_, first, count, w);
      needed_.take(w.group);
      parts_.clear();
      divide({0, count, needed_.of(0, count)});
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
  // Rows of the group that go together, and the leaves that they meet.
  struct Part {
    int begin, end;
    std::vector<Leaf> leaves;

    int rows() const { return end - begin; }
    // Time: tile functions take six rows at once, or one alone.
    std::size_t work() const {
      return leaves.size() *
             static_cast<std::size_t>(rows() < 3 ? 2 * rows() : std::max(rows(), 6));
    }
  };

  Part share(const Part& part, int begin, int end) {
    return {begin, end, needed_.among(part.leaves, begin, end)};
  }

  static bool is_less(std::size_t work, std::size_t than) { return 10 * work < 9 * than; }

  // As if all rows of the part went alone, by those at its ends.
  std::size_t work_alone(const Part& part) {
    const auto alone = [&](int r) { return share(part, r, r + 1).work(); };
    return (alone(part.begin) + alone(part.end - 1)) * static_cast<std::size_t>(part.rows()) / 2;
  }

  // Adds the part to the plan, or its halves where they have less to do apart: rows that stand far
  // from each other, or of very different reach. Returns the work.
  std::size_t divide(Part part) {
    const std::size_t together = part.work(), before = parts_.size();
    const bool few = part.rows() <= 6;  // halves take as long, unless rows go one by one in the end
    const auto gains_alone = [&] { return is_less(work_alone(part), together); };
    if (part.rows() > 1 && part.leaves.size() > 1 && (!few || gains_alone())) {
      const int middle = part.begin + part.rows() / 2;
      Part low = share(part, part.begin, middle), high = share(part, middle, part.end);
      if (few || is_less(low.work() + high.work(), together) || gains_alone()) {
        const std::size_t apart = divide(std::move(low)) + divide(std::move(high));
        if (is_less(apart, together)) return apart;
        parts_.resize(before);
      }
    }
    parts_.push_back(std::move(part));
    return together;
  }

  std::int64_t keys_in(const std::vector<Leaf>& leaves) const {
    const Tree<T>& tree = keys_.tree;
    const bool last =
        !leaves.empty() && leaves.back().number == tree.leaves - 1;  // may be partly filled
    return static_cast<std::int64_t>(leaves.size()) * tile_keys -
           (last ? tree.leaves * tile_keys - tree.points : 0);
  }

  // The tiles in the order of the tree; a chunk is summed afresh and folded, as in a dense call.
  void meet(const std::vector<Leaf>& leaves, Workspace<T>& w, Poll& poll) {
    std::int64_t open = -1;
    for (const Leaf& leaf : leaves) {
      const TilePlace place = place_of(problem_, leaf.number);
      if (place.chunk != open) {
        if (open >= 0) fold_group(problem_, entry_, w);
        poll.look();
        if (poll.stopped()) return;
        open = place.chunk;
        w.chunk = &packed_.chunk(problem_, entry_, open, w.rows.data());
        open_group(problem_, w);
      }
      meet_tile(problem_, entry_, place.tile, w);
    }
    if (open >= 0) fold_group(problem_, entry_, w);
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const PackedKeys<T>& packed_;
  const KeyTree<T>& keys_;
  NeededLeaves<T> needed_;
  std::vector<Part> parts_;
};

}  // namespace vicinal
