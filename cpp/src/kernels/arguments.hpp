// What tile functions work on: the sizes of tiles and panels, similarities, profiles, and the
// arguments of each function of the table.
#pragma once

#include <cstdint>

#include "table_view.hpp"

namespace vicinal::kernels {

inline constexpr int tile_keys = 256;
inline constexpr int max_group_rows =
    24;  // rows whose tiles stay in L1 together: 24 in float, 12 in double
inline constexpr int key_stride =
    tile_keys + 16;  // between features: one more line, so that a panel of keys spreads over L1
// Lanes are left out in panels: bit i of a set of panels stands for lanes 64 i … 64 i + 63. What
// stands in the others is not to be read.
inline constexpr int panel_keys = 64;
using Panels = unsigned;
inline constexpr Panels all_panels = (1U << tile_keys / panel_keys) - 1;
constexpr Panels panels_of(int lanes) {  // those of the first `lanes`
  return (1U << (lanes + panel_keys - 1) / panel_keys) - 1;
}
constexpr bool has_lane(Panels panels, int lane) { return (panels >> lane / panel_keys & 1U) != 0; }
inline constexpr int query_lanes = 32;   // row stride of a feature-major query panel
inline constexpr int select_lanes = 64;  // scores that are selected from come in such runs
inline constexpr int header_columns =
    4;  // Σw, own weight, Σ|w|, Σw²: they precede the value columns of every state

template <class T>
inline constexpr int group_rows = sizeof(T) == 4 ? 24 : 12;

enum class Similarity : int {
  squared,
  squared_weighted,
  expanded,
  dot,
  manhattan,
  chebyshev,
  haversine,
  category,
  scaled_squared,  // every key has a scale per feature: scaled.hpp
  scaled_manhattan,
  scaled_chebyshev,
  count
};

enum class Shape : int {  // profiles after lowering; several public profiles share one
  gaussian,               // 2^(scale · s)
  exponential,            // 2^(scale · √s): laplace, Matérn 1/2
  matern32,
  matern52,
  logistic,
  rational_half_power,  // (offset + scale · s)^(−power/2), power a whole number
  rational,             // (offset + scale · s)^(−exponent)
  power_of_one_minus,   // (1 − scale · s)₊^power: Epanechnikov, biweight, triweight
  tricube,
  triangular,
  cosine,
  uniform,
  wendland_c2,
  constant,
  linear,   // 2^(scale · s): softmax of a dot product, category kernels
  softcap,  // 2^(scale · tanh(offset · s))
  polynomial,
  rectified_polynomial,
  sigmoid,
  coincidence,  // 1 at distance 0: what inverse distance is for rows that hit a key
  table,
  log_table,
  function,
  count
};

// Constants of one factor, in the working type. `s` is the similarity as scored.
template <class T>
struct ProfileParameters {
  T scale = 1;
  T offset = 0;
  T exponent = 0;
  T limit = 0;
  T log_scale = 0;  // log2(scale)
  int power = 0;
  TableView<T> table{};
  double (*function)(double) = nullptr;

