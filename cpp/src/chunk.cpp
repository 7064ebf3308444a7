#include "chunk.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/center.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
constexpr T none = -std::numeric_limits<T>::infinity();

template <class T>
std::int64_t column_of(const FactorPlan<T>& f, int j) {
  return f.columns.empty() ? j : f.columns[static_cast<std::size_t>(j)];
}

// ------------------------------------------------------------------------------------------ priors
template <class T>
void pack_prior(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
                T* prior, TileFlags& flags) {
  flags = {};
  const double shift = entry.prior_shift;
  for (int k = 0; k < count; ++k) {
    const std::int64_t at = (first + k) * problem.weight_stride;
    double log = 0;
    if (entry.weights != nullptr)
      log = std::log2(static_cast<double>(entry.weights[at])) - shift;
    else if (entry.log_weights !=
             nullptr)  // the largest is taken off before the unit changes: no digits are lost
      log = (static_cast<double>(entry.log_weights[at]) - entry.prior_peak) * std::numbers::log2e +
            (entry.prior_peak * std::numbers::log2e - shift);
    prior[k] = static_cast<T>(log);
    flags.absent |= prior[k] == none<T>;
    flags.prior |= prior[k] != 0 && prior[k] != none<T>;
  }
  std::fill(prior + count, prior + tile_keys, none<T>);
  flags.absent |= count < tile_keys;
}

// ------------------------------------------------------------------------------------- coordinates
template <class T>
void load_tile(const Problem<T>& problem, const Entry<T>& entry, const FactorPlan<T>& f,
               std::int64_t first, int count, FactorBuffers<T>& b, T* tile) {
  const T* keys = entry.keys + first * problem.key_stride;
  if (!f.copies_rows())
    return problem.table->transpose(keys, problem.key_stride, count, f.depth, tile, tile_keys,
                                    key_stride);
  for (int k = 0; k < count; ++k)
    map_row(f, keys + k * problem.key_stride, entry.origin.data(), b.rows.data() + k * f.depth);
  problem.table->transpose(b.rows.data(), f.depth, count, f.depth, tile, tile_keys, key_stride);
}

// A key with an infinite coordinate under a metric is infinitely far: absent.
template <class T>
void drop_infinite_keys(const Problem<T>& problem, Workspace<T>& w, int t, T* prior) {
  for (std::size_t i = 0; i < w.factors.size(); ++i)
    for (std::size_t j = 0; j < w.factors[i].size(); ++j) {
      const auto& f = problem.plan.terms[i].factors[j];
      if (!f.distance) continue;
      const T* tile = w.factors[i][j].coordinates.data() + std::int64_t(t) * f.depth * key_stride;
      for (int k = 0; k < tile_keys; ++k)
        for (int c = 0; c < f.depth; ++c)
          if (std::isinf(tile[c * key_stride + k])) prior[k] = none<T>;
    }
}

// Lanes without a key repeat the tile's first good one; the center is the mean of the good ones.
template <class T>
void repair_tile(const T* prior, int depth, T* tile, T* center) {
  bool present[tile_keys], good[tile_keys];
  for (int k = 0; k < tile_keys; ++k) good[k] = present[k] = prior[k] != none<T>;
  for (int c = 0; c < depth; ++c)
    for (int k = 0; k < tile_keys; ++k) good[k] &= std::isfinite(tile[c * key_stride + k]);
  const auto number = static_cast<double>(std::count(good, good + tile_keys, true));
  const std::int64_t first = std::find(good, good + tile_keys, true) - good;
  for (int c = 0; c < depth; ++c) {
    T* column = tile + c * key_stride;
    const T filler = first < tile_keys ? column[first] : T(0);
    double sum = 0;
    T low = filler, high = filler;
    for (int k = 0; k < tile_keys; ++k) {
      const T x = good[k] ? column[k] : filler;
      sum += good[k] ? static_cast<double>(x) : 0.0;
      low = std::min(low, x);
      high = std::max(high, x);
      if (!present[k]) column[k] = filler;
    }
    center[c] = number == 0 ? T(0) : coarse(static_cast<T>(sum / number), high - low);
    if (!std::isfinite(center[c])) center[c] = 0;
  }
}

