#include "check_sets.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "lowering.hpp"

namespace vicinal {

using Kind = NeighborSet::Kind;

namespace {

// How many keys a set that knows of `known` must know of.
std::int64_t reach_of(const SetSizes& s, std::int64_t known) {
  return s.is_piece ? std::max(known, s.key_offset + s.n) : s.n;
}

void check_nearest(const NeighborSet& set, const SetSizes& s) {
  if (set.k < 1 || set.k > s.n)
    refuse("k must be at least 1 and at most the number of keys (" + std::to_string(s.n) +
           "), got " + std::to_string(set.k));
}

void check_radius(const NeighborSet& set) {
  if (std::isnan(set.radius)) refuse("radius must be a number, got NaN");
}

void check_window(const NeighborSet& set, const SetSizes& s) {
  const auto fits = [&](double x) {
    return x >= 0 && (set.kind == Kind::column_window || std::isinf(x) || x == std::floor(x));
  };
  if (!fits(set.before) || !fits(set.after))
    refuse("before and after must be at least 0 (and whole for a window of rows), got " +
           std::to_string(set.before) + " and " + std::to_string(set.after));
  if (set.kind == Kind::column_window && (set.column < 0 || set.column >= s.d))
    refuse("on must be a column of the points, 0 to " + std::to_string(s.d - 1) + ", got " +
           std::to_string(set.column));
}

void check_offsets(const char* name, std::span<const std::int64_t> offsets, std::int64_t end) {
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != end ||
      !std::is_sorted(offsets.begin(), offsets.end()))
    refuse(std::string(name) + " must begin with 0, never fall and end with " +
           std::to_string(end));
}

void check_segments(const NeighborSet& set, const SetSizes& s) {
  if (set.query_offsets.size() != set.key_offsets.size())
    refuse("query_offsets and key_offsets must be of one length, got " +
           std::to_string(set.query_offsets.size()) + " and " +
           std::to_string(set.key_offsets.size()));
  const std::int64_t last = set.query_offsets.empty() ? 0 : set.query_offsets.back();
  check_offsets("query_offsets", set.query_offsets, std::max(last, s.query_offset + s.m));
  const std::int64_t known = set.key_offsets.empty() ? 0 : set.key_offsets.back();
  check_offsets("key_offsets", set.key_offsets, reach_of(s, known));
  check_window(set, s);
}

void check_blocks(const NeighborSet& set, const SetSizes& s) {
  if (set.block < 1) refuse("block must be at least 1, got " + std::to_string(set.block));
  const auto blocks = [&](std::int64_t rows) {
    return rows / set.block + (rows % set.block != 0);  // a block may be longer than all rows
  };
  const std::int64_t down = blocks(s.query_offset + s.m),
                     across = std::max(blocks(s.key_offset + s.n),
                                       s.is_piece ? set.mask.columns : std::int64_t{0});
  if (set.mask.rows < down || set.mask.columns != across)
    refuse("the mask of blocks of " + std::to_string(set.block) + " must have shape (" +
           std::to_string(down) + ", " + std::to_string(across) + "), got (" +
           std::to_string(set.mask.rows) + ", " + std::to_string(set.mask.columns) + ")");
}

void check_grid(const NeighborSet& set, const SetSizes& s) {
  double pixels = 1;
  for (const std::int64_t length : set.shape) {
    if (length < 1) refuse("a grid must have at least one pixel along every axis");
    pixels *= static_cast<double>(length);
  }
  if (set.shape.empty() || set.reach.size() != set.shape.size())
    refuse("a grid needs a radius for each of its axes");
  if (std::any_of(set.reach.begin(), set.reach.end(), [](std::int64_t r) { return r < 0; }))
    refuse("the radius of a grid must be at least 0");
  const auto count = static_cast<std::int64_t>(std::min(pixels, 0x1p62));
  if (reach_of(s, count) != count)
    refuse("the grid has " + std::to_string(count) + " pixels, but there are " +
           std::to_string(s.key_offset + s.n) + " keys");
  if (s.query_offset + s.m > count)
    refuse("a grid has one query per pixel, " + std::to_string(count) + ", got " +
           std::to_string(s.query_offset + s.m));
}

template <class T>
void check_graph(const NeighborSet& set, const SetSizes& s) {
  if (!set.indices.empty() && !set.short_indices.empty())
    refuse("the graph must have indices of 64 or of 32 bits, got both");
  const std::int64_t rows = s.query_offset + s.m, edges = set.edge_count();
  if (std::ssize(set.indptr) < rows + 1)
    refuse("the graph must have " + std::to_string(rows) + " rows, one per query, got " +
           std::to_string(std::max<std::int64_t>(std::ssize(set.indptr) - 1, 0)));
  if (set.data != EdgeData::pattern && std::ssize(set.edges<T>()) != edges)
    refuse("the graph must have a number of the call's type for each of its " +
           std::to_string(edges) + " edges, got " + std::to_string(std::ssize(set.edges<T>())));
  if (!set.check) return;
  if (set.indptr.front() != 0 || set.indptr.back() != edges ||
      !std::is_sorted(set.indptr.begin(), set.indptr.end()))
    refuse("indptr of the graph must begin with 0, never fall and end with the number of edges (" +
           std::to_string(edges) + ")");
  const std::int64_t end = reach_of(s, std::numeric_limits<std::int64_t>::max());
  for (std::int64_t i = 0; i < edges; ++i)
    if (const std::int64_t key = set.key_of_edge(i); key < 0 || key >= end)
      refuse("indices of the graph must lie in [0, " + std::to_string(end) + "), got " +
             std::to_string(key));
  if (set.data == EdgeData::distance)
    for (const T x : set.edges<T>())
      if (!(x >= 0)) refuse("distances of the graph must be at least 0, got " + std::to_string(x));
}

std::int64_t graphs_with_data(const NeighborSet& set) {
  std::int64_t count = set.kind == Kind::graph && set.data != EdgeData::pattern;
  for (const NeighborSet& part : set.parts) count += graphs_with_data(part);
  return count;
}

}  // namespace

template <class T>
void check_set(const NeighborSet& set, const SetSizes& sizes) {
  switch (set.kind) {
    case Kind::nearest:
      return check_nearest(set, sizes);
    case Kind::radius:
      return check_radius(set);
    case Kind::window:
    case Kind::column_window:
      return check_window(set, sizes);
    case Kind::segments:
      return check_segments(set, sizes);
    case Kind::blocks:
      return check_blocks(set, sizes);
    case Kind::grid:
      return check_grid(set, sizes);
    case Kind::graph:
      return check_graph<T>(set, sizes);
    default:
      for (const NeighborSet& part : set.parts) check_set<T>(part, sizes);
  }
}

void check_single_graph(const NeighborSet& set, const NeighborSet* graph) {
  const std::int64_t count = graphs_with_data(set);
  if (count > 1 || (count == 1 && graph == nullptr))
    refuse(
        "a graph of distances or weights knows its own pairs alone: it goes with & once, not "
        "with |; Graph(csr, data=\"pattern\") goes with everything");
}

template void check_set<float>(const NeighborSet&, const SetSizes&);
template void check_set<double>(const NeighborSet&, const SetSizes&);

}  // namespace vicinal
