// Every buffer that a worker needs, sized and allocated at the door: the house allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "problem.hpp"
#include "state.hpp"

namespace vicinal {

// Log-weight of a key or pair that is not there.
template <class T>
inline constexpr T none = -std::numeric_limits<T>::infinity();

// An aligned array of trivial elements. It is not cleared: pages that a call never touches cost
// nothing.
template <class T>
class Buffer {
 public:
  void resize(std::int64_t count) {
    const std::size_t bytes = (static_cast<std::size_t>(count) * sizeof(T) + 127) / 64 * 64;
    data_.reset(static_cast<T*>(operator new(bytes, std::align_val_t{64})));
  }
  T* data() const { return data_.get(); }
  T& operator[](std::int64_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* p) const { operator delete(static_cast<void*>(p), std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
};

// One factor's share of a packed chunk.
template <class T>
struct KeyPanels {
  Buffer<T> coordinates;  // tiles × depth × key_stride
  Buffer<T> norms;        // tiles × tile_keys
  Buffer<T> centers;      // tiles × depth
};

// And of a query group.
template <class T>
struct QueryPanels {
  Buffer<T> panel;        // depth × query_lanes
  Buffer<T> centered;     // the same about a tile's center
  Buffer<T> query_norms;  // query_lanes
  Buffer<T> row;          // query_lanes × depth: mapped or gathered queries
};

struct TileFlags {
  bool absent = false;      // some lanes have no key
  bool prior = false;       // some log-weight is neither 0 nor −inf
  bool not_finite = false;  // some value is NaN or infinite
  bool empty = false;       // no key at all
};

// A run of 2^k keys, packed.
template <class T>
struct Chunk {
  std::int64_t first = 0;  // position of its first key
  int count = 0, tiles = 0;
  std::vector<TileFlags> flags;
  std::vector<std::vector<KeyPanels<T>>> factors;  // per term
  Buffer<T> key_scales;                            // tiles × tile_keys, where keys have bandwidths
  Buffer<T> prior;                  // tiles × tile_keys: log2 prior less its maximum, −inf = absent
  Buffer<T> values;                 // tiles × (p × tile_keys or tile_keys × padded)
  const T* own_values = nullptr;    // the caller's rows, where they serve as they are
  Buffer<std::uint8_t> bad_values;  // tiles × tile_keys: a value of this key is not finite
  Buffer<T> peaks;                  // padded: scratch of copy_values
  std::vector<double> largest;      // p: largest finite |y|
  std::vector<double> scales;       // header + p: power of two that undoes the scaling of a column
  bool scaled = false;              // some column is
  bool extreme = false;             // float64 with a scaled column: sums need units
};

using LaneBits = std::array<std::uint64_t, kernels::tile_keys / 64>;

template <class T>
struct Group {  // up to group_rows queries
  const T* query_rows[kernels::max_group_rows];
  std::int64_t index[kernels::max_group_rows];  // row of the entry
  std::int64_t own[kernels::max_group_rows];    // own_key of each
  std::int64_t slot[kernels::max_group_rows];   // row of the block's state
  int rows = 0;
  Buffer<T> tiles;          // per term: scores or logs, factors; two more of scratch
  Buffer<T> header_lanes;   // rows × header_columns × lanes
  Buffer<T> lanes;          // rows × p × lanes, or rows × padded sums
  Buffer<T> sums;           // linear columns of one row
  Buffer<double> moments;   // rows × moment columns
  Buffer<double> wide;      // rows × tile_keys: weights in double, of float
  Buffer<double> centered;  // p × tile_keys: values about the center
  Buffer<double> products;  // a panel of product columns × tile_keys
  Buffer<double> product_lanes;
  Buffer<double> ones;                   // moment columns: scale 1
  std::vector<double> relative_scales;   // p: of the chunk's columns, against the units of a state
  T reference[kernels::max_group_rows];  // running peak of the chunk, −inf before the first key
  T own_weight[kernels::max_group_rows];
  T cut[kernels::max_group_rows];    // of the block
  T least[kernels::max_group_rows];  // 2^cut
  std::int64_t count[kernels::max_group_rows];
  LaneBits dropped[kernels::max_group_rows];  // of the tile: keys that a row may not use
  bool drops = false;                         // some bit may be set
};

inline constexpr std::int64_t unknown = -2;

// How weights are kept in range: relative to 0 (bounded kernels), or to the row's running peak; or
// only the keys at distance 0 of an inverse-distance kernel weigh, whose weight is infinite, by
// their other factors and priors.
enum class Reference { fixed, peak, hits };

enum RowKind : std::uint8_t {
  ordinary,
  has_nan,
  infinite,
  stateless,  // ordinary, and its keys stand in one chunk: its state is cleared if it is needed
  written     // its mean is written: there is no state
};

// A block of rows and what is known of them so far. One worker's, or shared by all when rows are
// few.
template <class T>
struct Block {
  std::int64_t first = 0, rows = 0;
  const std::int64_t* order = nullptr;  // of the rows of a call, if not as they come
  RowState<T> state;
  Reference mode{};                     // of the current pass
  std::vector<std::int64_t> todo;       // its rows, relative to `first`
  std::vector<std::uint8_t> kind;       // RowKind of each query
  std::vector<std::int64_t> hit_count;  // counts of rows that hit a key of infinite weight
  Buffer<T> weight_references;          // rows × tiles of the call, for weights asked out
  std::vector<std::int64_t> nearest;    // of empty rows, where it was found already; else unknown
  Buffer<T> cut;                        // log2-weights under which keys are left out, with tol > 0
  std::vector<std::vector<Kept<T>>> kept;  // weights of each row, if they are asked for as lists
  bool lost = false;                       // there was no memory for some of them
  // Rows whose keys stand in one run need no state: their means are written at once. The state of
  // an ordinary row is then cleared when it is first used.
  bool writes_means = false;
  std::int64_t chunk = 0;  // keys of a chunk, if rows that need but one of them need no state

  std::int64_t row(std::int64_t slot) const {
    return order == nullptr ? first + slot : order[first + slot];
  }
  void clear(std::int64_t slot) {
    state.clear(slot);
    if (!kept.empty()) kept[static_cast<std::size_t>(slot)].clear();
  }
  void keep(std::int64_t slot, std::int64_t key, T weight, T reference) noexcept {
    if (kept.empty() || weight == 0) return;
    try {
      kept[static_cast<std::size_t>(slot)].push_back({key, weight, reference});
    } catch (...) {
      lost = true;
    }
  }
};

// Kernels that differ in profile or bandwidth alone take the scores of a group against a chunk over
// from the first of them.
enum class Scores { compute, keep, reuse };

// A block of rows of some entry.
template <class T>
struct NextRows {
  const Entry<T>* entry = nullptr;
  std::int64_t first = 0, count = 0;
};

template <class T>
struct Workspace {
  Chunk<T> own;                     // packed by this worker
  const Chunk<T>* chunk = nullptr;  // what its group meets: its own, or one prepared for all
  Buffer<T> rows;  // tile_keys × depth: mapped or gathered keys before the transpose
  std::vector<const T*> key_rows;                    // of a tile whose keys stand in several pages
  std::vector<std::vector<QueryPanels<T>>> factors;  // per term
  Group<T> group;
  Block<T>* block = nullptr;
  NextRows<T> next_rows;                        // which the worker probably takes after these
  kernels::Ahead keys_ahead{}, values_ahead{};  // rows of a tile that will be packed soon,
  std::int64_t keys_left = 0, values_left = 0;  // and their lines that nobody has asked for yet
  std::int64_t pairs_skipped = 0;               // in tiles that a group dropped as a whole
  bool streams = true;                          // until a chunk's values had to be scaled
  Scores scores = Scores::compute;
  Buffer<T> kept_scores;  // tiles × group_rows × tile_keys, for calls with several kernels
};

// Keys of a chunk: a power of two, from the width of a key and the type alone.
template <class T>
int chunk_keys(const Problem<T>& problem);

// Rows of a block: as many as the budget allows for the states of all kernels.
template <class T>
std::int64_t block_rows(const Problem<T>& problem, std::size_t kernels);

template <class T>
void allocate(Chunk<T>& chunk, const Problem<T>& problem);
// What packing needs besides: rows of keys that are met in the order of a tree are gathered first.
template <class T>
void allocate_rows(Workspace<T>& workspace, const Problem<T>& problem, bool ordered);
template <class T>
void allocate(Workspace<T>& workspace, const Problem<T>& problem, std::size_t kernels);
template <class T>
void allocate(Block<T>& block, const Problem<T>& problem, std::int64_t rows);

}  // namespace vicinal
