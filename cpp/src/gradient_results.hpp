// Sums of an item → its gradients, as the caller stores points.
#pragma once

#include <algorithm>
#include <vector>

#include "gradient_call.hpp"

namespace vicinal {

// What the rows of an item get from one chunk of keys.
struct RowSums {
  std::vector<double> queries, scores;  // m × d, m

  void clear() {
    std::fill(queries.begin(), queries.end(), 0.0);
    std::fill(scores.begin(), scores.end(), 0.0);
  }
};

template <class T>
class GradientResults {
 public:
  GradientResults(const GradientProblem<T>& g, std::size_t item);

  // Of the rows that the worker has just taken past a chunk; for disjoint rows by any worker.
  void add_rows(GradientWorker<T>& worker) noexcept;
  // The same in two steps, where chunks are not met in their order.
  void keep_rows(GradientWorker<T>& worker, RowSums& kept) const noexcept;
  void add_rows(const RowSums& kept) noexcept;
  RowSums row_sums() const {
    return {std::vector<double>(queries_.size()), std::vector<double>(scores_.size())};
  }
  // Of the keys of a chunk that all rows have met; `sums` are those over the rows, of either type.
  template <class S>
  void write_keys(const Entry<T>& entry, const GradientChunk<T>& chunk, const S* sums) noexcept;

  // The same in two steps, where keys are met more than once. What a key of a tile has gathered, as
  // the caller stores points: p values, d features, log-weight, score. Workers read at the same
  // time: `packed` is room of their own for one key as it is packed.
  std::int64_t width() const { return g_.p + g_.problem.d + 2; }
  template <class S>
  void read_key(const Entry<T>& entry, const GradientChunk<T>& chunk, const S* sums, int t, int k,
                double* packed, double* gathered) const noexcept;
  void write_key(std::int64_t key, const double* gathered) noexcept;
  // Of all rows, and of bandwidths.
  void write_rows() noexcept;

 private:
  template <class S>
  void write_straight_keys(const Entry<T>& entry, const GradientChunk<T>& chunk, const S* sums,
                           int t) noexcept;
  void find_straight() noexcept;
  void add_features(const T* row, const double* gradient) noexcept;
  void write_bandwidth() noexcept;
  double power_of_bandwidth() const noexcept;

  const GradientProblem<T>& g_;
  const GradientItem<T>& item_;
  std::size_t at_;
  std::vector<double> queries_, scores_;   // m × d, m: Σ t s
  std::vector<double> origin_, features_;  // d: Σ (x − origin) · gradient
  std::vector<double> packed_, gathered_;
  std::vector<double> ones_;  // max(p, d)
  // One factor pulls, along the features as the caller stores them: of rows; of keys, whose sums
  // over the rows are their gradients and all that is wanted.
  bool straight_rows_ = false, straight_keys_ = false;
};

}  // namespace vicinal
