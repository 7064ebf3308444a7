// The center of a tile: what expanded distances are taken about.
#pragma once

namespace vicinal::kernels {
namespace {

// A tile's center, in multiples of a power of two near an eighth of the spread: differences from it
// are then exact for data of few digits (grids, pixels), so that tied distances stay tied.
template <class T>
constexpr T coarse(T mean, T spread) {
  constexpr T to_multiple = sizeof(T) == 4 ? T(0x1.8p20) : T(0x1.8p49);  // 1.5 · 2^mantissa / 8
  const T anchor = spread * to_multiple;
  const T rounded = (mean + anchor) - anchor;
  return rounded - rounded == 0 ? rounded : mean;
}

}  // namespace
}  // namespace vicinal::kernels
