// select: which scores are at most a limit, and a limit that k of them keep.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace vicinal::kernels {
namespace {

// Bit k % 64 of bits[k / 64]: score k is at most the limit. NaN is never below. `count` is a
// multiple of select_lanes.
template <class T>
void bits_below(const T* scores, int count, T limit, std::uint64_t* bits) {
  constexpr int W = Pack<T>::width, P = select_lanes / W;
  for (int k = 0; k < count; k += select_lanes) {
    std::uint64_t run = 0;
    for (int p = 0; p < P; ++p)
      run |= static_cast<std::uint64_t>(
                 less_equal_bits(Pack<T>::load(scores + k + p * W), Pack<T>(limit)))
             << (p * W);
    bits[k / select_lanes] = run;
  }
}

template <class T>
void squares(const T* query, const T* keys, std::int64_t stride, int depth, int count, T* scores) {
  constexpr int W = Pack<T>::width;
  for (int k = 0; k < count; k += W) {
    Pack<T> sum(T(0));
    for (int j = 0; j < depth; ++j) {
      const Pack<T> t = Pack<T>(query[j]) - Pack<T>::load(keys + j * stride + k);
      sum = sum + t * t;
    }
    sum.store(scores + k);
  }
}

// One row of a tile: the value where the bit is set.
template <class T>
void drop_bits(T* tile, const std::uint64_t* bits, T value, Panels panels) {
  constexpr int W = Pack<T>::width;
  using Integer = typename Pack<T>::Integer;
  Mask<T> lane;
  for (int i = 0; i < W; ++i) lane[i] = Integer{1} << i;
  for (int panel = 0; panel < tile_keys; panel += panel_keys) {
    const std::uint64_t dropped = bits[panel / panel_keys];
    if (dropped == 0 || !has_lane(panels, panel)) continue;
    for (int k = 0; k < panel_keys; k += W) {
      const Mask<T> set = (lane & static_cast<Integer>(dropped >> k)) != 0;
      T* at = tile + panel + k;
      select<T>(set, Pack<T>(value), Pack<T>::load(at)).store(at);
    }
  }
}

template <class T>
VICINAL_INLINE int count_below(const T* scores, int count, T limit) {
  int found = 0;
  for (int k = 0; k < count; k += Pack<T>::width)
    found += count_bits(less_equal_bits(Pack<T>::load(scores + k), Pack<T>(limit)));
  return found;
}

// A limit that at least k scores keep, and at most `most` unless they are tied; +inf if there are
// fewer than k finite ones.
template <class T>
T limit_of(const T* scores, int count, int k, int most) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr T largest = std::numeric_limits<T>::max();
  if (count_below(scores, count, largest) < k) return infinity;
  Pack<T> least(largest), most_pack(-largest);
  for (int i = 0; i < count; i += Pack<T>::width) {  // a NaN is passed over
    const Pack<T> x = Pack<T>::load(scores + i);
    least = min(x, least);
    most_pack = max(select<T>(Pack<T>(largest) < x, Pack<T>(-largest), x), most_pack);
  }
  T low = -max_lanes(-least), high = max_lanes(most_pack);
  if (k == 1) return low;
  for (int step = 0; step < 24; ++step) {
    const T middle = low / 2 + high / 2;
    const int found = count_below(scores, count, middle);
    if (found < k) {
      low = middle;
    } else {
      high = middle;
      if (found <= most) break;
    }
  }
  return high;
}

}  // namespace
}  // namespace vicinal::kernels
