// The policy empty = nearest where keys stand in a tree.
#pragma once

#include <optional>

#include "results.hpp"
#include "rows.hpp"
#include "search.hpp"

namespace vicinal {

using namespace kernels;

// The same key that looking at all of them finds.
template <class T>
class NearestFinder {
 public:
  NearestFinder(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed)
      : problem_(problem), entry_(entry) {
    const Plan<T>& plan = problem.plan;
    const bool single = plan.terms.size() == 1 && plan.terms[0].factors.size() == 1;
    if (problem.empty == Empty::nearest && single && !entry.mask && !entry.bias &&
        !gated(problem) && entry.key_scales.empty())
      search_.emplace(problem, entry, packed, 1, 0);
  }

  void run(Block<T>& block, Poll& poll) {
    if (!search_) return;
    block.nearest.assign(static_cast<std::size_t>(block.rows), unknown);
    std::int64_t slots[max_group_rows], rows[max_group_rows];
    int count = 0;
    const auto search = [&] {
      search_->run(rows, count);
      for (int r = 0; r < count; ++r)
        block.nearest[static_cast<std::size_t>(slots[r])] =
            search_->found(r).empty() ? -1 : within(rows[r], search_->found(r)[0].row);
      count = 0;
    };
    for (std::int64_t i = 0; i < block.rows && !poll.stopped(); ++i) {
      if (block.kind[static_cast<std::size_t>(i)] != ordinary ||
          !is_empty(problem_.plan, block.state, i))
        continue;
      slots[count] = i;
      rows[count++] = block.row(i);
      if (count < group_rows<T>) continue;
      search();
      poll.look();
    }
    if (count > 0) search();
  }

 private:
  // The nearest key may lie beyond the radius: then there is no candidate.
  std::int64_t within(std::int64_t row, std::int64_t key) const {
    return passes_gates(problem_, entry_, row, key) ? key : -1;
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  std::optional<GroupSearch<T>> search_;
};

}  // namespace vicinal
