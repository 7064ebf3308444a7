// What a worker of gradients needs: buffers, packed values and keys, the rows of a group.
#include <algorithm>
#include <cmath>

#include "chunk.hpp"
#include "gradient_call.hpp"
#include "group.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
const FactorPlan<T>& plan_of(const GradientProblem<T>& g, const FactorPull<T>& pull) {
  return g.problem.plan.terms[pull.term].factors[pull.factor];
}

template <class T>
std::int64_t padded(const GradientProblem<T>& g, std::int64_t columns) {
  const int lanes = g.problem.table->lanes;
  return (columns + lanes - 1) / lanes * lanes;
}

// Mean of the finite values of the chunk: what dots are taken about, so that an offset common to
// all values costs no digits. That of its first tile does, where all of those are finite.
template <class T>
void find_center(const GradientProblem<T>& g, const Entry<T>& entry, GradientChunk<T>& chunk) {
  T* center = chunk.center_of_type.data();
  if (!g.problem.table->tile_center(chunk.values.data(), static_cast<int>(g.p), center))
    for (std::int64_t c = 0; c < g.p; ++c) {
      double sum = 0, number = 0;
      for (int k = 0; k < chunk.keys.count; ++k) {
        const T y = entry.values[entry.row_at(chunk.keys.first + k) * g.value_stride + c];
        if (!std::isfinite(y)) continue;
        sum += static_cast<double>(y);
        number += 1;
      }
      center[c] = number > 0 ? static_cast<T>(sum / number) : T(0);
    }
  std::copy_n(center, g.p, chunk.center.data());
}

template <class T>
void pack_gradient_values(const GradientProblem<T>& g, const Entry<T>& entry, int t,
                          GradientChunk<T>& chunk) {
  const std::int64_t first = chunk.keys.first + std::int64_t(t) * tile_keys;
  const int count = std::min(tile_keys, chunk.keys.count - t * tile_keys),
            p = static_cast<int>(g.p);
  T* tile = chunk.values.data() + std::int64_t(t) * p * key_stride;
  const T* rows = entry.values + first * g.value_stride;
  std::int64_t stride = g.value_stride;
  if (entry.order != nullptr) {
    for (int k = 0; k < count; ++k)
      std::copy_n(entry.values + entry.row_at(first + k) * stride, p, chunk.scratch.data() + k * p);
    rows = chunk.scratch.data();
    stride = p;
  }
  g.problem.table->transpose(rows, stride, count, p, tile, tile_keys, key_stride);
  if (t == 0) find_center(g, entry, chunk);
  g.problem.table->center_tile(tile, p, chunk.center_of_type.data(), chunk.ones.data());
}

// Rows as the caller stores them are what is packed, in packs without a gap.
template <class T>
bool are_direct(const GradientProblem<T>& g, const FactorPlan<T>& f) {
  return f.similarity == Similarity::dot && !f.copies_rows() && f.coordinate_scale == T(1) &&
         f.depth % g.problem.table->lanes == 0;
}

// Queries of the group as rows: those of the caller where they stand one after the other.
template <class T>
void find_query_rows(const GradientProblem<T>& g, std::size_t f, GradientWorker<T>& worker) {
  const FactorPull<T>& pull = g.pulls[f];
  const FactorPlan<T>& plan = plan_of(g, pull);
  const Group<T>& group = worker.w.group;
  GradientRows<T>& rows = worker.query_rows[f];
  if (are_direct(g, plan) && group.index[group.rows - 1] - group.index[0] == group.rows - 1) {
    rows.at = group.query_rows[0];
    rows.stride = g.problem.query_stride;
    return;
  }
  rows.at = rows.own.data();
  rows.stride = pull.stride;
  g.problem.table->transpose(worker.w.factors[pull.term][pull.factor].panel.data(), query_lanes,
                             plan.depth, group.rows, rows.own.data(), pull.stride, pull.stride);
}

}  // namespace

