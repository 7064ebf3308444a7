// Mergeable partial states: the local means of fixed queries over keys that arrive in pieces.
//
// Streaming, out-of-core data, several machines: any split of the keys gives the same answer to
// rounding.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vicinal/local_mean.hpp"

namespace vicinal {

// What a state will be asked for.
struct StateStatistics {
  bool ess = false;
  bool variance = false;
  bool covariance = false;
  bool self_weight = false;
  bool count = false;
  int top_k = 0;

  bool operator==(const StateStatistics&) const = default;
};

// Plain arrays of a state, to be stored or sent. Sums are (hi + lo) · 2^reference.
struct StateArrays {
  std::int64_t rows = 0, columns = 0, value_columns = 0, top_k = 0;
  std::vector<double> reference, hi, lo, center;
  std::vector<std::int64_t> count, unit, top_index;
  std::vector<double> top_rank, top_sign;
  bool is_signed = false;  // weights of a graph were: rows are judged by Σ|w|
};

template <class T>
class PartialState {
 public:
  // `queries` are borrowed and must outlive the state; every item of a batch has the same shape.
  VICINAL_EXPORT PartialState(const KernelSum& kernel, std::vector<View<const T>> queries,
                              std::int64_t value_columns, const StateStatistics& statistics,
                              bool exclude_self = false);
  VICINAL_EXPORT ~PartialState();
  VICINAL_EXPORT PartialState(PartialState&&) noexcept;

  // Adds keys. `batch` gives keys, values, weights, mask, bias, self_indices and bandwidths of each
  // item; its queries are ignored. `options.neighbors` counts the rows of the whole sequence of
  // keys, of which these begin at `options.key_offset`; it must be the same in every update,
  // without `nearest`, which needs all keys at once.
  VICINAL_EXPORT Report update(std::span<const BatchItem<T>> batch, const Options<T>& options = {});
  // Adds the keys of another state of the same queries, after our own.
  VICINAL_EXPORT void merge(const PartialState& other);
  // Writes the statistics that were asked for; `batch` gives the outputs of each item.
  VICINAL_EXPORT Report finish(std::span<const Statistics<T>> batch, Empty empty = Empty::nan,
                               double empty_value = std::numeric_limits<double>::quiet_NaN()) const;

  VICINAL_EXPORT std::vector<StateArrays> arrays() const;
  VICINAL_EXPORT void restore(const std::vector<StateArrays>& arrays);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class PartialState<float>;
extern template class PartialState<double>;

}  // namespace vicinal
