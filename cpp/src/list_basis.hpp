// The design of one query's local fit: columns over the keys of its list, centered and of unit
// weighted square.
#pragma once

#include <span>
#include <vector>

#include "kernels/table.hpp"
#include "vicinal/local_fit.hpp"

namespace vicinal {

// Monomials of d variables up to a degree, in order of their degree, then of their variables
// (x₁, x₂, x₁², x₁x₂, x₂², …): each is an earlier one times a variable.
struct MonomialOrder {
  MonomialOrder(std::int64_t d, int degree);
  std::int64_t count() const { return static_cast<std::int64_t>(variable.size()); }
  std::vector<std::int64_t> factor, variable;
};

// Memory of one thread, taken by the constructor: O(keys of the longest list × columns).
class ListBasis {
 public:
  static constexpr std::int64_t lanes = 8;  // lists are padded to it with keys of weight 0

  ListBasis(const FitLists& lists, const FitDesign& design, View<const double> values,
            std::span<const double> key_factors);

  // Fills everything below for query i; false: its weights do not sum to a finite number above 0.
  bool fill(std::int64_t i, double ridge) noexcept;

  bool is_empty() const noexcept { return count_ == 0; }
  bool is_intercept(std::int64_t a) const noexcept { return a == intercept_; }
  bool is_polynomial() const noexcept { return design_.degree >= 0; }
  std::int64_t columns() const noexcept { return r_; }
  std::int64_t size() const noexcept { return padded_; }
  std::int64_t capacity() const noexcept { return most_; }
  const double* weights() const noexcept { return weights_.data(); }  // of sum 1
  kernels::ListColumns<double> all() const noexcept {
    return {basis_.data(), most_, static_cast<int>(r_), padded_};
  }
  const double* column(std::int64_t a) const noexcept { return basis_.data() + a * most_; }
  const double* values(std::int64_t y) const noexcept { return values_local_.data() + y * most_; }
  std::span<const double> penalties() const noexcept { return penalties_; }
  std::span<const double> query() const noexcept { return query_; }
  bool is_constant(std::int64_t a) const noexcept { return unit_[at(a)] == 0; }

  // Coefficients of these columns → those of the columns as given; row: r numbers, `stride` apart.
  void write(const double* coefficients, double* out, std::int64_t stride) const noexcept;
  // The functional of these coefficients that is the given column's a-th coefficient.
  void functional(std::int64_t a, double* out) const noexcept;
  // Place of a key in the list, −1: not in it.
  std::int64_t place_of(std::int64_t key) const noexcept;

 private:
  static std::size_t at(std::int64_t i) noexcept { return static_cast<std::size_t>(i); }
  double* writable(std::int64_t a) noexcept { return basis_.data() + a * most_; }
  bool gather(std::int64_t i) noexcept;
  void gather_points(std::int64_t i) noexcept;
  void gather_design(std::int64_t i) noexcept;
  void standardize(double ridge) noexcept;

  const FitLists& lists_;
  const FitDesign& design_;
  View<const double> values_;
  std::span<const double> key_factors_;
  MonomialOrder order_;
  std::int64_t r_, p_, most_, intercept_, count_ = 0, padded_ = 0;
  std::span<const std::int64_t> rows_;
  std::vector<double> weights_, basis_, values_local_;
  std::vector<double> mean_, unit_, penalties_, query_;  // r; unit: 1 / scale, 0 for none
};

// Σ a b and Σ w a b over a padded list, in lanes.
double dot(const double* a, const double* b, std::int64_t n) noexcept;
double dot(const double* w, const double* a, const double* b, std::int64_t n) noexcept;

}  // namespace vicinal
