#include "search.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "group.hpp"
#include "rows.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
GroupSearch<T>::GroupSearch(const Problem<T>& problem, const Entry<T>& entry,
                            const PackedKeys<T>& packed, std::int64_t k, double radius)
    : problem_(problem),
      entry_(entry),
      packed_(packed),
      keys_(packed.keys()),
      factor_(problem.plan.terms[0].factors[0]),
      k_(static_cast<int>(k)),
      most_(k_ + std::max(16, k_ / 2)),
      radius_(radius),
      inner_(factor_.similarity == Similarity::dot),
      bounds_(factor_, keys_) {
  allocate(w_, problem, 1);
  allocate_rows(w_, problem, true);
}

// Every pair has a place in the order: ∞ − ∞, of coordinates near the end of the range, is last.
template <class T>
double GroupSearch<T>::rank_of(int r, std::int64_t row) const {
  const double rank =
      pair_rank(factor_, w_.group.query_rows[r], entry_.keys + row * problem_.key_stride);
  return std::isnan(rank) ? std::numeric_limits<double>::infinity() : rank;
}

template <class T>
T GroupSearch<T>::limit_of_group() const {
  T limit = candidates_[0].limit;
  for (int r = 1; r < w_.group.rows; ++r) limit = std::max(limit, candidates_[r].limit);
  return limit;
}

template <class T>
void GroupSearch<T>::run(const std::int64_t* rows, int count) {
  for (int r = 0; r < count; ++r) found_[r].clear();
  if (keys_.tree.leaves == 0) return;
  pack_group(problem_, entry_, rows, count, w_);
  bounds_.open(w_.group, entry_.origin.data());
  const double limit = k_ > 0   ? std::numeric_limits<double>::infinity()
                       : inner_ ? bounds_.guarded(radius_)
                                : bounds_.guarded(radius_ * radius_);
  for (int r = 0; r < count; ++r) {
    candidates_[r].count = 0;
    candidates_[r].limit = static_cast<T>(limit);
    home_[r] = -1;
  }
  const TreeNode root{0, 0, keys_.tree.leaves};
  if (k_ > 0 && bounds_.of_rows()) seed(root, all_rows());
  descend(root, bounds_.of(root));
  for (int r = 0; r < count; ++r) close(r);
}

// Every row meets the leaf that is nearest at each fork first: its limit is then close to what it
// will be, and the leaves between the rows of a group are left to those that need them.
template <class T>
void GroupSearch<T>::seed(const TreeNode& node, RowBits rows) {
  if (rows == 0) return;
  if (node.leaf()) {
    for (RowBits open = rows; open != 0; open &= open - 1)
      home_[std::countr_zero(open)] = node.first;
    return visit_rows(node.first, rows);
  }
  const TreeNode left = node.left(), right = node.right();
  if (bounds_.holds_group(left)) return seed(left, rows);
  if (bounds_.holds_group(right)) return seed(right, rows);
  RowBits at_left = 0;
  for (RowBits open = rows; open != 0; open &= open - 1) {
    const int r = std::countr_zero(open);
    if (bounds_.of_row(r, left) <= bounds_.of_row(r, right)) at_left |= open & -open;
  }
  seed(left, at_left);
  seed(right, rows & ~at_left);
}

template <class T>
void GroupSearch<T>::descend(const TreeNode& node, double bound) {
  if (bounds_.is_beyond(bound, limit_of_group())) return;
  if (node.leaf()) return visit(node, node.first);
  if (k_ > 0 && bounds_.is_point(node)) {  // the first rows of equal keys stand in its first leaves
    const std::int64_t most = k_ + (problem_.exclude_self ? 1 : 0);
    for (std::int64_t l = 0; l < node.leaves && l * tile_keys < most; ++l)
      visit(node, node.first + l);
    return;
  }
  const TreeNode left = node.left(), right = node.right();
  const double at_left = bounds_.of(left), at_right = bounds_.of(right);
  if (at_right < at_left) {
    descend(right, at_right);
    descend(left, at_left);
  } else {
    descend(left, at_left);
    descend(right, at_right);
  }
}

// Rows that have not met the leaf of this node, and that it is not too far from.
template <class T>
auto GroupSearch<T>::rows_within(const TreeNode& node, std::int64_t leaf) const -> RowBits {
  RowBits rows = 0;
  for (int r = 0; r < w_.group.rows; ++r)
    if (home_[r] != leaf && !bounds_.is_beyond(bounds_.of_row(r, node), candidates_[r].limit))
      rows |= RowBits{1} << r;
  return rows;
}

template <class T>
void GroupSearch<T>::visit(const TreeNode& node, std::int64_t leaf) {
  visit_rows(leaf, bounds_.of_rows() ? rows_within(node, leaf) : all_rows());
}

