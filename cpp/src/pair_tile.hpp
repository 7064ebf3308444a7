// The lists of many rows on one tile: every lane is a pair of a row and one of its keys.
#pragma once

#include "lists.hpp"
#include "workspace.hpp"

namespace vicinal {

// One per worker. Rows are added with their lists; a full tile is scored, weighed and summed into
// the states of its rows. A row's lanes begin with a pack and hold its own keys alone, so its bits
// do not depend on the rows beside it; a list longer than a tile begins a fresh one.
template <class T>
class PairTile {
 public:
  PairTile(const Problem<T>& problem, const Entry<T>& entry);

  // The lists of `count` rows of the block, at most group_rows.
  void add(Block<T>& block, const std::int64_t* slots, int count,
           const ListMaker<T>& lists) noexcept;
  void flush(Block<T>& block) noexcept;

 private:
  using Run = kernels::Run<T>;
  struct Panels {
    Buffer<T> queries, keys;  // depth × key_stride
    std::vector<T> row;       // one point as the factor sees it
  };

  void add_row(Block<T>& block, std::int64_t slot, const RowList<T>& list) noexcept;
  void load(const Run& run, std::int64_t row, const RowList<T>& list, std::int64_t begin) noexcept;
  void load_factor(const FactorPlan<T>& factor, Panels& panels) noexcept;
  void prefetch(const Run& run) noexcept;
  void load_prior(const Run& run, std::int64_t row) noexcept;
  void score(const FactorPlan<T>& factor, const Panels& panels, T* out) noexcept;
  bool weigh_term(std::size_t term, Reference mode) noexcept;
  void drop_lanes(std::size_t term, bool have) noexcept;
  void take_edges() noexcept;
  void weigh(Block<T>& block, const bool* have) noexcept;
  void write_means(Block<T>& block) noexcept;
  void count(Block<T>& block, const Run& run) noexcept;
  void offer(Block<T>& block, const Run& run, const T* ranks, const T* factors) noexcept;
  void sum(Block<T>& block, const Run& run, T reference) noexcept;
  bool sum_with_care(const Run& run, T* sums, double* scales) noexcept;
  void sum_moments(const Run& run) noexcept;
  void drop_infinite_keys(const FactorPlan<T>& factor, T* logs, T* factors) noexcept;

  T* logs(std::size_t term) const { return tiles_.data() + std::int64_t(2 * term) * tile_; }
  T* factors(std::size_t term) const { return logs(term) + tile_; }

  static constexpr std::int64_t tile_ = kernels::tile_keys;
  const Problem<T>& problem_;
  const Entry<T>& entry_;
  bool weights_known_ = false, distances_known_ = false;
  bool is_sum_;  // of terms, or a multiple of one
  bool scaled_;  // keys or queries have bandwidths
  bool priors_;  // pairs have weights besides the kernel's
  std::vector<std::vector<Panels>> panels_;
  Buffer<T> tiles_;  // per term: logs and factors; two more of scratch
  std::vector<Run> runs_;
  std::vector<kernels::MeanRun<T>> means_;  // of the runs that are alone, in their order
  int used_ = 0;                            // lanes
  std::int64_t keys_[tile_];                // row of the key of each lane
  const T* query_rows_[tile_];
  alignas(64) T prior_[tile_];  // log2; −inf where there is no key; unless no pair has one
  T edges_[tile_];
  alignas(64) T scales_of_pairs_[tile_];
  Group<T> scratch_;  // sums of one row
  std::vector<double> scales_, plain_scales_;
};

}  // namespace vicinal
