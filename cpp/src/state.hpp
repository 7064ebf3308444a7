// The mergeable partial state of a block of rows: (R, Σw, own weight, Σ|w|, Σw², Σwy, moments) in
// compensated doubles.
//
// True sums are (hi + lo) · 2^R (Σw²: · 4^R), those of value column c times 2^unit. Chunks merge by
// left fold in index order.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "problem.hpp"

namespace vicinal {

// New elements are left as the memory is: rows that need no state cost none.
template <class T>
struct Uncleared : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Uncleared<U>;
  };
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    if constexpr (sizeof...(Arguments) == 0)
      ::new (static_cast<void*>(at)) U;
    else
      ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
};

// A row is cleared before it is used.
template <class T>
struct RowState {
  std::int64_t rows = 0, columns = 0, p = 0, k = 0;
  std::vector<double> reference;                  // rows: R, −inf before the first key
  std::vector<double, Uncleared<double>> hi, lo;  // rows × columns
  std::vector<std::int64_t> count;                // rows: candidates inside the support
  std::vector<int> unit;                          // rows × p, double only
  std::vector<T> top_rank;                        // rows × k: log2 |w|, heaviest first
  std::vector<double> top_sign;                   // rows × k: the factor, with its sign
  std::vector<std::int64_t> top_index;            // rows × k

  void resize(const Problem<T>& problem, std::int64_t rows);
  void clear(std::int64_t row);
  double* hi_row(std::int64_t i) { return hi.data() + i * columns; }
  double* lo_row(std::int64_t i) { return lo.data() + i * columns; }
  // hi + lo; the compensation of an infinite sum is NaN.
  double sum(std::int64_t i, std::int64_t c) const {
    const auto at = static_cast<std::size_t>(i * columns + c);
    return hi[at] - hi[at] == 0 ? hi[at] + lo[at] : hi[at];
  }
  int unit_of(std::int64_t i, std::int64_t c) const {
    return sizeof(T) == 8 ? unit[static_cast<std::size_t>(i * p + c)] : 0;
  }
  bool has_units(std::int64_t i) const noexcept;  // some unit of the row is not 0
  // Moments about another center, z + δ for z: first moments gain δW, products δ_a S_b + δ_b S_a +
  // δ_a δ_b W.
  void shift_moments(std::int64_t row, const std::vector<double>& shift, bool covariance) noexcept;
  // A key with this rank enters the k heaviest; called in index order, so ties stay in it.
  void offer(std::int64_t row, T rank, double sign, std::int64_t index) noexcept;
};

// Row j of `from` is added to row i of `into`: the law that every split obeys. Moments must be
// about the same center.
template <class T>
void merge_row(RowState<T>& into, std::int64_t i, const RowState<T>& from, std::int64_t j) noexcept;

// 2^x for whole x, 0 for −inf and NaN differences of equal infinities taken as 1.
double power_of_two(double x) noexcept;

// Factors that bring an old and a new state to the larger reference.
struct Rescale {
  double reference, old_factor, new_factor;
};
Rescale common_reference(double old_reference, double new_reference) noexcept;

}  // namespace vicinal
