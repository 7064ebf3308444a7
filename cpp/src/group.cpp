#include "group.hpp"

#include <cmath>

#include "chunk.hpp"
#include "counts.hpp"
#include "rows.hpp"
#include "step.hpp"
#include "sums.hpp"
#include "weights.hpp"

namespace vicinal {

namespace {

template <class T>
void clear_group(const Problem<T>& problem, Group<T>& g, Reference mode) {
  const int lanes = problem.table->lanes;
  const std::int64_t width = problem.lane_values() ? problem.p * lanes : problem.padded_values();
  std::fill_n(g.header_lanes.data(), std::int64_t(g.rows) * header_columns * lanes, T(0));
  std::fill_n(g.lanes.data(), g.rows * width, T(0));
  if (problem.moment_columns() > 0)
    std::fill_n(g.moments.data(), g.rows * problem.moment_columns(), 0.0);
  std::fill_n(g.reference, g.rows, mode == Reference::fixed ? T(0) : none<T>);
  std::fill_n(g.own_weight, g.rows, T(0));
  std::fill_n(g.count, g.rows, std::int64_t{0});
}

// float64 values near 1e308 or 1e-300, or tiny ones with tiny weights: the sums of a row's column
// are kept in a unit of its own, that of its first chunk, which moves up when a chunk exceeds it by
// far.
template <class T>
void settle_units(const Problem<T>& problem, const Chunk<T>& chunk, RowState<T>& state,
                  std::int64_t row, double* scales) {
  for (std::int64_t c = 0; c < problem.p; ++c) {
    const double scale = chunk.scales[static_cast<std::size_t>(header_columns + c)];
    const int exponent = std::ilogb(scale);
    int& unit = state.unit[static_cast<std::size_t>(row * problem.p + c)];
    double& hi = state.hi_row(row)[header_columns + c];
    double& lo = state.lo_row(row)[header_columns + c];
    if (hi == 0) {
      unit = exponent;
    } else if (exponent - unit > 400) {
      const double factor = power_of_two(unit - exponent);
      hi *= factor;
      lo *= factor;
      unit = exponent;
    }
    scales[c] = std::ldexp(scale, -unit);
  }
}

template <class T>
Step<T> step_of(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) {
  const Chunk<T>& chunk = *w.chunk;
  const std::int64_t offset = std::int64_t(t) * tile_keys;
  return {problem,
          entry,
          w,
          t,
          std::min(tile_keys, chunk.count - t * tile_keys),
          chunk.first + offset,
          chunk.prior.data() + offset,
          chunk.flags[static_cast<std::size_t>(t)]};
}

// The tile functions of the next step fetch the rows of the tile at this position, if there is one.
template <class T>
void look_ahead(const Problem<T>& problem, const Entry<T>& entry, std::int64_t position,
                Workspace<T>& w) {
  w.keys_ahead = w.values_ahead = {};
  if (position < 0 || position >= problem.n || entry.order != nullptr) return;
  const auto rows = [&](const T* data, std::int64_t stride) {
    return Ahead{reinterpret_cast<const char*>(data + position * stride), 64};
  };
  w.keys_ahead = rows(entry.keys, problem.key_stride);
  if (problem.p > 0) w.values_ahead = rows(entry.values, problem.value_stride);
}

template <class T>
void run_tile(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) {
  const Reference mode = w.block->mode;
  Step<T> s = step_of(problem, entry, t, w);
  s.hits = mode == Reference::hits;
  if (s.flags.empty && entry.weights_out == nullptr) return;
  if (mode != Reference::fixed) {
    weigh_peak(s);
  } else {
    weigh_fixed(s);
    if (problem.cuts) s.table().drop_below(s.logs(0), w.group.least, T(0), s.rows());
    each_dropped(s, [&](int r, int k) { s.logs(0)[r * tile_keys + k] = 0; });
    if (entry.count != nullptr) count_fixed(s);
  }
  if (problem.needs_self) take_own_weights(s);
  if (entry.weights_out != nullptr) write_weights(s);
  reduce(s);
}

}  // namespace

template <class T>
T* score_tile(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) noexcept {
  const Step<T> s = step_of(problem, entry, t, w);
  score_factor(s, 0, 0, s.logs(0));
  return s.logs(0);
}

template <class T>
void take_rows(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
               Workspace<T>& w) noexcept {
  const Block<T>& block = *w.block;
  std::int64_t rows[max_group_rows];
  for (int r = 0; r < count; ++r) {
    w.group.slot[r] = block.todo[static_cast<std::size_t>(first + r)];
    rows[r] = block.row(w.group.slot[r]);
    if (problem.cuts) {
      w.group.cut[r] = block.cut[w.group.slot[r]];
      w.group.least[r] = std::exp2(w.group.cut[r]);
    }
  }
  pack_group(problem, entry, rows, count, w);
}

template <class T>
void open_group(const Problem<T>& problem, Workspace<T>& w) noexcept {
  clear_group(problem, w.group, w.block->mode);
}

template <class T>
void meet_tile(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) noexcept {
  w.keys_ahead = w.values_ahead = {};
  run_tile(problem, entry, t, w);
}

template <class T>
void run_group(const Problem<T>& problem, const Entry<T>& entry, const Upcoming& upcoming,
               Workspace<T>& w) noexcept {
  clear_group(problem, w.group, w.block->mode);
  for (int t = 0; t < w.chunk->tiles; ++t) {
    look_ahead(problem, entry, upcoming.tile(t, w.chunk->tiles), w);
    run_tile(problem, entry, t, w);
  }
}

template <class T>
bool stream_group(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                  Workspace<T>& w) noexcept {
  const std::int64_t end = std::min(first + chunk_keys(problem), problem.n);
  clear_group(problem, w.group, w.block->mode);
  open_tiles(w.own);
  for (std::int64_t at = first; at < end; at += tile_keys) {
    pack_tile(problem, entry, at, w.rows.data(), w.own);
    look_ahead(problem, entry, at + tile_keys, w);
    run_tile(problem, entry, 0, w);
  }
  return close_tiles(w.own);
}

template <class T>
void fold_group(const Problem<T>& problem, Workspace<T>& w) noexcept {
  Group<T>& g = w.group;
  RowState<T>& state = w.block->state;
  const auto& table = *problem.table;
  const std::int64_t p = problem.p, moments = problem.moment_columns(),
                     linear = problem.linear_columns();
  const std::int64_t width = problem.lane_values() ? p * table.lanes : problem.padded_values();
  for (int r = 0; r < g.rows; ++r) {
    T* sums = g.sums.data();
    table.close_lanes(g.header_lanes.data() + std::int64_t(r) * header_columns * table.lanes,
                      header_columns, sums);
    if (!problem.full_header) sums[2] = sums[0];
    sums[1] = g.own_weight[r];
    state.count[static_cast<std::size_t>(g.slot[r])] += g.count[r];
    if (sums[2] == 0) continue;  // no weight in this chunk: not merged
    if (problem.lane_values())
      table.close_lanes(g.lanes.data() + r * width, static_cast<int>(p), sums + header_columns);
    else
      std::copy_n(g.lanes.data() + r * width, p, sums + header_columns);
    double& reference = state.reference[static_cast<std::size_t>(g.slot[r])];
    const double chunk_reference =
        g.reference[r] == none<T> ? 0.0 : static_cast<double>(g.reference[r]);
    const Rescale scale = common_reference(reference, chunk_reference);
    double* hi = state.hi_row(g.slot[r]);
    double* lo = state.lo_row(g.slot[r]);
    const double old = scale.old_factor, fresh = scale.new_factor;
    const double* scales = w.chunk->scales.data();
    table.fold(hi, lo, sums, scales, 3, old, fresh);
    table.fold(hi + 3, lo + 3, sums + 3, scales + 3, 1, old * old, fresh * fresh);
    if (w.chunk->extreme || state.has_units(g.slot[r])) {
      settle_units(problem, *w.chunk, state, g.slot[r], w.group.relative_scales.data());
      scales = w.group.relative_scales.data() - header_columns;
    }
    table.fold(hi + header_columns, lo + header_columns, sums + header_columns,
               scales + header_columns, static_cast<int>(p), old, fresh);
    if (moments > 0)
      kernels::table<double>().fold(hi + linear, lo + linear, g.moments.data() + r * moments,
                                    g.ones.data(), static_cast<int>(moments), old, fresh);
    reference = scale.reference;
  }
}

#define VICINAL_INSTANTIATE(T)                                                              \
  template void take_rows(const Problem<T>&, const Entry<T>&, std::int64_t, int,            \
                          Workspace<T>&) noexcept;                                          \
  template void open_group(const Problem<T>&, Workspace<T>&) noexcept;                      \
  template void meet_tile(const Problem<T>&, const Entry<T>&, int, Workspace<T>&) noexcept; \
  template T* score_tile(const Problem<T>&, const Entry<T>&, int, Workspace<T>&) noexcept;  \
  template void run_group(const Problem<T>&, const Entry<T>&, const Upcoming&,              \
                          Workspace<T>&) noexcept;                                          \
  template bool stream_group(const Problem<T>&, const Entry<T>&, std::int64_t,              \
                             Workspace<T>&) noexcept;                                       \
  template void fold_group(const Problem<T>&, Workspace<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
