// The nearest key of a row by exact differences in double: the policy empty="nearest", and the
// limit h → 0 of rows whose every score overflows.
#pragma once

#include <cmath>
#include <vector>

#include "problem.hpp"

namespace vicinal {

// The keys of a row that has a list: `distances` of a graph's edges, or null. keys = null: all.
template <class T>
struct Choice {
  const std::int64_t* keys = nullptr;
  const T* distances = nullptr;
  std::int64_t count = 0;
};

// Smallest u over the candidates (product: largest u of its factors; sum: smallest of its terms;
// inner products: −score). Calls found(key) for the first key in index order, or for every key that
// ties with it; returns how many.
template <class T, class F>
std::int64_t each_nearest(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                          bool ties, F&& found, const Choice<T>& among = {});

// The same without a look at bias and gates: what the k nearest are taken from.
template <class T>
bool is_unbiased_candidate(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                           std::int64_t key) noexcept;

// Orders pairs as u of one factor does: a squared distance, a sum or maximum of differences, sin²
// of half an angle, 1 − cos, −q·x. All from differences in double.
template <class T>
double pair_rank(const FactorPlan<T>& factor, const T* q, const T* x) noexcept;
// Those of four keys; sums of plain differences and products run side by side.
template <class T>
void four_ranks(const FactorPlan<T>& factor, const T* q, const T* const (&keys)[4],
                double (&ranks)[4]) noexcept;
// u of that rank; −q·x stays.
template <class T>
double distance_of(const FactorPlan<T>& factor, double rank) noexcept;

// Orders pairs by u; a kernel of one factor by its rank, so that no root makes ties.
template <class T>
double pair_distance(const Problem<T>& problem, const T* q, const T* x) noexcept;

// Neither absent, masked, dropped as the own key, nor cut by bias or a shared gate.
template <class T>
bool is_candidate(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                  std::int64_t key) noexcept;

template <class T, class F>
std::int64_t each_nearest(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                          bool ties, F&& found, const Choice<T>& among) {
  const T* q = entry.queries + row * problem.query_stride;
  const std::int64_t count = among.keys == nullptr ? entry.n : among.count;
  const auto key_at = [&](std::int64_t i) { return among.keys == nullptr ? i : among.keys[i]; };
  const auto distance = [&](std::int64_t i) {
    return among.distances != nullptr
               ? static_cast<double>(among.distances[i])
               : pair_distance(problem, q, key_row(problem, entry, key_at(i)));
  };
  const auto scaled = [&](std::int64_t i) {  // u, where every key has a bandwidth
    if (entry.key_scales.empty()) return distance(i);
    const auto& f = problem.plan.terms[0].factors[0];
    const double u = among.distances != nullptr ? distance(i) : distance_of(f, distance(i)),
                 scale = static_cast<double>(entry.key_scales[static_cast<std::size_t>(key_at(i))]);
    return u * (f.squares() ? std::sqrt(scale) : scale);
  };
  double best = std::numeric_limits<double>::infinity();
  std::int64_t first = -1;  // of the keys at the smallest distance
  for (std::int64_t i = 0; i < count; ++i) {
    if (!is_candidate(problem, entry, row, key_at(i))) continue;
    const double u = scaled(i);
    if (u > best || !(u < std::numeric_limits<double>::infinity())) continue;
    if (u < best || key_at(i) < first) first = key_at(i);
    best = u;
  }
  if (first < 0) return 0;
  if (!ties) {
    found(first);
    return 1;
  }
  std::int64_t number = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!is_candidate(problem, entry, row, key_at(i)) || scaled(i) != best) continue;
    found(key_at(i));
    ++number;
  }
  return number;
}

}  // namespace vicinal
