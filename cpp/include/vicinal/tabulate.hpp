// User profiles without a compiler at run time: a function of u is fitted once by piecewise
// polynomials and runs as one more compiled kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>

#include "vicinal/export.h"

namespace vicinal {

namespace kernels {
template <class T>
struct TableView;
}

// out[i] = weight of u[i], or its natural logarithm
using ProfileFunction = std::function<void(std::span<const double> u, std::span<double> out)>;

struct TabulateOptions {
  double support = std::numeric_limits<double>::infinity();  // u > support has no weight
  std::span<const double> breakpoints{};  // the u > 0 where the function is not smooth
  bool log = false;  // the function gives logarithms of weights: needed for unbounded support
  double tolerance = 1e-9;  // of the largest weight; of max(1, |log weight|) where log
};

// The fitted profile. Copies share the polynomials; a view lasts as long as any of them.
class VICINAL_EXPORT ProfileTable {
 public:
  struct Storage;
  explicit ProfileTable(std::shared_ptr<const Storage> storage);

  double error() const;         // largest error found in double, measured as the tolerance is
  double float_error() const;   // of the table that single precision uses
  std::int64_t pieces() const;  // polynomials of the table for double
  double support() const;       // u above has no weight: options.support, or where a logarithm ends
  bool log() const;
  bool is_signed() const;  // some weight is negative

  template <class T>
  kernels::TableView<T> view() const;  // float and double

 private:
  std::shared_ptr<const Storage> storage_;
};

template <>
VICINAL_EXPORT kernels::TableView<float> ProfileTable::view() const;
template <>
VICINAL_EXPORT kernels::TableView<double> ProfileTable::view() const;

// Fit `function` on [0, support]. It is called a few times, with some 10^4 numbers u >= 0 in any
// order.
//
// At a breakpoint and at the support the table takes the side whose limit is nearer to the
// function's value there, so `u <= 1` and `u < 1` are told apart; the weight is exactly 0 beyond
// the support. Logarithms of unbounded support are fitted for u <= 2^40 (10^12 bandwidths), or up
// to where they fall under -10^30 or are -inf; beyond, the weight is 0.
//
// Throws std::invalid_argument for arguments out of range, for results that are not finite, and,
// with the error reached and its place, when no fit is within the tolerance.
VICINAL_EXPORT ProfileTable tabulate(const ProfileFunction& function,
                                     const TabulateOptions& options = {});

}  // namespace vicinal
