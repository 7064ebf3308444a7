// Small problems of every query, solved on its neighbors.
#ifndef VICINAL_C_LOCAL_FIT_H
#define VICINAL_C_LOCAL_FIT_H

#include "vicinal/c/local_mean.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum vicinal_ridge {  // what `reg` is a share of; d_j: the distance of neighbor j of k
  VICINAL_RIDGE_TRACE = 0,    // reg * sum of the d^2 on the whole diagonal (Roweis & Saul 2000)
  VICINAL_RIDGE_DISTANCE = 1  // reg * k * d_j^2 for neighbor j: weights are continuous at the keys
} vicinal_ridge;

typedef struct vicinal_lle_options {
  size_t struct_size;
  int64_t query_stride, key_stride;   // elements from one row to the next; 0 repeats the first
  double reg;                         // finite, >= 0
  int64_t ridge;                      // vicinal_ridge
  int64_t num_threads;                // 0: what OpenMP gives the calling thread
  int (*interrupted)(void* context);  // not 0 stops the call
  void (*progress)(double fraction, void* context);
  void* context;  // both callbacks are called by the calling thread only
} vicinal_lle_options;

VICINAL_EXPORT vicinal_status vicinal_lle_options_init(vicinal_lle_options* options,
                                                       size_t struct_size);

// Weights of the neighbors of each query that sum to 1 and reproduce it best:
//
//   argmin |q - sum_j w_j x_j|^2 + sum_j ridge_j w_j^2,   sum_j w_j = 1
//
// queries: m x d, keys: n x d, neighbors: m x k rows of keys as vicinal_knn writes them (-1: none,
// of weight 0), weights: m x k, which overlaps no input. A query without neighbors receives zeros
// (report->empty_rows); one that meets NaN or an infinite coordinate, its own or a neighbor's, NaN.
// `options` (reg 1e-3, VICINAL_RIDGE_TRACE) and `report` may be NULL.
VICINAL_EXPORT vicinal_status vicinal_lle_weights_f32(const vicinal_lle_options* options,
                                                      const float* queries, int64_t m,
                                                      const float* keys, int64_t n, int64_t d,
                                                      const int64_t* neighbors, int64_t k,
                                                      float* weights, vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_lle_weights_f64(const vicinal_lle_options* options,
                                                      const double* queries, int64_t m,
                                                      const double* keys, int64_t n, int64_t d,
                                                      const int64_t* neighbors, int64_t k,
                                                      double* weights, vicinal_report* report);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_LOCAL_FIT_H
