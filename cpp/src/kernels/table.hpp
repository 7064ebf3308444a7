// The table of tile functions: the seam between the driver (compiled once) and the kernels
// (compiled per instruction set).
//
// A tile is up to `group_rows` queries × 256 keys. score → weigh → reduce each read and write tiles
// that stay in L1:
//   score    writes squared distances or inner products,           tile[r * tile_keys + k]
//   weigh    turns them into weights (fixed reference), or into log2-weights and factors (running
//   peak) reduce   adds weights · value columns
// Similarities, profiles and reducers are a sum, never a product: each is one row of this table.
#pragma once

#include <cstdint>

#include "arguments.hpp"
#include "patch_arguments.hpp"

namespace vicinal::kernels {

template <class T>
struct Table {
  const char* name;
  int lanes;
  void (*score[static_cast<int>(Similarity::count)])(const ScoreArguments<T>&, int rows);
  void (*score_pairs[static_cast<int>(Similarity::count)])(const PairArguments<T>&);
  // Expanded distances at most the limit of their row: bit k % 64 of bits[r * 4 + k / 64], and
  // scores there alone. `slack` · (‖q − c‖² + ‖x − c‖²) covers what a distance loses by rounding.
  void (*candidates)(const ScoreArguments<T>&, const T* limits, T slack, std::uint64_t* bits,
                     int rows);
  // The same of inner products with their signs turned.
  void (*inner_candidates)(const ScoreArguments<T>&, const T* limits, std::uint64_t* bits,
                           int rows);
  // The same of distances that may be at most the limit; no scores.
  void (*suspects)(const ScoreArguments<T>&, const T* limits, T slack, std::uint64_t* bits,
                   int rows);
  // Fixed reference: tile of similarities → weights, in place.
  void (*weigh[static_cast<int>(Shape::count)])(T* tile, int rows, const ProfileParameters<T>&);
  // Running peak: similarities → log2-weights in place, factors in [−1, 1] beside them (log = −inf
  // where the factor is 0).
  void (*log_weigh[static_cast<int>(Shape::count)])(T* tile, T* factors, int rows,
                                                    const ProfileParameters<T>&, Panels panels);
  bool has_factor[static_cast<int>(Shape::count)];
  // Gradients (gradient.hpp): scores → log2-weights, factors and slopes; w = factor · 2^log,
  // ∂w/∂s = slope · 2^log.
  void (*weigh_slopes[static_cast<int>(Shape::count)])(const T* scores, T* logs, T* factors,
                                                       T* slopes, int rows,
                                                       const ProfileParameters<T>&);
  // Pulls along features by differences; null for similarities that go by products of matrices.
  void (*pull[static_cast<int>(Similarity::count)])(const PullArguments<T>&, int rows);
  void (*product)(const T* a, const T* b, T* out, int rows);  // a · b, 0 where a is 0
  void (*weigh_differences)(const T* weights, const T* b, const T* offsets, T* out,
                            int rows);                         // w (b − offset of the row)
  void (*times_distance)(T* tile, const T* scores, int rows);  // t · 2 √s
  void (*times_lanes)(T* tile, const T* numbers, int rows);    // t · a number per lane
  void (*add_rows)(const T* tile, T* sums, int rows);          // sums[k] += Σ_r t
  // sums[c * key_stride + k] += Σ_r tile[r][k] · a[r * stride + c], where bit k / 64 is set
  void (*reduce_keys)(const T* tile, const T* a, std::int64_t stride, int columns, T* sums,
                      int rows, unsigned words);
  // Rows of gradients (gradient_rows.hpp).
  double (*scale_gradient)(const T* gradient, double inverse, const T* mean, const double* center,
                           int columns, T* scaled);                // Σ scaled (mean − center)
  void (*add_wide)(const T* x, std::int64_t count, double* sums);  // sums += x
  void (*add_scaled)(const T* x, const double* scales, int count, double* sums);
  // out[r][c] = scales[c] · x[r][c], of sums of either type
  void (*write_scaled)(const T* x, std::int64_t stride, int rows, int columns, const double* scales,
                       T* out, std::int64_t out_stride);
  void (*write_wide)(const double* x, std::int64_t stride, int rows, int columns,
                     const double* scales, T* out, std::int64_t out_stride);

