// Which keys a query sees: Options::neighbors. A set is a small value; `a & b` and `a | b` join
// sets.
//
// Candidates come first: mask, exclude_self, keys of weight 0 and every set but `nearest` cut; then
// `nearest` takes the k nearest of what is left. In `a | b` each side is evaluated alone on the
// candidates and the results are united.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "vicinal/view.hpp"

namespace vicinal {

// What the numbers on the edges of a graph are: nothing is read, distances in the place of computed
// ones, or the weights themselves (of either sign; the kernel should be the constant one).
enum class EdgeData : std::int32_t { pattern, distance, weight };

struct NeighborSet {
  enum class Kind : std::int32_t {
    all,
    nearest,
    radius,
    window,         // of row numbers
    column_window,  // of a feature
    segments,
    blocks,
    grid,
    graph,
    both,
    either
  };
  Kind kind = Kind::all;
  std::int64_t k = 0;            // nearest
  double radius = 0;             // in the units of the data
  double before = 0, after = 0;  // windows and segments; +inf = unbounded
  std::int64_t offset = 0;       // query i (of its segment) stands at i + offset
  bool at_end = false;  // segments: its last query stands at its last key, offset rows behind it
  std::int64_t column = 0;                                       // column_window
  std::vector<std::int64_t> shape{}, reach{};                    // grid: per axis
  std::span<const std::int64_t> query_offsets{}, key_offsets{};  // segments
  View<const bool> mask{};                                       // blocks
  std::int64_t block = 0;                                        // rows and columns of a block
  std::span<const std::int64_t> indptr{}, indices{};             // graph
  std::span<const std::int32_t> short_indices{};  // in the place of indices: half the memory
  std::span<const float> edges_f32{};             // its numbers, in the type of the call
  std::span<const double> edges_f64{};
  EdgeData data = EdgeData::pattern;
  bool check = true;                 // read the whole graph before it is used
  std::optional<bool> negative{};    // whether some weight is, if that is known: else all are read
  std::vector<NeighborSet> parts{};  // both, either

  std::int64_t edge_count() const {
    return static_cast<std::int64_t>(indices.size() + short_indices.size());
  }
  std::int64_t key_of_edge(std::int64_t edge) const {
    const auto at = static_cast<std::size_t>(edge);
    return short_indices.empty() ? indices[at] : short_indices[at];
  }
  template <class T>
  std::span<const T> edges() const {
    if constexpr (sizeof(T) == 4)
      return edges_f32;
    else
      return edges_f64;
  }
};

// The k nearest keys by the kernel's own distance or score, exact, ties by row.
inline NeighborSet nearest(std::int64_t k) { return {.kind = NeighborSet::Kind::nearest, .k = k}; }
// Keys at most `radius` away in the kernel's metric.
inline NeighborSet within(double radius) {
  return {.kind = NeighborSet::Kind::radius, .radius = radius};
}
// Keys from `before` rows before the query's position to `after` rows behind it, both included.
inline NeighborSet window(double before, double after, std::int64_t offset = 0) {
  return {.kind = NeighborSet::Kind::window, .before = before, .after = after, .offset = offset};
}
// The same by the values of a feature.
inline NeighborSet window_on(std::int64_t column, double before, double after) {
  return {
      .kind = NeighborSet::Kind::column_window, .before = before, .after = after, .column = column};
}
// Queries [query_offsets[s], query_offsets[s + 1]) see keys [key_offsets[s], key_offsets[s + 1]).
inline NeighborSet segments(std::span<const std::int64_t> query_offsets,
                            std::span<const std::int64_t> key_offsets) {
  return {.kind = NeighborSet::Kind::segments,
          .before = std::numeric_limits<double>::infinity(),
          .after = std::numeric_limits<double>::infinity(),
          .query_offsets = query_offsets,
          .key_offsets = key_offsets};
}
// Of these keys those in a window: rows are counted from the beginning of their segment, or, with
// `at_end`, so that its last query stands at its last key.
inline NeighborSet segments(std::span<const std::int64_t> query_offsets,
                            std::span<const std::int64_t> key_offsets, double before, double after,
                            std::int64_t offset = 0, bool at_end = false) {
  return {.kind = NeighborSet::Kind::segments,
          .before = before,
          .after = after,
          .offset = offset,
          .at_end = at_end,
          .query_offsets = query_offsets,
          .key_offsets = key_offsets};
}
// Query i sees key j where mask(i / block, j / block).
inline NeighborSet blocks(View<const bool> mask, std::int64_t block) {
  return {.kind = NeighborSet::Kind::blocks, .mask = mask, .block = block};
}
// Rows are the pixels of an image in C order; a pixel sees those at most reach[a] away along every
// axis, cut at the border.
inline NeighborSet image_patch(std::vector<std::int64_t> shape, std::vector<std::int64_t> reach) {
  return {.kind = NeighborSet::Kind::grid, .shape = std::move(shape), .reach = std::move(reach)};
}
// Query i sees keys indices[indptr[i]] … indices[indptr[i + 1] − 1]. Without numbers on the edges a
// row must not name a key twice, and this is not checked; with them such edges add up.
// Indices may have 32 bits.
template <class Indices>
concept ShortIndices = std::convertible_to<const Indices&, std::span<const std::int32_t>>;

inline NeighborSet graph(std::span<const std::int64_t> indptr,
                         std::span<const std::int64_t> indices) {
  return {.kind = NeighborSet::Kind::graph, .indptr = indptr, .indices = indices};
}
inline NeighborSet graph(std::span<const std::int64_t> indptr, const ShortIndices auto& indices) {
  return {.kind = NeighborSet::Kind::graph, .indptr = indptr, .short_indices = indices};
}
inline NeighborSet with_edges(NeighborSet set, std::span<const float> edges, EdgeData data) {
  set.edges_f32 = edges;
  set.data = data;
  return set;
}
inline NeighborSet with_edges(NeighborSet set, std::span<const double> edges, EdgeData data) {
  set.edges_f64 = edges;
  set.data = data;
  return set;
}
inline NeighborSet graph(std::span<const std::int64_t> indptr,
                         std::span<const std::int64_t> indices, std::span<const float> edges,
                         EdgeData data) {
  return with_edges(graph(indptr, indices), edges, data);
}
inline NeighborSet graph(std::span<const std::int64_t> indptr,
                         std::span<const std::int64_t> indices, std::span<const double> edges,
                         EdgeData data) {
  return with_edges(graph(indptr, indices), edges, data);
}
NeighborSet graph(std::span<const std::int64_t> indptr, const ShortIndices auto& indices,
                  const auto& edges, EdgeData data) {
  return with_edges(graph(indptr, indices), edges, data);
}

inline NeighborSet operator&(NeighborSet a, NeighborSet b) {
  NeighborSet set{.kind = NeighborSet::Kind::both};
  set.parts.push_back(std::move(a));
  set.parts.push_back(std::move(b));
  return set;
}
inline NeighborSet operator|(NeighborSet a, NeighborSet b) {
  NeighborSet set{.kind = NeighborSet::Kind::either};
  set.parts.push_back(std::move(a));
  set.parts.push_back(std::move(b));
  return set;
}

}  // namespace vicinal
