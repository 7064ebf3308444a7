#include "group_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

using namespace kernels;

namespace {

constexpr int most_depth = 4;  // of more features, a leaf is within the limit of most rows

// Largest |coordinate| of each feature among the keys.
template <class T>
double reach_of(const Box<T>& box, int j) {
  return std::max(std::abs(static_cast<double>(box.low[j])),
                  std::abs(static_cast<double>(box.high[j])));
}

}  // namespace

template <class T>
GroupBounds<T>::GroupBounds(const FactorPlan<T>& factor, const KeyTree<T>& keys)
    : factor_(factor),
      keys_(keys),
      inner_(factor.similarity == Similarity::dot),
      of_rows_(factor.plain && keys.space.depth <= most_depth) {
  const auto depth = static_cast<std::size_t>(keys.space.depth);
  low_.resize(depth);
  high_.resize(depth);
  boxed_.resize(depth * max_group_rows);
  // A chain of d rounded sums, with room to spare.
  relative_ = 4 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
              static_cast<double>(factor.depth + 64);
  if (factor.geographic) relative_ = std::max(relative_, sizeof(T) == 4 ? 1e-3 : 1e-7);
}

template <class T>
void GroupBounds<T>::open(const Group<T>& group, const T* origin) {
  const int depth = keys_.space.depth;
  for (int r = 0; r < group.rows; ++r) {
    T* row = boxed_.data() + r * depth;
    keys_.space.row(group.query_rows[r], origin, row);
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

template <class T>
double GroupBounds<T>::guarded(double score) const {
  if (inner_) return std::isfinite(absolute_) ? score + absolute_ : absolute_;
  const double least = static_cast<double>(std::numeric_limits<T>::min()) * (factor_.depth + 64);
  if (slack_ == 0) return score * (1 + relative_) + least;  // squares may underflow
  const double root = std::sqrt(factor_.square_half ? 2 * std::sqrt(score) : score) + slack_,
               square = root * root * (1 + relative_);
  return factor_.square_half ? square * square / 4 : square;
}

template <class T>
bool GroupBounds<T>::is_point(const TreeNode& node) const {
  const Box<T> box = keys_.box(node.index);
  return keys_.space.factor == nullptr &&
         std::equal(box.low, box.low + keys_.space.depth, box.high);
}

template <class T>
double GroupBounds<T>::of(const TreeNode& node) const {
  return nearest_score(factor_, keys_.space, {low_.data(), high_.data()}, keys_.box(node.index));
}

template <class T>
double GroupBounds<T>::of_row(int r, const TreeNode& node) const {
  const T* row = boxed_.data() + r * keys_.space.depth;
  const double scale = static_cast<double>(factor_.coordinate_scale);
  return squared_gap({row, row}, keys_.box(node.index), keys_.space.depth) * scale * scale;
}

template <class T>
bool GroupBounds<T>::holds_group(const TreeNode& node) const {
  const Box<T> box = keys_.box(node.index);
  bool holds = true;
  for (std::size_t j = 0; j < low_.size(); ++j)
    holds &= box.low[j] <= low_[j] && high_[j] <= box.high[j];
  return holds;
}

template <class T>
bool GroupBounds<T>::is_outside(std::span<const NeighborSet* const> windows,
                                const TreeNode& node) const {
  return vicinal::is_outside<T>(windows, {low_.data(), high_.data()}, keys_.box(node.index));
}

template <class T>
bool GroupBounds<T>::is_row_outside(std::span<const NeighborSet* const> windows, int r,
                                    const TreeNode& node) const {
  const T* row = boxed_.data() + r * keys_.space.depth;
  return vicinal::is_outside<T>(windows, {row, row}, keys_.box(node.index));
}

template <class T>
bool GroupBounds<T>::is_beyond(double bound, T limit) const {
  return bound - std::abs(bound) * relative_ - absolute_ > static_cast<double>(limit);
}

template class GroupBounds<float>;
template class GroupBounds<double>;

}  // namespace vicinal
