#include "values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
struct ValueLayout {  // where value (k, c) of a tile stands
  std::int64_t key, column;
};
template <class T>
ValueLayout<T> layout_of(const Problem<T>& problem) {
  return problem.lane_values() ? ValueLayout<T>{1, tile_keys}
                               : ValueLayout<T>{problem.padded_values(), 1};
}

// Values that no weight may touch become 0; those that are not finite are set aside for a second
// reduce.
template <class T>
void repair_values(const Problem<T>& problem, const T* prior, int count, T* tile, std::uint8_t* bad,
                   T* peaks, TileFlags& flags) {
  const auto at = layout_of(problem);
  std::fill(bad, bad + tile_keys, std::uint8_t{0});
  for (std::int64_t c = 0; c < problem.p; ++c) {
    peaks[c] = 0;
    for (int k = 0; k < count; ++k) {
      T& y = tile[k * at.key + c * at.column];
      if (prior[k] == none<T>) {
        y = 0;
      } else if (!std::isfinite(y)) {
        y = 0;
        bad[k] = 1;
        flags.not_finite = true;
      }
      peaks[c] = std::max(peaks[c], std::abs(y));
    }
  }
}

}  // namespace

template <class T>
bool take_own_values(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                     Chunk<T>& chunk) noexcept {
  chunk.own_values = nullptr;
  const int p = static_cast<int>(problem.p);
  const auto is_absent = [](const TileFlags& flags) { return flags.absent; };
  if (problem.lane_values() || p != problem.padded_values() || chunk.count % tile_keys != 0 ||
      std::any_of(chunk.flags.begin(), chunk.flags.begin() + chunk.tiles, is_absent) ||
      problem.moment_columns() > 0 || !in_one_piece(problem, entry, first, chunk.count))
    return false;
  const T* rows = value_row(problem, entry, first);
  T* peaks = chunk.peaks.data();
  problem.table->copy_values(rows, problem.value_stride, chunk.count, p, p, nullptr, peaks);
  if (!std::all_of(peaks, peaks + p, [](T x) { return std::isfinite(x); })) return false;
  chunk.own_values = rows;
  return true;
}

template <class T>
void pack_values(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
                 int t, T* gathered, Chunk<T>& chunk) noexcept {
  const auto& table = *problem.table;
  const int p = static_cast<int>(problem.p), padded = static_cast<int>(problem.padded_values());
  const bool gathers = !in_one_piece(problem, entry, first, count);
  if (gathers)
    for (int k = 0; k < count; ++k)
      std::copy_n(value_row(problem, entry, entry.row_at(first + k)), p, gathered + k * p);
  const T* rows = gathers ? gathered : value_row(problem, entry, first);
  const std::int64_t stride = gathers ? p : problem.value_stride;
  T* peaks = chunk.peaks.data();
  T* tile =
      chunk.values.data() + std::int64_t(t) * tile_keys * (problem.lane_values() ? p : padded);
  if (problem.lane_values()) {
    table.transpose(rows, stride, count, p, tile, tile_keys, tile_keys);
    for (int c = 0; c < p; ++c) {
      std::fill(tile + c * tile_keys + count, tile + (c + 1) * tile_keys, T(0));
      peaks[c] = table.column_peak(tile + c * tile_keys);
    }
  } else {
    table.copy_values(rows, stride, count, p, padded, tile, peaks);
    std::fill(tile + count * padded, tile + std::int64_t(tile_keys) * padded, T(0));
  }
  TileFlags& flags = chunk.flags[static_cast<std::size_t>(t)];
  const T* prior = chunk.prior.data() + t * tile_keys;
  const bool finite = std::all_of(peaks, peaks + p, [](T x) { return std::isfinite(x); });
  if (!finite || (flags.absent && std::find(prior, prior + count, none<T>) != prior + count))
    repair_values(problem, prior, count, tile, chunk.bad_values.data() + t * tile_keys, peaks,
                  flags);
}

template <class T>
void grow_largest(Chunk<T>& chunk) noexcept {
  for (std::size_t c = 0; c < chunk.largest.size(); ++c)
    chunk.largest[c] =
        std::max(chunk.largest[c], static_cast<double>(chunk.peaks[static_cast<std::int64_t>(c)]));
}

template <class T>
bool find_scales(Chunk<T>& chunk) noexcept {
  bool any = false;
  const int low = sizeof(T) == 4 ? -20 : -100, high = sizeof(T) == 4 ? 60 : 400;
  for (std::size_t c = 0; c < chunk.largest.size(); ++c) {
    double& scale = chunk.scales[header_columns + c];
    scale = 1;
    if (chunk.largest[c] == 0) continue;
    const int exponent = std::ilogb(chunk.largest[c]);
    if (exponent >= low && exponent <= high) continue;
    scale = std::ldexp(1.0, exponent);
    any = true;
  }
  chunk.scaled = any;
  chunk.extreme = any && sizeof(T) == 8;
  return any;
}

template <class T>
void scale_values(const Problem<T>& problem, Chunk<T>& chunk) noexcept {
  const auto at = layout_of(problem);
  const std::int64_t tile =
      tile_keys * (problem.lane_values() ? problem.p : problem.padded_values());
  for (std::int64_t c = 0; c < problem.p; ++c) {
    const double scale = chunk.scales[static_cast<std::size_t>(header_columns + c)];
    if (scale == 1) continue;
    const int exponent = std::ilogb(scale);
    for (int t = 0; t < chunk.tiles; ++t)
      for (int k = 0; k < tile_keys; ++k) {
        T& y = chunk.values[t * tile + k * at.key + c * at.column];
        y = static_cast<T>(std::ldexp(static_cast<double>(y), -exponent));
      }
  }
}

#define VICINAL_INSTANTIATE(T)                                                              \
  template void pack_values(const Problem<T>&, const Entry<T>&, std::int64_t, int, int, T*, \
                            Chunk<T>&) noexcept;                                            \
  template bool take_own_values(const Problem<T>&, const Entry<T>&, std::int64_t,           \
                                Chunk<T>&) noexcept;                                        \
  template void grow_largest(Chunk<T>&) noexcept;                                           \
  template bool find_scales(Chunk<T>&) noexcept;                                            \
  template void scale_values(const Problem<T>&, Chunk<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
