#include "graph_means.hpp"

#include <algorithm>

namespace vicinal {

using namespace kernels;

template <class T>
bool is_graph_of_means(const Problem<T>& problem, const Entry<T>& entry) noexcept {
  const NeighborSet& set = problem.neighborhood->set;
  return set.kind == NeighborSet::Kind::graph && set.data == EdgeData::weight &&
         !problem.neighborhood->is_piece && !filters_keys(problem, entry) &&
         entry.weights == nullptr && entry.log_weights == nullptr && !entry.bias;
}

template <class T>
std::int64_t write_graph_means(const Problem<T>& problem, const Entry<T>& entry,
                               Block<T>& block) noexcept {
  constexpr std::int64_t step = 64;
  const NeighborSet& graph = problem.neighborhood->set;
  const std::int64_t* begins = graph.indptr.data() + problem.neighborhood->query_offset;
  const MeanArguments<T> arguments = mean_arguments(problem, entry);
  MeanRows<T> rows;
  rows.keys = graph.indices.data();
  rows.short_keys = graph.short_indices.data();
  rows.weights = graph.template edges<T>().data();
  rows.mean_stride = problem.mean_stride;
  for (std::int64_t i = 0; i < block.rows; i += step) {
    rows.begins = begins + block.row(i);
    rows.count = static_cast<int>(std::min(step, block.rows - i));
    rows.means = entry.mean + block.row(i) * problem.mean_stride;
    const std::uint64_t done = problem.table->mean_rows(rows, arguments);
    for (std::int64_t r = 0; r < rows.count; ++r)
      if (auto& kind = block.kind[static_cast<std::size_t>(i + r)];
          kind == ordinary && done >> r & 1)
        kind = written;
  }
  return begins[block.row(0) + block.rows] - begins[block.row(0)];
}

#define VICINAL_INSTANTIATE(T)                                                  \
  template bool is_graph_of_means(const Problem<T>&, const Entry<T>&) noexcept; \
  template std::int64_t write_graph_means(const Problem<T>&, const Entry<T>&, Block<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
