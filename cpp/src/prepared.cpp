#include "prepared.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "chunk.hpp"
#include "parallel.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
bool is_present(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row) {
  const std::int64_t at = row * problem.weight_stride;
  if (entry.weights != nullptr) return entry.weights[at] != 0;
  return entry.log_weights == nullptr || !std::isinf(entry.log_weights[at]);
}

template <class T>
bool is_finite(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row) {
  const T* x = entry.keys + row * problem.key_stride;
  return std::all_of(x, x + problem.d, [](T v) { return std::isfinite(v); });
}

template <class T>
void prepare(const Problem<T>& problem, Entry<T>& entry, int threads, Prepared<T>& prepared) {
  std::vector<std::int64_t>& rows = prepared.order;
  rows.reserve(static_cast<std::size_t>(problem.n));
  for (std::int64_t i = 0; i < problem.n; ++i)
    if (is_present(problem, entry, i) && is_finite(problem, entry, i)) rows.push_back(i);
  const auto count = static_cast<std::int64_t>(rows.size());
  prepared.space = box_space(problem.plan, problem.d);
  const int depth = prepared.space.depth;
  const bool as_they_stand = count == problem.n && prepared.space.factor == nullptr;
  Buffer<T> boxed;
  if (!as_they_stand) {
    boxed.resize(count * depth);
    for (std::int64_t i = 0; i < count; ++i)
      prepared.space.row(entry.keys + rows[static_cast<std::size_t>(i)] * problem.key_stride,
                         entry.origin.data(), boxed.data() + i * depth);
  }
  const TreePoints<T> points = as_they_stand
                                   ? TreePoints<T>{entry.keys, count, problem.key_stride, depth}
                                   : TreePoints<T>{boxed.data(), count, depth, depth};
  prepared.tree = build_tree(points, tile_keys, threads);
  for (std::int64_t& row : prepared.tree.order) row = rows[static_cast<std::size_t>(row)];
  rows = std::move(prepared.tree.order);
  prepared.position.assign(static_cast<std::size_t>(problem.n), -1);
  for (std::int64_t i = 0; i < count; ++i)
    prepared.position[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])] = i;
  entry.order = rows.data();
  entry.position = prepared.position.data();
  entry.positions = count;

  const std::int64_t keys = chunk_keys(problem);
  prepared.chunks = std::vector<Chunk<T>>(static_cast<std::size_t>((count + keys - 1) / keys));
  for (Chunk<T>& chunk : prepared.chunks) allocate(chunk, problem);
  std::vector<Workspace<T>> team(static_cast<std::size_t>(std::max(threads, 1)));
  for (Workspace<T>& w : team) allocate_rows(w, problem, true);
  std::atomic<std::size_t> next{0};
  parallel(
      static_cast<int>(team.size()),
      [&](int worker) {
        Workspace<T>& w = team[static_cast<std::size_t>(worker)];
        for (std::size_t c = next++; c < prepared.chunks.size(); c = next++)
          pack_chunk(problem, entry, static_cast<std::int64_t>(c) * keys, w.rows.data(),
                     prepared.chunks[c]);
      },
      [] {});
}

#define VICINAL_INSTANTIATE(T)                                                \
  template bool is_present(const Problem<T>&, const Entry<T>&, std::int64_t); \
  template bool is_finite(const Problem<T>&, const Entry<T>&, std::int64_t);  \
  template void prepare(const Problem<T>&, Entry<T>&, int, Prepared<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
