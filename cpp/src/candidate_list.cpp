#include "candidate_list.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace vicinal {

using namespace kernels;

template <class T>
double Selection<T>::first_limit() const {
  if (k > 0) return std::numeric_limits<double>::infinity();
  return bounds.guarded(factor.similarity == Similarity::dot ? radius : radius * radius);
}

template <class T>
void CandidateList<T>::open(const Selection<T>& s, const T* query) {
  query_ = query;
  count_ = 0;
  limit_ = static_cast<T>(s.first_limit());
}

template <class T>
void CandidateList<T>::take(const Selection<T>& s, T* scores, LaneBits& near,
                            const std::int64_t* order) {
  if (s.k > 0 && s.k < tile_keys / 2 && count_ == 0 && std::isinf(limit_)) begin(s, scores, near);
  reserve(tile_keys);
  for (std::size_t i = 0; i < near.size(); ++i)
    for (std::uint64_t bits = near[i]; bits != 0; bits &= bits - 1) {
      const std::size_t lane = 64 * i + static_cast<std::size_t>(std::countr_zero(bits));
      score_[count_] = scores[lane];
      row_[count_++] = order[lane];
    }
  if (s.k > 0 && count_ > s.most()) tighten(s);
}

// The first keys: about k of them make the limit.
template <class T>
void CandidateList<T>::begin(const Selection<T>& s, T* scores, LaneBits& near) {
  LaneBits others;
  for (std::size_t i = 0; i < near.size(); ++i) others[i] = ~near[i];
  if (others != LaneBits{})
    s.problem.table->drop_bits(scores, others.data(), std::numeric_limits<T>::quiet_NaN(),
                               all_panels);
  limit_ = static_cast<T>(s.bounds.guarded(
      static_cast<double>(s.problem.table->limit_of(scores, tile_keys, s.k, s.most()))));
  s.problem.table->bits_below(scores, tile_keys, limit_, near.data());
}

// Room for so many more, and for whole packs.
template <class T>
void CandidateList<T>::reserve(int more) {
  if (count_ + more + select_lanes <= room_) return;
  const int wanted = 2 * (count_ + more) + 4 * tile_keys;
  Buffer<T> scores;
  Buffer<std::int64_t> rows;
  scores.resize(wanted);
  rows.resize(wanted);
  std::copy_n(score_.data(), count_, scores.data());
  std::copy_n(row_.data(), count_, rows.data());
  score_ = std::move(scores);
  row_ = std::move(rows);
  room_ = wanted;
}

// Keeps the k best by computed score, and whatever the guard cannot tell from them.
template <class T>
void CandidateList<T>::tighten(const Selection<T>& s) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const int padded = (count_ + select_lanes - 1) / select_lanes * select_lanes;
  std::fill(score_.data() + count_, score_.data() + padded, std::numeric_limits<T>::quiet_NaN());
  const T kth = s.problem.table->limit_of(score_.data(), padded, s.k, s.k + s.k / 8);
  if (kth == infinity) return;
  limit_ = std::min(limit_,
                    static_cast<T>(s.bounds.guarded(s.bounds.guarded(static_cast<double>(kth)))));
  int kept = 0;
  for (int i = 0; i < count_; ++i) {
    const T score = score_[i];
    score_[kept] = score;
    row_[kept] = row_[i];
    kept += score <= limit_;
  }
  count_ = kept;
  if (count_ > 2 * s.most() + tile_keys) tighten_exactly(s);
}

// Too many ties: their exact order leaves k.
template <class T>
void CandidateList<T>::tighten_exactly(const Selection<T>& s) {
  rank(s);
  std::vector<std::pair<Found, T>> exact;
  for (int i = 0; i < count_; ++i)
    exact.push_back({found_[static_cast<std::size_t>(i)], score_[i]});
  std::nth_element(exact.begin(), exact.begin() + s.k, exact.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  count_ = s.k;
  for (int i = 0; i < s.k; ++i) {
    row_[i] = exact[static_cast<std::size_t>(i)].first.row;
    score_[i] = exact[static_cast<std::size_t>(i)].second;
  }
}

// The exact ranks of all candidates. Every pair has a place in the order: ∞ − ∞, of coordinates
// near the end of the range, is last.
template <class T>
void CandidateList<T>::rank(const Selection<T>& s) {
  found_.clear();
  for (int first = 0; first < count_; first += 4) {
    const int count = std::min(4, count_ - first);
    const T* keys[4];
    double ranks[4];
    for (int i = 0; i < 4; ++i)
      keys[i] = s.entry.keys + row_[first + (i < count ? i : 0)] * s.problem.key_stride;
    four_ranks(s.factor, query_, keys, ranks);
    for (int i = 0; i < count; ++i)
      found_.push_back({std::isnan(ranks[i]) ? std::numeric_limits<double>::infinity() : ranks[i],
                        row_[first + i]});
  }
}

template <class T>
void CandidateList<T>::close(const Selection<T>& s) {
  if (s.bounds.sifts()) {  // exact ones then cost more than a look at the computed ones
    if (s.k > 0 && count_ > s.k + s.k / 8) tighten(s);
    for (int i = 0; i < count_; ++i) {  // candidates lie anywhere
      const T* x = s.entry.keys + row_[i] * s.problem.key_stride;
      for (std::int64_t j = 0; j < s.problem.d; j += 64 / std::int64_t{sizeof(T)})
        __builtin_prefetch(x + j);
    }
  }
  rank(s);
  if (s.k == 0)
    std::erase_if(found_, [&](const Found& f) { return distance_of(s.factor, f.rank) > s.radius; });
  const auto kept = static_cast<std::ptrdiff_t>(
      s.k == 0 ? found_.size() : std::min(static_cast<std::size_t>(s.k), found_.size()));
  if (static_cast<std::ptrdiff_t>(found_.size()) > 4 * kept)
    std::partial_sort(found_.begin(), found_.begin() + kept, found_.end());
  else
    std::sort(found_.begin(), found_.end());
  found_.resize(static_cast<std::size_t>(kept));
}

template struct Selection<float>;
template struct Selection<double>;
template class CandidateList<float>;
template class CandidateList<double>;

}  // namespace vicinal
