// What search through the C ABI refuses, before it writes anything, and what stops it.
#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "c_caller.hpp"

using namespace c_caller;

namespace {

constexpr auto bad = VICINAL_ERROR_INVALID_ARGUMENT;
constexpr auto null = VICINAL_ERROR_NULL_POINTER;
constexpr auto wrong_size = VICINAL_ERROR_STRUCT_SIZE;
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t hostile[] = {-1, INT64_MIN, INT64_MAX};

// Creation, with whatever a test changes.
struct Creation {
  sample::Matrix<float> points = sample::normal<float>(10, 2, 1);
  const float* keys = points.data.data();
  std::int64_t n = 10, d = 2;
  vicinal_kernel k = kernel();
  vicinal_options o = options_of(k);

  void refused(vicinal_status status, const char* word) {
    auto* index = reinterpret_cast<vicinal_index*>(1);
    check_refused(vicinal_index_create_f32(&o, keys, n, d, &index), status, word);
    CHECK(index == nullptr);  // never left hanging
  }
};

// A search of three queries for two neighbors each, or within 1.
struct Search {
  sample::Matrix<float> keys = sample::normal<float>(10, 2, 1);
  Index index = index_of(keys);
  sample::Matrix<float> queries = sample::normal<float>(3, 2, 2);
  Nearest<float> out{3, 2};
  std::int64_t own[3] = {0, 1, 2};
  vicinal_search_options o = search_options();
  vicinal_report told = made<vicinal_report>(vicinal_report_init);

  const vicinal_index* which = index.get();
  const float* q = queries.data.data();
  std::int64_t m = 3, k = 2;
  float* distances = out.distances.data.data();
  std::int64_t* indices = out.indices.data.data();
  double radius = 1;

  vicinal_status knn() { return vicinal_knn_f32(which, &o, q, m, k, distances, indices, &told); }
  void knn_refused(vicinal_status status, const char* word) {
    std::fill(out.distances.data.begin(), out.distances.data.end(), 7.0f);
    check_refused(knn(), status, word);
    for (const float x : out.distances.data) CHECK(x == 7.0f);
  }
  void radius_refused(vicinal_status status, const char* word) {
    auto* lists = reinterpret_cast<vicinal_neighbor_lists*>(1);
    check_refused(vicinal_radius_neighbors_f32(which, &o, q, m, radius, &lists, &told), status,
                  word);
    CHECK(lists == nullptr);
  }
  void both_refused(vicinal_status status, const char* word) {
    knn_refused(status, word);
    radius_refused(status, word);
  }
};

}  // namespace

TEST_CASE("what create refuses") {
  const auto refused = [](vicinal_status status, const char* word, auto&& change) {
    Creation c;
    change(c);
    c.refused(status, word);
  };
  refused(null, "keys", [](auto& c) { c.keys = nullptr; });
  for (const std::int64_t count : hostile) {
    refused(bad, "keys", [&](auto& c) { c.n = count; });
    refused(bad, count < 0 ? "d must" : "keys", [&](auto& c) { c.d = count; });
  }
  refused(bad, "d must be at least 1", [](auto& c) { c.d = 0; });
  refused(bad, "address space", [](auto& c) { c.o.key_stride = INT64_MAX; });
  refused(bad, "NaN", [](auto& c) { c.points.row(3)[1] = float(nan_value); });
  refused(bad, "num_threads", [](auto& c) { c.o.num_threads = -1; });
  refused(bad, "profile", [](auto& c) { c.k.profile = -1; });
  refused(bad, "metric", [](auto& c) { c.k.metric = 10; });
  refused(bad, "categories", [](auto& c) { c.k.metric = VICINAL_CATEGORY; });
  refused(bad, "categories", [](auto& c) { c.k.profile = VICINAL_WANG_VAN_RYZIN; });
  refused(null, "components",
          [](auto& c) { c.k.metric = VICINAL_MAHALANOBIS, c.k.components_rows = 2; });
  refused(bad, "", [](auto& c) { c.k.metric = VICINAL_HAVERSINE, c.d = 1; });
  refused(wrong_size, "options.struct_size", [](auto& c) { c.o.struct_size = 0; });
  refused(wrong_size, "kernel.struct_size", [](auto& c) { c.k.struct_size = 7; });
  Creation c;
  vicinal_kernel two[] = {kernel(), kernel()};
  c.o.kernels = two, c.o.kernels_count = 2;
  c.refused(bad, "one kernel");
  check_refused(vicinal_index_create_f32(nullptr, c.keys, 10, 2, nullptr), null, "index");
  // No keys: there is no bound on features but the library's own.
  c.o = options(), c.n = 0, c.keys = nullptr, c.d = INT64_MAX;
  auto* index = reinterpret_cast<vicinal_index*>(1);
  CHECK(vicinal_index_create_f32(nullptr, nullptr, 0, INT64_MAX, &index) != VICINAL_OK);
  CHECK(index == nullptr);
}

