// Search behind the C ABI: arrays of the caller for the k nearest, a handle for lists.
#include "c_index.hpp"
#include "c_overlap.hpp"

using namespace vicinal;
using namespace vicinal::c;

struct vicinal_neighbor_lists {
  std::variant<NeighborLists<float>, NeighborLists<double>> typed;
};

namespace {

template <class T>
vicinal_status knn_of(const vicinal_index* index, const vicinal_search_options* given,
                      const T* queries, std::int64_t m, std::int64_t k, T* distances,
                      std::int64_t* indices, vicinal_report* report) {
  return guarded([&] {
    const KeyIndex<T>& own = index_of<T>(index);
    const vicinal_search_options o = read_search(given);
    check_report(report);
    if (const std::int64_t n = own.keys().rows; k < 1 || k > n)  // before memory of that size
      refuse("k must be at least 1 and at most the number of keys (" + std::to_string(n) +
             "), got " + std::to_string(k));
    const SearchOptions options = call_search(o, m);
    const auto points = matrix("queries", queries, m, own.keys().columns, o.query_stride);
    const auto far = matrix("distances", distances, m, k);
    const auto rows = matrix("indices", indices, m, k);
    check_overlap(own.keys(), points, options.self_indices, far, rows);
    const Report done = knn(own, points, far, rows, options);
    check_interrupted(done);
    tell(report, done);
  });
}

template <class T>
vicinal_status radius_of(const vicinal_index* index, const vicinal_search_options* given,
                         const T* queries, std::int64_t m, double radius,
                         vicinal_neighbor_lists** out, vicinal_report* report) {
  return guarded([&] {
    *needed("lists", out) = nullptr;
    const KeyIndex<T>& own = index_of<T>(index);
    const vicinal_search_options o = read_search(given);
    check_report(report);
    const SearchOptions options = call_search(o, m);
    const auto points = matrix("queries", queries, m, own.keys().columns, o.query_stride);
    NeighborLists<T> lists = radius_neighbors(own, points, radius, options);
    check_interrupted(lists.report);
    tell(report, lists.report);
    *out = new vicinal_neighbor_lists{std::move(lists)};
  });
}

template <class T>
vicinal_status get_of(const vicinal_neighbor_lists* lists, std::int64_t* m,
                      const std::int64_t** indptr, const std::int64_t** indices,
                      const T** distances) {
  return guarded([&] {
    const auto& own = held<T, NeighborLists<T>>("lists", lists);
    if (m != nullptr) *m = std::ssize(own.indptr) - 1;
    if (indptr != nullptr) *indptr = own.indptr.data();
    if (indices != nullptr) *indices = own.indices.data();
    if (distances != nullptr) *distances = own.distances.data();
  });
}

}  // namespace

#define VICINAL_FUNCTIONS(T, suffix)                                                       \
  vicinal_status vicinal_knn_##suffix(                                                     \
      const vicinal_index* index, const vicinal_search_options* options, const T* queries, \
      int64_t m, int64_t k, T* distances, int64_t* indices, vicinal_report* report) {      \
    return knn_of<T>(index, options, queries, m, k, distances, indices, report);           \
  }                                                                                        \
  vicinal_status vicinal_radius_neighbors_##suffix(                                        \
      const vicinal_index* index, const vicinal_search_options* options, const T* queries, \
      int64_t m, double radius, vicinal_neighbor_lists** lists, vicinal_report* report) {  \
    return radius_of<T>(index, options, queries, m, radius, lists, report);                \
  }                                                                                        \
  vicinal_status vicinal_neighbor_lists_get_##suffix(                                      \
      const vicinal_neighbor_lists* lists, int64_t* m, const int64_t** indptr,             \
      const int64_t** indices, const T** distances) {                                      \
    return get_of<T>(lists, m, indptr, indices, distances);                                \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)

vicinal_status vicinal_neighbor_lists_free(vicinal_neighbor_lists* lists) {
  delete lists;
  return VICINAL_OK;
}
