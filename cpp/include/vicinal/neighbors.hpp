// Exact search: the k nearest keys of every query, or all keys within a radius.
//
// Distances are those of the metric, from differences in double; neighbors are ordered by
// (distance, row of the key), so the answer is unique. `metric` is a Kernel of which only metric,
// scale and components are read; Metric::dot takes −q·x for a distance, Metric::cosine 1 − cos.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "vicinal/export.h"
#include "vicinal/kernel.hpp"
#include "vicinal/local_mean.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

// Keys in the order of a balanced k-d tree of packed tiles, prepared once for many calls. The keys
// are borrowed and must outlive it; they must not hold NaN. A key with an infinite coordinate is
// infinitely far. `interrupted` is polled by the calling thread; true ends in a std::runtime_error.
template <class T>
class KeyIndex {
 public:
  VICINAL_EXPORT explicit KeyIndex(View<const T> keys, const Kernel& metric = {},
                                   int num_threads = 0,
                                   const std::function<bool()>& interrupted = {});
  VICINAL_EXPORT ~KeyIndex();
  VICINAL_EXPORT KeyIndex(KeyIndex&&) noexcept;

  VICINAL_EXPORT View<const T> keys() const noexcept;
  // Row of the key at every position of the tree.
  VICINAL_EXPORT std::span<const std::int64_t> order() const noexcept;

  struct Impl;
  const Impl& impl() const noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct SearchOptions {
  bool exclude_self = false;                     // leave the own key out
  std::span<const std::int64_t> self_indices{};  // of each query, −1 = none; else the row number
  int num_threads = 0;
  std::function<bool()> interrupted{};
  std::function<void(double)> progress{};
};

// distances and indices: m × k. Where there are fewer than k, +inf and −1; a query that holds NaN
// receives NaN and −1.
VICINAL_EXPORT Report knn(const KeyIndex<float>& keys, View<const float> queries,
                          View<float> distances, View<std::int64_t> indices,
                          const SearchOptions& options = {});
VICINAL_EXPORT Report knn(const KeyIndex<double>& keys, View<const double> queries,
                          View<double> distances, View<std::int64_t> indices,
                          const SearchOptions& options = {});

// The neighbors of query i stand from indptr[i] to indptr[i + 1].
template <class T>
struct NeighborLists {
  std::vector<std::int64_t> indptr, indices;
  std::vector<T> distances;
  Report report;
};

VICINAL_EXPORT NeighborLists<float> radius_neighbors(const KeyIndex<float>& keys,
                                                     View<const float> queries, double radius,
                                                     const SearchOptions& options = {});
VICINAL_EXPORT NeighborLists<double> radius_neighbors(const KeyIndex<double>& keys,
                                                      View<const double> queries, double radius,
                                                      const SearchOptions& options = {});

// The distance of each query to the last of its nearest keys that together have this mass, > 0: a
// key has weights[row] ≥ 0, or 1 without weights, so that a mass of k asks for the k-th distance of
// knn, to the bit. Of an index in the Euclidean metric. Found by counts, not by lists: time and
// memory hardly grow with the mass. +inf where all keys have less, NaN for a query that holds NaN.
// The options exclude_self and self_indices must stay as they are.
VICINAL_EXPORT Report kth_distances(const KeyIndex<float>& keys, View<const float> queries,
                                    double mass, std::span<const double> weights,
                                    std::span<float> distances, const SearchOptions& options = {});
VICINAL_EXPORT Report kth_distances(const KeyIndex<double>& keys, View<const double> queries,
                                    double mass, std::span<const double> weights,
                                    std::span<double> distances, const SearchOptions& options = {});

extern template class KeyIndex<float>;
extern template class KeyIndex<double>;

}  // namespace vicinal