template <class T>
void GroupSearch<T>::visit_rows(std::int64_t leaf, RowBits rows) {
  if (rows == 0) return;
  constexpr int together = 6;  // rows that a tile function takes at once
  const TilePlace place = place_of(problem_, leaf);
  w_.chunk = &chunk(place.chunk);
  T* scores = nullptr;
  for (int first = 0; first < w_.group.rows; first += together) {
    const RowBits block = rows >> first & ((RowBits{1} << together) - 1);
    const int count = std::min(together, w_.group.rows - first);
    if (std::popcount(block) == 1)
      scores = score_tile(problem_, entry_, place.tile, first + std::countr_zero(block), 1, w_);
    else if (block != 0)
      scores = score_tile(problem_, entry_, place.tile, first, count, w_);
  }
  const std::int64_t count =
      std::min<std::int64_t>(tile_keys, keys_.tree.points - leaf * tile_keys);
  for (RowBits open = rows; open != 0; open &= open - 1) {
    const int r = std::countr_zero(open);
    T* row = scores + r * tile_keys;
    if (inner_) problem_.table->rescale(row, tile_keys, T(-1));
    std::fill(row + count, row + tile_keys, std::numeric_limits<T>::quiet_NaN());
    const std::int64_t own = w_.group.own[r] - leaf * tile_keys;
    if (problem_.exclude_self && own >= 0 && own < count)
      row[own] = std::numeric_limits<T>::quiet_NaN();
    visit_row(leaf, r, row);
  }
  pairs_ += std::popcount(rows) * count;
}

template <class T>
void GroupSearch<T>::visit_row(std::int64_t leaf, int r, const T* scores) {
  Candidates& all = candidates_[r];
  if (k_ > 0 && k_ < tile_keys / 2 && all.count == 0 && std::isinf(all.limit))
    all.limit = static_cast<T>(bounds_.guarded(
        static_cast<double>(problem_.table->limit_of(scores, tile_keys, k_, most_))));
  std::uint16_t places[tile_keys];
  const int found = problem_.table->places_below(scores, tile_keys, all.limit, places);
  if (found == 0) return;
  all.reserve(found);
  const std::int64_t* order = entry_.order + leaf * tile_keys;
  for (int i = 0; i < found; ++i) {
    all.score[all.count + i] = scores[places[i]];
    all.row[all.count + i] = order[places[i]];
  }
  all.count += found;
  if (k_ > 0 && all.count > most_) tighten(all, r);
}

// Room for so many more, and for whole packs.
template <class T>
void GroupSearch<T>::Candidates::reserve(int more) {
  if (count + more + select_lanes <= room) return;
  const int wanted = 2 * (count + more) + 4 * tile_keys;
  Buffer<T> scores;
  Buffer<std::int64_t> rows;
  scores.resize(wanted);
  rows.resize(wanted);
  std::copy_n(score.data(), count, scores.data());
  std::copy_n(row.data(), count, rows.data());
  score = std::move(scores);
  row = std::move(rows);
  room = wanted;
}

// Keeps the k best by computed score, and whatever the guard cannot tell from them.
template <class T>
void GroupSearch<T>::tighten(Candidates& all, int r) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const int padded = (all.count + select_lanes - 1) / select_lanes * select_lanes;
  std::fill(all.score.data() + all.count, all.score.data() + padded,
            std::numeric_limits<T>::quiet_NaN());
  const T kth = problem_.table->limit_of(all.score.data(), padded, k_, k_ + k_ / 8);
  if (kth == infinity) return;
  all.limit = std::min(all.limit,
                       static_cast<T>(bounds_.guarded(bounds_.guarded(static_cast<double>(kth)))));
  int kept = 0;
  for (int i = 0; i < all.count; ++i) {
    const T score = all.score[i];
    all.score[kept] = score;
    all.row[kept] = all.row[i];
    kept += score <= all.limit;
  }
  all.count = kept;
  if (all.count > 2 * most_ + tile_keys) tighten_exactly(all, r);
}

// Too many ties: their exact order leaves k.
template <class T>
void GroupSearch<T>::tighten_exactly(Candidates& all, int r) {
  exact_.clear();
  for (int i = 0; i < all.count; ++i)
    exact_.push_back({{rank_of(r, all.row[i]), all.row[i]}, all.score[i]});
  std::nth_element(exact_.begin(), exact_.begin() + k_, exact_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  all.count = k_;
  for (int i = 0; i < k_; ++i) {
    all.score[i] = exact_[static_cast<std::size_t>(i)].second;
    all.row[i] = exact_[static_cast<std::size_t>(i)].first.row;
  }
}

template <class T>
void GroupSearch<T>::close(int r) {
  auto& found = found_[r];
  for (const std::int64_t row : candidates_[r].rows()) found.push_back({rank_of(r, row), row});
  if (k_ == 0)
    std::erase_if(found, [&](const Found& f) { return distance_of(factor_, f.rank) > radius_; });
  const auto kept = static_cast<std::ptrdiff_t>(
      k_ == 0 ? found.size() : std::min(static_cast<std::size_t>(k_), found.size()));
  if (static_cast<std::ptrdiff_t>(found.size()) > 4 * kept)
    std::partial_sort(found.begin(), found.begin() + kept, found.end());
  else
    std::sort(found.begin(), found.end());
  found.resize(static_cast<std::size_t>(kept));
}

template class GroupSearch<float>;
template class GroupSearch<double>;

}  // namespace vicinal
