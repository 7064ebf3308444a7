// The k nearest of few keys: all distances, without groups of queries, tiles or bounds.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "candidate_list.hpp"
#include "prepared.hpp"

namespace vicinal {

// With the interface of a BlockSearch, and the same answers to the bit. One per worker.
template <class T>
class DirectSearch {
 public:
  static constexpr std::int64_t most_keys = 32, block_rows = 256;

  static bool serves(const Problem<T>& problem, const KeyTree<T>& keys) {
    return problem.plan.terms[0].factors[0].plain &&
           static_cast<std::int64_t>(keys.order.size()) <= most_keys;
  }

  DirectSearch(const Problem<T>& problem, const Entry<T>& entry, const KeyTree<T>& keys,
               std::int64_t k)
      : problem_(problem), entry_(entry), keys_(keys), k_(static_cast<std::size_t>(k)) {
    for (int j = 0; j < problem.d; ++j)
      for (const std::int64_t row : keys.order)
        coordinates_.push_back(static_cast<double>(entry.keys[row * problem.key_stride + j]));
    ranks_.resize(keys.order.size());
  }

  void run(std::span<const std::int64_t> rows) {
    found_.clear();
    ends_.assign(1, 0);
    for (const std::int64_t row : rows) {
      rank(entry_.queries + row * problem_.query_stride);
      take(problem_.exclude_self ? own_key(problem_, entry_, row) : -1);
      ends_.push_back(found_.size());
    }
    pairs_ += static_cast<std::int64_t>(rows.size() * ranks_.size());
  }
  std::span<const Found> found(std::size_t i) const {
    return std::span(found_).subspan(ends_[i], ends_[i + 1] - ends_[i]);
  }
  std::int64_t pairs() const { return pairs_; }

 private:
  // pair_rank of the query with every key.
  void rank(const T* query) {
    std::fill(ranks_.begin(), ranks_.end(), 0.0);
    const double* x = coordinates_.data();
    for (int j = 0; j < problem_.d; ++j) {
      const auto q = static_cast<double>(query[j]);
      for (double& sum : ranks_) {
        const double t = q - *x++;
        sum += t * t;
      }
    }
  }

  void take(std::int64_t own) {
    const auto first = static_cast<std::ptrdiff_t>(found_.size());
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      const Found next{ranks_[i], keys_.order[i]};
      if (next.row == own) continue;
      if (k_ > 1 || found_.size() == static_cast<std::size_t>(first))
        found_.push_back(next);
      else if (next < found_.back())
        found_.back() = next;
    }
    const std::size_t kept = std::min(k_, found_.size() - static_cast<std::size_t>(first));
    const auto begin = found_.begin() + first;
    std::partial_sort(begin, begin + static_cast<std::ptrdiff_t>(kept), found_.end());
    found_.resize(static_cast<std::size_t>(first) + kept);
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const KeyTree<T>& keys_;
  const std::size_t k_;
  std::vector<double> coordinates_;  // feature by feature
  std::vector<double> ranks_;
  std::vector<Found> found_;
  std::vector<std::size_t> ends_;
  std::int64_t pairs_ = 0;
};

}  // namespace vicinal
