#include "c_overlap.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace vicinal::c {

namespace {

// The bytes between the first and the last element, gaps of a stride included.
struct Range {
  const char* name = "";
  std::uintptr_t begin = 0, end = 0;
};

template <class T>
Range range_of(const char* name, const T* data, std::int64_t rows, std::int64_t down,
               std::int64_t columns, std::int64_t across) {
  if (data == nullptr || rows == 0 || columns == 0) return {};
  const std::int64_t last_row = (rows - 1) * down, last_column = (columns - 1) * across;
  const T* first =
      data + std::min<std::int64_t>(0, last_row) + std::min<std::int64_t>(0, last_column);
  const T* last =
      data + std::max<std::int64_t>(0, last_row) + std::max<std::int64_t>(0, last_column);
  return {name, reinterpret_cast<std::uintptr_t>(first),
          reinterpret_cast<std::uintptr_t>(last + 1)};
}

template <class T>
Range range_of(const char* name, const View<T>& view) {
  return range_of(name, view.data, view.rows, view.stride, view.columns, 1);
}

template <class T>
Range range_of(const char* name, std::span<T> span) {
  return range_of(name, span.data(), 1, 0, static_cast<std::int64_t>(span.size()), 1);
}

// What a set borrows.
template <class T>
void add_graphs(const NeighborSet& set, std::vector<Range>& inputs) {
  inputs.push_back(range_of("indptr of the graph", set.indptr));
  inputs.push_back(range_of("indices of the graph", set.indices));
  inputs.push_back(range_of("indices of the graph", set.short_indices));
  inputs.push_back(range_of("numbers of the graph", set.edges<T>()));
  for (const NeighborSet& part : set.parts) add_graphs<T>(part, inputs);
}

void check_pair(const Range& output, const Range& other) {
  const bool apart = output.end <= other.begin || other.end <= output.begin;
  if (apart || output.begin == output.end || other.begin == other.end) return;
  throw std::invalid_argument(std::string(output.name) + " must not overlap " + other.name +
                              "; give it memory of its own");
}

void check_all(std::span<const Range> inputs, std::span<const Range> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (const Range& input : inputs) check_pair(outputs[i], input);
    for (std::size_t j = 0; j < i; ++j) check_pair(outputs[i], outputs[j]);
  }
}

template <class T>
std::vector<Range> inputs_of(const BatchItem<T>& item, const NeighborSet& neighbors) {
  const std::int64_t m = item.queries.rows, n = item.keys.rows;
  const auto pairs = [&](const char* name, const auto& view) {
    return range_of(name, view.data, m, view.row_stride, n, view.column_stride);
  };
  std::vector inputs{range_of("queries", item.queries),
                     range_of("keys", item.keys),
                     range_of("values", item.values),
                     range_of("weights", item.weights),
                     range_of("log_weights", item.log_weights),
                     range_of("self_indices", item.self_indices),
                     range_of("key_bandwidths", item.key_bandwidths),
                     range_of("query_bandwidths", item.query_bandwidths),
                     pairs("mask", item.mask),
                     pairs("bias", item.bias)};
  add_graphs<T>(neighbors, inputs);
  return inputs;
}

}  // namespace

template <class T>
void check_overlap(const BatchItem<T>& item, const NeighborSet& neighbors) {
  const Statistics<T>& s = item.statistics;
  const std::vector<Range> inputs = inputs_of(item, neighbors);
  const std::array outputs{range_of("mean", s.mean),
                           range_of("log_mass", s.log_mass),
                           range_of("ess", s.ess),
                           range_of("count", s.count),
                           range_of("variance", s.variance),
                           range_of("covariance", s.covariance),
                           range_of("self_weight", s.self_weight),
                           range_of("top_k_indices", s.top_k_indices),
                           range_of("top_k_weights", s.top_k_weights),
                           range_of("the array of weights", s.weights)};
  check_all(inputs, outputs);
}

template <class T>
void check_overlap(const View<const T>& keys, const View<const T>& queries,
                   std::span<const std::int64_t> self_indices, const View<T>& distances,
                   const View<std::int64_t>& indices) {
  const std::array inputs{range_of("keys", keys), range_of("queries", queries),
                          range_of("self_indices", self_indices)};
  const std::array outputs{range_of("distances", distances), range_of("indices", indices)};
  check_all(inputs, outputs);
}

template <class T>
void check_overlap(const View<const T>& keys, const View<const T>& queries,
                   const View<const std::int64_t>& neighbors, const View<T>& weights) {
  const std::array inputs{range_of("keys", keys), range_of("queries", queries),
                          range_of("neighbors", neighbors)};
  const std::array outputs{range_of("weights", weights)};
  check_all(inputs, outputs);
}

template <class T>
void check_overlap(const View<const T>& keys, const View<const T>& seeds,
                   const MeanShiftOptions<T>& options, const MeanShiftOutputs<T>& outputs) {
  const std::array inputs{range_of("keys", keys),
                          range_of("seeds", seeds),
                          range_of("modes", options.modes),
                          range_of("weights", options.weights),
                          range_of("log_weights", options.log_weights),
                          range_of("key_bandwidths", options.key_bandwidths)};
  const std::array ranges{range_of("ends", outputs.ends),
                          range_of("iterations", outputs.iterations),
                          range_of("status", outputs.status), range_of("mode", outputs.mode),
                          range_of("before", outputs.before)};
  check_all(inputs, ranges);
}

template <class T>
void check_overlap(const GradientItem<T>& item, const NeighborSet& neighbors) {
  std::vector inputs = inputs_of(item.points, neighbors);
  inputs.push_back(range_of("gradient", item.gradient));
  inputs.push_back(range_of("log_mass_gradient", item.log_mass_gradient));
  inputs.push_back(range_of("mean", item.mean));
  inputs.push_back(range_of("log_mass", item.log_mass));
  const std::array outputs{
      range_of("gradient of queries", item.queries),
      range_of("gradient of keys", item.keys),
      range_of("gradient of values", item.values),
      range_of("gradient of log_weights", item.log_weights),
      range_of("gradient of key_bandwidths", item.key_bandwidths),
      range_of("gradient of query_bandwidths", item.query_bandwidths),
      range_of("gradient of bandwidth", item.bandwidth),
      range_of("gradient of bias", item.bias, item.points.queries.rows, item.bias_row_stride,
               item.points.keys.rows, item.bias_column_stride)};
  check_all(inputs, outputs);
}

void check_overlap(const BatchItem<double>& item, const NeighborSet& neighbors,
                   const LinearFits& fits, const std::int64_t* regularized) {
  const std::array outputs{range_of("fitted", fits.fitted), range_of("slopes", fits.slopes),
                           range_of("standard_errors", fits.standard_errors),
                           range_of("self_weight", fits.self_weight),
                           range_of("regularized", regularized, 1, 0, 1, 1)};
  check_all(inputs_of(item, neighbors), outputs);
}

#define VICINAL_INSTANTIATE(T)                                                  \
  template void check_overlap(const BatchItem<T>&, const NeighborSet&);         \
  template void check_overlap(const GradientItem<T>&, const NeighborSet&);      \
  template void check_overlap(const View<const T>&, const View<const T>&,       \
                              std::span<const std::int64_t>, const View<T>&,    \
                              const View<std::int64_t>&);                       \
  template void check_overlap(const View<const T>&, const View<const T>&,       \
                              const View<const std::int64_t>&, const View<T>&); \
  template void check_overlap(const View<const T>&, const View<const T>&,       \
                              const MeanShiftOptions<T>&, const MeanShiftOutputs<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal::c
