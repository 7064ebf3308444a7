#include "descent.hpp"

#include <algorithm>

namespace vicinal {

namespace {

template <class T>
struct Party {
  GroupSearch<T>* group;
  double bound;  // of the node
};

// The child that is nearer to most comes first.
template <class T>
void descend(const TreeNode& node, std::span<const Party<T>> parties) {
  Party<T> at_left[most_groups], at_right[most_groups];
  std::size_t count = 0;
  int nearer_right = 0;
  for (const Party<T>& p : parties) {
    if (p.group->passes_over(node, p.bound) || p.group->visit_whole(node)) continue;
    const double left = p.group->bound_of(node.left()), right = p.group->bound_of(node.right());
    at_left[count] = {p.group, left};
    at_right[count++] = {p.group, right};
    nearer_right += right < left ? 1 : left < right ? -1 : 0;
  }
  if (count == 0) return;
  if (nearer_right > 0) descend<T>(node.right(), {at_right, count});
  descend<T>(node.left(), {at_left, count});
  if (nearer_right <= 0) descend<T>(node.right(), {at_right, count});
}

}  // namespace

template <class T>
void descend_together(std::span<GroupSearch<T>* const> groups) {
  if (groups.empty() || groups[0]->leaves() == 0) return;
  const TreeNode root{0, 0, groups[0]->leaves()};
  Party<T> parties[most_groups];
  for (std::size_t i = 0; i < groups.size(); ++i)
    parties[i] = {groups[i], groups[i]->bound_of(root)};
  descend<T>(root, {parties, groups.size()});
}

template <class T>
BlockSearch<T>::BlockSearch(std::int64_t groups, const Problem<T>& problem, const Entry<T>& entry,
                            const PackedKeys<T>& packed, std::int64_t k, double radius,
                            const Restriction& restriction) {
  for (std::int64_t i = 0; i < groups; ++i)
    groups_.emplace_back(problem, entry, packed, k, radius, restriction);
}

template <class T>
void BlockSearch<T>::run(std::span<const std::int64_t> rows) {
  GroupSearch<T>* open[most_groups];
  std::size_t count = 0;
  for (std::size_t first = 0; first < rows.size(); first += size_) {
    open[count] = &groups_[count];
    open[count++]->open(rows.data() + first,
                        static_cast<int>(std::min(size_, rows.size() - first)));
  }
  descend_together<T>({open, count});
  for (std::size_t i = 0; i < count; ++i) open[i]->close();
}

template <class T>
std::int64_t BlockSearch<T>::pairs() const {
  std::int64_t sum = 0;
  for (const auto& group : groups_) sum += group.pairs();
  return sum;
}

template void descend_together(std::span<GroupSearch<float>* const>);
template void descend_together(std::span<GroupSearch<double>* const>);
template class BlockSearch<float>;
template class BlockSearch<double>;

}  // namespace vicinal
