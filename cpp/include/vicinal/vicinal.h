// Local means for C, and for every language that calls C.
//
//   m(q) = sum_j w(q, x_j) y_j / sum_j w(q, x_j),   w = profile(distance / bandwidth) * prior
//   weight
//
// Matrices are row-major. Where a pointer is `void`, the elements are float for a function that
// ends in _f32 and double for _f64. Every structure begins with `struct_size`, which its _init
// function sets: pass `sizeof` and change only what differs from the defaults. A program that was
// built against an older, shorter structure keeps working with a newer library, which takes the
// default of every field beyond struct_size; a longer structure is accepted as long as the fields
// that this library does not know are all zero bits.
//
// Every function returns a vicinal_status (the texts aside) and none ever throws. The ABI is stable
// within a major version: numbers and fields are only ever added, at the end.
#ifndef VICINAL_VICINAL_H
#define VICINAL_VICINAL_H

#include <stddef.h>
#include <stdint.h>

#include "vicinal/export.h"

#ifdef __cplusplus
extern "C" {
#endif

// ------------------------------------------------------------------------------------------ status
// The one table of results: X(name, number, message).
#define VICINAL_STATUS_TABLE(X)                                                                    \
  X(VICINAL_OK, 0, "success")                                                                      \
  X(VICINAL_ERROR_INVALID_ARGUMENT, 1, "an argument breaks a rule; vicinal_last_error() names it") \
  X(VICINAL_ERROR_NULL_POINTER, 2, "a pointer that is needed is NULL")                             \
  X(VICINAL_ERROR_STRUCT_SIZE, 3, "struct_size is wrong, or a field is newer than this library")   \
  X(VICINAL_ERROR_OUT_OF_MEMORY, 4, "out of memory; all buffers were freed, the next call works")  \
  X(VICINAL_ERROR_INTERRUPTED, 5,                                                                  \
    "the interrupted callback stopped the call; outputs are partial")                              \
  X(VICINAL_ERROR_WRONG_TYPE, 6, "the state holds the other floating type")                        \
  X(VICINAL_ERROR_SPOILED_STATE, 7, "an update of this state was interrupted; free it")            \
  X(VICINAL_ERROR_INTERNAL, 8, "an error nobody expected: of the system, a callback or vicinal")

typedef enum vicinal_status {
#define VICINAL_STATUS_ENTRY(name, number, message) name = number,
  VICINAL_STATUS_TABLE(VICINAL_STATUS_ENTRY)
#undef VICINAL_STATUS_ENTRY
} vicinal_status;

// The text of the table, also for numbers that are not in it. Never NULL.
VICINAL_EXPORT const char* vicinal_status_message(vicinal_status status);
// What went wrong in the calling thread's last failed call: the argument, what came and the rule.
// UTF-8, "" before the first failure, valid until that thread's next failure. Never NULL.
VICINAL_EXPORT const char* vicinal_last_error(void);
// "major.minor.patch" of the library, and the instruction set in use ("" if VICINAL_ISA forces one
// that this machine does not have).
VICINAL_EXPORT const char* vicinal_version(void);
VICINAL_EXPORT const char* vicinal_isa(void);

// ------------------------------------------------------------------------------------------ kernel
// u = distance / bandwidth; the weight stands beside each profile.
typedef enum vicinal_profile {
  VICINAL_GAUSSIAN = 0,            // exp(-u^2 / 2)
  VICINAL_LAPLACE = 1,             // exp(-u)
  VICINAL_LOGISTIC = 2,            // 1 / (e^u + 2 + e^-u)
  VICINAL_CAUCHY = 3,              // 1 / (1 + u^2)
  VICINAL_STUDENT_T = 4,           // (1 + u^2 / shape)^(-(shape + 1) / 2)
  VICINAL_RATIONAL_QUADRATIC = 5,  // (1 + u^2 / (2 shape))^-shape
  VICINAL_MATERN = 6,              // shape is the order: 0.5, 1.5 or 2.5
  VICINAL_EPANECHNIKOV = 7,        // 1 - u^2 for u <= 1, else 0, as the next seven
  VICINAL_BIWEIGHT = 8,            // (1 - u^2)^2
  VICINAL_TRIWEIGHT = 9,           // (1 - u^2)^3
  VICINAL_TRICUBE = 10,            // (1 - u^3)^3
  VICINAL_TRIANGULAR = 11,         // 1 - u
  VICINAL_COSINE_PROFILE = 12,     // cos(pi u / 2)
  VICINAL_UNIFORM = 13,            // 1
  VICINAL_WENDLAND_C2 = 14,        // (1 - u)^4 (4 u + 1)
  VICINAL_INVERSE_DISTANCE = 15,   // u^-shape; exact hits take the mean of the coincident keys
  VICINAL_CONSTANT = 16,           // 1 everywhere
  VICINAL_SOFTMAX = 17,            // exp(q.x / bandwidth); shape = softcap, 0 for none
  VICINAL_VON_MISES_FISHER = 18,   // exp(cos / bandwidth)
  VICINAL_POLYNOMIAL = 19,         // (q.x / bandwidth + offset)^shape
  VICINAL_SIGMOID = 20,            // tanh(q.x / bandwidth + offset)
  VICINAL_AITCHISON_AITKEN = 21,   // 1 - h if equal, h / (shape - 1) else; shape = levels
  VICINAL_WANG_VAN_RYZIN = 22,     // 1 - h if equal, (1 - h) h^|q - x| / 2 else
  VICINAL_FUNCTION = 24            // `function` of u
} vicinal_profile;

typedef enum vicinal_metric {
  VICINAL_AUTOMATIC =
      0,  // the profile's own: Euclidean, dot for softmax, cosine for von Mises-Fisher
  VICINAL_EUCLIDEAN = 1,
  VICINAL_MANHATTAN = 2,
  VICINAL_CHEBYSHEV = 3,
  VICINAL_HAVERSINE = 4,     // latitude, longitude and distance in radians
  VICINAL_GREAT_CIRCLE = 5,  // latitude and longitude in degrees; distance in units of `scale`
  VICINAL_MAHALANOBIS = 6,   // |components (q - x)|
  VICINAL_DOT = 7,
  VICINAL_COSINE = 8,  // 1 - cos
  VICINAL_CATEGORY = 9
} vicinal_metric;

// One factor. Defaults: Gaussian, bandwidth 1, every column.
typedef struct vicinal_kernel {
  size_t struct_size;
  int32_t profile;  // vicinal_profile
  int32_t metric;   // vicinal_metric
  double bandwidth;
  const double* bandwidths;  // one per column, in place of `bandwidth`; or NULL
  int64_t bandwidths_count;
  double shape, offset;    // see the profile
  double scale;            // great circle: radius of the sphere, default 1
  int32_t rectified;       // polynomial: negative bases count as 0
  int32_t term;            // factors of one term multiply, terms add; from 0, in rising order
  double coefficient;      // of the term: its factors' coefficients multiply. Default 1
  const int64_t* columns;  // the columns that this factor sees; NULL: all
  int64_t columns_count;
  const double* components;  // Mahalanobis: components_rows x number of columns
  int64_t components_rows;
  double (*function)(double u);  // called for every pair, from several threads at once
} vicinal_kernel;

VICINAL_EXPORT vicinal_status vicinal_kernel_init(vicinal_kernel* kernel, size_t struct_size);

// ----------------------------------------------------------------------------------------- options
typedef enum vicinal_empty {  // what a row receives when no key has a weight
  VICINAL_EMPTY_NAN = 0,
  VICINAL_EMPTY_ZERO = 1,
  VICINAL_EMPTY_NEAREST = 2,  // the value of the nearest candidate
  VICINAL_EMPTY_VALUE = 3     // `empty_value`
} vicinal_empty;

// Strides count elements from one row (or column) to the next; 0 repeats the first.
#define VICINAL_CONTIGUOUS INT64_MIN

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
  int64_t key_offset;                 // position of the first key in the sequence that they count
  int32_t exclude_self;               // 1: leave the own key out
  int32_t empty;                      // vicinal_empty
  double empty_value;                 // default NaN
  int64_t num_threads;                // 0: what OpenMP gives the calling thread
  int (*interrupted)(void* context);  // not 0 stops the call
  void (*progress)(double fraction, void* context);
  void* context;  // both callbacks are called by the calling thread only
} vicinal_options;

