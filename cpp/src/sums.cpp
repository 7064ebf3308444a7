#include "sums.hpp"

#include <cmath>

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

// Product columns about the center, in double: 1, z, then z² or all z z′.
template <class T>
void fill_product(const Step<T>& s, std::int64_t column, double* out) {
  const std::int64_t p = s.problem.p;
  const Chunk<T>& chunk = *s.w.chunk;
  const bool lanes = s.problem.lane_values();
  const std::int64_t key = lanes ? 1 : s.problem.padded_values(), feature = lanes ? tile_keys : 1;
  const T* values =
      chunk.values.data() + std::int64_t(s.t) * tile_keys * (lanes ? p : s.problem.padded_values());
  const auto centered = [&](std::int64_t c, int k) {
    const auto at = static_cast<std::size_t>(c);
    return static_cast<double>(values[k * key + c * feature]) * chunk.scales[at + header_columns] -
           s.entry.value_center[at];
  };
  if (column == 0) return std::fill_n(out, tile_keys, 1.0), void();
  if (column <= p) {
    for (int k = 0; k < tile_keys; ++k) out[k] = centered(column - 1, k);
    return;
  }
  std::int64_t a = column - 1 - p, b = a;
  if (s.problem.covariance) {  // pairs (a ≤ b), row by row of the upper triangle
    for (a = 0, b = column - 1 - p; b >= p - a; ++a) b -= p - a;
    b += a;
  }
  for (int k = 0; k < tile_keys; ++k) out[k] = centered(a, k) * centered(b, k);
}

template <class T>
void reduce_moments(const Step<T>& s) {
  Group<T>& g = s.w.group;
  const auto& wide = table<double>();
  constexpr std::int64_t panel = 64;
  const std::int64_t moments = s.problem.moment_columns();
  for (std::int64_t i = 0; i < std::int64_t(g.rows) * tile_keys; ++i)
    g.wide[i] = static_cast<double>(s.logs(0)[i]);
  for (std::int64_t c = 0; c < moments; c += panel) {
    const int columns = static_cast<int>(std::min(panel, moments - c));
    for (int i = 0; i < columns; ++i) fill_product(s, c + i, g.products.data() + i * tile_keys);
    const std::int64_t row_lanes = columns * wide.lanes;
    std::fill_n(g.product_lanes.data(), g.rows * row_lanes, 0.0);
    wide.reduce_lanes(g.wide.data(), {g.products.data(), columns, columns, 0},
                      g.product_lanes.data(), g.rows);
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
