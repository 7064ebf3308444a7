// Keys prepared for many calls, and exact search: the k nearest keys of every query, or all keys
// within a radius.
//
// Distances are those of the metric, from differences in double, and not squared; VICINAL_DOT takes
// -q.x for a distance, VICINAL_COSINE 1 - cos. Neighbors are ordered by (distance, row of the key),
// so the answer is unique. A point with an infinite coordinate is infinitely far and never found.
#ifndef VICINAL_C_SEARCH_H
#define VICINAL_C_SEARCH_H

#include "vicinal/c/local_mean.h"

#ifdef __cplusplus
extern "C" {
#endif

// ------------------------------------------------------------------------------------------- index
// Keys in the order of a tree. They are borrowed: they must neither change nor go before the index
// is freed. They must not hold NaN. Several threads may use an index at the same time.
//
// Of the options, key_stride, num_threads, interrupted, context and the metric of the one kernel
// are read: what the kernel's metric, scale and components say, VICINAL_AUTOMATIC by its profile;
// no categories. NULL: Euclidean. *index is NULL after an error.
VICINAL_EXPORT vicinal_status vicinal_index_create_f32(const vicinal_options* options,
                                                       const float* keys, int64_t n, int64_t d,
                                                       vicinal_index** index);
VICINAL_EXPORT vicinal_status vicinal_index_create_f64(const vicinal_options* options,
                                                       const double* keys, int64_t n, int64_t d,
                                                       vicinal_index** index);
// The number of keys and of their features; either pointer may be NULL.
VICINAL_EXPORT vicinal_status vicinal_index_shape(const vicinal_index* index, int64_t* n,
                                                  int64_t* d);
// rows[0 .. count - 1]: the row of the key at every position of the tree. Keys with an infinite
// coordinate have none. The array belongs to the index; NULL when it is empty.
VICINAL_EXPORT vicinal_status vicinal_index_order(const vicinal_index* index, const int64_t** rows,
                                                  int64_t* count);
// NULL is allowed.
VICINAL_EXPORT vicinal_status vicinal_index_free(vicinal_index* index);

// ------------------------------------------------------------------------------------------ search
typedef struct vicinal_search_options {
  size_t struct_size;
  int64_t query_stride;               // elements from one query to the next; 0 repeats the first
  const int64_t* self_indices;        // m: each query's own key, -1 = none; NULL (m = n): its row
  int64_t exclude_self;               // 1: leave the own key out
  int64_t num_threads;                // 0: what OpenMP gives the calling thread
  int (*interrupted)(void* context);  // not 0 stops the call
  void (*progress)(double fraction, void* context);
  void* context;  // both callbacks are called by the calling thread only
} vicinal_search_options;

VICINAL_EXPORT vicinal_status vicinal_search_options_init(vicinal_search_options* options,
                                                          size_t struct_size);

// The k nearest keys (1 <= k <= n) of queries (m x d). distances and indices are m x k, owned by
// the caller, and overlap neither an input nor each other. Where there are fewer than k, +inf and
// -1; a query that holds NaN receives NaN and -1. `options` and `report` may be NULL. Of the
// report, pairs_visited is told, here and below.
VICINAL_EXPORT vicinal_status vicinal_knn_f32(const vicinal_index* index,
                                              const vicinal_search_options* options,
                                              const float* queries, int64_t m, int64_t k,
                                              float* distances, int64_t* indices,
                                              vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_knn_f64(const vicinal_index* index,
                                              const vicinal_search_options* options,
                                              const double* queries, int64_t m, int64_t k,
                                              double* distances, int64_t* indices,
                                              vicinal_report* report);

// What a search of unknown length found: the neighbors of query i stand from indptr[i] to
// indptr[i + 1] - 1 of indices and distances.
typedef struct vicinal_neighbor_lists vicinal_neighbor_lists;

// All keys at most `radius` away (>= 0; any number for VICINAL_DOT). A query that holds NaN finds
// none. `options` and `report` may be NULL. *lists is NULL after an error.
VICINAL_EXPORT vicinal_status vicinal_radius_neighbors_f32(
    const vicinal_index* index, const vicinal_search_options* options, const float* queries,
    int64_t m, double radius, vicinal_neighbor_lists** lists, vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_radius_neighbors_f64(
    const vicinal_index* index, const vicinal_search_options* options, const double* queries,
    int64_t m, double radius, vicinal_neighbor_lists** lists, vicinal_report* report);
// Where the arrays are: indptr has m + 1 elements, indices and distances indptr[m] (NULL when that
// is 0). They belong to `lists`; every other pointer may be NULL.
VICINAL_EXPORT vicinal_status vicinal_neighbor_lists_get_f32(const vicinal_neighbor_lists* lists,
                                                             int64_t* m, const int64_t** indptr,
                                                             const int64_t** indices,
                                                             const float** distances);
VICINAL_EXPORT vicinal_status vicinal_neighbor_lists_get_f64(const vicinal_neighbor_lists* lists,
                                                             int64_t* m, const int64_t** indptr,
                                                             const int64_t** indices,
                                                             const double** distances);
// NULL is allowed.
VICINAL_EXPORT vicinal_status vicinal_neighbor_lists_free(vicinal_neighbor_lists* lists);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_SEARCH_H