template <class T>
void pack_coordinates(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                      int count, int t, Workspace<T>& w, T* prior, TileFlags& flags) {
  bool finite = true;
  const auto each = [&](auto&& action) {
    for (std::size_t i = 0; i < w.factors.size(); ++i)
      for (std::size_t j = 0; j < w.factors[i].size(); ++j) {
        const auto& f = problem.plan.terms[i].factors[j];
        auto& b = w.factors[i][j];
        action(f, b, b.coordinates.data() + std::int64_t(t) * f.depth * key_stride,
               b.centers.data() + std::int64_t(t) * f.depth);
      }
  };
  each([&](const FactorPlan<T>& f, FactorBuffers<T>& b, T* tile, T* center) {
    load_tile(problem, entry, f, first, count, b, tile);
    finite &= problem.table->tile_center(tile, f.depth, center);
  });
  if (!finite) drop_infinite_keys(problem, w, t, prior);
  if (!finite || flags.absent) {
    flags.absent = std::find(prior, prior + tile_keys, none<T>) != prior + tile_keys;
    flags.empty = std::all_of(prior, prior + tile_keys, [](T x) { return x == none<T>; });
    each([&](const FactorPlan<T>& f, FactorBuffers<T>&, T* tile, T* center) {
      repair_tile(prior, f.depth, tile, center);
    });
  }
  each([&](const FactorPlan<T>& f, FactorBuffers<T>& b, T* tile, T* center) {
    if (f.expanded()) {
      problem.table->center_tile(tile, f.depth, center, f.scales.data());
      problem.table->tile_norms(tile, f.depth, b.norms.data() + t * tile_keys);
    } else if (f.coordinate_scale != T(1)) {
      problem.table->rescale(tile, std::int64_t(f.depth) * key_stride, f.coordinate_scale);
    }
  });
}

template <class T>
void pack_keys(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
               int t, Workspace<T>& w) {
  T* prior = w.chunk.prior.data() + t * tile_keys;
  TileFlags& flags = w.chunk.flags[static_cast<std::size_t>(t)];
  pack_prior(problem, entry, first, count, prior, flags);
  pack_coordinates(problem, entry, first, count, t, w, prior, flags);
}

