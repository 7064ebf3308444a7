// Calls whose keys are met through a tree: tiles that weigh nothing are left out. What is left out
// is a property of the row, never of the rows beside it, so bits do not depend on the batch.
#pragma once

#include <optional>

#include "driver.hpp"
#include "poll.hpp"
#include "prepared.hpp"

namespace vicinal {

inline constexpr std::int64_t few_keys = 4096;  // are met as fast as a tree is built
inline constexpr std::int64_t few_keys_of_many_calls = 1024;
inline constexpr std::int64_t few_features = 8;  // of more, boxes leave out too little

// The keys of an entry in the order of their tree, and their tiles: for every call that differs
// from `problem` in its queries and their outputs alone (Problem::planted). Unfinished once the
// poll has stopped.
template <class T>
class PlantedKeys {
 public:
  PlantedKeys(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll);
  PlantedKeys(const PlantedKeys&) = delete;
  PlantedKeys& operator=(const PlantedKeys&) = delete;

  const KeyTree<T>& tree() const { return *tree_; }
  const PackedKeys<T>& packed() const { return *packed_; }

 private:
  KeyTree<T> own_tree_;
  const KeyTree<T>* tree_;
  std::optional<PackedKeys<T>> own_packed_;
  const PackedKeys<T>* packed_ = nullptr;
};

// A function of keys, kernel and what is asked, not of the queries: compact kernels, and decaying
// ones with tol > 0, over more than few_keys finite
// keys of at most few_features.
template <class T>
bool prunes(const Problem<T>& problem);

// Of more features: most keys are so far from each other that boxes tell parts of them apart.
// Planting a tree then pays where calls over the same keys follow. A function of keys and kernel.
template <class T>
bool falls_apart(const Problem<T>& problem);

template <class T>
Report run_pruned(const Problem<T>& problem, int threads, Poll& poll, const Sink<T>& sink);

}  // namespace vicinal