VICINAL_EXPORT vicinal_status vicinal_options_init(vicinal_options* options, size_t struct_size);

// --------------------------------------------------------------------------------------- the means
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

// ---------------------------------------------------------------------------------- partial states
// The local means of fixed queries over keys that arrive in pieces: streams, files larger than
// memory, several machines. Any split of the keys gives the same answer to rounding.
//
// A state is used by one thread at a time. An update that the interrupted callback stops may have
// added some of its keys: the state is then spoiled, and every call but free says so. After any
// other error it is what it was before the call.
typedef struct vicinal_state vicinal_state;

typedef enum vicinal_wanted {  // beside mean and log_mass; to be added together
  VICINAL_WANT_ESS = 1,
  VICINAL_WANT_VARIANCE = 2,
  VICINAL_WANT_COVARIANCE = 4,
  VICINAL_WANT_SELF_WEIGHT = 8,
  VICINAL_WANT_COUNT = 16
} vicinal_wanted;

// Copies the queries. Of the options, the kernel, query_stride and exclude_self are read. `wanted`
// and `k` (of top_k, 0 for none) say what the state will be asked for.
VICINAL_EXPORT vicinal_status vicinal_state_create_f32(const vicinal_options* options,
                                                       const float* queries, int64_t m, int64_t d,
                                                       int64_t p, uint32_t wanted, int64_t k,
                                                       vicinal_state** state);
VICINAL_EXPORT vicinal_status vicinal_state_create_f64(const vicinal_options* options,
                                                       const double* queries, int64_t m, int64_t d,
                                                       int64_t p, uint32_t wanted, int64_t k,
                                                       vicinal_state** state);
// Adds n keys. Of the options, everything that belongs to keys and the call is read.
VICINAL_EXPORT vicinal_status vicinal_state_update_f32(vicinal_state* state,
                                                       const vicinal_options* options,
                                                       const float* keys, int64_t n,
                                                       const float* values);
VICINAL_EXPORT vicinal_status vicinal_state_update_f64(vicinal_state* state,
                                                       const vicinal_options* options,
                                                       const double* keys, int64_t n,
                                                       const double* values);
// Adds the keys of `from`, a state of the same queries and kernel, after those of `into`.
VICINAL_EXPORT vicinal_status vicinal_state_merge(vicinal_state* into, const vicinal_state* from);
// Writes the statistics. Of the options, `empty` and `empty_value` are read; nearest is refused.
VICINAL_EXPORT vicinal_status vicinal_state_finish_f32(const vicinal_state* state,
                                                       const vicinal_options* options,
                                                       const vicinal_statistics* statistics,
                                                       vicinal_report* report);
VICINAL_EXPORT vicinal_status vicinal_state_finish_f64(const vicinal_state* state,
                                                       const vicinal_options* options,
                                                       const vicinal_statistics* statistics,
                                                       vicinal_report* report);
// NULL is allowed.
VICINAL_EXPORT vicinal_status vicinal_state_free(vicinal_state* state);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_VICINAL_H
