#include "cut.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scales.hpp"
#include "step.hpp"

namespace vicinal {

namespace {

// Log2-weights at scores that do not fall: 256 of them at a time.
template <class T>
void log_weights(const Problem<T>& problem, const T* scores, T* logs) {
  const FactorPlan<T>& f = problem.plan.terms[0].factors[0];
  alignas(64) T tile[tile_keys], factors[tile_keys];
  std::copy_n(scores, tile_keys, tile);
  problem.table->log_weigh[static_cast<int>(f.shape)](tile, factors, 1, f.parameters, all_panels);
  std::copy_n(tile, tile_keys, logs);
}

}  // namespace

template <class T>
bool may_cut(const Problem<T>& problem) {
  const Plan<T>& plan = problem.plan;
  if (!(problem.tol > 0) || plan.terms.size() != 1 || plan.terms[0].factors.size() != 1)
    return false;
  const FactorPlan<T>& f = plan.terms[0].factors[0];
  const bool pairs = std::any_of(problem.entries.begin(), problem.entries.end(),
                                 [](const Entry<T>& e) { return e.mask || e.bias; });
  const bool falls = plan.decaying && f.shape != Shape::log_table &&  // a user's may rise
                     f.similarity != Similarity::category &&
                     !problem.table->has_factor[static_cast<int>(f.shape)];
  return falls && !f.hits && !pairs && !gated(problem) && !listed(problem);
}

namespace {

// The score of the opposite corners of the box around the keys that are present; an index has it.
template <class T>
double score_of_diagonal(const Problem<T>& problem, const Entry<T>& entry,
                         const BoxSpace<T>& space) {
  const FactorPlan<T>& f = problem.plan.terms[0].factors[0];
  if (problem.tree != nullptr && problem.tree->space.factor == nullptr && space.factor == nullptr &&
      entry.present == problem.n) {
    const Box<T> box = problem.tree->box(0);
    return nearest_score<T>(f, space, {box.low, box.low}, {box.high, box.high});
  }
  const auto depth = static_cast<std::size_t>(space.depth);
  std::vector<T> low(depth, std::numeric_limits<T>::infinity()), high(depth), row(depth);
  for (T& x : high) x = -std::numeric_limits<T>::infinity();
  for (std::int64_t i = 0; i < problem.n; ++i) {
    if (!is_present(problem, entry, i)) continue;
    const T* x = entry.keys + i * problem.key_stride;
    if (space.factor != nullptr) {
      space.row(x, entry.origin.data(), row.data());
      x = row.data();
    }
    for (std::size_t j = 0; j < depth; ++j) {
      low[j] = std::min(low[j], x[j]);
      high[j] = std::max(high[j], x[j]);
    }
  }
  return nearest_score<T>(f, space, {low.data(), low.data()}, {high.data(), high.data()});
}

}  // namespace

template <class T>
bool cuts_much(const Problem<T>& problem) {
  if (!may_cut(problem)) return false;
  const FactorPlan<T>& f = problem.plan.terms[0].factors[0];
  if (!f.squares() || f.scaled_keys()) return true;
  Problem<T> kernel;
  kernel.plan = problem.plan;
  kernel.table = problem.table;
  kernel.cuts = true;
  const CutReach<T> reach(kernel);
  alignas(64) T scores[tile_keys] = {}, logs[tile_keys];
  log_weights(problem, scores, logs);
  const BoxSpace<T> space = box_space(problem);
  return std::any_of(problem.entries.begin(), problem.entries.end(), [&](const Entry<T>& entry) {
    if (!entry.query_scales.empty() || !entry.key_scales.empty()) return true;
    const double room = std::log2(static_cast<double>(entry.present) / problem.tol),
                 far = reach.of(static_cast<T>(static_cast<double>(logs[0]) - room));
    return far < score_of_diagonal(problem, entry, space) / 4;
  });
}

template <class T>
void CutReach<T>::Scan::fill(const Problem<T>& problem, double from, double to) {
  alignas(64) T scores[tile_keys];
  low = from;
  step = (to - from) / (tile_keys - 1);
  double score = std::exp2(low);
  const double ratio = std::exp2(step);
  for (int i = 0; i < tile_keys; ++i, score *= ratio) scores[i] = static_cast<T>(score);
  log_weights(problem, scores, logs);
}

template <class T>
int CutReach<T>::Scan::first_beyond(T cut) const {
  return static_cast<int>(
      std::find_if(logs, logs + tile_keys, [&](T log) { return !(log >= cut); }) - logs);
}

template <class T>
CutReach<T>::CutReach(const Problem<T>& problem) : problem_(problem) {
  const int most = sizeof(T) == 4 ? 126 : 1000;  // 0 itself is never beyond
  if (problem.cuts) all_.fill(problem, -most, most);
}

template <class T>
double CutReach<T>::of(T cut) const {
  const FactorPlan<T>& f = problem_.plan.terms[0].factors[0];
  if (f.shape == Shape::gaussian && cut < 0)  // its log-weight is scale · score
    return static_cast<double>(cut) / static_cast<double>(f.parameters.scale) * (1 + 1e-6);
  const int beyond = all_.first_beyond(cut);
  if (beyond == tile_keys) return std::numeric_limits<double>::infinity();
  if (beyond == 0) return std::exp2(all_.low);
  Scan octaves;  // between two scores of the scan
  const double high = all_.low + beyond * all_.step;
  octaves.fill(problem_, high - all_.step, high);
  const int last = octaves.first_beyond(cut);
  return std::exp2(last == tile_keys ? high : octaves.low + last * octaves.step);
}

template <class T>
CutFinder<T>::CutFinder(const Problem<T>& problem, const Entry<T>& entry,
                        const PackedKeys<T>& packed)
    : problem_(problem), entry_(entry) {
  if (problem.cuts) search_.emplace(problem, entry, packed, 1, 0);
}

template <class T>
void CutFinder<T>::run(Block<T>& block, Poll& poll) {
  if (!search_) return;
  const FactorPlan<T>& f = problem_.plan.terms[0].factors[0];
  const double room = std::log2(static_cast<double>(entry_.present) / problem_.tol);
  const auto rows = static_cast<std::int64_t>(block.todo.size());
  for (std::int64_t first = 0; first < rows && !poll.stopped(); first += group_rows<T>) {
    poll.look();
    const int count = static_cast<int>(std::min<std::int64_t>(group_rows<T>, rows - first));
    std::int64_t index[max_group_rows];
    alignas(64) T scores[tile_keys] = {}, logs[tile_keys];
    for (int r = 0; r < count; ++r)
      index[r] = block.row(block.todo[static_cast<std::size_t>(first + r)]);
    search_->run(index, count);
    for (int r = 0; r < count; ++r) {
      if (search_->found(r).empty()) continue;
      const double distance = distance_of(f, search_->found(r)[0].rank) / f.inverse_bandwidth;
      // of von Mises–Fisher the score is ‖q̂ − x̂‖² = 2 (1 − cos), of other cosines (1 − cos)²
      scores[r] = static_cast<T>(f.squares() ? distance * distance : 2 * distance) *
                  scale_of_pair(entry_, index[r], search_->found(r)[0].row);
    }
    log_weights(problem_, scores, logs);
    for (int r = 0; r < count; ++r) {
      T& cut = block.cut[block.todo[static_cast<std::size_t>(first + r)]];
      cut = -std::numeric_limits<T>::infinity();
      if (search_->found(r).empty()) continue;
      const std::int64_t at = entry_.position[search_->found(r)[0].row];
      const TilePlace place = place_of(problem_, at / tile_keys);
      const T prior =
          search_->chunk(place.chunk).prior[std::int64_t(place.tile) * tile_keys + at % tile_keys];
      cut = static_cast<T>(static_cast<double>(logs[r]) + static_cast<double>(prior) - room);
    }
  }
}

#define VICINAL_INSTANTIATE(T)                \
  template bool may_cut(const Problem<T>&);   \
  template bool cuts_much(const Problem<T>&); \
  template class CutReach<T>;                 \
  template class CutFinder<T>;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