TEST_CASE("what both searches refuse") {
  const auto refused = [](vicinal_status status, const char* word, auto&& change) {
    Search c;
    change(c);
    c.both_refused(status, word);
  };
  refused(null, "index", [](auto& c) { c.which = nullptr; });
  refused(null, "queries", [](auto& c) { c.q = nullptr; });
  for (const std::int64_t count : hostile) refused(bad, "", [&](auto& c) { c.m = count; });
  refused(bad, "address space", [](auto& c) { c.o.query_stride = INT64_MAX; });
  for (const std::int64_t count : hostile)
    refused(bad, "num_threads", [&](auto& c) { c.o.num_threads = count; });
  refused(bad, "self_indices", [](auto& c) { c.o.exclude_self = 1; });  // 3 queries, 10 keys
  for (const std::size_t size : {std::size_t{0}, std::size_t{13}, std::size_t{5000}, SIZE_MAX}) {
    refused(wrong_size, "search_options.struct_size", [&](auto& c) { c.o.struct_size = size; });
    refused(wrong_size, "report.struct_size", [&](auto& c) { c.told.struct_size = size; });
    vicinal_search_options o;
    CHECK(vicinal_search_options_init(&o, size) == wrong_size);
  }
  CHECK(vicinal_search_options_init(nullptr, 64) == null);
  const Index doubles = index_of(sample::normal<double>(10, 2, 1));
  refused(VICINAL_ERROR_WRONG_TYPE, "created with _f64", [&](auto& c) { c.which = doubles.get(); });
}

TEST_CASE("what knn refuses") {
  const auto refused = [](vicinal_status status, const char* word, auto&& change) {
    Search c;
    change(c);
    c.knn_refused(status, word);
  };
  for (const std::int64_t k :
       {std::int64_t{0}, std::int64_t{11}, std::int64_t{-1}, INT64_MIN, INT64_MAX})
    refused(bad, "k must be at least 1", [&](auto& c) { c.k = k; });
  refused(null, "distances", [](auto& c) { c.distances = nullptr; });
  refused(null, "indices", [](auto& c) { c.indices = nullptr; });
}

TEST_CASE("outputs that overlap") {
  const auto refused = [](const char* first, const char* second, auto&& change) {
    Search c;
    change(c);
    const auto keys = c.keys.data;
    const auto queries = c.queries.data;
    check_refused(c.knn(), bad, first);
    check_refused(c.knn(), bad, second);
    CHECK(c.keys.data == keys);
    CHECK(c.queries.data == queries);
  };
  refused("distances", "queries", [](auto& c) { c.distances = c.queries.row(0); });
  refused("distances", "keys", [](auto& c) { c.distances = c.keys.row(7); });
  refused("indices", "keys",
          [](auto& c) { c.indices = reinterpret_cast<std::int64_t*>(c.keys.row(4)); });
  refused("indices", "distances",
          [](auto& c) { c.distances = reinterpret_cast<float*>(c.indices + 3); });
  refused("indices", "self_indices", [](auto& c) { c.o.self_indices = c.indices + 3; });
}

