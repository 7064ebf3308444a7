// Groups of queries that go through a tree together.
#pragma once

#include <deque>

#include "search.hpp"

namespace vicinal {

inline constexpr std::int64_t most_groups = 8;

// At most most_groups. Each passes over what lies beyond its own reach; those that meet a tile do
// so one after the other, while it is in the second-level cache. Groups are opened before and
// closed after.
template <class T>
void descend_together(std::span<GroupSearch<T>* const> groups);

// The search of a block of queries. One per worker.
template <class T>
class BlockSearch {
 public:
  // `groups` of them; the rest as GroupSearch.
  BlockSearch(std::int64_t groups, const Problem<T>& problem, const Entry<T>& entry,
              const PackedKeys<T>& packed, std::int64_t k, double radius);

  // Queries of these rows, at most groups · group_rows; found(i) lists what query i found.
  void run(std::span<const std::int64_t> rows);
  std::span<const Found> found(std::size_t i) const {
    return groups_[i / size_].found(static_cast<int>(i % size_));
  }
  std::int64_t pairs() const;

 private:
  static constexpr std::size_t size_ = static_cast<std::size_t>(kernels::group_rows<T>);
  std::deque<GroupSearch<T>> groups_;
};

extern template class BlockSearch<float>;
extern template class BlockSearch<double>;

}  // namespace vicinal
