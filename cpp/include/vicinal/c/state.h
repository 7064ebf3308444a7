// Partial states: the local means of fixed queries over keys that arrive in pieces: streams, files
// larger than memory, several machines. Any split of the keys gives the same answer to rounding.
//
// A state is used by one thread at a time. An update that the interrupted callback stops may have
// added some of its keys: the state is then spoiled, and every call but free says so. After any
// other error it is what it was before the call.
#ifndef VICINAL_C_STATE_H
#define VICINAL_C_STATE_H

#include "vicinal/c/local_mean.h"

#ifdef __cplusplus
extern "C" {
#endif

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
// Adds n keys. Of the options, everything that belongs to keys and the call is read, but not `tol`
// and `index`: a state leaves nothing out. `neighbors`, query_offset and query_bandwidths must be
// the same in every update; `neighbors` counts the rows of the whole sequence of keys, of which
// these begin at key_offset.
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

#endif  // VICINAL_C_STATE_H
