// Row blocks of 1, 6 and 12 are instantiations of one template: their bits must be the same,
// through the table of each instruction set. This file brings a copy of the table of its own.
#include <doctest/doctest.h>

#undef VICINAL_ISA
#define VICINAL_ISA test
#include "kernels/table.cpp"
#include "sample.hpp"

namespace vk = vicinal::kernels;

namespace {

template <class T>
const vk::Table<T>& own_table() {
  if constexpr (sizeof(T) == 4) {
    return vk::table_test_f32;
  } else {
    return vk::table_test_f64;
  }
}

template <class T>
struct Aligned {
  explicit Aligned(std::size_t n) : size(n), data(new (std::align_val_t{64}) T[n]()) {}
  ~Aligned() { ::operator delete[](data, std::align_val_t{64}); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  void fill(unsigned seed) {
    sample::Numbers numbers(seed);
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<T>(numbers.normal());
  }
  std::size_t size;
  T* data;
};

constexpr int rows = 19, depth = 525;  // 12 + 6 + 1 rows, and nine parts of the features

// The arguments of a score for rows first, first + 1, ….
template <class T>
struct Scene {
  Aligned<T> queries{depth * vk::query_lanes}, keys{depth * vk::key_stride}, weights{3 * depth};
  Aligned<T> query_norms{vk::query_lanes}, key_norms{vk::tile_keys};
  sample::Matrix<T> query_rows{rows, depth}, key_rows{vk::tile_keys, depth};
  std::vector<T> scales = std::vector<T>(depth, T(1));
  const T* pointers[rows];
  vk::PairSource<T> source;

  Scene() {
    queries.fill(1);
    keys.fill(2);
    weights.fill(3);
    for (int j = 0; j < depth; ++j)
      queries.data[j * vk::query_lanes] = keys.data[j * vk::key_stride];
    for (int r = 0; r < rows; ++r) {
      pointers[r] = query_rows.row(r);
      for (int j = 0; j < depth; ++j) {
        const T q = queries.data[j * vk::query_lanes + r];
        query_rows.row(r)[j] = q;
        query_norms.data[r] += q * q;
      }
    }
    for (int k = 0; k < vk::tile_keys; ++k)
      for (int j = 0; j < depth; ++j) key_rows.row(k)[j] = keys.data[j * vk::key_stride + k];
    own_table<T>().tile_norms(keys.data, depth, key_norms.data);
    source.keys = key_rows.data.data();
    source.count = vk::tile_keys;
    source.key_stride = source.columns_count = depth;
    source.scales = scales.data();
  }
  vk::ScoreArguments<T> from(int first, T* scores) {
    source.query_rows = pointers + first;
    return {.queries = queries.data + first,
            .keys = keys.data,
            .depth = depth,
            .feature_weights = weights.data,
            .query_norms = query_norms.data + first,
            .key_norms = key_norms.data,
            .source = &source,
            .scores = scores};
  }
};

template <class T>
bool same(const Aligned<T>& a, const Aligned<T>& b) {
  return std::memcmp(a.data, b.data, a.size * sizeof(T)) == 0;
}

// Every row leaves out what stands outside of a window of its own, and one row everything.
template <class T>
std::vector<std::uint64_t> windows(Aligned<T>& weights) {
  std::vector<std::uint64_t> dropped(rows * vk::tile_keys / 64, 0);
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < vk::tile_keys; ++k) {
      if (r != 7 && k >= 3 * r + 10 && k < 5 * r + 81) continue;
      dropped[static_cast<std::size_t>((r * vk::tile_keys + k) / 64)] |= std::uint64_t{1} << k % 64;
      weights.data[r * vk::tile_keys + k] = 0;
    }
  return dropped;
}

}  // namespace

TEST_CASE_TEMPLATE("scores of nineteen rows and of each alone", T, float, double) {
  Scene<T> scene;
  const vk::Table<T>& table = own_table<T>();
  for (int s = 0; s < static_cast<int>(vk::Similarity::count); ++s) {
    Aligned<T> together(rows * vk::tile_keys), alone(rows * vk::tile_keys);
    table.score[s](scene.from(0, together.data), rows);
    for (int r = 0; r < rows; ++r) table.score[s](scene.from(r, alone.data + r * vk::tile_keys), 1);
    CHECK_MESSAGE(same(together, alone), "similarity ", s);
  }
}

