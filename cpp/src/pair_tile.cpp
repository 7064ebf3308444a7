#include "pair_tile.hpp"

#include <algorithm>

#include "priors.hpp"
#include "scales.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
PairTile<T>::PairTile(const Problem<T>& problem, const Entry<T>& entry)
    : problem_(problem),
      entry_(entry),
      is_sum_(problem.plan.terms.size() > 1 || problem.plan.terms[0].coefficient != T(1)),
      scaled_(!entry.key_scales.empty() || !entry.query_scales.empty()),
      priors_(entry.weights != nullptr || entry.log_weights != nullptr || entry.bias) {
  if (const NeighborSet* graph = problem.neighborhood->graph) {
    weights_known_ = graph->data == EdgeData::weight;
    distances_known_ = graph->data == EdgeData::distance;
  }
  panels_.resize(problem.plan.terms.size());
  for (std::size_t t = 0; t < panels_.size(); ++t)
    for (const FactorPlan<T>& f : problem.plan.terms[t].factors) {
      Panels& p = panels_[t].emplace_back();
      p.row.resize(static_cast<std::size_t>(f.depth));
      if (f.expanded()) continue;
      p.queries.resize(std::int64_t(f.depth) * key_stride);
      p.keys.resize(std::int64_t(f.depth) * key_stride);
    }
  tiles_.resize(std::int64_t(2 * panels_.size() + 2) * tile_);
  std::fill_n(tiles_.data(), std::int64_t(2 * panels_.size() + 2) * tile_, T(0));
  runs_.reserve(tile_);
  means_.reserve(tile_);
  scratch_.sums.resize(problem.linear_columns());
  scratch_.relative_scales.resize(static_cast<std::size_t>(problem.p));
  scales_.resize(static_cast<std::size_t>(problem.linear_columns()));
  plain_scales_.assign(scales_.size(), 1.0);
  if (const std::int64_t moments = problem.moment_columns(); moments > 0) {
    scratch_.moments.resize(moments);
    scratch_.ones.resize(moments);
    std::fill_n(scratch_.ones.data(), moments, 1.0);
  }
}

template <class T>
void PairTile<T>::add(Block<T>& block, const std::int64_t* slots, int count,
                      const ListMaker<T>& lists) noexcept {
  for (int r = 0; r < count; ++r) add_row(block, slots[r], lists.list(r));
}

template <class T>
void PairTile<T>::add_row(Block<T>& block, std::int64_t slot, const RowList<T>& list) noexcept {
  const int lanes = problem_.table->lanes;
  const auto length = static_cast<std::int64_t>(list.keys.size());
  const bool fresh = block.writes_means && block.mode == Reference::peak,
             alone = fresh && length > 0 && length <= tile_;
  if (fresh && !alone) block.clear(slot);
  for (std::int64_t begin = 0; begin < length; begin += tile_) {
    const int count = static_cast<int>(std::min(tile_, length - begin)),
              padded = (count + lanes - 1) / lanes * lanes;
    if (used_ + padded > tile_) flush(block);
    runs_.push_back({slot, used_, count, padded, alone, none<T>});
    used_ += padded;
    load(runs_.back(), block.row(slot), list, begin);
  }
}

template <class T>
void PairTile<T>::load(const Run& run, std::int64_t row, const RowList<T>& list,
                       std::int64_t begin) noexcept {
  const int end = run.first + run.lanes, past = run.first + run.count;
  std::copy_n(list.keys.data() + begin, run.count, keys_ + run.first);
  std::fill(keys_ + past, keys_ + end, keys_[run.first]);
  std::fill(query_rows_ + run.first, query_rows_ + end,
            entry_.queries + row * problem_.query_stride);
  prefetch(run);
  if (scaled_)
    for (int k = run.first; k < end; ++k)
      scales_of_pairs_[k] = scale_of_pair(entry_, row, keys_[k]);
  if (priors_) {
    load_prior(run, row);
    std::fill(prior_ + past, prior_ + end, none<T>);
  }
  if (list.edges.empty()) return;
  std::copy_n(list.edges.data() + begin, run.count, edges_ + run.first);
  std::fill(edges_ + past, edges_ + end, T(0));
}

// What the run will read travels while other lists are read.
template <class T>
void PairTile<T>::prefetch(const Run& run) noexcept {
  constexpr std::int64_t line = 64 / sizeof(T), most = 8;
  const bool coordinates = !weights_known_ && !distances_known_;
  for (int k = run.first; k < run.first + run.count; ++k) {
    if (coordinates) __builtin_prefetch(entry_.keys + keys_[k] * problem_.key_stride);
    const T* y = entry_.values + keys_[k] * problem_.value_stride;
    for (std::int64_t c = 0; c < std::min(problem_.p, most * line); c += line)
      __builtin_prefetch(y + c, 0, 2);
  }
}

// The key's prior and the pair's bias.
template <class T>
void PairTile<T>::load_prior(const Run& run, std::int64_t row) noexcept {
  for (int k = run.first; k < run.first + run.count; ++k) {
    prior_[k] = log_prior(problem_, entry_, keys_[k]);
    if (entry_.bias) prior_[k] = with_bias(prior_[k], entry_.bias.of(row, keys_[k]));
  }
}

template PairTile<float>::PairTile(const Problem<float>&, const Entry<float>&);
template PairTile<double>::PairTile(const Problem<double>&, const Entry<double>&);
template void PairTile<float>::add(Block<float>&, const std::int64_t*, int,
                                   const ListMaker<float>&) noexcept;
template void PairTile<double>::add(Block<double>&, const std::int64_t*, int,
                                    const ListMaker<double>&) noexcept;

}  // namespace vicinal
