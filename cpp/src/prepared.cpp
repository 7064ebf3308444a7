#include "prepared.hpp"

#include <algorithm>
#include <cmath>
#include <thread>

#include "chunk.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
bool is_finite(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row) {
  const T* x = entry.keys + row * problem.key_stride;
  return std::all_of(x, x + problem.d, [](T v) { return std::isfinite(v); });
}

template <class T>
void plant(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll,
           KeyTree<T>& keys) {
  std::vector<std::int64_t>& rows = keys.order;
  rows.reserve(static_cast<std::size_t>(problem.n));
  for (std::int64_t i = 0; i < problem.n; ++i)
    if (is_present(problem, entry, i) && is_finite(problem, entry, i)) rows.push_back(i);
  const auto count = static_cast<std::int64_t>(rows.size());
  keys.space = box_space(problem);
  const int depth = keys.space.depth;
  const bool as_they_stand = count == problem.n && keys.space.factor == nullptr;
  Buffer<T> boxed;
  if (!as_they_stand) {
    boxed.resize(count * depth);
    for (std::int64_t i = 0; i < count; ++i)
      keys.space.row(entry.keys + rows[static_cast<std::size_t>(i)] * problem.key_stride,
                     entry.origin.data(), boxed.data() + i * depth);
  }
  TreePoints<T> points = as_they_stand
                             ? TreePoints<T>{entry.keys, count, problem.key_stride, depth, {}}
                             : TreePoints<T>{boxed.data(), count, depth, depth, {}};
  points.axes = keys.space.axes;
  keys.tree = build_tree(points, tile_keys, threads, poll);
  for (std::int64_t& row : keys.tree.order) row = rows[static_cast<std::size_t>(row)];
  rows = std::move(keys.tree.order);
  keys.position.assign(static_cast<std::size_t>(problem.n), -1);
  for (std::int64_t i = 0; i < count; ++i)
    keys.position[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])] = i;
}

template <class T>
void follow(const KeyTree<T>& keys, Entry<T>& entry) {
  entry.order = keys.order.data();
  entry.position = keys.position.data();
  entry.positions = static_cast<std::int64_t>(keys.order.size());
}

template <class T>
void PackedKeys<T>::allocate(const Problem<T>& problem) {
  const std::int64_t keys = chunk_keys(problem),
                     count = static_cast<std::int64_t>(keys_->order.size());
  chunks_ = std::vector<Chunk<T>>(static_cast<std::size_t>((count + keys - 1) / keys));
  states_ = std::vector<std::atomic<std::uint8_t>>(chunks_.size());
  for (Chunk<T>& chunk : chunks_) vicinal::allocate(chunk, problem);
}

template <class T>
const Chunk<T>& PackedKeys<T>::chunk(const Problem<T>& problem, const Entry<T>& entry,
                                     std::int64_t number, T* rows) const noexcept {
  const auto at = static_cast<std::size_t>(number);
  std::atomic<std::uint8_t>& state = states_[at];
  if (state.load(std::memory_order_acquire) == packed) return chunks_[at];
  std::uint8_t expected = untouched;
  if (state.compare_exchange_strong(expected, being_packed, std::memory_order_acquire)) {
    pack_chunk(problem, entry, number * chunk_keys(problem), all_tiles, rows, chunks_[at]);
    state.store(packed, std::memory_order_release);
  }
  while (state.load(std::memory_order_acquire) != packed) std::this_thread::yield();
  return chunks_[at];
}

#define VICINAL_INSTANTIATE(T)                                                      \
  template bool is_finite(const Problem<T>&, const Entry<T>&, std::int64_t);        \
  template void plant(const Problem<T>&, const Entry<T>&, int, Poll&, KeyTree<T>&); \
  template void follow(const KeyTree<T>&, Entry<T>&);                               \
  template class PackedKeys<T>;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