  void (*multiply)(T* tile, const T* other, int rows);      // tile *= other, flushed
  void (*scale_lanes)(T* tile, const T* scales, int rows);  // scores · a number per lane, or row
  void (*scale_rows)(T* tile, const T* scales, int rows);
  void (*square_half)(T* tile, int rows);  // (s/2)²
  void (*accumulate)(T* tile, const T* other, T coefficient,
                     int rows);                    // tile += coefficient · other
  void (*add)(T* tile, const T* other, int rows);  // log2-weights of factors
  void (*weigh_with_prior)(T* logs, const T* factors, const T* prior,
                           int rows);                               // logs → weights, reference 0
  void (*drop_absent)(T* tile, const T* prior, T value, int rows);  // value where prior = −inf
  void (*drop_below)(T* tile, const T* limits, T value, int rows);  // value where < limits[row]
  void (*add_prior)(T* logs, const T* prior, int rows);
  // One row: log2-weights take biases in natural units. −inf in either is an absent pair; a bias of
  // +inf or NaN spoils the row.
  void (*add_bias)(T* logs, const T* bias);
  // out[k] = |first + k| · factor, each a rounded product of a rounded whole number.
  void (*distances)(T* out, std::int64_t first, T factor);
  // Largest log2-weight of each row.
  void (*row_peaks)(const T* logs, T* peaks, int rows, Panels panels);
  // weights = factors · 2^(logs − reference[r])
  void (*exponentiate)(const T* logs, const T* factors, T* weights, const T* reference, int rows,
                       Panels panels);
  // Scores → 2^(scale · score − reference[r]), and Σw into the header's lanes, as the steps do.
  void (*softmax)(T* tile, T scale, const T* reference, T* lanes, int rows, Panels panels);
  T (*run_peak)(const T* logs, int lanes);
  void (*run_peaks)(const T* logs, Run<T>* runs, int count);  // raises them
  void (*exponentiate_runs)(const T* logs, const T* factors, T* weights, const Run<T>* runs,
                            int count);
  bool (*all_finite)(const T* x, int count);
  void (*magnitude)(const T* logs, const T* factors, T* ranks, int rows);  // logs + log2 |factors|

  // chunk[r * stride + c] += Σ_k w · y, accumulated from zero inside the tile.
  void (*reduce_lanes)(const T* weights, ValueTile<T>, T* lanes, int rows);
  void (*reduce_rows)(const T* weights, ValueTile<T>, T* sums, std::int64_t stride, int rows);
  // Σw, and if full Σ|w|, Σw².
  void (*reduce_header)(const T* weights, T* lanes, bool full, int rows, Panels panels);
  // Both for one column: Σw and Σwy.
  void (*reduce_single)(const T* weights, const T* values, T* header, T* lanes, int rows);
  // Of a run: the header, Σw and if full Σ|w| and Σw²; and Σ w y with the values of key rows[i] for
  // lane i.
  void (*sum_run)(const T* weights, int lanes, bool full, T* sums);
  void (*sum_run_values)(const T* weights, const std::int64_t* rows, int count, const T* values,
                         std::int64_t stride, int columns, T* sums);
  // The means of rows of one run. Not done: rows without weight, and sums that need care.
  void (*mean_runs)(MeanRun<T>* runs, int count, const MeanArguments<T>&);
  // The same of rows of a graph: a bit for each that is done.
  std::uint64_t (*mean_rows)(const MeanRows<T>&, const MeanArguments<T>&);
  void (*moments)(const MomentArguments<T>&);
  void (*close_lanes)(const T* lanes, int columns, T* sums);  // lanes → sums in a fixed order
  void (*rescale)(T* data, std::int64_t count, T factor);
  // Bit k % 64 of bits[k / 64]: score k is at most the limit. Here and below, `count` is a multiple
  // of select_lanes.
  void (*bits_below)(const T* scores, int count, T limit, std::uint64_t* bits);
  // One row of a tile: the value where the bit is set.
  void (*drop_bits)(T* tile, const std::uint64_t* bits, T value, Panels panels);
  // Squared distances of a query to `count` keys, keys[j * stride + k], from differences that are
  // not fused: in double those of pair_rank.
  void (*squares)(const T* query, const T* keys, std::int64_t stride, int depth, int count,
                  T* scores);
  // A limit that at least k of the scores keep, and not many more.
  T (*limit_of)(const T* scores, int count, int k, int most);

