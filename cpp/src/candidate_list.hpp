// One query's part in a search: keys that may be its nearest, by computed scores with a guard band,
// and at last their exact order.
#pragma once

#include "group_bounds.hpp"
#include "nearest.hpp"

namespace vicinal {

struct Found {
  double rank;  // pair_rank
  std::int64_t row;

  bool operator<(const Found& other) const {
    return rank < other.rank || (rank == other.rank && row < other.row);
  }
};

// What is searched for, the same for all queries.
template <class T>
struct Selection {
  const Problem<T>& problem;
  const Entry<T>& entry;
  const FactorPlan<T>& factor;
  const GroupBounds<T>& bounds;  // of the present group
  int k;                         // the k nearest; 0: every key at most `radius` away
  double radius;

  double first_limit() const;
  // Candidates beyond so many are looked through.
  int most() const { return k + std::max(16, k / 2); }
};

template <class T>
class CandidateList {
 public:
  void clear() { found_.clear(); }
  void open(const Selection<T>& selection, const T* query);
  // No key that scores more matters.
  T limit() const { return limit_; }
  // Takes keys of a tile, near[lane]: the score is at most the limit. `order` has their rows.
  void take(const Selection<T>& selection, T* scores, LaneBits& near, const std::int64_t* order);
  void close(const Selection<T>& selection);
  // After close, in order.
  std::span<const Found> found() const { return found_; }

 private:
  void begin(const Selection<T>& selection, T* scores, LaneBits& near);
  void reserve(int more);
  void tighten(const Selection<T>& selection);
  void tighten_exactly(const Selection<T>& selection);
  void rank(const Selection<T>& selection);

  const T* query_ = nullptr;
  T limit_ = 0;
  Buffer<T> score_;
  Buffer<std::int64_t> row_;
  int count_ = 0, room_ = 0;
  std::vector<Found> found_;
};

extern template struct Selection<float>;
extern template struct Selection<double>;
extern template class CandidateList<float>;
extern template class CandidateList<double>;

}  // namespace vicinal
