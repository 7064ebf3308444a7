// A kernel after lowering: which similarity, which profile shape, and their constants in the
// working type.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/table.hpp"
#include "vicinal/kernel.hpp"

namespace vicinal {

template <class T>
struct FactorPlan {
  kernels::Similarity similarity{};
  kernels::Shape shape{};
  kernels::ProfileParameters<T> parameters{};
  std::vector<std::int64_t> columns;  // of the points; empty = all, in order
  int width = 0;                      // number of those columns
  int depth = 0;  // features of a packed tile: width, or after a linear map, or with extra features
  std::vector<T> scales;           // per column (or per mapped feature: 1): act on differences
  std::vector<T> feature_weights;  // what the similarity reads
  std::vector<double> components;  // depth × width, row-major; empty = none
  bool plain = false;              // Euclidean distance of the points as they are
  bool unit = false;               // rows are normalised (cosine)
  bool zero_feature = false;       // one more feature that keeps a zero row away from all others
  bool square_half = false;        // the score is twice the distance
  bool hits = false;               // infinite at distance 0: coincident keys take all the weight
  bool geographic = false;         // third feature: cos(latitude)
  double degrees = 1;              // radians per unit of the coordinates
  T coordinate_scale = 1;          // power of two that brings the coordinates near the bandwidth
  double inverse_bandwidth = 1;    // of the scored distances: u = distance · inverse_bandwidth
  bool distance = true;            // a metric: ±inf coordinates are infinitely far
  double log_constant = 0;         // natural log of what the profile leaves out
  double reach = std::numeric_limits<double>::infinity();  // scores beyond weigh exactly 0

  bool operator==(const FactorPlan&) const = default;
  bool mapped() const { return !components.empty(); }
  // Scores are squares of distances; else distances, cosines or inner products themselves.
  bool squares() const { return distance && !(unit && !square_half); }
  bool expanded() const { return similarity == kernels::Similarity::expanded; }
  // The second half of a key's columns are scales of the first (scaled.hpp).
  bool scaled_keys() const { return similarity >= kernels::Similarity::scaled_squared; }
  bool copies_rows() const { return mapped() || unit || geographic || !columns.empty(); }
};

// A rank of pairs is the distance itself, not its square.
inline bool adds_distances(kernels::Similarity s) {
  using kernels::Similarity;
  return s == Similarity::manhattan || s == Similarity::chebyshev ||
         s == Similarity::scaled_manhattan || s == Similarity::scaled_chebyshev;
}

template <class T>
struct TermPlan {
  T coefficient = 1;
  std::vector<FactorPlan<T>> factors;

  bool operator==(const TermPlan&) const = default;
};

template <class T>
struct Plan {
  std::vector<TermPlan<T>> terms;
  double log_constant = 0;  // natural log, common to all terms
  bool bounded = true;      // no log-weight above 0: the fixed reference serves
  bool is_signed = false;
  bool can_vanish = false;  // weights may underflow although their logarithm is finite
  bool has_zeros = false;   // weights may be exactly 0: compact supports, category h = 0
  bool hits = false;        // some factor is infinite at distance 0
  bool decaying =
      false;  // positive everywhere and falling with distance: the limit h → 0 is the nearest key

  bool operator==(const Plan&) const = default;
};

// Throws std::invalid_argument for a kernel that makes no sense for points of `d` columns. Where
// the bandwidths are a multiple of those of `pilot`, its coordinates are packed as the pilot's are.
template <class T>
Plan<T> lower(const KernelSum& kernel, std::int64_t d, const KernelSum* pilot = nullptr);

// The two see the same scores of all pairs and differ in what they make of them.
template <class T>
bool share_scores(const Plan<T>& a, const Plan<T>& b);

}  // namespace vicinal
