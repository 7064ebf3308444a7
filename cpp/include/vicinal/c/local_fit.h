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

typedef struct vicinal_local_fit_options {
  size_t struct_size;
  int64_t degree;  // 1: lines (default); 0: constants, which have no slopes and are local means
  double ridge;    // penalty of the slopes, finite, >= 0; default 0
} vicinal_local_fit_options;

VICINAL_EXPORT vicinal_status vicinal_local_fit_options_init(vicinal_local_fit_options* options,
                                                             size_t struct_size);

// Every output but `fitted` is optional (NULL), owned by the caller, contiguous, and overlaps
// neither an input nor another.
typedef struct vicinal_fits {
  size_t struct_size;
  double* fitted;           // m x p
  double* slopes;           // m x d x p
  double* standard_errors;  // m x (1 + d) x p: of fitted, then of the slopes; degree 0: m x p
  double* self_weight;      // m: derivative of fitted by the value of the own key
  int64_t* regularized;     // 1: how many queries have neighbors that determine no line
} vicinal_fits;

VICINAL_EXPORT vicinal_status vicinal_fits_init(vicinal_fits* fits, size_t struct_size);

// The constant or line around every query that fits the values of its neighbors best,
//
//   argmin sum w (y - a - b'(x - q))^2 / sum w + ridge |b|^2
//
// fitted = a, slopes = b. Queries m x d, keys n x d, values n x p; everything is in double. Of
// `options` all is read that vicinal_local_mean reads; for lines no weight is negative and tol is
// 0. `options`, `fit` and `report` may be NULL.
VICINAL_EXPORT vicinal_status vicinal_local_fit_f64(
    const vicinal_options* options, const vicinal_local_fit_options* fit, const double* queries,
    int64_t m, const double* keys, int64_t n, int64_t d, const double* values, int64_t p,
    const vicinal_fits* fits, vicinal_report* report);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_LOCAL_FIT_H
