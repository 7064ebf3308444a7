// A call for gradients after the door: what is wanted, where sums stand, and what a worker needs.
#pragma once

#include <type_traits>
#include <vector>

#include "vicinal/gradient.hpp"
#include "workspace.hpp"

namespace vicinal {

class Poll;

// What the forward pass says of a row: a hit is one of infinite weight, `still` has no gradient.
enum class GradientRow : std::uint8_t { ordinary, hit, still, spoiled };

template <class T>
struct RowMass {
  T reference;  // even; Σw = mass · 2^reference, less the shift of the priors
  double mass;
  GradientRow kind;
};

// One factor of the kernel: how its pairs pull.
template <class T>
struct FactorPull {
  std::size_t term = 0, factor = 0;
  bool moves = false;        // its score has a derivative
  bool constant = false;     // d ln w / ds is one number, which is part of `gain`
  bool matrix = false;       // pulls along features are products of matrices
  bool rooted = false;       // scores are squares of what has the derivative
  int stride = 0;            // of a row's sums along features
  int first = 0;             // column of its sums over rows; those of pulls themselves stand behind
  double slope = 1;          // the number, where it is one
  std::vector<double> gain;  // per packed feature
};

template <class T>
struct GradientProblem {
  Problem<T> problem;  // without values
  std::int64_t p = 0, value_stride = 0;
  std::span<const GradientItem<T>> items;
  std::vector<std::vector<RowMass<T>>> rows;             // per item
  std::vector<std::vector<T>> means;                     // per item, where they were computed here
  std::vector<std::vector<std::vector<Kept<T>>>> lists;  // per item and row, where rows have them
  std::vector<FactorPull<T>> pulls;
  std::vector<double> bandwidths;  // of the kernel, where their gradient is wanted
  bool queries = false, keys = false, values = false, log_weights = false, bias = false;
  bool of_features = false;  // bandwidths per feature
  bool scores = false;       // Σ t s is wanted: bandwidths
  int columns = 0;           // of sums over rows: values, factors, log_weights, scores
  int log_column = 0, score_column = 0;

  bool moves() const { return queries || keys || scores || of_features; }
  bool of_pairs() const { return moves() || log_weights || bias; }
  double log_mass_gradient(std::size_t e, std::int64_t row) const {
    const std::span<const T> g = items[e].log_mass_gradient;
    return g.empty() ? 0.0 : static_cast<double>(g[static_cast<std::size_t>(row)]);
  }
  const T* mean(std::size_t e, std::int64_t row) const {
    return means.empty() ? items[e].mean.row(row) : means[e].data() + row * p;
  }
};

// A run of keys: packed, with values about a center and, for products of matrices, key by key.
template <class T>
struct GradientChunk {
  Chunk<T> keys;
  Buffer<T> values;            // tiles × p × key_stride
  std::vector<double> center;  // p
  std::vector<T> center_of_type, ones;
  std::vector<Buffer<T>> rows;  // per factor: tiles × tile_keys × stride
  Buffer<double> sums;          // tiles × columns × key_stride, over all rows so far
  const T* only = nullptr;      // sums over the only block of rows, which need no merging
  Buffer<T> scratch;            // rows before the transpose, and sums after theirs
  Buffer<double> wide;          // the same

  template <class S>
  S* room() const {
    if constexpr (std::is_same_v<S, T>)
      return scratch.data();
    else
      return wide.data();
  }
};

// Rows of a group, `stride` apart: the caller's, or its own.
template <class T>
struct GradientRows {
  const T* at = nullptr;
  std::int64_t stride = 0;
  Buffer<T> own;
};

template <class T>
struct GradientWorker {
  Workspace<T> w;
  Block<T> block;
  Buffer<T> tiles;           // weights, dots, pulls, differences; scores, factors, slopes each
  Buffer<T> gradients;       // group_rows × padded: G / Σw
  Buffer<T> gradient_panel;  // p × query_lanes
  std::vector<GradientRows<T>> query_rows;  // per factor: group_rows × stride
  std::vector<Buffer<T>> query_sums;
  Buffer<T> row_sums;  // group_rows × stride
  Buffer<T> header;
  Buffer<T> key_sums;            // tiles × columns × key_stride, of this block of rows
  std::vector<double> packed;    // features of one row, as packed
  std::vector<double> features;  // d: as the caller stores them
  T offsets[kernels::max_group_rows];
  T references[kernels::max_group_rows];
  double score_sums[kernels::max_group_rows];
  bool hits = false;

  T* tile(std::size_t i) const {
    return tiles.data() +
           static_cast<std::int64_t>(i) * kernels::group_rows<T> * kernels::tile_keys;
  }
};

// At the door; they throw std::invalid_argument for what does not fit.
template <class T>
void check_outputs(const GradientItem<T>& item);
// What is wanted, by the first item: all are alike.
template <class T>
void read_wishes(const KernelSum& kernel, GradientProblem<T>& g);
// How the factors pull, and where their sums over rows stand.
template <class T>
void read_pulls(GradientProblem<T>& g);

template <class T>
void allocate(GradientChunk<T>& chunk, const GradientProblem<T>& g);
template <class T>
void allocate(GradientWorker<T>& worker, const GradientProblem<T>& g);

template <class T>
void pack_gradient_chunk(const GradientProblem<T>& g, std::size_t item, const Entry<T>& entry,
                         std::int64_t first, GradientChunk<T>& chunk) noexcept;

// Keys of tile t as the caller stores them, where those are what is packed; or nullptr.
template <class T>
const T* direct_rows(const GradientProblem<T>& g, const Entry<T>& entry,
                     const GradientChunk<T>& chunk, int t, std::size_t f) noexcept;
// Takes `count` listed rows of the worker's block, from number `first` on, and clears their sums.
template <class T>
void take_gradient_rows(const GradientProblem<T>& g, std::size_t item, const Entry<T>& entry,
                        std::int64_t first, int count, const GradientChunk<T>& chunk,
                        GradientWorker<T>& worker) noexcept;
// Adds what the rows and the keys of tile t give each other to the worker's sums.
template <class T>
void meet_gradient_tile(const GradientProblem<T>& g, std::size_t item, const Entry<T>& entry,
                        const GradientChunk<T>& chunk, int t, GradientWorker<T>& worker) noexcept;

// Sums along packed features → the gradient of the row as the caller stores it, added to `out`.
template <class T>
void add_row_gradient(const FactorPlan<T>& f, const FactorPull<T>& pull, const T* row,
                      const double* sums, double* out) noexcept;

// All rows of all items against all keys, in order; writes every output.
template <class T>
void run_gradient(const GradientProblem<T>& g, int threads, Poll& poll);
// The same where every row has a list of keys; takes the lists and the neighborhood away.
template <class T>
void run_listed_gradient(GradientProblem<T>& g, int threads, Poll& poll);

}  // namespace vicinal