template <class T>
void allocate(GradientChunk<T>& chunk, const GradientProblem<T>& g) {
  allocate(chunk.keys, g.problem);
  const int tiles = chunk_keys(g.problem) / tile_keys;
  const auto p = static_cast<std::size_t>(g.p);
  chunk.values.resize(std::int64_t(tiles) * std::max<std::int64_t>(g.p, 1) * key_stride);
  chunk.center.resize(p);
  chunk.center_of_type.resize(p);
  chunk.ones.assign(p, T(1));
  chunk.rows.resize(g.pulls.size());
  std::int64_t width = g.p;
  for (std::size_t f = 0; f < g.pulls.size(); ++f) {
    width = std::max<std::int64_t>(width, plan_of(g, g.pulls[f]).depth);
    if (g.pulls[f].matrix)
      chunk.rows[f].resize(std::int64_t(tiles) * tile_keys * g.pulls[f].stride);
  }
  chunk.sums.resize(std::int64_t(tiles) * std::max(g.columns, 1) * key_stride);
  chunk.scratch.resize(tile_keys * padded(g, width));
  chunk.wide.resize(tile_keys * padded(g, width));
}

template <class T>
void allocate(GradientWorker<T>& worker, const GradientProblem<T>& g) {
  const int tiles = chunk_keys(g.problem) / tile_keys, rows = group_rows<T>;
  allocate(worker.w, g.problem, 1);
  worker.tiles.resize(std::int64_t(4 + 3 * g.pulls.size()) * rows * tile_keys);
  worker.gradients.resize(rows * padded(g, g.p));
  worker.gradient_panel.resize(std::max<std::int64_t>(g.p, 1) * query_lanes);
  worker.query_rows.resize(g.pulls.size());
  worker.query_sums.resize(g.pulls.size());
  std::int64_t widest = 1;
  for (std::size_t f = 0; f < g.pulls.size(); ++f) {
    const std::int64_t stride = g.pulls[f].stride;
    widest = std::max(widest, stride);
    const auto depth = static_cast<std::size_t>(plan_of(g, g.pulls[f]).depth);
    if (depth > worker.packed.size()) worker.packed.resize(depth);
    worker.query_sums[f].resize(rows * stride);
    if (g.pulls[f].matrix) worker.query_rows[f].own.resize(rows * stride);
  }
  worker.features.resize(static_cast<std::size_t>(g.problem.d));
  worker.row_sums.resize(rows * widest);
  worker.header.resize(rows * header_columns * g.problem.table->lanes);
  worker.key_sums.resize(std::int64_t(tiles) * std::max(g.columns, 1) * key_stride);
}

template <class T>
const T* direct_rows(const GradientProblem<T>& g, const Entry<T>& entry,
                     const GradientChunk<T>& chunk, int t, std::size_t f) noexcept {
  const TileFlags flags = chunk.keys.flags[static_cast<std::size_t>(t)];
  if (entry.order != nullptr || flags.absent || !are_direct(g, plan_of(g, g.pulls[f])))
    return nullptr;
  return entry.keys + (chunk.keys.first + std::int64_t(t) * tile_keys) * g.problem.key_stride;
}

template <class T>
void pack_gradient_chunk(const GradientProblem<T>& g, std::size_t, const Entry<T>& entry,
                         std::int64_t first, GradientChunk<T>& chunk) noexcept {
  pack_chunk(g.problem, entry, first, all_tiles, chunk.scratch.data(), chunk.keys);
  for (int t = 0; t < chunk.keys.tiles; ++t) {
    if (g.of_pairs()) pack_gradient_values(g, entry, t, chunk);
    for (std::size_t f = 0; f < g.pulls.size(); ++f) {
      const FactorPull<T>& pull = g.pulls[f];
      const FactorPlan<T>& plan = plan_of(g, pull);
      if (!pull.matrix || !pull.moves) continue;
      if (direct_rows(g, entry, chunk, t, f) != nullptr) continue;
      const T* tile = chunk.keys.factors[pull.term][pull.factor].coordinates.data() +
                      std::int64_t(t) * plan.depth * key_stride;
      g.problem.table->transpose(tile, key_stride, plan.depth, tile_keys,
                                 chunk.rows[f].data() + std::int64_t(t) * tile_keys * pull.stride,
                                 pull.stride, pull.stride);
    }
  }
}

