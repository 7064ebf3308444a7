// Local means and their statistics over all keys.
//
//   m(q) = sum_j w(q, x_j) y_j / sum_j w(q, x_j),   w = profile(similarity) * prior * exp(bias)
#ifndef VICINAL_C_LOCAL_MEAN_H
#define VICINAL_C_LOCAL_MEAN_H

#include "vicinal/c/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum vicinal_empty {  // what a row receives when no key has a weight
  VICINAL_EMPTY_NAN = 0,
  VICINAL_EMPTY_ZERO = 1,
  VICINAL_EMPTY_NEAREST = 2,  // the value of the nearest candidate
  VICINAL_EMPTY_VALUE = 3     // `empty_value`
} vicinal_empty;

// Strides count elements from one row (or column) to the next; 0 repeats the first.
#define VICINAL_CONTIGUOUS INT64_MIN

typedef struct vicinal_index vicinal_index;          // of search.h
typedef struct vicinal_neighbors vicinal_neighbors;  // of neighbor_set.h

typedef struct vicinal_options {
  size_t struct_size;
  const vicinal_kernel* kernels;  // the kernel's factors; NULL: one Gaussian of bandwidth 1
  int64_t kernels_count;
  int64_t query_stride, key_stride, value_stride;
  const void* weights;      // n prior weights >= 0; or NULL
  const void* log_weights;  // or n logarithms of them, -inf = absent; or NULL
  const uint8_t* mask;      // m x n, 0 = the key is not used; or NULL
  int64_t mask_row_stride, mask_column_stride;
  const void* bias;  // m x n, added to the log-weight; or NULL
  int64_t bias_row_stride, bias_column_stride;
  const int64_t* self_indices;        // m: each query's own key, -1 = none; NULL: the row number
  int64_t key_offset;                 // number of the first key in the sequence that they count
  int32_t exclude_self;               // 1: leave the own key out
  int32_t empty;                      // vicinal_empty
  double empty_value;                 // default NaN
  int64_t num_threads;                // 0: what OpenMP gives the calling thread
  int (*interrupted)(void* context);  // not 0 stops the call
  void (*progress)(double fraction, void* context);
  void* context;  // both callbacks are called by the calling thread only
  // At most this share of a row's mass is left out (decaying distance kernels, few features): the
  // mean moves by at most tol * (max y - min y). Default 0: nothing. Must be below 1.
  double tol;
  // Of these very keys (pointer, n, d, key_stride): calls that leave keys out need no tree of their
  // own, and give the same bits. Or NULL.
  const vicinal_index* index;
  const vicinal_neighbors* neighbors;  // which keys a query sees; NULL: all
  int64_t query_offset;                // number of the first query in what `neighbors` counts
  // n and m: u = distance / (the kernel's bandwidth * that of the key * that of the query), for
  // kernels of one distance or score. 0 is the limit of small bandwidths. Or NULL.
  const void* key_bandwidths;
  const void* query_bandwidths;
} vicinal_options;

VICINAL_EXPORT vicinal_status vicinal_options_init(vicinal_options* options, size_t struct_size);

// Every statistic is optional: NULL is not computed. Contiguous, owned by the caller, and none may
// overlap an input.
typedef struct vicinal_statistics {
  size_t struct_size;
  void* mean;                 // m x p
  void* log_mass;             // m: log of the sum of the weights, -inf for an empty row
  void* ess;                  // m: (sum w)^2 / sum w^2
  int64_t* count;             // m: candidates inside the support
  void* variance;             // m x p
  void* covariance;           // m x p x p
  void* self_weight;          // m: the own key's share
  int64_t k;                  // of the next two
  int64_t* top_k_indices;     // m x k, heaviest first, -1 where fewer
  void* top_k_weights;        // m x k, shares of the row's mass
  void* weights;              // m x n
  int64_t normalize_weights;  // default 1: shares; 0: the plain weights
} vicinal_statistics;

VICINAL_EXPORT vicinal_status vicinal_statistics_init(vicinal_statistics* statistics,
                                                      size_t struct_size);

typedef struct vicinal_report {
  size_t struct_size;
  int64_t empty_rows;
  int64_t pairs_visited;
} vicinal_report;

VICINAL_EXPORT vicinal_status vicinal_report_init(vicinal_report* report, size_t struct_size);

// means[i, :] of queries (m x d) over keys (n x d) and values (n x p). `options` may be NULL.
VICINAL_EXPORT vicinal_status vicinal_local_mean_f32(const vicinal_options* options,
                                                     const float* queries, int64_t m,
                                                     const float* keys, int64_t n, int64_t d,
                                                     const float* values, int64_t p, float* means);
VICINAL_EXPORT vicinal_status vicinal_local_mean_f64(const vicinal_options* options,
                                                     const double* queries, int64_t m,
                                                     const double* keys, int64_t n, int64_t d,
                                                     const double* values, int64_t p,
                                                     double* means);
// The same with every statistic in one pass. `values` may be NULL with p = 0, `report` may be NULL.
VICINAL_EXPORT vicinal_status vicinal_local_stats_f32(const vicinal_options* options,
                                                      const float* queries, int64_t m,
                                                      const float* keys, int64_t n, int64_t d,
                                                      const float* values, int64_t p,
                                                      const vicinal_statistics* statistics,
                                                      vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_local_stats_f64(const vicinal_options* options,
                                                      const double* queries, int64_t m,
                                                      const double* keys, int64_t n, int64_t d,
                                                      const double* values, int64_t p,
                                                      const vicinal_statistics* statistics,
                                                      vicinal_report* report);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_LOCAL_MEAN_H
