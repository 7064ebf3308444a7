// The tree through which lists find keys that are near.
#pragma once

#include <memory>
#include <vector>

#include "search.hpp"

namespace vicinal {

// Shared by all workers: of the keys in the metric of the sets, or of the points as they are.
template <class T>
class NearestSource {
 public:
  // Plants a tree of the entry's keys unless the call's index is one in the same metric.
  NearestSource(const Problem<T>& problem, const Entry<T>& entry, int threads, Poll& poll);

  const Problem<T>& problem() const { return problem_; }
  const Entry<T>& entry() const { return problem_.entries[0]; }
  const KeyTree<T>& keys() const { return packed_ == nullptr ? planted_ : packed_->keys(); }
  // Where the sets have one metric.
  const PackedKeys<T>& packed() const { return *packed_; }

 private:
  Problem<T> problem_;  // of the metric alone; where there is none, of the kernel
  KeyTree<T> planted_;
  std::unique_ptr<PackedKeys<T>> planted_keys_;
  const PackedKeys<T>* packed_ = nullptr;
};

}  // namespace vicinal
