// A few coordinates of every key that tell most far keys from near ones.
#pragma once

#include <limits>
#include <vector>

#include "boxes.hpp"
#include "poll.hpp"
#include "workspace.hpp"

namespace vicinal {

// Coordinates along leading principal axes, in single precision. Along orthonormal axes two points
// are no farther apart than they are (Bessel's inequality), so that a pair beyond a limit by its
// sketch is beyond it. Points of few hidden dimensions are nearly as far apart as their sketches;
// where sampled keys are not, there is none.
template <class T>
class Sketch {
 public:
  // Of the keys of an entry, as the space has them, in the order that the entry follows.
  void draw(const Problem<T>& problem, const Entry<T>& entry, const BoxSpace<T>& space, int threads,
            Poll& poll);

  int depth() const { return depth_; }     // 0: there is none
  double scale() const { return scale_; }  // of lengths; a power of two
  // Coordinates of a point that stands as the space has it.
  void project(const T* row, float* out) const;
  // Of the keys of a leaf: panels as tile functions read them, and squared norms.
  const float* panel(std::int64_t leaf) const {
    return panels_.data() + leaf * depth_ * kernels::key_stride;
  }
  const float* norms(std::int64_t leaf) const { return norms_.data() + leaf * kernels::tile_keys; }

 private:
  void choose(const std::vector<double>& sample, std::int64_t count, int d);
  void draw_leaf(std::int64_t leaf, std::int64_t count, const T* rows);

  int depth_ = 0;
  double scale_ = 1;
  std::vector<double> center_, axes_;  // d; d × depth
  Buffer<float> panels_, norms_;
};

// What a sketch's squared distance D = a + b − 2p loses, in shares of a + b: two roundings of each
// coordinate, of `depth` products and of the norms, with room to spare.
inline float sketch_slack(int depth) {
  return 2 * static_cast<float>(depth + 8) * std::numeric_limits<float>::epsilon();
}

extern template class Sketch<float>;
extern template class Sketch<double>;

}  // namespace vicinal
