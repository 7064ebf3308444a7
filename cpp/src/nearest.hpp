// The nearest key of a row by exact differences in double: the policy empty="nearest", and the
// limit h → 0 of rows whose every score overflows.
#pragma once

#include <vector>

#include "problem.hpp"

namespace vicinal {

// Smallest u over the candidates (product: largest u of its factors; sum: smallest of its terms;
// inner products: −score). Calls found(key) for the first key in index order, or for every key that
// ties with it; returns how many.
template <class T, class F>
std::int64_t each_nearest(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                          bool ties, F&& found);

// Orders pairs as u of one factor does: a squared distance, a sum or maximum of differences, sin²
// of half an angle, 1 − cos, −q·x. All from differences in double.
template <class T>
double pair_rank(const FactorPlan<T>& factor, const T* q, const T* x) noexcept;
// u of that rank; −q·x stays.
template <class T>
double distance_of(const FactorPlan<T>& factor, double rank) noexcept;

// Orders pairs by u; a kernel of one factor by its rank, so that no root makes ties.
template <class T>
double pair_distance(const Problem<T>& problem, const T* q, const T* x) noexcept;

template <class T>
bool is_candidate(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                  std::int64_t key) noexcept;

template <class T, class F>
std::int64_t each_nearest(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                          bool ties, F&& found) {
  const T* q = entry.queries + row * problem.query_stride;
  double best = std::numeric_limits<double>::infinity();
  std::int64_t first = -1;
  for (std::int64_t k = 0; k < problem.n; ++k) {
    if (!is_candidate(problem, entry, row, k)) continue;
    const double u = pair_distance(problem, q, entry.keys + k * problem.key_stride);
    if (u < best) {
      best = u;
      first = k;
    }
  }
  if (first < 0) return 0;
  found(first);
  if (!ties) return 1;
  std::int64_t number = 1;
  for (std::int64_t k = first + 1; k < problem.n; ++k) {
    if (!is_candidate(problem, entry, row, k)) continue;
    if (pair_distance(problem, q, entry.keys + k * problem.key_stride) != best) continue;
    found(k);
    ++number;
  }
  return number;
}

}  // namespace vicinal
