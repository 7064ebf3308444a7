// Keys in the order of their tree, packed once for all groups of queries.
#pragma once

#include "boxes.hpp"
#include "workspace.hpp"

namespace vicinal {

template <class T>
struct Prepared {
  BoxSpace<T> space;  // of the problem's plan
  Tree<T> tree;
  std::vector<std::int64_t> order, position;  // position → row of the keys, and back or −1
  std::vector<Chunk<T>> chunks;

  Box<T> box(std::int64_t node) const { return {tree.lows(node), tree.highs(node)}; }
};

// A prior weight above 0; and, to stand in a tree, finite coordinates.
template <class T>
bool is_present(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row);
template <class T>
bool is_finite(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row);

// Packs the keys that are present and finite. The entry is set to meet its
// keys in the order of the tree, so `prepared` must outlive it.
template <class T>
void prepare(const Problem<T>& problem, Entry<T>& entry, int threads, Prepared<T>& prepared);

// The chunk and the tile in it that hold leaf `leaf` of the tree.
template <class T>
struct TilePlace {
  std::int64_t chunk;
  int tile;
};
template <class T>
TilePlace<T> place_of(const Problem<T>& problem, std::int64_t leaf) {
  const int tiles = chunk_keys(problem) / kernels::tile_keys;
  return {leaf / tiles, static_cast<int>(leaf % tiles)};
}

}  // namespace vicinal
