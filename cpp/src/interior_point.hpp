// Weighted linear quantile regression of one list.
#pragma once

#include <vector>

#include "list_basis.hpp"
#include "small_solve.hpp"

namespace vicinal {

// min Σ w (q r⁺ + (1 − q) r⁻), r = y − xᵀb, by its dual
//   max Σ w y a,   Σ w x a = (1 − q) Σ w x,   0 ≤ a ≤ 1,
// whose multipliers are b and, of the bounds, z − v = −w r. Mehrotra's predictor and corrector
// (Portnoy & Koenker 1997, §4) until the gap Σ (z a + v (1 − a)) is under 1e-14 of the first
// Σ w |r|. Memory of one thread.
class InteriorPoint {
 public:
  InteriorPoint(std::int64_t most_keys, std::int64_t columns);
  void run(const ListBasis& basis, std::int64_t y, double level, double* coefficients) noexcept;

 private:
  static std::size_t at(std::int64_t i) noexcept { return static_cast<std::size_t>(i); }
  double start(std::int64_t y, double level) noexcept;
  double gap() const noexcept;
  void factor(const std::vector<double>& q) noexcept;
  void find_direction(double mu, bool corrects) noexcept;
  double corrected(std::int64_t j, double mu) const noexcept;
  void measure() noexcept;
  double centering() const noexcept;
  void move() noexcept;

  std::int64_t r_, n_ = 0;
  const ListBasis* basis_ = nullptr;
  SmallSolve solver_;
  double primal_ = 1, dual_ = 1;                                     // lengths of the steps
  std::vector<double> a_, room_, z_, v_, da_, dz_, dv_, q_, along_;  // of keys
  std::vector<double> da_dz_, da_dv_;  // of the predictor, over a and 1 − a
  std::vector<double> b_, db_;         // of columns
};

}  // namespace vicinal
