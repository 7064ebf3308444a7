// Sets of neighbors and bandwidths through the C ABI: what is refused, and in which words.
#include <doctest/doctest.h>

#include "c_set_call.hpp"

using namespace vicinal;
using namespace c_caller;
using sample::infinity, sample::Ints, sample::rows;

TEST_CASE("what cannot be made") {
  vicinal_neighbors* set = nullptr;
  const auto refused = [&](vicinal_status got, const char* word,
                           vicinal_status status = VICINAL_ERROR_INVALID_ARGUMENT) {
    check_refused(got, status, word);
    CHECK(set == nullptr);
    set = reinterpret_cast<vicinal_neighbors*>(&set);  // what a caller forgot to set
  };
  const auto null = VICINAL_ERROR_NULL_POINTER;
  const std::int64_t ints[] = {0, 1, 2};
  const std::uint8_t bytes[] = {1, 0, 1, 0};
  const float numbers[] = {1, 2, 3};
  const Set all = set_of(window(infinity, infinity));
  check_refused(vicinal_neighbors_nearest(3, nullptr), null, "set must not be NULL");
  refused(vicinal_neighbors_segments(ints, ints, 0, &set), "count must be at least 1");
  refused(vicinal_neighbors_segments(ints, ints, -1, &set), "count must be at least 1");
  refused(vicinal_neighbors_segments(nullptr, ints, 3, &set), "query_offsets", null);
  refused(vicinal_neighbors_segments_window(ints, ints, 0, 1, 0, 0, 0, &set),
          "count must be at least 1");
  refused(vicinal_neighbors_segments(ints, nullptr, 3, &set), "key_offsets", null);
  refused(vicinal_neighbors_segments(ints, ints, INT64_MAX, &set), "query_offsets");
  refused(vicinal_neighbors_blocks(nullptr, 2, 2, 2, 4, &set), "mask", null);
  refused(vicinal_neighbors_blocks(bytes, -2, 2, 2, 4, &set), "mask must not be negative");
  refused(vicinal_neighbors_blocks(bytes, INT64_C(1) << 40, INT64_C(1) << 40, 0, 4, &set), "mask");
  refused(vicinal_neighbors_image_patch(ints, ints, 0, &set), "axes must be 1 to 64");
  refused(vicinal_neighbors_image_patch(ints, ints, 65, &set), "axes must be 1 to 64");
  refused(vicinal_neighbors_image_patch(nullptr, ints, 2, &set), "shape", null);
  refused(vicinal_neighbors_image_patch(ints, nullptr, 2, &set), "reach", null);
  const auto graph_of = [&](const std::int64_t* indptr, std::int64_t m, const std::int64_t* indices,
                            std::int64_t edges, const float* x, std::int32_t data) {
    return vicinal_neighbors_graph_f32(indptr, m, indices, edges, x, data, 1, &set);
  };
  refused(graph_of(nullptr, 2, ints, 2, nullptr, 0), "indptr", null);
  refused(graph_of(ints, -1, ints, 2, nullptr, 0), "rows must be at least 0");
  refused(graph_of(ints, INT64_MAX, ints, 2, nullptr, 0), "rows must be at least 0");
  refused(graph_of(ints, 2, nullptr, 2, nullptr, 0), "indices", null);
  refused(graph_of(ints, 2, ints, -2, nullptr, 0), "indices must not be negative");
  refused(graph_of(ints, 2, ints, 2, nullptr, 1), "numbers", null);
  refused(graph_of(ints, 2, ints, 2, numbers, 0), "numbers must be NULL");
  refused(graph_of(ints, 2, ints, 2, numbers, 3), "data must be one of vicinal_edge_data");
  refused(graph_of(ints, 2, ints, 2, numbers, -1), "data must be one of vicinal_edge_data");
  refused(vicinal_neighbors_and(nullptr, all.get(), &set), "a must not be NULL", null);
  refused(vicinal_neighbors_or(all.get(), nullptr, &set), "b must not be NULL", null);
  CHECK(vicinal_neighbors_free(nullptr) == VICINAL_OK);
}

TEST_CASE("sets that grow by themselves come to an end") {
  Set set = set_of(window(1, 1));
  vicinal_neighbors* twice = nullptr;
  int doublings = 0;
  while (vicinal_neighbors_or(set.get(), set.get(), &twice) == VICINAL_OK)
    set.reset(twice), ++doublings;
  CHECK(doublings == 11);
  check_refused(vicinal_neighbors_and(set.get(), set.get(), &twice), VICINAL_ERROR_INVALID_ARGUMENT,
                "at most 4096 sets");
  Call<float> c;
  c.o.neighbors = set.get();
  c.check_equals({.neighbors = window(1, 1) | window(1, 1)});
}

