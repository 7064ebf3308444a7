#include "vicinal/probe.hpp"

#include <algorithm>

#include "chunk.hpp"
#include "door.hpp"
#include "group.hpp"
#include "pruned.hpp"
#include "rows.hpp"

namespace vicinal {

namespace {

using kernels::tile_keys;

template <class T>
void scores(const Kernel& kernel, View<const T> queries, View<const T> keys, View<T> out) {
  const BatchItem<T> item{.queries = queries, .keys = keys};
  const Problem<T> problem = open_door<T>(lower<T>(kernel, keys.columns), {&item, 1}, {});
  Workspace<T> w;
  Block<T> block;
  allocate(w, problem, 1);
  allocate(block, problem, kernels::group_rows<T>);
  w.block = &block;
  const T scale = problem.plan.terms[0].factors[0].coordinate_scale;
  for (std::int64_t first = 0; first < problem.n; first += chunk_keys(problem)) {
    pack_chunk(problem, problem.entries[0], first, all_tiles, w.rows.data(), w.own);
    for (std::int64_t row = 0; row < problem.m; ++row) {
      pack_group(problem, problem.entries[0], &row, 1, w);
      for (int t = 0; t < w.chunk->tiles; ++t) {
        const T* tile = score_tile(problem, problem.entries[0], t, 0, 1, w);
        const std::int64_t at = first + std::int64_t(t) * tile_keys,
                           end = std::min(at + tile_keys, problem.n);
        for (std::int64_t k = at; k < end; ++k) out.row(row)[k] = tile[k - at] / scale / scale;
      }
    }
  }
}

}  // namespace

void probe_exp2(std::span<const float> x, std::span<float> out) {
  kernels::table<float>().exp2(x.data(), out.data(), static_cast<std::int64_t>(x.size()));
}
void probe_exp2(std::span<const double> x, std::span<double> out) {
  kernels::table<double>().exp2(x.data(), out.data(), static_cast<std::int64_t>(x.size()));
}
void probe_scores(const Kernel& kernel, View<const float> queries, View<const float> keys,
                  View<float> out) {
  scores(kernel, queries, keys, out);
}
void probe_scores(const Kernel& kernel, View<const double> queries, View<const double> keys,
                  View<double> out) {
  scores(kernel, queries, keys, out);
}
std::int64_t probe_few_keys() { return few_keys; }
std::int64_t probe_few_features() { return few_features; }
bool probe_sharing(const KernelSum& first, const KernelSum& other, std::int64_t d) {
  return share_scores(lower<float>(first, d, &first), lower<float>(other, d, &first));
}

}  // namespace vicinal
