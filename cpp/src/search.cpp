#include "search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "group.hpp"
#include "rows.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// Largest |coordinate| of each feature among the keys.
template <class T>
double reach_of(const Box<T>& box, int j) {
  return std::max(std::abs(static_cast<double>(box.low[j])),
                  std::abs(static_cast<double>(box.high[j])));
}

}  // namespace

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
      inner_(factor_.similarity == Similarity::dot) {
  allocate(w_, problem, 1);
  allocate_rows(w_, problem, true);
  const auto depth = static_cast<std::size_t>(keys_.space.depth);
  low_.resize(depth);
  high_.resize(depth);
  boxed_.resize(depth * max_group_rows);
  // A chain of d rounded sums, with room to spare.
  relative_ = 4 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
              static_cast<double>(factor_.depth + 64);
  if (factor_.geographic) relative_ = std::max(relative_, sizeof(T) == 4 ? 1e-3 : 1e-7);
}

template <class T>
void GroupSearch<T>::open(const std::int64_t* rows, int count) {
  const int depth = keys_.space.depth;
  pack_group(problem_, entry_, rows, count, w_);
  for (int r = 0; r < count; ++r) {
    T* row = boxed_.data() + r * depth;
    keys_.space.row(w_.group.query_rows[r], entry_.origin.data(), row);
    for (int j = 0; j < depth; ++j) {
      const auto at = static_cast<std::size_t>(j);
      low_[at] = r == 0 ? row[j] : std::min(low_[at], row[j]);
      high_[at] = r == 0 ? row[j] : std::max(high_[at], row[j]);
    }
  }
  // What scores lose by rounding, besides a share of themselves: products of coordinates, and the
  // roundings of mapped rows.
  absolute_ = slack_ = 0;
  const Box<T> keys = keys_.box(0), queries{low_.data(), high_.data()};
  for (int j = 0; j < depth; ++j) {
    absolute_ += reach_of(keys, j) * reach_of(queries, j);
    const double most = std::max(reach_of(keys, j), reach_of(queries, j));
    slack_ += most * most;
  }
  slack_ = factor_.geographic
               ? haversine_rounding<T> * static_cast<double>(factor_.feature_weights[1])
           : keys_.space.factor == nullptr
               ? 0
               : 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * std::sqrt(slack_);
  const double overflow = static_cast<double>(std::numeric_limits<T>::max()) / 4;
  if (inner_ && absolute_ > overflow) absolute_ = std::numeric_limits<double>::infinity();
  absolute_ = inner_ ? relative_ * absolute_ : 0;
}

// Every pair has a place in the order: ∞ − ∞, of coordinates near the end of the range, is last.
template <class T>
double GroupSearch<T>::rank_of(int r, std::int64_t row) const {
  const double rank =
      pair_rank(factor_, w_.group.query_rows[r], entry_.keys + row * problem_.key_stride);
  return std::isnan(rank) ? std::numeric_limits<double>::infinity() : rank;
}

// No pair whose exact score is at most `score` computes more than this.
template <class T>
double GroupSearch<T>::guarded(double score) const {
  if (inner_) return std::isfinite(absolute_) ? score + absolute_ : absolute_;
  const double least = static_cast<double>(std::numeric_limits<T>::min()) * (factor_.depth + 64);
  if (slack_ == 0) return score * (1 + relative_) + least;  // squares may underflow
  const double root = std::sqrt(factor_.square_half ? 2 * std::sqrt(score) : score) + slack_,
               square = root * root * (1 + relative_);
  return factor_.square_half ? square * square / 4 : square;
}

template <class T>
bool GroupSearch<T>::is_point(const TreeNode& node) const {
  const Box<T> box = keys_.box(node.index);
  return keys_.space.factor == nullptr &&
         std::equal(box.low, box.low + keys_.space.depth, box.high);
}

template <class T>
double GroupSearch<T>::bound_of(const TreeNode& node) const {
  return nearest_score(factor_, keys_.space, {low_.data(), high_.data()}, keys_.box(node.index));
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
  open(rows, count);
  const double limit = k_ > 0   ? std::numeric_limits<double>::infinity()
                       : inner_ ? guarded(radius_)
                                : guarded(radius_ * radius_);
  for (int r = 0; r < count; ++r) {
    candidates_[r].count = 0;
    candidates_[r].limit = static_cast<T>(limit);
  }
  const TreeNode root{0, 0, keys_.tree.leaves};
  descend(root, bound_of(root));
  for (int r = 0; r < count; ++r) close(r);
}

template <class T>
void GroupSearch<T>::descend(const TreeNode& node, double bound) {
  if (bound - std::abs(bound) * relative_ - absolute_ > static_cast<double>(limit_of_group()))
    return;
  if (node.leaf()) return visit(node.first);
  if (k_ > 0 && is_point(node)) {  // the first rows of equal keys stand in its first leaves
    const std::int64_t most = k_ + (problem_.exclude_self ? 1 : 0);
    for (std::int64_t l = 0; l < node.leaves && l * tile_keys < most; ++l) visit(node.first + l);
    return;
  }
  const TreeNode left = node.left(), right = node.right();
  const double at_left = bound_of(left), at_right = bound_of(right);
  if (at_right < at_left) {
    descend(right, at_right);
    descend(left, at_left);
  } else {
    descend(left, at_left);
    descend(right, at_right);
  }
}

template <class T>
void GroupSearch<T>::visit(std::int64_t leaf) {
  const TilePlace place = place_of(problem_, leaf);
  w_.chunk = &chunk(place.chunk);
  T* scores = score_tile(problem_, entry_, place.tile, w_);
  const std::int64_t count =
      std::min<std::int64_t>(tile_keys, keys_.tree.points - leaf * tile_keys);
  if (inner_) problem_.table->rescale(scores, std::int64_t(w_.group.rows) * tile_keys, T(-1));
  for (int r = 0; r < w_.group.rows; ++r) {
    T* row = scores + r * tile_keys;
    std::fill(row + count, row + tile_keys, std::numeric_limits<T>::quiet_NaN());
    const std::int64_t own = w_.group.own[r] - leaf * tile_keys;
    if (problem_.exclude_self && own >= 0 && own < count)
      row[own] = std::numeric_limits<T>::quiet_NaN();
    visit_row(leaf, r, row);
  }
  pairs_ += w_.group.rows * count;
}

template <class T>
void GroupSearch<T>::visit_row(std::int64_t leaf, int r, const T* scores) {
  Candidates& all = candidates_[r];
  if (k_ > 0 && k_ < tile_keys / 2 && all.count == 0 && std::isinf(all.limit))
    all.limit = static_cast<T>(
        guarded(static_cast<double>(problem_.table->limit_of(scores, tile_keys, k_, most_))));
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
  all.limit = std::min(all.limit, static_cast<T>(guarded(guarded(static_cast<double>(kth)))));
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
