#include "block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gates.hpp"
#include "rows.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
Reference first_reference(const Problem<T>& problem, const Entry<T>& entry) {
  const Plan<T>& plan = problem.plan;
  const bool priors = entry.weights != nullptr || entry.log_weights != nullptr;
  if (!plan.bounded || entry.bias || problem.k > 0) return Reference::peak;
  // A count needs the support itself where a weight inside it may be flushed to 0.
  if (entry.count != nullptr && plan.has_zeros && (plan.can_vanish || priors))
    return Reference::peak;
  if (entry.count != nullptr && problem.cuts) return Reference::peak;  // keys left out do not count
  return Reference::fixed;
}

// A mass this small may have lost digits to the flush of single weights (numerics: n · 2⁻⁷⁴, double
// 2⁻⁸⁴⁰).
template <class T>
bool needs_peak(const Problem<T>& problem, const Entry<T>& entry, const RowState<T>& state,
                std::int64_t row) {
  const bool priors = entry.weights != nullptr || entry.log_weights != nullptr;
  if (!problem.plan.can_vanish && !priors) return false;
  const double mass = state.sum(row, 2),
               least = std::ldexp(static_cast<double>(entry.present), sizeof(T) == 4 ? -74 : -840);
  return !(mass >= least && mass <= std::numeric_limits<double>::max());
}

// Rows that stand one behind another are looked at in one go.
template <class T>
bool all_finite(const Problem<T>& problem, const Entry<T>& entry, const Block<T>& block) {
  const std::int64_t count = block.rows * problem.d;
  return block.order == nullptr && problem.query_stride == problem.d &&
         count <= std::numeric_limits<int>::max() &&
         problem.table->all_finite(entry.queries + block.row(0) * problem.d,
                                   static_cast<int>(count));
}

}  // namespace

template <class T>
void open_block(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block,
                std::int64_t first, std::int64_t rows) {
  block.first = first;
  block.rows = rows;
  block.mode = first_reference(problem, entry);
  block.todo.clear();
  const bool finite = all_finite(problem, entry, block);
  for (std::int64_t i = 0; i < rows; ++i) {
    const RowKind kind =
        finite ? ordinary
               : classify_query(problem, entry.queries + block.row(i) * problem.query_stride);
    const bool alone = kind == ordinary && block.chunk > 0 &&
                       meets_one_chunk(problem, entry, block.row(i), block.chunk);
    if (!alone && (!block.writes_means || kind != ordinary)) block.clear(i);
    block.kind[static_cast<std::size_t>(i)] = alone ? stateless : kind;
    if (kind == ordinary) block.todo.push_back(i);
    if (kind == infinite && entry.weights_out != nullptr)
      std::fill_n(entry.weights_out + block.row(i) * problem.weights_stride, problem.n, T(0));
  }
}

template <class T>
void list_again(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block) {
  block.mode = Reference::peak;
  std::size_t kept = 0;
  for (const std::int64_t i : block.todo)
    if (needs_peak(problem, entry, block.state, i)) block.todo[kept++] = i;
  block.todo.resize(kept);
  for (const std::int64_t i : block.todo) block.clear(i);
}

template <class T>
void list_hits(Block<T>& block) {
  block.mode = Reference::hits;
  std::size_t kept = 0;
  for (const std::int64_t i : block.todo)
    if (block.state.reference[static_cast<std::size_t>(i)] ==
        std::numeric_limits<double>::infinity())
      block.todo[kept++] = i;
  block.todo.resize(kept);
  for (const std::int64_t i : block.todo) {
    const std::int64_t count = block.state.count[static_cast<std::size_t>(i)];
    block.clear(i);
    block.hit_count[static_cast<std::size_t>(i)] = count;
  }
}

template <class T>
void close_hits(Block<T>& block) {
  RowState<T>& state = block.state;
  for (const std::int64_t i : block.todo) {
    const auto at = static_cast<std::size_t>(i);
    const double reference = state.reference[at], factor = power_of_two(reference);
    for (std::int64_t c = 0; c < state.columns; ++c) {
      const double f = c == 3 ? factor * factor : factor;
      state.hi_row(i)[c] *= f;
      state.lo_row(i)[c] *= f;
    }
    state.reference[at] = std::numeric_limits<double>::infinity();
    state.count[at] = block.hit_count[at];
  }
}

#define VICINAL_INSTANTIATE(T)                                                          \
  template void open_block(const Problem<T>&, const Entry<T>&, Block<T>&, std::int64_t, \
                           std::int64_t);                                               \
  template void list_again(const Problem<T>&, const Entry<T>&, Block<T>&);              \
  template void list_hits(Block<T>&);                                                   \
  template void close_hits(Block<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