template <class T>
void take_gradient_rows(const GradientProblem<T>& g, std::size_t item, const Entry<T>& entry,
                        std::int64_t first, int count, const GradientChunk<T>& chunk,
                        GradientWorker<T>& worker) noexcept {
  worker.w.block = &worker.block;
  worker.w.chunk = &chunk.keys;
  take_rows(g.problem, entry, first, count, worker.w);
  const auto& table = *g.problem.table;
  const std::int64_t width = padded(g, g.p);
  for (int r = 0; r < count; ++r) {
    const std::int64_t row = worker.w.group.index[r];
    const RowMass<T>& mass = g.rows[item][static_cast<std::size_t>(row)];
    const double inverse = 1 / mass.mass, of_mass = g.log_mass_gradient(item, row) * inverse;
    const double offset = table.scale_gradient(
        g.items[item].gradient.row(row), inverse, g.of_pairs() ? g.mean(item, row) : nullptr,
        chunk.center.data(), static_cast<int>(g.p), worker.gradients.data() + r * width);
    worker.offsets[r] = static_cast<T>(offset - of_mass);  // G · (m − c) − g
    worker.references[r] = mass.reference;
    worker.score_sums[r] = 0;
  }
  if (g.p > 0)
    table.transpose(worker.gradients.data(), width, count, static_cast<int>(g.p),
                    worker.gradient_panel.data(), query_lanes, query_lanes);
  for (std::size_t f = 0; f < g.pulls.size(); ++f) {
    const FactorPull<T>& pull = g.pulls[f];
    std::fill_n(worker.query_sums[f].data(), count * pull.stride, T(0));
    if (pull.matrix && !plan_of(g, pull).expanded()) find_query_rows(g, f, worker);
  }
}

template <class T>
void add_row_gradient(const FactorPlan<T>& f, const FactorPull<T>& pull, const T* row,
                      const double* sums, double* out) noexcept {
  const auto column = [&](int j) {
    return f.columns.empty() ? std::int64_t(j) : f.columns[static_cast<std::size_t>(j)];
  };
  const auto gained = [&](int j) { return pull.gain[static_cast<std::size_t>(j)] * sums[j]; };
  if (f.mapped()) {
    for (int j = 0; j < f.width; ++j)
      for (int i = 0; i < f.depth; ++i)
        out[column(j)] += f.components[static_cast<std::size_t>(i * f.width + j)] * gained(i);
    return;
  }
  if (!f.unit && f.columns.empty()) {
    const double* gain = pull.gain.data();
    for (int j = 0; j < f.width; ++j) out[j] += gain[j] * sums[j];
    return;
  }
  if (!f.unit) {  // of a geographic factor the third feature has no sums of its own
    for (int j = 0; j < f.width; ++j) out[column(j)] += gained(j);
    return;
  }
  double square = 0, along = 0;  // of a unit vector only what is across it: (I − x̂ x̂ᵀ) / |x|
  for (int j = 0; j < f.width; ++j) {
    const double x = static_cast<double>(row[column(j)]);
    square += x * x;
    along += x * gained(j);
  }
  if (!(square > 0 && std::isfinite(square))) return;
  const double inverse = 1 / std::sqrt(square);
  for (int j = 0; j < f.width; ++j)
    out[column(j)] +=
        (gained(j) - static_cast<double>(row[column(j)]) * (along / square)) * inverse;
}

#define VICINAL_INSTANTIATE(T)                                                               \
  template void allocate(GradientChunk<T>&, const GradientProblem<T>&);                      \
  template void allocate(GradientWorker<T>&, const GradientProblem<T>&);                     \
  template const T* direct_rows(const GradientProblem<T>&, const Entry<T>&,                  \
                                const GradientChunk<T>&, int, std::size_t) noexcept;         \
  template void pack_gradient_chunk(const GradientProblem<T>&, std::size_t, const Entry<T>&, \
                                    std::int64_t, GradientChunk<T>&) noexcept;               \
  template void take_gradient_rows(const GradientProblem<T>&, std::size_t, const Entry<T>&,  \
                                   std::int64_t, int, const GradientChunk<T>&,               \
                                   GradientWorker<T>&) noexcept;                             \
  template void add_row_gradient(const FactorPlan<T>&, const FactorPull<T>&, const T*,       \
                                 const double*, double*) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
