// Which pairs of a group of queries and a leaf may be within limits, by their sketches.
#pragma once

#include "prepared.hpp"
#include "sketch.hpp"

namespace vicinal {

// One per worker.
template <class T>
class SketchSieve {
 public:
  // Of a factor's scores; nothing where the sketch does not see the same coordinates.
  SketchSieve(const FactorPlan<T>& factor, const PackedKeys<T>& packed);

  bool serves() const { return sketch_ != nullptr; }
  // The queries of this group from now on.
  void open(const Entry<T>& entry, const Group<T>& group);
  // Bit k of near[r]: row r and key k of the leaf may score at most limits[r], a squared distance.
  // Returns how many.
  std::int64_t find(std::int64_t leaf, std::int64_t keys, const T* limits, LaneBits* near);

 private:
  const KeyTree<T>& keys_;
  const Sketch<T>* sketch_ = nullptr;
  double unit_ = 1;  // squared distance of sketches for a score of 1
  int rows_ = 0;
  Buffer<float> panel_, norms_;  // of the queries
  std::vector<T> row_;
};

extern template class SketchSieve<float>;
extern template class SketchSieve<double>;

}  // namespace vicinal
