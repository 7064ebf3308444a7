// Which keys a query sees: `neighbors` of vicinal_options.
//
// Candidates come first: mask, exclude_self, keys of weight 0 and every set but `nearest` cut; then
// `nearest` takes the k nearest of what is left. In a union each side is evaluated alone on the
// candidates and the results are united.
//
// Query i of a call is row query_offset + i, key j is row key_offset + j (of vicinal_options). A
// set of a call with key_offset > 0, or of a vicinal_state, may know of more keys than are given;
// else it must be of exactly these. Whether it fits is checked by the call that takes it, before
// any work.
//
// A set is a value that no call changes: any number of calls and threads may use it at the same
// time. Sets keep copies of their arrays, but for graphs, which borrow: the arrays of a graph must
// neither change nor go while it, or a set that it was joined to, is in use. *set is NULL after an
// error.
#ifndef VICINAL_C_NEIGHBOR_SET_H
#define VICINAL_C_NEIGHBOR_SET_H

#include "vicinal/c/local_mean.h"

#ifdef __cplusplus
extern "C" {
#endif

// The k nearest keys (1 <= k <= n) by the kernel's own distance or score, exactly, ties by row; all
// candidates where fewer are left. Not for a vicinal_state, which never sees all keys at once.
VICINAL_EXPORT vicinal_status vicinal_neighbors_nearest(int64_t k, vicinal_neighbors** set);
// Keys at most `radius` away in the kernel's metric, in the units of the data (of the bandwidths,
// where the kernel has one per column).
VICINAL_EXPORT vicinal_status vicinal_neighbors_within(double radius, vicinal_neighbors** set);
// Keys from `before` rows before row (query + offset) to `after` rows behind it, both included:
// whole numbers >= 0, INFINITY for unbounded.
VICINAL_EXPORT vicinal_status vicinal_neighbors_window(double before, double after, int64_t offset,
                                                       vicinal_neighbors** set);
// Keys whose `column` lies from q - before to q + after, both >= 0, q being that of the query.
VICINAL_EXPORT vicinal_status vicinal_neighbors_window_on(int64_t column, double before,
                                                          double after, vicinal_neighbors** set);
// Queries query_offsets[s] ... query_offsets[s + 1] - 1 see keys key_offsets[s] ...
// key_offsets[s + 1] - 1. Both arrays have `count` elements, begin with 0, never fall and end with
// the number of queries and of keys.
VICINAL_EXPORT vicinal_status vicinal_neighbors_segments(const int64_t* query_offsets,
                                                         const int64_t* key_offsets, int64_t count,
                                                         vicinal_neighbors** set);
// Of these keys those in a window of rows, which are counted from the beginning of their segment:
// from `before` rows before the query's own (+ offset) to `after` behind it, as in
// vicinal_neighbors_window. `at_end` not 0: so that its last query stands at its last key.
VICINAL_EXPORT vicinal_status vicinal_neighbors_segments_window(
    const int64_t* query_offsets, const int64_t* key_offsets, int64_t count, double before,
    double after, int64_t offset, int32_t at_end, vicinal_neighbors** set);
// Query i sees key j where mask[i / block, j / block] is not 0; `mask` is rows x columns, `stride`
// bytes (or VICINAL_CONTIGUOUS) from one row to the next.
VICINAL_EXPORT vicinal_status vicinal_neighbors_blocks(const uint8_t* mask, int64_t rows,
                                                       int64_t columns, int64_t stride,
                                                       int64_t block, vicinal_neighbors** set);
// Queries and keys are the pixels of one image in C order: a pixel sees those at most reach[a] away
// along every axis a, cut at the border. Both arrays have `axes` elements.
VICINAL_EXPORT vicinal_status vicinal_neighbors_image_patch(const int64_t* shape,
                                                            const int64_t* reach, int64_t axes,
                                                            vicinal_neighbors** set);

typedef enum vicinal_edge_data {  // what the numbers on the edges of a graph are
  VICINAL_EDGE_PATTERN = 0,       // none; the kernel weighs the pairs
  VICINAL_EDGE_DISTANCE = 1,      // >= 0, in the place of the distances of the points
  VICINAL_EDGE_WEIGHT = 2         // the weights, of either sign; the kernel is VICINAL_CONSTANT
} vicinal_edge_data;

// Query i sees keys indices[indptr[i]] ... indices[indptr[i + 1] - 1], as row i of a CSR matrix:
// indptr has rows + 1 elements, indices and numbers `edges`. Where there are no numbers (`numbers`
// is NULL for VICINAL_EDGE_PATTERN) a row must not name a key twice. `check`: not 0 looks through
// the graph in every call; a broken graph that is not checked reads memory that is not its own.
// Numbers are of the type of the call.
VICINAL_EXPORT vicinal_status vicinal_neighbors_graph_f32(const int64_t* indptr, int64_t rows,
                                                          const int64_t* indices, int64_t edges,
                                                          const float* numbers, int32_t data,
                                                          int32_t check, vicinal_neighbors** set);
VICINAL_EXPORT vicinal_status vicinal_neighbors_graph_f64(const int64_t* indptr, int64_t rows,
                                                          const int64_t* indices, int64_t edges,
                                                          const double* numbers, int32_t data,
                                                          int32_t check, vicinal_neighbors** set);

// Keys in both sets, and keys in either of them. What is joined may be freed. At most 4096 sets go
// into one; a graph of distances or weights goes in once, and with `and` alone.
VICINAL_EXPORT vicinal_status vicinal_neighbors_and(const vicinal_neighbors* a,
                                                    const vicinal_neighbors* b,
                                                    vicinal_neighbors** set);
VICINAL_EXPORT vicinal_status vicinal_neighbors_or(const vicinal_neighbors* a,
                                                   const vicinal_neighbors* b,
                                                   vicinal_neighbors** set);

// NULL is allowed.
VICINAL_EXPORT vicinal_status vicinal_neighbors_free(vicinal_neighbors* set);

#ifdef __cplusplus
}
#endif

#endif  // VICINAL_C_NEIGHBOR_SET_H
