// Mean shift: every seed climbs the density of the keys, q <- q + alpha * (m(q) - q), m the local
// mean of the keys themselves.
#ifndef VICINAL_C_MEAN_SHIFT_H
#define VICINAL_C_MEAN_SHIFT_H

#include "vicinal/c/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum vicinal_ascent_status {  // why an ascent ended
  VICINAL_ASCENT_CONVERGED = 0,       // its last step was at most `tol` long
  VICINAL_ASCENT_EXHAUSTED = 1,       // max_iter steps were taken, or `iterated` ended the call
  VICINAL_ASCENT_ORPHAN = 2,          // no key has a weight there: the point stays
  VICINAL_ASCENT_CAPTURED = 3         // it came within capture_radius of one of the modes
} vicinal_ascent_status;

typedef struct vicinal_mean_shift_options {
  size_t struct_size;
  double alpha;           // share of the way to the local mean, > 0; default 1
  double tol;             // length of the last step, in units of the data; default 1e-3
  int64_t max_iter;       // most steps of a seed; default 300
  const void* modes;      // modes_count x d modes that are known already; or NULL
  int64_t modes_count;    // an ascent ends where it comes within capture_radius of one: of the
  double capture_radius;  // nearest, ties by row. Its seed counts as a place it came to
  // After every round of steps, by the calling thread: the number of rounds, of places that still
  // move and the longest step of the round. Not 0 ends the call; what moves is then exhausted.
  int (*iterated)(int64_t iteration, int64_t moving, double longest_step, void* context);
  void* context;  // of `iterated`
} vicinal_mean_shift_options;

VICINAL_EXPORT vicinal_status vicinal_mean_shift_options_init(vicinal_mean_shift_options* options,
                                                              size_t struct_size);

// Every output is optional (NULL), owned by the caller, contiguous, one row or element per seed,
// and overlaps neither an input nor another.
typedef struct vicinal_ascents {
  size_t struct_size;
  void* ends;           // m x d
  int64_t* iterations;  // m: steps taken
  int8_t* status;       // m: vicinal_ascent_status
  int64_t* mode;        // m: row of `modes` where captured, else -1
  void* before;         // m x d: where the last step began
} vicinal_ascents;

VICINAL_EXPORT vicinal_status vicinal_ascents_init(vicinal_ascents* ascents, size_t struct_size);

// Seeds (m x d) climb keys (n x d); all finite. Of `options` the kernels (of a Euclidean,
// Manhattan, Chebyshev or Mahalanobis distance, nowhere negative), strides (query_stride is of the
// seeds), weights or log_weights, key_bandwidths, index, num_threads, interrupted and tol (the
// share of a mean's mass that may be left out) are read; fields that would single out queries or
// pairs must not be set. `options`, `ascent` and `report` may be NULL; of the report empty_rows
// counts the orphans. An ascent depends neither on the other seeds nor on the threads, to the bit.
VICINAL_EXPORT vicinal_status vicinal_mean_shift_f32(const vicinal_options* options,
                                                     const vicinal_mean_shift_options* ascent,
                                                     const float* seeds, int64_t m,
                                                     const float* keys, int64_t n, int64_t d,
                                                     const vicinal_ascents* ascents,
                                                     vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_mean_shift_f64(const vicinal_options* options,
                                                     const vicinal_mean_shift_options* ascent,
                                                     const double* seeds, int64_t m,
                                                     const double* keys, int64_t n, int64_t d,
                                                     const vicinal_ascents* ascents,
                                                     vicinal_report* report);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_MEAN_SHIFT_H
