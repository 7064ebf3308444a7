// Boxes around queries and keys, and how near a pair from two boxes can be.
#pragma once

#include <algorithm>
#include <vector>

#include "problem.hpp"
#include "tree.hpp"

namespace vicinal {

// Coordinates in which boxes are drawn: those of the points, or what a kernel of one factor makes
// of them: mapped or normalised rows, places on the unit sphere.
template <class T>
struct BoxSpace {
  const FactorPlan<T>* factor = nullptr;  // null: the coordinates of the points
  int depth = 0;
  std::vector<SplitAxis<T>> axes{};  // of the trees; empty: all features

  void row(const T* point, const T* origin, T* out) const noexcept;
};
template <class T>
BoxSpace<T> box_space(const Problem<T>& problem);

template <class T>
struct Box {
  const T* low;
  const T* high;
};

// Differences of longitudes near 2π are rounded: by so much, in radians, computed distances err.
template <class T>
inline constexpr double haversine_rounding =
    16 * static_cast<double>(std::numeric_limits<T>::epsilon());

// The squared Euclidean distance of the boxes.
template <class T>
inline double squared_gap(const Box<T>& a, const Box<T>& b, int depth) noexcept {
  double square = 0;
  for (int j = 0; j < depth; ++j) {
    const double left = static_cast<double>(a.low[j]) - static_cast<double>(b.high[j]),
                 right = static_cast<double>(b.low[j]) - static_cast<double>(a.high[j]),
                 t = std::max(std::max(left, right), 0.0);
    square += t * t;
  }
  return square;
}

// No pair of points from the two boxes scores less (squared distances), or more (inner products,
// whose sign is turned: less again means nearer). Rounding is not accounted for.
template <class T>
double nearest_score(const FactorPlan<T>& factor, const BoxSpace<T>& space, const Box<T>& a,
                     const Box<T>& b) noexcept;

}  // namespace vicinal
