#include "search.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "descent.hpp"
#include "group.hpp"
#include "rows.hpp"

namespace vicinal {

using namespace kernels;

namespace {

void clear(LaneBits& bits, std::int64_t lane) {
  bits[static_cast<std::size_t>(lane / 64)] &= ~(std::uint64_t{1} << lane % 64);
}

// Of so many pairs the distances cost less one by one than those of the whole tile.
constexpr int most_suspects(int rows) { return rows * tile_keys / 32; }

}  // namespace

template <class T>
GroupSearch<T>::GroupSearch(const Problem<T>& problem, const Entry<T>& entry,
                            const PackedKeys<T>& packed, std::int64_t k, double radius,
                            Restriction restriction)
    : problem_(problem),
      entry_(entry),
      packed_(packed),
      keys_(packed.keys()),
      factor_(problem.plan.terms[0].factors[0]),
      bounds_(factor_, keys_),
      sieve_(factor_, packed),
      selection_{problem, entry, factor_, bounds_, static_cast<int>(k), radius},
      restriction_(std::move(restriction)),
      windows_(boxed_windows<T>(restriction_.sets, keys_.space)) {
  allocate(w_, problem, 1);
  allocate_rows(w_, problem, true);
}

template <class T>
void GroupSearch<T>::run(const std::int64_t* rows, int count) {
  open(rows, count);
  GroupSearch<T>* const alone[] = {this};
  descend_together<T>(alone);
  close();
}

template <class T>
void GroupSearch<T>::open(const std::int64_t* rows, int count) {
  for (int r = 0; r < count; ++r) lists_[r].clear();
  w_.group.rows = 0;
  if (leaves() == 0) return;  // there is no box of keys
  pack_group(problem_, entry_, rows, count, w_);
  bounds_.open(w_.group, entry_.origin.data());
  if (sieve_.serves()) sieve_.open(entry_, w_.group);
  for (int r = 0; r < count; ++r) {
    lists_[r].open(selection_, w_.group.query_rows[r]);
    home_[r] = -1;
  }
  if (selection_.k > 0 && bounds_.of_rows()) seed({0, 0, leaves()}, all_rows());
}

template <class T>
void GroupSearch<T>::close() {
  for (int r = 0; r < w_.group.rows; ++r) lists_[r].close(selection_);
}

template <class T>
T GroupSearch<T>::limit_of_group() const {
  T limit = lists_[0].limit();
  for (int r = 1; r < w_.group.rows; ++r) limit = std::max(limit, lists_[r].limit());
  return limit;
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
bool GroupSearch<T>::visit_whole(const TreeNode& node) {
  std::int64_t most = 1;
  if (!node.leaf()) {
    if (selection_.k == 0 || restriction_.admits || !bounds_.is_point(node)) return false;
    // The first rows of equal keys stand in its first leaves.
    most = selection_.k + (problem_.exclude_self ? 1 : 0);
  }
  for (std::int64_t l = 0; l < node.leaves && l * tile_keys < most; ++l)
    visit(node, node.first + l);
  return true;
}

// Rows that have not met the leaf of this node, and that it is not too far from.
template <class T>
auto GroupSearch<T>::rows_within(const TreeNode& node, std::int64_t leaf) const -> RowBits {
  RowBits rows = 0;
  for (int r = 0; r < w_.group.rows; ++r)
    if (home_[r] != leaf && !bounds_.is_beyond(bounds_.of_row(r, node), lists_[r].limit()) &&
        (windows_.empty() || !bounds_.is_row_outside(windows_, r, node)))
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
  const std::int64_t count = keys_of(leaf);
  T* scores = bounds_.sifts() ? sift(leaf) : score(leaf, rows);
  for (RowBits open = rows; open != 0; open &= open - 1) {
    const int r = std::countr_zero(open);
    LaneBits& near = near_[r];
    for (std::int64_t k = count; k < tile_keys; ++k) clear(near, k);
    const std::int64_t own = w_.group.own[r] - leaf * tile_keys;
    if (problem_.exclude_self && own >= 0 && own < count) clear(near, own);
    if (restriction_.admits) drop(r, leaf * tile_keys);
    if (near != LaneBits{})
      lists_[r].take(selection_, scores + r * tile_keys, near, entry_.order + leaf * tile_keys);
  }
}

// Of the keys of a tile that row r is near to, from position `first` on, those that are ruled out.
template <class T>
void GroupSearch<T>::drop(int r, std::int64_t first) {
  for (std::size_t i = 0; i < near_[r].size(); ++i)
    for (std::uint64_t bits = near_[r][i]; bits != 0; bits &= bits - 1) {
      const std::int64_t lane = static_cast<std::int64_t>(64 * i) + std::countr_zero(bits);
      if (!restriction_.admits(w_.group.index[r], entry_.order[first + lane]))
        clear(near_[r], lane);
    }
}

// The tile of the leaf; its chunk is the workspace's from now on.
template <class T>
int GroupSearch<T>::meet(std::int64_t leaf) {
  const TilePlace place = place_of(problem_, leaf);
  w_.chunk = &chunk(place.chunk);
  return place.tile;
}

// Where the scores of these rows against a tile of the workspace's chunk stand: of all rows at
// once, or of parts with one of them.
template <class T>
T* GroupSearch<T>::score_some(int tile, RowBits rows) {
  if (rows == all_rows()) return score_tile(problem_, entry_, tile, 0, w_.group.rows, w_);
  constexpr int together = 6;  // rows that a tile function takes at once
  T* scores = nullptr;
  for (int first = 0; first < w_.group.rows; first += together) {
    const RowBits part = rows >> first & ((RowBits{1} << together) - 1);
    const int count = std::min(together, w_.group.rows - first);
    if (std::popcount(part) == 1)
      scores = score_tile(problem_, entry_, tile, first + std::countr_zero(part), 1, w_);
    else if (part != 0)
      scores = score_tile(problem_, entry_, tile, first, count, w_);
  }
  return scores;
}

// The same, and which are within their limits.
template <class T>
T* GroupSearch<T>::score(std::int64_t leaf, RowBits rows) {
  T* scores = score_some(meet(leaf), rows);
  pairs_ += std::popcount(rows) * keys_of(leaf);
  for (RowBits open = rows; open != 0; open &= open - 1) {
    const int r = std::countr_zero(open);
    problem_.table->bits_below(scores + r * tile_keys, tile_keys, lists_[r].limit(),
                               near_[r].data());
  }
  return scores;
}

// The scores of all rows that are within their limits; those of the others are not computed.
template <class T>
T* GroupSearch<T>::sift(std::int64_t leaf) {
  const int rows = w_.group.rows;
  T limits[max_group_rows];
  for (int r = 0; r < rows; ++r) {
    const T limit = lists_[r].limit();
    limits[r] = factor_.square_half ? 2 * std::sqrt(limit) : limit;
  }
  const std::int64_t keys = keys_of(leaf);
  T* scores = nullptr;
  if (sieve_.serves() && sieve_.find(leaf, keys, limits, near_) <= most_suspects(rows)) {
    scores = score_suspects(leaf, limits);
  } else {
    scores = find_candidates(problem_, entry_, meet(leaf), limits,
                             static_cast<T>(bounds_.relative()), near_, w_);
    pairs_ += rows * keys;
  }
  if (factor_.square_half)
    for (int r = 0; r < rows; ++r)
      if (near_[r] != LaneBits{}) problem_.table->square_half(scores + r * tile_keys, 1);
  return scores;
}

// Of the pairs that are near by their sketches, those that are within their limits: by distances
// from their own coordinates.
template <class T>
T* GroupSearch<T>::score_suspects(std::int64_t leaf, const T* limits) {
  const T* queries[most_suspects(max_group_rows)];
  std::int64_t keys[most_suspects(max_group_rows)], places[most_suspects(max_group_rows)];
  int count = 0;
  for (int r = 0; r < w_.group.rows; ++r)
    for (std::size_t i = 0; i < near_[r].size(); ++i)
      for (std::uint64_t bits = near_[r][i]; bits != 0; bits &= bits - 1) {
        const std::int64_t lane = static_cast<std::int64_t>(64 * i) + std::countr_zero(bits);
        queries[count] = w_.group.query_rows[r];
        keys[count] = entry_.order[leaf * tile_keys + lane];
        places[count++] = r * tile_keys + lane;
      }
  pairs_ += count;
  T* scores = w_.group.tiles.data();
  if (count == 0) return scores;
  T squares[most_suspects(max_group_rows)];
  const PairSource<T> source =
      pair_source(factor_, queries, entry_.keys, problem_.key_stride, keys, count);
  PairArguments<T> a;
  a.source = &source;
  a.scores = squares;
  problem_.table->score_pairs[static_cast<int>(Similarity::expanded)](a);
  for (int i = 0; i < count; ++i) {
    const std::int64_t r = places[i] / tile_keys;
    scores[places[i]] = squares[i];
    if (!(squares[i] <= limits[r])) clear(near_[r], places[i] % tile_keys);
  }
  return scores;
}

template class GroupSearch<float>;
template class GroupSearch<double>;

}  // namespace vicinal