  bool operator==(const ProfileParameters&) const = default;
};

// Where a pair's coordinates come from when its expanded distance is not trusted.
template <class T>
struct PairSource {
  const T* const* query_rows = nullptr;  // r → row of the query
  const T* keys = nullptr;               // first key of the tile
  std::int64_t key_stride = 0;
  const std::int64_t* order = nullptr;    // lane → row of keys; nullptr: as they stand
  const T* const* key_rows = nullptr;     // or lane → the key itself
  int count = 0;                          // keys of the tile: padding has no coordinates
  const std::int64_t* columns = nullptr;  // or nullptr: all, in order
  const T* scales = nullptr;              // per column
  const double* components = nullptr;     // rank × columns, or nullptr
  int columns_count = 0;
  int rank = 0;
  bool unit = false;  // rows are normalised, with the extra coordinate of a zero row
};

// Memory that will be read soon: the tile functions ask for a line of it at every step of their
// inner loop, so that it travels while they compute. step = 0: nothing to ask for.
struct Ahead {
  const char* at = nullptr;
  std::int64_t step = 0;  // 64 or 0
};

template <class T>
struct ScoreArguments {
  const T* queries = nullptr;  // queries[j * query_lanes + r]
  const T* keys = nullptr;     // keys[j * key_stride + k]
  int depth = 0;
  const T* feature_weights = nullptr;  // squared_weighted; category: three per feature
  const T* query_norms = nullptr;      // expanded
  const T* key_norms = nullptr;        // expanded
  const PairSource<T>* source = nullptr;
  T* scores = nullptr;  // scores[r * tile_keys + k]
  Ahead ahead{};
  Panels panels = all_panels;  // those that must be scored
  // Bit k % 64 of dropped[r * 4 + k / 64]: row r may not use lane k, whose score is not to be read.
  // nullptr: rows may use all.
  const std::uint64_t* dropped = nullptr;
};

// Values of one tile: `columns` columns, either feature-major (lanes) or key-major (rows of padded
// width).
template <class T>
struct ValueTile {
  const T* data = nullptr;
  int columns = 0;
  int padded = 0;
  std::int64_t stride = 0;  // of a key-major row, ≥ padded
  Ahead ahead{};
  Panels panels = all_panels;              // of key-major rows: those that weigh
  const std::uint64_t* dropped = nullptr;  // as in ScoreArguments: their weights are 0
};

// Columns over the keys of a list, `stride` apart; `count` is a multiple of the lanes.
template <class T>
struct ListColumns {
  const T* data = nullptr;
  std::int64_t stride = 0;
  int columns = 0;
  std::int64_t count = 0;
};

template <class T>
struct LogitArguments {
  const T* eta = nullptr;
  const T* values = nullptr;
  const T* weights = nullptr;
  std::int64_t count = 0;
  T* curvature = nullptr;
  T* residual = nullptr;
};

// Lanes that are pairs: each has a query and a key of its own. Panels stand as those of keys do.
template <class T>
struct PairArguments {
  const T* queries = nullptr;
  const T* keys = nullptr;
  int depth = 0;
  int lanes = 0;  // in whole packs
  const T* feature_weights = nullptr;
  const PairSource<T>* source = nullptr;  // expanded: query row and key of every lane
  T* scores = nullptr;
};

// Lanes of one row on a tile of pairs.
template <class T>
struct Run {
  std::int64_t slot = 0;  // of the row
  int first = 0, count = 0;
  int lanes = 0;       // count, in whole packs
  bool alone = false;  // all keys of its row, whose mean may be written without a state
  T peak = 0;          // of its log2-weights, even
};

// A row all of whose keys stand in one run, on the way to its mean.
template <class T>
struct MeanRun {
  const T* weights = nullptr;          // of each key: aligned and in whole packs
  const std::int64_t* rows = nullptr;  // of the values
  int count = 0;                       // at most tile_keys
  int follow = 0;                      // rows of other runs that stand behind these
  T* mean = nullptr;
  bool done = false;
};
template <class T>
struct MeanArguments {
  const T* values = nullptr;
  std::int64_t stride = 0;
  int columns = 0;
  bool is_signed = false;
};
// Rows of a graph of weights, which are of any size.
template <class T>
struct MeanRows {
  const std::int64_t* begins = nullptr;  // of each row, and the end of the last
  const std::int64_t* keys = nullptr;    // of all edges: one of these two
  const std::int32_t* short_keys = nullptr;
  const T* weights = nullptr;  // of all edges
  int count = 0;               // of rows, at most 64
  T* means = nullptr;
  std::int64_t mean_stride = 0;
};

// A tile of points, each with a weight: `count` of them, in whole packs.
inline constexpr int most_degree = 13;
template <class T>
struct MomentArguments {
  const T* weights = nullptr;
  const T* features = nullptr;  // features[j * tile_keys + k]
  int depth = 0;                // 1 to 3 features
  int count = 0;
  int degree = 0;      // at most most_degree
  T* lanes = nullptr;  // of every monomial, the last feature's exponent running fastest: added to
};

// Rows × packed weights: product.hpp.
inline constexpr int product_run = 128;  // inputs that are summed from zero
enum class Activation : int { none, relu, gelu, gelu_tanh, silu, count };
template <class T>
struct ProductArguments {
  const T* rows = nullptr;  // of `depth` elements
  std::int64_t stride = 0;
  const T* weights = nullptr;  // weights[j * product_columns + c]
  int depth = 0;               // at most product_run
  T* sums = nullptr;           // sums[r * product_columns + c]
  bool adds = false;           // to what stands there
};
template <class T>
struct FinishArguments {
  const T* sums = nullptr;
  const T* bias = nullptr;      // product_columns of them
  const T* residual = nullptr;  // or nullptr
  std::int64_t residual_stride = 0;
  T* out = nullptr;
  std::int64_t out_stride = 0;
  int columns = 0;  // at most product_columns
};
template <class T>
struct NormArguments {
  const T* rows = nullptr;
  std::int64_t stride = 0;
  const T* gain = nullptr;  // or nullptr: 1
  const T* bias = nullptr;  // or nullptr: 0
  T* out = nullptr;
  std::int64_t out_stride = 0;
  int columns = 0;
  T epsilon = 0;
};

enum class TriangularNorm : std::int32_t { product, minimum, lukasiewicz };
enum class RuleStep : std::int32_t { conjoin, disjoin, negate, fire };
enum class RuleSum : std::int32_t { add, maximum };
inline constexpr int rule_rows = 64;  // rows of a block of fuzzy rules: the length of a register
template <class T>
struct RuleArguments {  // rules.hpp
  const std::int32_t* steps = nullptr;
  std::int64_t stride = 0, count = 0;
  const std::int64_t* offsets = nullptr;  // of the rules' conclusions
  const std::int32_t* columns = nullptr;
  const T* weights = nullptr;
  T* registers = nullptr;  // registers × rule_rows
  T* sums = nullptr;       // columns × rule_rows
};

// The pull of a tile of pairs along the features of queries and keys.
template <class T>
struct PullArguments {
  const T* queries = nullptr;  // as those of ScoreArguments
  const T* keys = nullptr;
  int depth = 0;
  const T* feature_weights = nullptr;
  const T* pulls = nullptr;  // pulls[r * tile_keys + k]
  T* query_sums = nullptr;   // query_sums[r * depth + j], added to
  T* key_sums = nullptr;     // key_sums[j * key_stride + k], added to
};

}  // namespace vicinal::kernels
