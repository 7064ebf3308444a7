#include "chunk.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/center.hpp"
#include "priors.hpp"
#include "rows.hpp"
#include "values.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// ------------------------------------------------------------------------------------------ priors
template <class T>
void pack_prior(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
                T* prior, TileFlags& flags) {
  flags = {};
  for (int k = 0; k < count; ++k) {
    prior[k] = log_prior(problem, entry, entry.row_at(first + k));
    flags.absent |= prior[k] == none<T>;
    flags.prior |= prior[k] != 0 && prior[k] != none<T>;
  }
  std::fill(prior + count, prior + tile_keys, none<T>);
  flags.absent |= count < tile_keys;
}

template <class T>
void pack_scales(const Entry<T>& entry, std::int64_t first, int count, T* scales) {
  for (int k = 0; k < count; ++k)
    scales[k] = entry.key_scales[static_cast<std::size_t>(entry.row_at(first + k))];
  std::fill(scales + count, scales + tile_keys, T(1));
}

// ------------------------------------------------------------------------------------- coordinates
// Whether all coordinates are finite.
template <class T>
bool load_tile(const Problem<T>& problem, const Entry<T>& entry, const FactorPlan<T>& f,
               std::int64_t first, int count, T* rows, T* tile) {
  if (!f.copies_rows() && in_one_piece(problem, entry, first, count))
    return problem.table->transpose(key_row(problem, entry, first), problem.key_stride, count,
                                    f.depth, tile, tile_keys, key_stride);
  for (int k = 0; k < count; ++k)
    map_row(f, key_row(problem, entry, entry.row_at(first + k)), entry.origin.data(),
            rows + k * f.depth);
  return problem.table->transpose(rows, f.depth, count, f.depth, tile, tile_keys, key_stride);
}

// A key with an infinite coordinate under a metric is infinitely far: absent. So is any that is not
// finite where no row that sees it takes part.
template <class T>
void drop_far_keys(const Problem<T>& problem, const Chunk<T>& chunk, int t, T* prior) {
  for (std::size_t i = 0; i < chunk.factors.size(); ++i)
    for (std::size_t j = 0; j < chunk.factors[i].size(); ++j) {
      const auto& f = problem.plan.terms[i].factors[j];
      if (!f.distance && !problem.spoiled_are_out) continue;
      const T* tile =
          chunk.factors[i][j].coordinates.data() + std::int64_t(t) * f.depth * key_stride;
      for (int k = 0; k < tile_keys; ++k)
        for (int c = 0; c < f.depth; ++c)
          if (std::isinf(tile[c * key_stride + k]) ||
              (problem.spoiled_are_out && std::isnan(tile[c * key_stride + k])))
            prior[k] = none<T>;
    }
}

// Lanes without a key repeat the tile's first good one; the center is the mean of the good ones.
template <class T>
void repair_tile(const T* prior, int depth, int count, T* tile, T* center) {
  bool present[tile_keys], good[tile_keys];
  for (int k = 0; k < count; ++k) good[k] = present[k] = prior[k] != none<T>;
  for (int c = 0; c < depth; ++c)
    for (int k = 0; k < count; ++k) good[k] &= std::isfinite(tile[c * key_stride + k]);
  const auto number = static_cast<double>(std::count(good, good + count, true));
  const std::int64_t first = std::find(good, good + count, true) - good;
  for (int c = 0; c < depth; ++c) {
    T* column = tile + c * key_stride;
    const T filler = first < count ? column[first] : T(0);
    double sum = 0;
    T low = filler, high = filler;
    for (int k = 0; k < count; ++k) {
      const T x = good[k] ? column[k] : filler;
      sum += good[k] ? static_cast<double>(x) : 0.0;
      low = std::min(low, x);
      high = std::max(high, x);
      if (!present[k]) column[k] = filler;
    }
    std::fill(column + count, column + tile_keys, filler);
    center[c] = number == 0 ? T(0) : coarse(static_cast<T>(sum / number), high - low);
    if (!std::isfinite(center[c])) center[c] = 0;
  }
}

// Whether every key is good and no center is read: lanes behind the keys repeat the last one, and
// do no harm.
template <class T>
bool needs_no_repair(const Problem<T>& problem, const T* prior, int count) {
  for (const auto& term : problem.plan.terms)
    for (const FactorPlan<T>& f : term.factors)
      if (f.expanded()) return false;
  return std::find(prior, prior + count, none<T>) == prior + count;
}

