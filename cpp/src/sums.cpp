#include "sums.hpp"

#include <cmath>
#include <type_traits>

#include "weights.hpp"

namespace vicinal {

namespace {

// A value that is not finite counts only where its weight is not 0.
template <class T>
void reduce_bad_values(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const Chunk<T>& chunk = *s.w.chunk;
  const bool lanes = s.problem.lane_values();
  const std::int64_t width = lanes ? s.problem.p * s.table().lanes : s.problem.padded_values();
  for (int k = 0; k < s.lanes; ++k) {
    if (chunk.bad_values[s.t * tile_keys + k] == 0 || !has_lane(s.summed, k)) continue;
    const T* y = value_row(s.problem, s.entry, s.entry.row_at(s.first + k));
    for (std::int64_t c = 0; c < s.problem.p; ++c) {
      if (std::isfinite(y[c])) continue;
      for (int r = 0; r < g.rows; ++r) {
        const T w = s.logs(0)[r * tile_keys + k];
        if (w != 0) g.lanes[r * width + c * (lanes ? s.table().lanes : 1)] += w * y[c];
      }
    }
  }
}

// z: the value columns about the center, in double.
template <class T>
void center_values(const Step<T>& s, double* z) {
  const std::int64_t p = s.problem.p, padded = s.problem.padded_values();
  const Chunk<T>& chunk = *s.w.chunk;
  const bool lanes = s.problem.lane_values();
  const T* values = chunk.values.data() + std::int64_t(s.t) * tile_keys * (lanes ? p : padded);
  for (std::int64_t c = 0; c < p; ++c, z += tile_keys) {
    const double scale = chunk.scales[static_cast<std::size_t>(c) + header_columns];
    const double center = s.entry.value_center[static_cast<std::size_t>(c)];
    const auto centered = [=](T y) { return static_cast<double>(y) * scale - center; };
    if (lanes)
      std::transform(values + c * tile_keys, values + (c + 1) * tile_keys, z, centered);
    else
      for (int k = 0; k < tile_keys; ++k) z[k] = centered(values[k * padded + c]);
  }
}

// Product columns: 1, z, then z² or all z z′.
template <class T>
void fill_product(const Step<T>& s, const double* z, std::int64_t column, double* out) {
  const std::int64_t p = s.problem.p;
  if (column == 0) return std::fill_n(out, tile_keys, 1.0), void();
  if (column <= p) return std::copy_n(z + (column - 1) * tile_keys, tile_keys, out), void();
  std::int64_t a = column - 1 - p, b = a;
  if (s.problem.covariance) {  // pairs (a ≤ b), row by row of the upper triangle
    for (a = 0, b = column - 1 - p; b >= p - a; ++a) b -= p - a;
    b += a;
  }
  table<double>().product(z + a * tile_keys, z + b * tile_keys, out, 1);
}

// The weights of a tile in double.
template <class T>
const double* wide_weights(const Step<T>& s) {
  if constexpr (std::is_same_v<T, double>) return s.logs(0);
  Group<T>& g = s.w.group;
  std::copy_n(s.logs(0), std::int64_t(g.rows) * tile_keys, g.wide.data());
  return g.wide.data();
}

template <class T>
void reduce_moments(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const auto& wide = table<double>();
  constexpr std::int64_t panel = 8;  // stays in the nearest cache beside the weights
  const std::int64_t moments = s.problem.moment_columns();
  const double* weights = wide_weights(s);
  center_values(s, g.centered.data());
  for (std::int64_t c = 0; c < moments; c += panel) {
    const int columns = static_cast<int>(std::min(panel, moments - c));
    for (int i = 0; i < columns; ++i)
      fill_product(s, g.centered.data(), c + i, g.products.data() + i * tile_keys);
    const std::int64_t row_lanes = columns * wide.lanes;
    std::fill_n(g.product_lanes.data(), g.rows * row_lanes, 0.0);
    wide.reduce_lanes(weights, {g.products.data(), columns, columns, 0}, g.product_lanes.data(),
                      g.rows);
    double sums[panel];
    for (int r = 0; r < g.rows; ++r) {
      wide.close_lanes(g.product_lanes.data() + r * row_lanes, columns, sums);
      for (int i = 0; i < columns; ++i) g.moments[r * moments + c + i] += sums[i];
    }
  }
}

template <class T>
ValueTile<T> value_rows(const Step<T>& s) {
  const int p = static_cast<int>(s.problem.p), padded = static_cast<int>(s.problem.padded_values());
  if (s.w.chunk->own_values != nullptr)
    return {s.w.chunk->own_values + std::int64_t(s.t) * tile_keys * s.problem.value_stride,
            p,
            padded,
            s.problem.value_stride,
            s.w.values_ahead,
            s.summed,
            s.dropped_of(0)};
  return {s.w.chunk->values.data() + std::int64_t(s.t) * tile_keys * padded,
          p,
          padded,
          padded,
          s.w.values_ahead,
          s.summed,
          s.dropped_of(0)};
}

}  // namespace

template <class T>
void reduce(const Step<T>& s) noexcept {
  Group<T>& g = s.w.group;
  const auto& table = s.table();
  const int p = static_cast<int>(s.problem.p), padded = static_cast<int>(s.problem.padded_values());
  const std::int64_t tile = std::int64_t(s.t) * tile_keys;
  if (s.problem.is_single())
    table.reduce_single(s.logs(0), s.w.chunk->values.data() + tile, g.header_lanes.data(),
                        g.lanes.data(), g.rows);
  else if (!is_softmax(s))
    table.reduce_header(s.logs(0), g.header_lanes.data(), s.problem.full_header, g.rows, s.summed);
  if (p > 0) {
    if (!s.problem.lane_values())
      table.reduce_rows(s.logs(0), value_rows(s), g.lanes.data(), padded, g.rows);
    else if (p > 1 || s.problem.full_header)
      table.reduce_lanes(s.logs(0), {s.w.chunk->values.data() + tile * p, p, p, 0}, g.lanes.data(),
                         g.rows);
    if (s.flags.not_finite) reduce_bad_values(s);
  }
  if (s.problem.moment_columns() > 0) reduce_moments(s);
}

#define VICINAL_INSTANTIATE(T) template void reduce(const Step<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
