// What callers of the C ABI need: structures with their defaults, the functions of either type, and
// owners of handles.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "sample.hpp"
#include "vicinal/vicinal.h"

namespace c_caller {

template <class S, class Init>
S made(Init init) {
  S s;
  std::memset(&s, 0xab, sizeof s);
  CHECK(init(&s, sizeof s) == VICINAL_OK);
  CHECK(s.struct_size == sizeof s);
  return s;
}
inline vicinal_options options() { return made<vicinal_options>(vicinal_options_init); }
inline vicinal_kernel kernel() { return made<vicinal_kernel>(vicinal_kernel_init); }
inline vicinal_statistics statistics() { return made<vicinal_statistics>(vicinal_statistics_init); }
inline vicinal_report report() { return made<vicinal_report>(vicinal_report_init); }
inline vicinal_search_options search_options() {
  return made<vicinal_search_options>(vicinal_search_options_init);
}

// One kernel as the options' own.
inline vicinal_options options_of(const vicinal_kernel& kernel) {
  vicinal_options o = options();
  o.kernels = &kernel, o.kernels_count = 1;
  return o;
}

inline void check_refused(vicinal_status got, vicinal_status wanted, const std::string& word) {
  CHECK(got == wanted);
  CHECK_MESSAGE(std::string(vicinal_last_error()).find(word) != std::string::npos,
                word << " is not in: " << std::string(vicinal_last_error()));
}

// A microsecond or so per pair: a call that takes a second on any machine.
inline double slow_profile(double u) {
  volatile double weight = u;
  for (int i = 0; i < 500; ++i) weight = 1 / (1 + weight);
  return weight;
}

template <class T>
struct Api;
template <>
struct Api<float> {
  static constexpr auto local_mean = vicinal_local_mean_f32;
  static constexpr auto local_stats = vicinal_local_stats_f32;
  static constexpr auto create = vicinal_index_create_f32;
  static constexpr auto knn = vicinal_knn_f32;
  static constexpr auto radius_neighbors = vicinal_radius_neighbors_f32;
  static constexpr auto get = vicinal_neighbor_lists_get_f32;
};
template <>
struct Api<double> {
  static constexpr auto local_mean = vicinal_local_mean_f64;
  static constexpr auto local_stats = vicinal_local_stats_f64;
  static constexpr auto create = vicinal_index_create_f64;
  static constexpr auto knn = vicinal_knn_f64;
  static constexpr auto radius_neighbors = vicinal_radius_neighbors_f64;
  static constexpr auto get = vicinal_neighbor_lists_get_f64;
};

struct Free {
  void operator()(vicinal_index* index) const { vicinal_index_free(index); }
  void operator()(vicinal_neighbor_lists* lists) const { vicinal_neighbor_lists_free(lists); }
};
using Index = std::unique_ptr<vicinal_index, Free>;

template <class T>
Index index_of(const sample::Matrix<T>& keys, const vicinal_options* options = nullptr) {
  vicinal_index* index = nullptr;
  REQUIRE_MESSAGE(
      Api<T>::create(options, keys.data.data(), keys.rows, keys.columns, &index) == VICINAL_OK,
      std::string(vicinal_last_error()));
  return Index(index);
}

// The lists of one search, as long as their handle lives.
template <class T>
struct Lists {
  std::unique_ptr<vicinal_neighbor_lists, Free> handle;
  std::int64_t m = -1;
  const std::int64_t *indptr = nullptr, *indices = nullptr;
  const T* distances = nullptr;

  explicit Lists(vicinal_neighbor_lists* found) : handle(found) {
    REQUIRE(Api<T>::get(found, &m, &indptr, &indices, &distances) == VICINAL_OK);
  }
};

template <class T>
Lists<T> within(const vicinal_index* index, const sample::Matrix<T>& queries, double radius,
                const vicinal_search_options* options = nullptr, vicinal_report* report = nullptr) {
  vicinal_neighbor_lists* lists = nullptr;
  REQUIRE_MESSAGE(Api<T>::radius_neighbors(index, options, queries.data.data(), queries.rows,
                                           radius, &lists, report) == VICINAL_OK,
                  std::string(vicinal_last_error()));
  return Lists<T>(lists);
}

// The k nearest of every query.
template <class T>
struct Nearest {
  sample::Matrix<T> distances;
  sample::Matrix<std::int64_t> indices;

  Nearest(std::int64_t m, std::int64_t k) : distances(m, k), indices(m, k) {}
  vicinal_status find(const vicinal_index* index, const sample::Matrix<T>& queries,
                      const vicinal_search_options* options = nullptr,
                      vicinal_report* report = nullptr) {
    return Api<T>::knn(index, options, queries.data.data(), distances.rows, distances.columns,
                       distances.data.data(), indices.data.data(), report);
  }
};

}  // namespace c_caller
