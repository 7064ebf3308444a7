// Local means and their statistics over all keys.
//
//   m(q) = Σⱼ w(q, xⱼ) yⱼ / Σⱼ w(q, xⱼ),   w = profile(similarity) · prior weight · exp(bias)
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "vicinal/export.h"
#include "vicinal/kernel.hpp"
#include "vicinal/neighbor_set.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

// What a row receives when no key has a weight.
enum class Empty : std::int32_t { nan, zero, nearest, value };

template <class T>
class KeyIndex;  // neighbors.hpp

// A bias by how many rows apart the two stand, δ = key − query as windows count them:
// −slope · |δ| (Press, Smith & Lewis, 2022) + table[clamp(δ, −r, r) + r] (Shaw, Uszkoreit &
// Vaswani, 2018; Raffel et al., 2020).
template <class T>
struct PositionBias {
  T slope = 0;
  std::span<const T> table{};  // 2 r + 1 numbers
  std::int64_t offset = 0;     // query i stands at row i + offset
};

template <class T>
struct Options {
  std::span<const T> weights{};                  // n prior weights ≥ 0
  std::span<const T> log_weights{};              // or their logarithms; −inf = absent
  PairView<bool> mask{};                         // m × n, true = the key is used
  PairView<T> bias{};                            // m × n, added to the log-weight
  PositionBias<T> position_bias{};               // added to it, too
  std::span<const std::int64_t> self_indices{};  // m: each query's own key, −1 = none
  bool exclude_self = false;  // leave the own key out (self_indices, else the row number)
  // Number of keys[0] in the sequence that self_indices, `neighbors` and `position_bias` count.
  std::int64_t key_offset = 0;
  // Bandwidths of keys (n) or of queries (m): u = distance / (kernel's bandwidth · these). 0 is the
  // limit h → 0.
  std::span<const T> key_bandwidths{}, query_bandwidths{};
  NeighborSet neighbors{};  // which keys a query sees
  // Row number of queries[0] in what `neighbors` and `position_bias` count.
  std::int64_t query_offset = 0;
  std::int64_t page_rows = 0;          // keys of a page, where the items of a batch have pages
  const KeyIndex<T>* index = nullptr;  // of these keys: calls that prune need no tree of their own
  // At most this share of a row's mass is left out (decaying distance kernels, few features): the
  // mean moves by at most tol · (max y − min y). 0: nothing.
  double tol = 0;
  Empty empty = Empty::nan;
  double empty_value = std::numeric_limits<double>::quiet_NaN();
  int num_threads = 0;                     // 0 = what OpenMP gives the calling thread
  std::function<bool()> interrupted{};     // polled by the calling thread; true stops the call
  std::function<void(double)> progress{};  // fraction done, called by the calling thread
};

// Row i stands from indptr[i] to indptr[i + 1], by key.
template <class T>
struct WeightLists {
  std::vector<std::int64_t> indptr, indices;
  std::vector<T> weights;
};

// Every statistic is optional: an empty view or span is not computed.
template <class T>
struct Statistics {
  View<T> mean{};                          // m × p
  std::span<T> log_mass{};                 // m: log Σ w, −inf for an empty row
  std::span<T> ess{};                      // m: (Σw)² / Σw²
  std::span<std::int64_t> count{};         // m: candidates inside the support
  View<T> variance{};                      // m × p: Σ w (y − m)² / Σw
  View<T> covariance{};                    // m × p²
  std::span<T> self_weight{};              // m: w_self / Σw
  View<std::int64_t> top_k_indices{};      // m × k, heaviest first, −1 where fewer
  View<T> top_k_weights{};                 // m × k, shares of the row's mass
  View<T> weights{};                       // m × n
  WeightLists<T>* weight_lists = nullptr;  // weights ≠ 0 alone, of any number of keys
  bool normalize_weights = true;           // shares of the row's mass, or the plain weights
};

struct Report {
  std::int64_t empty_rows = 0;
  std::int64_t pairs_visited = 0;
  bool interrupted = false;
  std::int64_t pairs_searched = 0;  // met in a tree to know which keys a row sees, weighed or not
};

VICINAL_EXPORT Report local_stats(const KernelSum& kernel, View<const float> queries,
                                  View<const float> keys, View<const float> values,
                                  const Statistics<float>& statistics,
                                  const Options<float>& options = {});
VICINAL_EXPORT Report local_stats(const KernelSum& kernel, View<const double> queries,
                                  View<const double> keys, View<const double> values,
                                  const Statistics<double>& statistics,
                                  const Options<double>& options = {});

// One problem of a batch (heads of attention, images of a stack): every item has the same shapes
// and strides, and the options that belong to points stand here. Threads share the work of all
// items.
template <class T>
struct BatchItem {
  View<const T> queries{}, keys{}, values{};
  Statistics<T> statistics{};
  std::span<const T> weights{}, log_weights{};
  PairView<bool> mask{};
  PairView<T> bias{};
  std::span<const std::int64_t> self_indices{};
  std::span<const T> key_bandwidths{}, query_bandwidths{};
  PositionBias<T> position_bias{};
  // Where keys and values stand in pages, ⌈n / page_rows⌉ of each: row j is row j % page_rows of
  // page j / page_rows, and of the views above, which begin with the first page, only shape and
  // stride count; items may differ in their number of keys. For calls that meet all keys in order:
  // no compact kernel, tol = 0, neighbors by window or blocks or none; gradients take no pages.
  std::span<const T* const> key_pages{}, value_pages{};
};

VICINAL_EXPORT Report local_stats(const KernelSum& kernel, std::span<const BatchItem<float>> batch,
                                  const Options<float>& options = {});
VICINAL_EXPORT Report local_stats(const KernelSum& kernel, std::span<const BatchItem<double>> batch,
                                  const Options<double>& options = {});

// Several kernels over the same points: statistics[i] receives what kernels[i] gives, and there is
// one report each. Kernels that differ in their profiles or in a common factor of their bandwidths
// share the scores of all pairs, so a grid of bandwidths costs little more than its exponentials.
VICINAL_EXPORT std::vector<Report> local_stats(std::span<const KernelSum> kernels,
                                               View<const float> queries, View<const float> keys,
                                               View<const float> values,
                                               std::span<const Statistics<float>> statistics,
                                               const Options<float>& options = {});
VICINAL_EXPORT std::vector<Report> local_stats(std::span<const KernelSum> kernels,
                                               View<const double> queries, View<const double> keys,
                                               View<const double> values,
                                               std::span<const Statistics<double>> statistics,
                                               const Options<double>& options = {});

inline Report local_mean(const KernelSum& kernel, View<const float> queries, View<const float> keys,
                         View<const float> values, View<float> means,
                         const Options<float>& options = {}) {
  return local_stats(kernel, queries, keys, values, {.mean = means}, options);
}
inline Report local_mean(const KernelSum& kernel, View<const double> queries,
                         View<const double> keys, View<const double> values, View<double> means,
                         const Options<double>& options = {}) {
  return local_stats(kernel, queries, keys, values, {.mean = means}, options);
}

}  // namespace vicinal
