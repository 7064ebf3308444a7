#include "query_order.hpp"

#include <algorithm>
#include <cmath>

#include "workspace.hpp"

namespace vicinal {

template <class T>
std::vector<std::int64_t> order_of_queries(const Problem<T>& problem, const Entry<T>& entry,
                                           const BoxSpace<T>& space, int together, int threads,
                                           Poll& poll) {
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
  std::vector<std::int64_t> order =
      build_tree<T>({boxed.data(), count, depth, depth}, together, threads, poll).order;
  for (std::int64_t& row : order) row = rows[static_cast<std::size_t>(row)];
  order.insert(order.end(), others.begin(), others.end());
  return order;
}

template std::vector<std::int64_t> order_of_queries(const Problem<float>&, const Entry<float>&,
                                                    const BoxSpace<float>&, int, int, Poll&);
template std::vector<std::int64_t> order_of_queries(const Problem<double>&, const Entry<double>&,
                                                    const BoxSpace<double>&, int, int, Poll&);

}  // namespace vicinal
