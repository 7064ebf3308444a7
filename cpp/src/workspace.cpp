#include "workspace.hpp"

#include <algorithm>
#include <cstring>

namespace vicinal {

using namespace kernels;

namespace {
constexpr std::int64_t chunk_bytes = 768 << 10;   // stays in the second-level cache
constexpr std::int64_t state_bytes = 1160 << 10;  // with chunk and group under 2 MB a thread
constexpr int product_panel = 64;
}  // namespace

template <class T>
int chunk_keys(const Problem<T>& problem) {
  std::int64_t width = 2 + problem.padded_values() + problem.extra_columns;
  for (const auto& term : problem.plan.terms)
    for (const auto& factor : term.factors) width += factor.depth + 1;
  std::int64_t keys = 4096;
  while (keys > tile_keys && keys * width * static_cast<std::int64_t>(sizeof(T)) > chunk_bytes)
    keys /= 2;
  return static_cast<int>(keys);
}

template <class T>
std::int64_t block_rows(const Problem<T>& problem, std::size_t kernels) {
  const std::int64_t bytes = 16 * problem.state_columns() * static_cast<std::int64_t>(kernels),
                     rows = state_bytes / bytes / group_rows<T> * group_rows<T>;
  return std::clamp<std::int64_t>(rows, group_rows<T>, 2016);
}

template <class T>
void allocate(Chunk<T>& c, const Problem<T>& problem) {
  const int tiles = chunk_keys(problem) / tile_keys;
  const std::int64_t p = problem.p, padded = problem.padded_values();
  c.flags.resize(static_cast<std::size_t>(tiles));
  c.prior.resize(tiles * tile_keys);
  if (!problem.entries.empty() && !problem.entries[0].key_scales.empty())
    c.key_scales.resize(tiles * tile_keys);
  c.values.resize(tiles * tile_keys * std::max(p, padded));
  c.bad_values.resize(tiles * tile_keys);
  c.peaks.resize(padded + 1);
  c.largest.resize(static_cast<std::size_t>(p));
  c.scales.assign(static_cast<std::size_t>(problem.linear_columns()), 1.0);
  c.factors.resize(problem.plan.terms.size());
  for (std::size_t t = 0; t < c.factors.size(); ++t) {
    c.factors[t].resize(problem.plan.terms[t].factors.size());
    for (std::size_t f = 0; f < c.factors[t].size(); ++f) {
      const auto& plan = problem.plan.terms[t].factors[f];
      auto& b = c.factors[t][f];
      b.coordinates.resize(std::int64_t(tiles) * plan.depth * key_stride);
      if (plan.expanded()) b.norms.resize(tiles * tile_keys);
      b.centers.resize(std::int64_t(tiles) * plan.depth);
    }
  }
}

template <class T>
void allocate_rows(Workspace<T>& w, const Problem<T>& problem, bool ordered) {
  std::int64_t depth = ordered ? problem.p : 0;
  for (const auto& term : problem.plan.terms)
    for (const auto& factor : term.factors)
      if (ordered || factor.copies_rows()) depth = std::max<std::int64_t>(depth, factor.depth);
  w.rows.resize(tile_keys * depth);
}

template <class T>
void allocate(Workspace<T>& w, const Problem<T>& problem, std::size_t kernels) {
  const int tiles = chunk_keys(problem) / tile_keys, lanes = problem.table->lanes,
            g = group_rows<T>;
  const std::int64_t p = problem.p, padded = problem.padded_values();
  allocate(w.own, problem);
  w.chunk = &w.own;
  allocate_rows(w, problem, problem.page_rows > 0);
  w.key_rows.resize(problem.page_rows > 0 ? tile_keys : 0);
  w.factors.resize(problem.plan.terms.size());
  for (std::size_t t = 0; t < w.factors.size(); ++t) {
    w.factors[t].resize(problem.plan.terms[t].factors.size());
    for (std::size_t f = 0; f < w.factors[t].size(); ++f) {
      const auto& plan = problem.plan.terms[t].factors[f];
      auto& b = w.factors[t][f];
      b.panel.resize(std::int64_t(plan.depth) * query_lanes);
      if (plan.expanded()) b.centered.resize(std::int64_t(plan.depth) * query_lanes);
      b.query_norms.resize(query_lanes);
      b.row.resize(std::int64_t(query_lanes) * plan.depth);
    }
  }
  if (kernels > 1) w.kept_scores.resize(std::int64_t(tiles) * g * tile_keys);
  auto& q = w.group;
  q.tiles.resize(std::int64_t(2 * static_cast<int>(w.factors.size()) + 2) * g * tile_keys);
  q.header_lanes.resize(g * header_columns * lanes);
  q.lanes.resize(g * (problem.lane_values() ? p * lanes : padded));
  q.relative_scales.resize(static_cast<std::size_t>(p));
  q.sums.resize(problem.linear_columns() + lanes);
  if (const std::int64_t moments = problem.moment_columns(); moments > 0) {
    q.moments.resize(g * moments);
    if (sizeof(T) < sizeof(double)) q.wide.resize(g * tile_keys);
    q.centered.resize(problem.p * tile_keys);
    q.products.resize(product_panel * tile_keys);
    q.product_lanes.resize(g * product_panel * lanes);
    q.ones.resize(moments);
    std::fill_n(q.ones.data(), moments, 1.0);
  }
}

template <class T>
void allocate(Block<T>& b, const Problem<T>& problem, std::int64_t rows) {
  const auto n = static_cast<std::size_t>(rows);
  b.state.resize(problem, rows);
  b.todo.reserve(n);
  b.kind.resize(n);
  b.hit_count.resize(n);
  if (problem.cuts) b.cut.resize(rows);
  const bool weights = !problem.entries.empty() && problem.entries[0].weights_out != nullptr;
  if (problem.lists_weights || (weights && listed(problem))) b.kept.resize(n);
  if (weights) b.weight_references.resize(rows * ((problem.n + tile_keys - 1) / tile_keys));
}

template int chunk_keys<float>(const Problem<float>&);
template int chunk_keys<double>(const Problem<double>&);
template std::int64_t block_rows<float>(const Problem<float>&, std::size_t);
template std::int64_t block_rows<double>(const Problem<double>&, std::size_t);
template void allocate<float>(Chunk<float>&, const Problem<float>&);
template void allocate<double>(Chunk<double>&, const Problem<double>&);
template void allocate_rows<float>(Workspace<float>&, const Problem<float>&, bool);
template void allocate_rows<double>(Workspace<double>&, const Problem<double>&, bool);
template void allocate<float>(Workspace<float>&, const Problem<float>&, std::size_t);
template void allocate<double>(Workspace<double>&, const Problem<double>&, std::size_t);
template void allocate<float>(Block<float>&, const Problem<float>&, std::int64_t);
template void allocate<double>(Block<double>&, const Problem<double>&, std::int64_t);

}  // namespace vicinal
