#include "query_order.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "workspace.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// Halves the rows at the median of their widest feature, and so on down to single rows.
template <class T>
void part_rows(const TreePoints<T>& points, std::int64_t* rows, int count) {
  if (count < 2) return;
  const int widest = points.widest_feature(count, 1, [&](std::int64_t i) { return rows[i]; });
  std::pair<T, std::int64_t> items[max_group_rows];
  for (int i = 0; i < count; ++i) items[i] = {points.row(rows[i])[widest], rows[i]};
  std::sort(items, items + count);
  for (int i = 0; i < count; ++i) rows[i] = items[i].second;
  part_rows(points, rows, count / 2);
  part_rows(points, rows + count / 2, count - count / 2);
}

}  // namespace

template <class T>
std::vector<std::int64_t> order_of_queries(const Problem<T>& problem, const Entry<T>& entry,
                                           const BoxSpace<T>& space, int threads, Poll& poll) {
  const auto query = [&](std::int64_t row) { return entry.queries + row * problem.query_stride; };
  std::vector<std::int64_t> rows, others;
  for (std::int64_t i = 0; i < problem.m; ++i) {
    const T* q = query(i);
    const bool finite = std::all_of(q, q + problem.d, [](T x) { return std::isfinite(x); });
    (finite ? rows : others).push_back(i);
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  const int depth = space.depth;
  Buffer<T> boxed;
  boxed.resize(count * depth);
  for (std::int64_t i = 0; i < count; ++i)
    space.row(query(rows[static_cast<std::size_t>(i)]), entry.origin.data(),
              boxed.data() + i * depth);
  const TreePoints<T> points{boxed.data(), count, depth, depth, space.axes};
  constexpr int together = group_rows<T>;
  std::vector<std::int64_t> order = build_tree<T>(points, together, threads, poll).order;
  for (std::int64_t i = 0; i < count; i += together)
    part_rows(points, order.data() + i,
              static_cast<int>(std::min<std::int64_t>(together, count - i)));
  for (std::int64_t& row : order) row = rows[static_cast<std::size_t>(row)];
  order.insert(order.end(), others.begin(), others.end());
  return order;
}

namespace {

constexpr int cell_bits = 12;

// A feature of the queries and its part of a cell's number.
template <class T>
struct GridAxis {
  std::int64_t feature = 0;
  T low = std::numeric_limits<T>::infinity(), high = -low;
  double scale = 0;

  double range() const { return static_cast<double>(high) - static_cast<double>(low); }
  std::size_t cell(T x, int bits) const {  // what is not finite goes to an end
    const double at = (static_cast<double>(x) - static_cast<double>(low)) * scale,
                 last = static_cast<double>((1 << bits) - 1);
    return at > 0 ? static_cast<std::size_t>(std::min(at, last)) : 0;
  }
};

}  // namespace

template <class T>
std::vector<std::int64_t> order_by_cells(const Problem<T>& problem, const Entry<T>& entry) {
  const auto query = [&](std::int64_t row) { return entry.queries + row * problem.query_stride; };
  std::vector<GridAxis<T>> axes(static_cast<std::size_t>(problem.d));
  for (std::size_t j = 0; j < axes.size(); ++j) axes[j].feature = static_cast<std::int64_t>(j);
  for (std::int64_t i = 0; i < problem.m; ++i)
    for (GridAxis<T>& axis : axes) {
      const T x = query(i)[axis.feature];
      if (!std::isfinite(x)) continue;
      axis.low = std::min(axis.low, x);
      axis.high = std::max(axis.high, x);
    }
  std::stable_sort(axes.begin(), axes.end(), [](const GridAxis<T>& a, const GridAxis<T>& b) {
    return a.range() > b.range();
  });
  axes.resize(std::min<std::size_t>(axes.size(), 3));
  const int bits = cell_bits / static_cast<int>(axes.size());
  for (GridAxis<T>& axis : axes)
    if (axis.range() > 0) axis.scale = static_cast<double>(1 << bits) / axis.range();
  std::vector<std::uint16_t> cells(static_cast<std::size_t>(problem.m));
  std::vector<std::int64_t> begins((std::size_t{1} << cell_bits) + 1), order(cells.size());
  for (std::int64_t i = 0; i < problem.m; ++i) {
    std::size_t cell = 0;
    for (const GridAxis<T>& axis : axes)
      cell = cell << bits | axis.cell(query(i)[axis.feature], bits);
    cells[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(cell);
    ++begins[cell + 1];
  }
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  for (std::size_t i = 0; i < cells.size(); ++i)
    order[static_cast<std::size_t>(begins[cells[i]]++)] = static_cast<std::int64_t>(i);
  return order;
}

template std::vector<std::int64_t> order_by_cells(const Problem<float>&, const Entry<float>&);
template std::vector<std::int64_t> order_by_cells(const Problem<double>&, const Entry<double>&);
template std::vector<std::int64_t> order_of_queries(const Problem<float>&, const Entry<float>&,
                                                    const BoxSpace<float>&, int, Poll&);
template std::vector<std::int64_t> order_of_queries(const Problem<double>&, const Entry<double>&,
                                                    const BoxSpace<double>&, int, Poll&);

}  // namespace vicinal
