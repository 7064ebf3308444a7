// Numbers, counts and sizes such as no caller should pass, and what holds of every call all the
// same.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "vicinal/vicinal.h"

namespace hostile {

using Provider = FuzzedDataProvider;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double specials[] = {
    0,     -0.0,   1,        -1,        0.5,
    2,     3,      1e-30,    1e30,      1e-300,
    1e300, 1e-320, infinity, -infinity, std::numeric_limits<double>::quiet_NaN()};

inline double number(Provider& in) {
  switch (in.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return in.PickValueInArray(specials);
    case 1:
      return in.ConsumeFloatingPoint<double>();
    default:
      return in.ConsumeIntegral<std::int8_t>() / 16.0;
  }
}

// Mostly small and sound, sometimes what no caller should say. An input that is used up gives
// zeros: they stand for what is sound.
inline std::int64_t count(Provider& in, std::int64_t most) {
  const std::int64_t hostile[] = {-1, INT64_MIN, INT64_MAX, INT64_MAX / 2};
  if (in.ConsumeIntegral<std::uint8_t>() == 255) return in.PickValueInArray(hostile);
  return in.ConsumeIntegralInRange<std::int64_t>(0, most);
}

inline std::int64_t real(std::int64_t n) { return n > 0 && n < 100000 ? n : 0; }

// Few different numbers, so that short inputs fill long arrays; exactly `size` of them.
template <class T>
std::vector<T> numbers(Provider& in, std::int64_t size) {
  T pool[5];
  for (T& x : pool) x = static_cast<T>(number(in));
  std::vector<T> all(static_cast<std::size_t>(size));
  std::uint32_t state = in.ConsumeIntegral<std::uint32_t>();
  for (T& x : all) {
    state = state * 1664525 + 1013904223;
    x = pool[(state >> 24) % 5] + static_cast<T>(state >> 16 & 15) / 8;
  }
  return all;
}

// Sizes that a structure cannot have, or those of its first fields: memory that is not there would
// be the caller's lie.
template <class S>
void set_size(Provider& in, S& s) {
  const auto part = [](std::size_t size) { return size < sizeof(S) ? size : sizeof(S); };
  const std::size_t sizes[] = {0,       8, 16, part(24), part(40), sizeof(S) - 8, sizeof(S) + 1,
                               SIZE_MAX};
  if (in.ConsumeIntegral<std::uint8_t>() > 247) s.struct_size = in.PickValueInArray(sizes);
}

inline void check(bool holds) {
  if (!holds) std::abort();
}
inline vicinal_status checked(vicinal_status status) {
  check(status >= VICINAL_OK && status <= VICINAL_ERROR_WRONG_TYPE);
  check(status == VICINAL_OK || *vicinal_last_error() != '\0');
  return status;
}

}  // namespace hostile
