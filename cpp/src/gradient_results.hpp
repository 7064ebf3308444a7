// Sums of an item → its gradients, as the caller stores points.
#pragma once

#include <vector>

#include "gradient_call.hpp"

namespace vicinal {

template <class T>
class GradientResults {
 public:
  GradientResults(const GradientProblem<T>& g, std::size_t item);

  // Of the rows that the worker has just taken past a chunk; for disjoint rows by any worker.
  void add_rows(GradientWorker<T>& worker) noexcept;
  // Of the keys of a chunk that all rows have met.
  void write_keys(const Entry<T>& entry, const GradientChunk<T>& chunk) noexcept;
  // Of all rows, and of bandwidths.
  void write_rows() noexcept;

 private:
  void add_features(const T* row, const double* gradient) noexcept;
  void write_key(const Entry<T>& entry, const GradientChunk<T>& chunk, int t, int k) noexcept;
  void write_bandwidth() noexcept;

  const GradientProblem<T>& g_;
  const GradientItem<T>& item_;
  std::size_t at_;
  std::vector<double> queries_, scores_;   // m × d, m: Σ t s
  std::vector<double> origin_, features_;  // d: Σ (x − origin) · gradient
  std::vector<double> packed_, row_;
};

}  // namespace vicinal
