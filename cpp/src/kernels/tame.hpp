// Numbers in the middle of a type's range, and quotients: the same for sums of runs wherever they
// are taken.
#pragma once

#include <type_traits>

namespace vicinal::kernels {
namespace {

template <class T>
constexpr T tame_most = std::is_same_v<T, float> ? T(0x1p100) : T(0x1p900);

// 0, or so far from both ends of the range that no digit of a sum was lost there.
template <class T>
constexpr bool is_tame(T s) {
  const T size = s < 0 ? -s : s;
  return (s == 0) | ((size < tame_most<T>)&(size > 1 / tame_most<T>));
}

// Quotients by one number. A float's is rounded from a product in double, whose error of 2^−52 is
// far below half a unit of the float.
template <class T>
struct Divisor {
  double number;
  constexpr explicit Divisor(double divisor)
      : number(std::is_same_v<T, float> ? 1 / divisor : divisor) {}
  constexpr T of(double x) const {
    return static_cast<T>(std::is_same_v<T, float> ? x * number : x / number);
  }
};

}  // namespace
}  // namespace vicinal::kernels