  // out[j * lanes + k] for `lanes` rows; rows past `count` repeat the last.
  bool (*transpose)(const T* rows, std::int64_t stride, int count, int depth, T* out, int lanes,
                    int out_stride);
  // Feature-major panels of pairs: the keys of all lanes, and one query in the lanes of its run.
  void (*gather_keys)(const T* rows, std::int64_t stride, const std::int64_t* index, int lanes,
                      int depth, T scale, T* panel);
  void (*spread_query)(const T* query, int lanes, int depth, T scale, T* panel);
  bool (*tile_center)(const T* tile, int depth, T* center);  // false: a coordinate is not finite
  void (*center_tile)(T* tile, int depth, const T* center, const T* scales);
  void (*tile_norms)(const T* tile, int depth, T* norms);
  void (*center_queries)(const T* panel, int depth, const T* center, const T* scales, T* out,
                         T* norms);
  void (*copy_values)(const T* rows, std::int64_t stride, int count, int columns, int padded,
                      T* out, T* peaks);
  T (*column_peak)(const T* column);  // largest |y|, or not finite

  // hi[c] + lo[c] = (hi[c] + lo[c]) · old_factor + sums[c] · scales[c] · new_factor, in double with
  // TwoSum.
  void (*fold)(double* hi, double* lo, const T* sums, const double* scales, int count,
               double old_factor, double new_factor);
  // out[c] = (hi[c] + lo[c]) / divisor; the compensation of an infinite sum is NaN and left out.
  void (*quotients)(const double* hi, const double* lo, int count, double divisor, T* out);
  // The same of sums that were added to nothing.
  void (*shares)(const T* sums, int count, double divisor, T* out);
  void (*exp2)(const T* x, T* out, std::int64_t count);

  int product_columns;  // outputs that a panel of packed weights serves
  void (*row_products)(const ProductArguments<T>&, int rows);
  void (*finish[static_cast<int>(Activation::count)])(const FinishArguments<T>&, int rows);
  void (*layer_norm)(const NormArguments<T>&, int rows);

  // Patches of an image (patches.hpp).
  void (*sum_squares)(const SquaresArguments<T>&);
  void (*weigh_patches)(const PatchArguments<T>&);
  void (*add_pixels)(const PixelArguments<T>&);
  void (*run_rules[3][2])(const RuleArguments<T>&);  // TriangularNorm, RuleSum

  // Local fits, in double (list_sums.hpp).
  void (*list_projections)(const ListColumns<T>&, const T* weights, T* out);
  void (*list_products)(const ListColumns<T>&, const T* weights, T* out, std::int64_t stride);
  void (*list_combination)(const ListColumns<T>&, const T* coefficients, T* out);
  T (*list_logits)(const LogitArguments<T>&);
};

template <class T>
const Table<T>& table();  // of the instruction set in use

template <class T>
struct Level {
  const char* name;
  const Table<T>* table;
};

}  // namespace vicinal::kernels
