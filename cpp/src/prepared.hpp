// Keys in the order of their tree, and their packed chunks for all groups of queries.
#pragma once

#include <atomic>

#include "boxes.hpp"
#include "priors.hpp"
#include "sketch.hpp"
#include "workspace.hpp"

namespace vicinal {

// Finite coordinates, without which a key has no place in a tree.
template <class T>
bool is_finite(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row);

// The keys of an entry that are present and finite.
template <class T>
struct KeyTree {
  BoxSpace<T> space;  // of the problem's plan
  Tree<T> tree;
  std::vector<std::int64_t> order, position;  // position → row of the keys, and back or −1

  Box<T> box(std::int64_t node) const { return {tree.lows(node), tree.highs(node)}; }
};
// Unfinished once the poll has stopped.
template <class T>
void plant(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll,
           KeyTree<T>& keys);

template <class T>
const KeyTree<T>& tree_of(const KeyIndex<T>& index);
// And of an index: its problem, of no queries, and its keys in packed tiles.
template <class T>
const Problem<T>& problem_of(const KeyIndex<T>& index);
template <class T>
class PackedKeys;
template <class T>
const PackedKeys<T>& packed_of(const KeyIndex<T>& index);

// The entry meets its keys in the order of the tree from now on; `keys` must outlive it.
template <class T>
void follow(const KeyTree<T>& keys, Entry<T>& entry);

// The chunks of an entry that follows a tree, each packed when it is first met, by any worker.
template <class T>
class PackedKeys {
 public:
  explicit PackedKeys(const KeyTree<T>& keys) : keys_(&keys) {}
  void allocate(const Problem<T>& problem);
  // For searches: of the keys of the entry, which follows the tree. Unfinished once the poll has
  // stopped.
  void draw_sketch(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll) {
    sketch_.draw(problem, entry, keys_->space, threads, poll);
  }
  const Sketch<T>& sketch() const { return sketch_; }

  // `rows` is scratch of the worker (allocate_rows with ordered = true).
  const Chunk<T>& chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t number,
                        T* rows) const noexcept;
  const KeyTree<T>& keys() const { return *keys_; }

 private:
  enum State : std::uint8_t { untouched, being_packed, packed };
  const KeyTree<T>* keys_;
  Sketch<T> sketch_;
  mutable std::vector<Chunk<T>> chunks_;
  mutable std::vector<std::atomic<std::uint8_t>> states_;
};

// The chunk and the tile in it that hold leaf `leaf` of the tree.
struct TilePlace {
  std::int64_t chunk;
  int tile;
};
template <class T>
TilePlace place_of(const Problem<T>& problem, std::int64_t leaf) {
  const int tiles = chunk_keys(problem) / kernels::tile_keys;
  return {leaf / tiles, static_cast<int>(leaf % tiles)};
}

}  // namespace vicinal
