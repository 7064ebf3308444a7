// Sets of neighbors behind the C ABI.
#include "c_neighbors.hpp"

#include <cmath>
#include <numeric>

namespace vicinal::c {

namespace {

constexpr std::int64_t most_sets = 4096;  // joined in one: bounds its depth
constexpr std::int64_t most_axes = 64, most_graph_rows = std::int64_t{1} << 40;

static_assert(VICINAL_EDGE_DISTANCE == static_cast<int>(EdgeData::distance) &&
                  VICINAL_EDGE_WEIGHT == static_cast<int>(EdgeData::weight),
              "the numbers of vicinal_edge_data are those of EdgeData");

template <class Make>
vicinal_status create(vicinal_neighbors** out, Make&& make) {
  return guarded([&] {
    *needed("set", out) = nullptr;
    *out = new vicinal_neighbors(make());
  });
}

vicinal_neighbors plain(NeighborSet set) { return {std::move(set), {}}; }

template <class T>
std::span<const T> elements(const char* name, const T* data, std::int64_t count) {
  if (count == 0) return {};
  return {matrix(name, data, count, 1).data, static_cast<std::size_t>(count)};
}

template <class T>
std::shared_ptr<const std::vector<T>> copied(const char* name, const T* data, std::int64_t count) {
  const auto all = elements(name, data, count);
  return std::make_shared<const std::vector<T>>(all.begin(), all.end());
}

vicinal_neighbors segments_of(const std::int64_t* query_offsets, const std::int64_t* key_offsets,
                              std::int64_t count, double before = HUGE_VAL, double after = HUGE_VAL,
                              std::int64_t offset = 0, bool at_end = false) {
  if (count < 1) refuse("count must be at least 1, got " + std::to_string(count));
  const auto queries = copied("query_offsets", query_offsets, count),
             keys = copied("key_offsets", key_offsets, count);
  return {segments(*queries, *keys, before, after, offset, at_end), {queries, keys}};
}

// A byte other than 0 and 1 is no boolean of C++.
vicinal_neighbors blocks_of(const std::uint8_t* mask, std::int64_t rows, std::int64_t columns,
                            std::int64_t stride, std::int64_t block) {
  const auto given = matrix("mask", mask, rows, columns, stride);
  matrix("mask", mask, rows, columns);  // its size is that of a matrix that can be
  const std::shared_ptr<bool[]> own(new bool[static_cast<std::size_t>(rows * columns) + 1]);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) own[i * columns + j] = given.row(i)[j] != 0;
  return {blocks({own.get(), rows, columns}, block), {own}};
}

vicinal_neighbors patch_of(const std::int64_t* shape, const std::int64_t* reach,
                           std::int64_t axes) {
  if (axes < 1 || axes > most_axes)
    refuse("axes must be 1 to " + std::to_string(most_axes) + ", got " + std::to_string(axes));
  return plain(image_patch(*copied("shape", shape, axes), *copied("reach", reach, axes)));
}

template <class T>
vicinal_neighbors graph_of(const std::int64_t* indptr, std::int64_t rows,
                           const std::int64_t* indices, std::int64_t edges, const T* numbers,
                           std::int32_t data, bool check) {
  if (data < VICINAL_EDGE_PATTERN || data > VICINAL_EDGE_WEIGHT)
    refuse("data must be one of vicinal_edge_data, got " + std::to_string(data));
  if (rows < 0 || rows >= most_graph_rows)
    refuse("rows must be at least 0 and below 2^40, got " + std::to_string(rows));
  if (data == VICINAL_EDGE_PATTERN && numbers != nullptr)
    refuse("numbers must be NULL for VICINAL_EDGE_PATTERN, which reads none");
  const auto starts = elements("indptr", indptr, rows + 1);
  const auto keys = elements("indices", indices, edges);
  NeighborSet set = graph(starts, keys);
  if (data != VICINAL_EDGE_PATTERN)
    set = graph(starts, keys, elements("numbers", numbers, edges), static_cast<EdgeData>(data));
  set.check = check;
  return plain(std::move(set));
}

std::int64_t count_sets(const NeighborSet& set) {
  return std::accumulate(
      set.parts.begin(), set.parts.end(), std::int64_t{1},
      [](std::int64_t sum, const NeighborSet& part) { return sum + count_sets(part); });
}

template <class Join>
vicinal_neighbors joined(const vicinal_neighbors* a, const vicinal_neighbors* b, Join&& join) {
  needed("a", a);
  needed("b", b);
  if (count_sets(a->set) + count_sets(b->set) > most_sets)
    refuse("a and b must be joined of at most " + std::to_string(most_sets) + " sets together");
  vicinal_neighbors set{join(a->set, b->set), a->owned};
  set.owned.insert(set.owned.end(), b->owned.begin(), b->owned.end());
  return set;
}

template <class T>
void check_type(const NeighborSet& set) {
  using Other = std::conditional_t<sizeof(T) == 4, double, float>;
  if (!set.edges<Other>().empty())
    refuse(
        std::string("neighbors: the graph was created with ") +
            (sizeof(T) == 4 ? "_f64, and this is an _f32 call" : "_f32, and this is an _f64 call"),
        VICINAL_ERROR_WRONG_TYPE);
  for (const NeighborSet& part : set.parts) check_type<T>(part);
}

}  // namespace