TEST_CASE_TEMPLATE("sums of nineteen rows and of each alone", T, float, double) {
  const vk::Table<T>& table = own_table<T>();
  constexpr int most_columns = 528;  // of so many, rows without weights are left out
  Aligned<T> weights(rows * vk::tile_keys), values(vk::tile_keys * most_columns);
  weights.fill(4);
  values.fill(5);
  for (int r = 0; r < rows; ++r)  // rows of one block have weights in different parts, or nowhere
    for (int k = 0; k < vk::tile_keys; ++k)
      if (r == 7 || k / vk::panel_keys == r % 3) weights.data[r * vk::tile_keys + k] = 0;
  for (int columns = 1; columns <= table.lanes; ++columns) {
    const std::size_t width = static_cast<std::size_t>(columns * table.lanes);
    Aligned<T> together(rows * width), alone(rows * width);
    table.reduce_lanes(weights.data, {values.data, columns, columns}, together.data, rows);
    for (int r = 0; r < rows; ++r)
      table.reduce_lanes(weights.data + r * vk::tile_keys, {values.data, columns, columns},
                         alone.data + static_cast<std::size_t>(r) * width, 1);
    CHECK(same(together, alone));
  }
  for (int padded = table.lanes; padded <= most_columns; padded += padded < 80 ? table.lanes : 64) {
    const std::size_t width = static_cast<std::size_t>(padded);
    Aligned<T> together(rows * width), alone(rows * width);
    table.reduce_rows(weights.data, {values.data, padded, padded}, together.data, padded, rows);
    for (int r = 0; r < rows; ++r)
      table.reduce_rows(weights.data + r * vk::tile_keys, {values.data, padded, padded},
                        alone.data + static_cast<std::size_t>(r) * width, padded, 1);
    CHECK(same(together, alone));
  }
}

TEST_CASE_TEMPLATE("headers of nineteen rows and of each alone", T, float, double) {
  const vk::Table<T>& table = own_table<T>();
  Aligned<T> weights(rows * vk::tile_keys);
  weights.fill(6);
  const std::size_t width = static_cast<std::size_t>(vk::header_columns * table.lanes);
  for (const bool full : {false, true}) {
    Aligned<T> together(rows * width), alone(rows * width);
    table.reduce_header(weights.data, together.data, full, rows, vk::all_panels);
    for (int r = 0; r < rows; ++r)
      table.reduce_header(weights.data + r * vk::tile_keys,
                          alone.data + static_cast<std::size_t>(r) * width, full, 1,
                          vk::all_panels);
    CHECK(same(together, alone));
  }
}

TEST_CASE_TEMPLATE("a key on its query is at distance 0", T, float, double) {
  Scene<T> scene;
  Aligned<T> scores(rows * vk::tile_keys);
  for (const auto s : {vk::Similarity::squared, vk::Similarity::expanded}) {
    own_table<T>().score[static_cast<int>(s)](scene.from(0, scores.data), rows);
    CHECK(scores.data[0] == 0);
    CHECK(scores.data[1] > 0);
    for (std::size_t i = 0; i < scores.size; ++i) CHECK(scores.data[i] >= 0);
  }
}

TEST_CASE_TEMPLATE("lanes left out change no bit of the others", T, float, double) {
  const vk::Table<T>& table = own_table<T>();
  Scene<T> scene;
  Aligned<T> weights(rows * vk::tile_keys), values(vk::tile_keys * 80);
  weights.fill(7);
  values.fill(8);
  const auto dropped = windows(weights);
  for (int s = 0; s < static_cast<int>(vk::Similarity::count); ++s) {
    Aligned<T> all(rows * vk::tile_keys), some(rows * vk::tile_keys);
    table.score[s](scene.from(0, all.data), rows);
    auto arguments = scene.from(0, some.data);
    arguments.dropped = dropped.data();
    table.score[s](arguments, rows);
    for (std::size_t i = 0; i < all.size; ++i)
      if ((dropped[i / 64] >> i % 64 & 1U) != 0) all.data[i] = some.data[i] = 0;
    CHECK_MESSAGE(same(all, some), "similarity ", s);
  }
  for (int padded = table.lanes; padded <= 80; padded += table.lanes) {
    Aligned<T> all(static_cast<std::size_t>(rows * padded)), some(all.size);
    vk::ValueTile<T> tile{values.data, padded, padded, padded};
    table.reduce_rows(weights.data, tile, all.data, padded, rows);
    tile.dropped = dropped.data();
    table.reduce_rows(weights.data, tile, some.data, padded, rows);
    CHECK(same(all, some));
  }
}

TEST_CASE_TEMPLATE("candidates by inner products are the scores at most a limit", T, float,
                   double) {
  const vk::Table<T>& table = own_table<T>();
  Scene<T> scene;
  Aligned<T> scores(rows * vk::tile_keys), found(rows * vk::tile_keys);
  table.score[static_cast<int>(vk::Similarity::dot)](scene.from(0, scores.data), rows);
  T limits[vk::max_group_rows] = {};
  for (int r = 0; r < rows; ++r)  // on a score, between two, above and below all
    limits[r] = r == 0   ? std::numeric_limits<T>::infinity()
                : r == 1 ? std::numeric_limits<T>::lowest()
                : r < 8  ? -scores.data[r * vk::tile_keys + 5 * r]
                         : T(r - 12);
  for (const int count : {rows, 7, 2}) {
    std::uint64_t bits[vk::max_group_rows * vk::tile_keys / 64];
    table.inner_candidates(scene.from(0, found.data), limits, bits, count);
    for (int i = 0; i < count * vk::tile_keys; ++i) {
      const bool near = -scores.data[i] <= limits[i / vk::tile_keys];
      REQUIRE((bits[i / 64] >> i % 64 & 1U) == near);
      if (near) REQUIRE(found.data[i] == -scores.data[i]);
    }
  }
}
