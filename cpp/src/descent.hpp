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

// A tree prunes few features best group by group; of many, tiles are worth sharing.
template <class T>
bool shares_tiles(const Problem<T>& problem) {
  const FactorPlan<T>& factor = problem.plan.terms[0].factors[0];
  return factor.expanded() || (factor.similarity == kernels::Similarity::dot && factor.depth > 8);
}

// How many of `threads` a search of so many queries keeps at work.
template <class T>
int workers_for(const Problem<T>& problem, std::int64_t count, int threads) {
  constexpr std::int64_t group = kernels::group_rows<T>;
  const double work =
      static_cast<double>(count) * static_cast<double>(problem.n) * static_cast<double>(problem.d);
  const std::int64_t most =
      shares_tiles(problem) && work > 1e7 ? count / 4 : (count + group - 1) / group / 4;
  return static_cast<int>(std::clamp<std::int64_t>(most, 1, threads));
}

// Queries that meet tiles together, in blocks of registers: every worker has as many turns.
template <class T>
std::int64_t rows_together(std::int64_t count, int workers) {
  constexpr std::int64_t most = 5 * kernels::group_rows<T>, block = 6;
  const auto parts = [](std::int64_t n, std::int64_t size) { return (n + size - 1) / size; };
  count = std::max<std::int64_t>(count, 1);
  return parts(parts(count, workers * parts(count, workers * most)), block) * block;
}

// The search of a block of queries. One per worker.
template <class T>
class BlockSearch {
 public:
  // `groups` of them; the rest as GroupSearch.
  BlockSearch(std::int64_t groups, const Problem<T>& problem, const Entry<T>& entry,
              const PackedKeys<T>& packed, std::int64_t k, double radius,
              const Restriction& restriction = {});

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