template <class T>
NeighborSet set_of(const vicinal_neighbors* neighbors) {
  if (neighbors == nullptr) return {};
  check_type<T>(neighbors->set);
  return neighbors->set;
}

template NeighborSet set_of<float>(const vicinal_neighbors*);
template NeighborSet set_of<double>(const vicinal_neighbors*);

}  // namespace vicinal::c

using namespace vicinal;

vicinal_status vicinal_neighbors_nearest(int64_t k, vicinal_neighbors** set) {
  return c::create(set, [&] { return c::plain(nearest(k)); });
}
vicinal_status vicinal_neighbors_within(double radius, vicinal_neighbors** set) {
  return c::create(set, [&] { return c::plain(within(radius)); });
}
vicinal_status vicinal_neighbors_window(double before, double after, int64_t offset,
                                        vicinal_neighbors** set) {
  return c::create(set, [&] { return c::plain(window(before, after, offset)); });
}
vicinal_status vicinal_neighbors_window_on(int64_t column, double before, double after,
                                           vicinal_neighbors** set) {
  return c::create(set, [&] { return c::plain(window_on(column, before, after)); });
}
vicinal_status vicinal_neighbors_segments(const int64_t* query_offsets, const int64_t* key_offsets,
                                          int64_t count, vicinal_neighbors** set) {
  return c::create(set, [&] { return c::segments_of(query_offsets, key_offsets, count); });
}
vicinal_status vicinal_neighbors_segments_window(const int64_t* query_offsets,
                                                 const int64_t* key_offsets, int64_t count,
                                                 double before, double after, int64_t offset,
                                                 int32_t at_end, vicinal_neighbors** set) {
  return c::create(set, [&] {
    return c::segments_of(query_offsets, key_offsets, count, before, after, offset, at_end != 0);
  });
}
vicinal_status vicinal_neighbors_blocks(const uint8_t* mask, int64_t rows, int64_t columns,
                                        int64_t stride, int64_t block, vicinal_neighbors** set) {
  return c::create(set, [&] { return c::blocks_of(mask, rows, columns, stride, block); });
}
vicinal_status vicinal_neighbors_image_patch(const int64_t* shape, const int64_t* reach,
                                             int64_t axes, vicinal_neighbors** set) {
  return c::create(set, [&] { return c::patch_of(shape, reach, axes); });
}

#define VICINAL_FUNCTIONS(T, suffix)                                               \
  vicinal_status vicinal_neighbors_graph_##suffix(                                 \
      const int64_t* indptr, int64_t rows, const int64_t* indices, int64_t edges,  \
      const T* numbers, int32_t data, int32_t check, vicinal_neighbors** set) {    \
    return c::create(set, [&] {                                                    \
      return c::graph_of(indptr, rows, indices, edges, numbers, data, check != 0); \
    });                                                                            \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)

vicinal_status vicinal_neighbors_and(const vicinal_neighbors* a, const vicinal_neighbors* b,
                                     vicinal_neighbors** set) {
  return c::create(set, [&] { return c::joined(a, b, [](auto x, auto y) { return x & y; }); });
}
vicinal_status vicinal_neighbors_or(const vicinal_neighbors* a, const vicinal_neighbors* b,
                                    vicinal_neighbors** set) {
  return c::create(set, [&] { return c::joined(a, b, [](auto x, auto y) { return x | y; }); });
}

vicinal_status vicinal_neighbors_free(vicinal_neighbors* set) {
  delete set;
  return VICINAL_OK;
}