TEST_CASE_TEMPLATE("what does not fit the call is refused before any work", T, float, double) {
  using Other = std::conditional_t<sizeof(T) == 4, double, float>;
  Call<T> c;
  std::fill(c.out.mean.data.begin(), c.out.mean.data.end(), T(7));
  const auto refused = [&](const NeighborSet& set, const char* word,
                           vicinal_status status = VICINAL_ERROR_INVALID_ARGUMENT) {
    const Set made = set_of(set);
    c.o.neighbors = made.get();
    check_refused(c.run(), status, word);
    CHECK(c.out.mean.data[0] == T(7));
  };
  Ints indptr(rows + 1, 1), low{-1}, high{rows}, one{0};
  indptr[0] = 0;
  const std::vector<Other> other{Other(1)};
  const std::vector<T> negative{T(-1)};
  const Ints short_offsets{0, 100}, offsets{0, rows};
  refused(nearest(0), "k must be at least 1");
  refused(nearest(rows + 1), "k must be at least 1");
  refused(within(std::numeric_limits<double>::quiet_NaN()), "radius");
  refused(within(-1), "radius must be at least 0");
  refused(window(-1, 0), "before and after");
  refused(window(0.5, 0), "before and after");
  refused(window_on(2, 1, 1), "column");
  refused(segments(short_offsets, offsets), "query_offsets");
  refused(segments(offsets, short_offsets), "key_offsets");
  refused(image_patch({10, 10}, {1, 1}), "100 pixels");
  refused(image_patch({rows}, {-1}), "radius of a grid");
  refused(graph(indptr, low), "indices of the graph");
  refused(graph(indptr, high), "indices of the graph");
  refused(graph(short_offsets, one), "rows");
  refused(graph(indptr, one, std::span<const T>(negative), EdgeData::distance), "distances");
  refused(graph(indptr, one, std::span<const Other>(other), EdgeData::distance) & window(1, 1),
          "the graph was created with", VICINAL_ERROR_WRONG_TYPE);
  c.o.neighbors = nullptr;
  c.o.query_offset = -1;
  check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "query_offset must be 0 to 2^62");
  c.o.query_offset = 0;
  std::vector<T> bandwidths(rows, T(1));
  bandwidths[5] = T(-1);
  c.o.key_bandwidths = bandwidths.data();
  check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "bandwidth of keys");
  c.o.key_bandwidths = nullptr, c.o.query_bandwidths = bandwidths.data();
  check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "bandwidth of queries");
  c.o.query_bandwidths = c.out.ess.data();
  check_refused(c.run(), VICINAL_ERROR_INVALID_ARGUMENT, "ess must not overlap query_bandwidths");
}

TEST_CASE("no output may lie in what a graph borrows") {
  Call<double> c;
  Ints indptr(rows + 1, 0);
  const Ints indices{0};
  const Set set = set_of(graph(indptr, indices));
  c.o.neighbors = set.get();
  vicinal_statistics s = statistics();
  s.count = indptr.data();
  check_refused(
      vicinal_local_stats_f64(&c.o, c.points.queries.data.data(), rows, c.points.keys.data.data(),
                              rows, 2, nullptr, 0, &s, nullptr),
      VICINAL_ERROR_INVALID_ARGUMENT, "count must not overlap indptr of the graph");
}

TEST_CASE("a state refuses k nearest and stays what it was") {
  Call<float> c;
  const Set near = set_of(nearest(3) & window(9, 9)), fits = set_of(window(9, 9));
  vicinal_state* state = nullptr;
  REQUIRE(vicinal_state_create_f32(&c.o, c.points.queries.data.data(), rows, 2, 2, 0, 0, &state) ==
          VICINAL_OK);
  c.o.neighbors = near.get();
  check_refused(vicinal_state_update_f32(state, &c.o, c.points.keys.data.data(), rows,
                                         c.points.values.data.data()),
                VICINAL_ERROR_INVALID_ARGUMENT, "all keys at once");
  c.o.neighbors = fits.get();
  CHECK(vicinal_state_update_f32(state, &c.o, c.points.keys.data.data(), rows,
                                 c.points.values.data.data()) == VICINAL_OK);
  vicinal_state_free(state);
}
