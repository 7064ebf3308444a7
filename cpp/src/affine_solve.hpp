// The affine weights of one query: a k × k problem in the Gram matrix of the differences xⱼ − q.
#pragma once

#include <span>
#include <vector>

#include "small_solve.hpp"
#include "vicinal/local_fit.hpp"

namespace vicinal {

// Memory of one thread: O(k²), whatever the number of features.
template <class T>
class AffineSolve {
 public:
  AffineSolve(View<const T> keys, std::int64_t most_neighbors, double reg, Ridge ridge);

  // rows ≥ 0 name keys, −1 none. Returns the number of neighbors.
  std::int64_t run(const T* query, std::span<const std::int64_t> rows, T* weights) noexcept;

 private:
  static constexpr std::int64_t block = 32;  // features at a time

  void fill_gram(const T* query, double scale) noexcept;
  double largest_difference(const T* query) const noexcept;
  void solve_by_trace(double trace) noexcept;
  void solve_by_distance() noexcept;
  void share_among_coincident() noexcept;
  void normalize() noexcept;

  View<const T> keys_;
  double reg_;
  Ridge ridge_;
  SmallSolve gram_;
  std::int64_t k_ = 0;
  std::vector<const T*> points_;
  std::vector<double> differences_;  // block × k
  std::vector<double> squares_, w_;  // k
};

extern template class AffineSolve<float>;
extern template class AffineSolve<double>;

}  // namespace vicinal