// ------------------------------------------------------------------------------------------ values
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
void repair_values(const Problem<T>& problem, const T* prior, T* tile, std::uint8_t* bad, T* peaks,
                   TileFlags& flags) {
  const auto at = layout_of(problem);
  std::fill(bad, bad + tile_keys, std::uint8_t{0});
  for (std::int64_t c = 0; c < problem.p; ++c) {
    peaks[c] = 0;
    for (int k = 0; k < tile_keys; ++k) {
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

// Key-major rows without padding can be read where they stand, if nothing in them needs repair.
template <class T>
bool take_own_values(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                     Chunk<T>& chunk) {
  chunk.own_values = nullptr;
  const int p = static_cast<int>(problem.p);
  if (problem.lane_values() || p != problem.padded_values() || chunk.count < tile_keys ||
      chunk.flags[0].absent || problem.moment_columns() > 0)
    return false;
  const T* rows = entry.values + first * problem.value_stride;
  T* peaks = chunk.peaks.data();
  problem.table->copy_values(rows, problem.value_stride, tile_keys, p, p, nullptr, peaks);
  if (!std::all_of(peaks, peaks + p, [](T x) { return std::isfinite(x); })) return false;
  chunk.own_values = rows;
  return true;
}

template <class T>
void pack_values(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
                 int t, Chunk<T>& chunk) {
  const auto& table = *problem.table;
  const int p = static_cast<int>(problem.p), padded = static_cast<int>(problem.padded_values());
  const T* rows = entry.values + first * problem.value_stride;
  T* peaks = chunk.peaks.data();
  T* tile =
      chunk.values.data() + std::int64_t(t) * tile_keys * (problem.lane_values() ? p : padded);
  if (problem.lane_values()) {
    table.transpose(rows, problem.value_stride, count, p, tile, tile_keys, tile_keys);
    for (int c = 0; c < p; ++c) peaks[c] = table.column_peak(tile + c * tile_keys);
  } else {
    table.copy_values(rows, problem.value_stride, count, p, padded, tile, peaks);
    std::fill(tile + count * padded, tile + std::int64_t(tile_keys) * padded, T(0));
  }
  TileFlags& flags = chunk.flags[static_cast<std::size_t>(t)];
  const bool finite = std::all_of(peaks, peaks + p, [](T x) { return std::isfinite(x); });
  if (!finite || flags.absent)
    repair_values(problem, chunk.prior.data() + t * tile_keys, tile,
                  chunk.bad_values.data() + t * tile_keys, peaks, flags);
}

template <class T>
void grow_largest(Chunk<T>& chunk) {
  for (std::size_t c = 0; c < chunk.largest.size(); ++c)
    chunk.largest[c] =
        std::max(chunk.largest[c], static_cast<double>(chunk.peaks[static_cast<std::int64_t>(c)]));
}

// A column far from 1 is scaled by a power of two: its products must neither overflow nor become
// subnormal. Returns whether there is one.
template <class T>
bool find_scales(Chunk<T>& chunk) {
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
  chunk.extreme = any && sizeof(T) == 8;
  return any;
}

template <class T>
void scale_values(const Problem<T>& problem, Chunk<T>& chunk) {
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

// components · (row − origin), as if summed exactly and rounded once: what q and x lose apart here,
// their difference keeps.
template <class T>
void map_linearly(const FactorPlan<T>& f, const T* row, const T* origin, T* out) {
  for (int i = 0; i < f.depth; ++i) {
    double sum = 0, lost = 0;
    const auto add = [&](double a, double b) {  // a · b in two parts, added in two parts
      const double product = a * b, s = sum + product, t = s - sum;
      lost += std::fma(a, b, -product) + ((sum - (s - t)) + (product - t));
      sum = s;
    };
    for (int j = 0; j < f.width; ++j) {
      const std::int64_t c = column_of(f, j);
      const double a = f.components[static_cast<std::size_t>(i * f.width + j)];
      add(a, static_cast<double>(row[c]));
      add(a, -static_cast<double>(origin[c]));
    }
    out[i] = static_cast<T>(sum + lost);
  }
}

}  // namespace

template <class T>
void map_row(const FactorPlan<T>& f, const T* row, const T* origin, T* out) noexcept {
  if (f.mapped()) return map_linearly(f, row, origin, out);
  for (int j = 0; j < f.width; ++j) out[j] = row[column_of(f, j)];
  if (f.geographic) out[2] = static_cast<T>(std::cos(static_cast<double>(out[0]) * f.degrees));
  if (!f.unit) return;
  double square = 0;
  for (int j = 0; j < f.width; ++j)
    square += static_cast<double>(out[j]) * static_cast<double>(out[j]);
  const double inverse = square > 0 ? 1 / std::sqrt(square) : square == 0 ? 0 : square;
  for (int j = 0; j < f.width; ++j) out[j] = static_cast<T>(static_cast<double>(out[j]) * inverse);
  if (f.zero_feature) out[f.width] = square == 0 ? T(1) : T(0);
}

template <class T>
RowKind classify_query(const Problem<T>& problem, const T* query) noexcept {
  bool finite = true;
  for (std::int64_t j = 0; j < problem.d; ++j)
    finite &= std::abs(query[j]) <= std::numeric_limits<T>::max();
  if (finite) return ordinary;
  RowKind kind = ordinary;
  for (const auto& term : problem.plan.terms)
    for (const auto& f : term.factors)
      for (int j = 0; j < f.width; ++j) {
        const T x = query[column_of(f, j)];
        if (std::isnan(x)) return has_nan;
        if (std::isinf(x) && f.distance) kind = infinite;
      }
  return kind;
}

template <class T>
void pack_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                Workspace<T>& w) noexcept {
  Chunk<T>& chunk = w.chunk;
  open_tiles(w);
  chunk.first = first;
  chunk.count = static_cast<int>(std::min<std::int64_t>(chunk_keys(problem), problem.n - first));
  chunk.tiles = (chunk.count + tile_keys - 1) / tile_keys;
  chunk.own_values = nullptr;
  for (int t = 0; t < chunk.tiles; ++t) {
    const std::int64_t at = first + std::int64_t(t) * tile_keys;
    const int count = std::min(tile_keys, chunk.count - t * tile_keys);
    pack_keys(problem, entry, at, count, t, w);
    if (problem.p == 0) continue;
    pack_values(problem, entry, at, count, t, chunk);
    grow_largest(chunk);
  }
  if (find_scales(chunk)) scale_values(problem, chunk);
}

template <class T>
void open_tiles(Workspace<T>& w) noexcept {
  std::fill(w.chunk.largest.begin(), w.chunk.largest.end(), 0.0);
}

template <class T>
void pack_tile(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
               Workspace<T>& w) noexcept {
  Chunk<T>& chunk = w.chunk;
  chunk.first = first;
  chunk.count = static_cast<int>(std::min<std::int64_t>(tile_keys, problem.n - first));
  chunk.tiles = 1;
  pack_keys(problem, entry, first, chunk.count, 0, w);
  if (problem.p == 0) return;
  if (!take_own_values(problem, entry, first, chunk))
    pack_values(problem, entry, first, chunk.count, 0, chunk);
  grow_largest(chunk);
}

template <class T>
bool close_tiles(Workspace<T>& w) noexcept {
  return !find_scales(w.chunk);
}

template <class T>
void pack_group(const Problem<T>& problem, const Entry<T>& entry, const std::int64_t* rows,
                int count, Workspace<T>& w) noexcept {
  Group<T>& group = w.group;
  group.rows = count;
  for (int r = 0; r < count; ++r) {
    group.index[r] = rows[r];
    group.query_rows[r] = entry.queries + rows[r] * problem.query_stride;
    group.own[r] = !problem.needs_self             ? -1
                   : entry.self_indices != nullptr ? entry.self_indices[rows[r]]
                                                   : rows[r];
  }
  // Register blocks may read past the last row: it repeats.
  std::fill(group.query_rows + count, group.query_rows + max_group_rows,
            group.query_rows[count - 1]);
  for (std::size_t i = 0; i < w.factors.size(); ++i)
    for (std::size_t j = 0; j < w.factors[i].size(); ++j) {
      const auto& f = problem.plan.terms[i].factors[j];
      auto& b = w.factors[i][j];
      const T* source = group.query_rows[0];
      std::int64_t stride = f.depth;
      if (f.copies_rows()) {
        for (int r = 0; r < count; ++r)
          map_row(f, group.query_rows[r], entry.origin.data(), b.row.data() + r * f.depth);
        source = b.row.data();
      } else if (rows[count - 1] - rows[0] == count - 1) {
        stride = problem.query_stride;
      } else {  // rows done again: not neighbors
        for (int r = 0; r < count; ++r)
          std::copy_n(group.query_rows[r], f.depth, b.row.data() + r * f.depth);
        source = b.row.data();
      }
      problem.table->transpose(source, stride, count, f.depth, b.panel.data(), query_lanes,
                               query_lanes);
      if (!f.expanded() && f.coordinate_scale != T(1))  // expanded: applied about a tile's center
        problem.table->rescale(b.panel.data(), std::int64_t(f.depth) * query_lanes,
                               f.coordinate_scale);
    }
}

#define VICINAL_INSTANTIATE(T)                                                           \
  template void map_row(const FactorPlan<T>&, const T*, const T*, T*) noexcept;          \
  template RowKind classify_query(const Problem<T>&, const T*) noexcept;                 \
  template void pack_chunk(const Problem<T>&, const Entry<T>&, std::int64_t,             \
                           Workspace<T>&) noexcept;                                      \
  template void open_tiles(Workspace<T>&) noexcept;                                      \
  template void pack_tile(const Problem<T>&, const Entry<T>&, std::int64_t,              \
                          Workspace<T>&) noexcept;                                       \
  template bool close_tiles(Workspace<T>&) noexcept;                                     \
  template void pack_group(const Problem<T>&, const Entry<T>&, const std::int64_t*, int, \
                           Workspace<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