TEST_CASE("what a radius may not be") {
  for (const double radius : {-1.0, -1e-300, nan_value}) {
    Search c;
    c.radius = radius;
    c.radius_refused(bad, "radius must be at least 0");
  }
  Search c;
  c.radius = std::numeric_limits<double>::infinity();
  Lists<float> all = within(c.which, c.queries, c.radius);
  CHECK(all.indptr[3] == 30);
  check_refused(vicinal_radius_neighbors_f32(c.which, nullptr, c.q, 3, 1, nullptr, nullptr), null,
                "lists");
}

TEST_CASE("what the accessors refuse") {
  Search c;
  const Lists<float> lists = within(c.which, c.queries, 1);
  const std::int64_t* rows = nullptr;
  std::int64_t count = 0;
  const double* distances = nullptr;
  check_refused(vicinal_index_shape(nullptr, &count, &count), null, "index");
  check_refused(vicinal_index_order(nullptr, &rows, &count), null, "index");
  check_refused(vicinal_index_order(c.which, nullptr, &count), null, "rows");
  check_refused(vicinal_index_order(c.which, &rows, nullptr), null, "count");
  CHECK(vicinal_neighbor_lists_get_f32(lists.handle.get(), nullptr, nullptr, nullptr, nullptr) ==
        VICINAL_OK);
  check_refused(vicinal_neighbor_lists_get_f32(nullptr, &count, &rows, &rows, nullptr), null,
                "lists");
  check_refused(
      vicinal_neighbor_lists_get_f64(lists.handle.get(), &count, &rows, &rows, &distances),
      VICINAL_ERROR_WRONG_TYPE, "created with _f32");
  CHECK(distances == nullptr);
  CHECK(vicinal_index_free(nullptr) == VICINAL_OK);
  CHECK(vicinal_neighbor_lists_free(nullptr) == VICINAL_OK);
}

TEST_CASE("structures of another version") {
  Search c;
  c.o.exclude_self = 1;  // beyond the size of an older program: not ours to read
  c.o.num_threads = -5;
  c.o.struct_size = offsetof(vicinal_search_options, self_indices);
  CHECK(c.knn() == VICINAL_OK);
  struct {
    vicinal_search_options options;
    void* newer[2];
  } longer;
  REQUIRE(vicinal_search_options_init(&longer.options, sizeof longer) == VICINAL_OK);
  const auto run = [&] { return c.out.find(c.which, c.queries, &longer.options); };
  CHECK(run() == VICINAL_OK);
  longer.newer[1] = &longer;
  CHECK(run() == wrong_size);
}

TEST_CASE("callbacks stop the building of an index and both searches") {
  const auto keys = sample::normal<float>(1000000, 3, 3);
  vicinal_options o = options();
  o.num_threads = 1;
  const auto create = [&] {
    vicinal_index* index = nullptr;
    const vicinal_status status =
        vicinal_index_create_f32(&o, keys.data.data(), keys.rows, 3, &index);
    CHECK(index == nullptr);
    return status;
  };
  const auto stop = [](void*) { return 1; };
  const auto broken = [](void*) -> int { throw std::invalid_argument("from C++"); };
  o.interrupted = stop;
  check_refused(create(), VICINAL_ERROR_INTERRUPTED, "interrupted callback");
  o.interrupted = broken;
  check_refused(create(), VICINAL_ERROR_INTERNAL, "callback threw");

  const Index index = index_of(keys);
  Nearest<float> out(keys.rows, 20);
  double fraction = -1;
  vicinal_search_options s = search_options();
  s.context = &fraction, s.num_threads = 2;
  s.progress = [](double done, void* context) { *static_cast<double*>(context) = done; };
  const auto both = [&](auto interrupted, vicinal_status status, const char* word) {
    s.interrupted = interrupted;
    fraction = -1;
    check_refused(out.find(index.get(), keys, &s), status, word);
    CHECK(fraction >= 0);
    CHECK(fraction < 1);
    auto* lists = reinterpret_cast<vicinal_neighbor_lists*>(1);
    check_refused(vicinal_radius_neighbors_f32(index.get(), &s, keys.data.data(), keys.rows, 0.05,
                                               &lists, nullptr),
                  status, word);
    CHECK(lists == nullptr);
  };
  both(stop, VICINAL_ERROR_INTERRUPTED, "interrupted callback");
  both(broken, VICINAL_ERROR_INTERNAL, "callback threw");
}
