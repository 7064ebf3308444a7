// The ascents of mean shift that still move: their positions, which seeds share one, and how each
// of them ends.
#pragma once

#include <vector>

#include "capture.hpp"
#include "vicinal/mean_shift.hpp"

namespace vicinal {

template <class T>
class Ascents {
 public:
  Ascents(const View<const T>& seeds, const MeanShiftOutputs<T>& outputs,
          const MeanShiftOptions<T>& options, int threads);

  std::int64_t moving() const { return std::ssize(seeds_); }
  View<T> positions() { return {positions_.data(), moving(), d_}; }
  View<T> means() { return {means_.data(), moving(), d_}; }  // the next ones, to be filled
  std::span<const std::int64_t> seeds() const { return seeds_; }

  // Row i from now on is what was row order[i].
  void reorder(const std::vector<std::int64_t>& order);
  // Those that stand in the ball of a mode end there, before any step.
  void capture_seeds();
  // Takes the steps to the means: NaN where no key has a weight. Those that end are written and
  // leave. Returns the longest step.
  double advance(std::int64_t iteration);
  // Of positions that are equal bit for bit one is kept.
  void share();
  // Writes the present state of every seed, that of the seed whose position it shares; what still
  // moves has this status.
  void write(std::int64_t iteration, AscentStatus moving);
  // What still moves ends as exhausted.
  void close(std::int64_t iteration, MeanShiftReport& report);

 private:
  enum Fate : std::uint8_t { moves, converges, strays, is_caught };

  T* position(std::int64_t i) { return positions_.data() + i * d_; }
  double step(std::int64_t i);
  double step_all();
  void settle(std::int64_t i, AscentStatus status, std::int64_t iteration);
  void keep(std::int64_t from, std::int64_t to);
  void cut(std::int64_t rows);

  std::int64_t d_;
  const MeanShiftOutputs<T>& outputs_;
  const MeanShiftOptions<T>& options_;
  int threads_;
  ModeBalls<T> balls_;
  std::vector<T> positions_;
  std::vector<T> means_;              // where steps lead to; once they are taken, where they began
  std::vector<std::int64_t> seeds_;   // of each position, the one that writes
  std::vector<std::int64_t> leader_;  // of each seed, whose end is its own
  std::vector<Fate> fates_;
  std::vector<std::int64_t> modes_;  // of each position, where it is caught
  std::vector<std::int64_t> table_;  // of share
  // Of each seed, whether or not the caller asks for it.
  std::vector<T> own_ends_, own_before_;
  std::vector<std::int64_t> own_iterations_, own_modes_;
  std::vector<std::int8_t> own_status_;
};

}  // namespace vicinal
