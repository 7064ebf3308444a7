// Gradients of local means.
#ifndef VICINAL_C_GRADIENT_H
#define VICINAL_C_GRADIENT_H

#include "vicinal/c/local_mean.h"

#ifdef __cplusplus
extern "C" {
#endif

// Every array is contiguous, owned by the caller, and optional (NULL) but for `gradient`. Outputs
// overlap neither an input nor another.
typedef struct vicinal_gradients {
  size_t struct_size;
  const void* gradient;           // m x p: of the loss by the means
  const void* log_mass_gradient;  // m: by the log-masses, where it depends on them too
  const void* mean;               // m x p and
  const void* log_mass;           // m, of the forward pass: both save its computation
  void* queries;                  // outputs: m x d
  void* keys;                     // n x d
  void* values;                   // n x p
  void* log_weights;              // n
  void* bias;                     // m x n
  void* key_bandwidths;           // n, where they are given
  void* query_bandwidths;         // m, where they are given
  double* bandwidth;              // of a kernel that is one factor:
  int64_t bandwidths_count;       // 1, or one for each of its features
} vicinal_gradients;

VICINAL_EXPORT vicinal_status vicinal_gradients_init(vicinal_gradients* gradients,
                                                     size_t struct_size);

// Gradients of a loss by everything that the means of vicinal_local_mean depend on, given that by
// the means. Of `options` all is read that vicinal_local_mean reads; sets of neighbors and tol are
// constants, and a row without weight has the gradient 0. `options` and `report` may be NULL.
VICINAL_EXPORT vicinal_status vicinal_local_mean_gradient_f32(
    const vicinal_options* options, const float* queries, int64_t m, const float* keys, int64_t n,
    int64_t d, const float* values, int64_t p, const vicinal_gradients* gradients,
    vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_local_mean_gradient_f64(
    const vicinal_options* options, const double* queries, int64_t m, const double* keys, int64_t n,
    int64_t d, const double* values, int64_t p, const vicinal_gradients* gradients,
    vicinal_report* report);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_GRADIENT_H
