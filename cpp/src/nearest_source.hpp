// The tree through which lists find keys that are near.
#pragma once

#include <memory>
#include <vector>

#include "search.hpp"

namespace vicinal {

// The k nearest of whole groups of rows at once, through a tree: shared by all workers.
template <class T>
class NearestSource {
 public:
  // Plants a tree of the entry's keys unless the call's index is one in the same metric.
  NearestSource(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll);

  const Problem<T>& problem() const { return problem_; }
  const Entry<T>& entry() const { return problem_.entries[0]; }
  const PackedKeys<T>& packed() const { return *packed_; }

 private:
  Problem<T> problem_;  // of the metric alone
  KeyTree<T> planted_;
  std::unique_ptr<PackedKeys<T>> planted_keys_;
  const PackedKeys<T>* packed_ = nullptr;
};

}  // namespace vicinal