template <class T>
void pack_coordinates(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                      int count, int t, T* rows, Chunk<T>& chunk, T* prior, TileFlags& flags) {
  bool finite = true;
  const auto each = [&](auto&& action) {
    for (std::size_t i = 0; i < chunk.factors.size(); ++i)
      for (std::size_t j = 0; j < chunk.factors[i].size(); ++j) {
        const auto& f = problem.plan.terms[i].factors[j];
        auto& b = chunk.factors[i][j];
        action(f, b, b.coordinates.data() + std::int64_t(t) * f.depth * key_stride,
               b.centers.data() + std::int64_t(t) * f.depth);
      }
  };
  each([&](const FactorPlan<T>& f, KeyPanels<T>&, T* tile, T* center) {
    finite &= load_tile(problem, entry, f, first, count, rows, tile);
    if (f.expanded()) finite &= problem.table->tile_center(tile, f.depth, center);
  });
  if (!finite) drop_far_keys(problem, chunk, t, prior);
  if (!finite || (flags.absent && !needs_no_repair(problem, prior, count))) {
    flags.absent = std::find(prior, prior + tile_keys, none<T>) != prior + tile_keys;
    flags.empty = std::all_of(prior, prior + tile_keys, [](T x) { return x == none<T>; });
    each([&](const FactorPlan<T>& f, KeyPanels<T>&, T* tile, T* center) {
      repair_tile(prior, f.depth, count, tile, center);
    });
  }
  each([&](const FactorPlan<T>& f, KeyPanels<T>& b, T* tile, T* center) {
    if (f.expanded()) {
      problem.table->center_tile(tile, f.depth, center, f.scales.data());
      problem.table->tile_norms(tile, f.depth, b.norms.data() + t * tile_keys);
    } else if (f.coordinate_scale != T(1)) {
      problem.table->rescale(tile, std::int64_t(f.depth) * key_stride, f.coordinate_scale);
    }
  });
}

// Some coordinate may make its key absent, which the values of the chunk must know.
template <class T>
bool has_distance(const Problem<T>& problem) {
  for (const TermPlan<T>& term : problem.plan.terms)
    for (const FactorPlan<T>& f : term.factors)
      if (f.distance) return true;
  return false;
}

template <class T>
void pack_keys(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
               int t, bool is_met, T* rows, Chunk<T>& chunk) {
  T* prior = chunk.prior.data() + t * tile_keys;
  TileFlags& flags = chunk.flags[static_cast<std::size_t>(t)];
  pack_prior(problem, entry, first, count, prior, flags);
  if (!is_met && !has_distance(problem)) return;
  pack_coordinates(problem, entry, first, count, t, rows, chunk, prior, flags);
  if (!entry.key_scales.empty())
    pack_scales(entry, first, count, chunk.key_scales.data() + t * tile_keys);
}

// Rows far apart would meet in few lines of the nearest cache: they are copied together.
template <class T>
void pack_all_values(const Problem<T>& problem, const Entry<T>& entry, T* rows, Chunk<T>& chunk) {
  if (entry.order == nullptr && problem.value_stride == problem.p &&
      take_own_values(problem, entry, chunk.first, chunk)) {
    grow_largest(chunk);
    if (!find_scales(chunk)) return;
    open_tiles(chunk);
    chunk.own_values = nullptr;
  }
  for (int t = 0; t < chunk.tiles; ++t) {
    const std::int64_t at = std::int64_t(t) * tile_keys;
    const int count = static_cast<int>(std::min<std::int64_t>(tile_keys, chunk.count - at));
    pack_values(problem, entry, chunk.first + at, count, t, rows, chunk);
    grow_largest(chunk);
  }
  if (find_scales(chunk)) scale_values(problem, chunk);
}

}  // namespace

template <class T>
void pack_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                std::uint32_t met, T* rows, Chunk<T>& chunk) noexcept {
  open_tiles(chunk);
  chunk.first = first;
  chunk.count =
      static_cast<int>(std::min<std::int64_t>(chunk_keys(problem), entry.positions - first));
  chunk.tiles = (chunk.count + tile_keys - 1) / tile_keys;
  chunk.own_values = nullptr;
  for (int t = 0; t < chunk.tiles; ++t) {
    const std::int64_t at = first + std::int64_t(t) * tile_keys;
    const int count = std::min(tile_keys, chunk.count - t * tile_keys);
    pack_keys(problem, entry, at, count, t, (met >> t & 1U) != 0, rows, chunk);
  }
  if (problem.p > 0) pack_all_values(problem, entry, rows, chunk);
}

template <class T>
void open_tiles(Chunk<T>& chunk) noexcept {
  std::fill(chunk.largest.begin(), chunk.largest.end(), 0.0);
}

template <class T>
void pack_tile(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, T* rows,
               Chunk<T>& chunk) noexcept {
  chunk.first = first;
  chunk.count = static_cast<int>(std::min<std::int64_t>(tile_keys, entry.n - first));
  chunk.tiles = 1;
  pack_keys(problem, entry, first, chunk.count, 0, true, rows, chunk);
  if (problem.p == 0) return;
  if (!take_own_values(problem, entry, first, chunk))
    pack_values(problem, entry, first, chunk.count, 0, rows, chunk);
  grow_largest(chunk);
}

template <class T>
bool close_tiles(Chunk<T>& chunk) noexcept {
  return !find_scales(chunk);
}

#define VICINAL_INSTANTIATE(T)                                                                  \
  template void pack_chunk(const Problem<T>&, const Entry<T>&, std::int64_t, std::uint32_t, T*, \
                           Chunk<T>&) noexcept;                                                 \
  template void open_tiles(Chunk<T>&) noexcept;                                                 \
  template void pack_tile(const Problem<T>&, const Entry<T>&, std::int64_t, T*,                 \
                          Chunk<T>&) noexcept;                                                  \
  template bool close_tiles(Chunk<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
