#include "pruned.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "block.hpp"
#include "cut.hpp"
#include "nearest_finder.hpp"
#include "prepared.hpp"
#include "pruned_pass.hpp"
#include "query_order.hpp"
#include "team.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
bool is_compact(const Plan<T>& plan) {
  return std::all_of(plan.terms.begin(), plan.terms.end(), [](const TermPlan<T>& term) {
    return std::any_of(term.factors.begin(), term.factors.end(),
                       [](const FactorPlan<T>& f) { return std::isfinite(f.reach); });
  });
}

// More than `few` keys in every entry, and no coordinate that a box cannot hold.
template <class T>
bool fit_a_tree(const Problem<T>& problem, std::int64_t few) {
  if (problem.tree != nullptr && std::ssize(problem.tree->order) == problem.n)
    return problem.entries[0].present > few;  // the index has seen them all
  for (const Entry<T>& entry : problem.entries) {
    if (entry.present <= few) return false;
    for (std::int64_t i = 0; i < problem.n; ++i)
      if (!is_finite(problem, entry, i) && is_present(problem, entry, i)) return false;
  }
  return true;
}

// At which the tree is split.
template <class T>
std::int64_t split_features(const Problem<T>& problem) {
  if (boxed_gates(problem).empty()) return problem.d;
  const std::vector<SplitAxis<T>> axes = box_space(problem).axes;
  return axes.empty() ? problem.d : std::ssize(axes);
}

// The tree of an index is that of this call: the same boxes, split alike, and no key of the index
// is absent here.
template <class T>
bool serves(const KeyTree<T>& keys, const Problem<T>& problem, const Entry<T>& entry) {
  const BoxSpace<T> space = box_space(problem);
  return space.factor == nullptr && keys.space.factor == nullptr && space.axes == keys.space.axes &&
         entry.present == problem.n;
}

// The call's index has packed these tiles already, or will have: nothing but coordinates is needed,
// and they stand as this kernel packs them.
template <class T>
bool has_tiles_of(const Problem<T>& problem, const Entry<T>& entry, const KeyTree<T>& keys) {
  return problem.index != nullptr && &keys == problem.tree && problem.p == 0 &&
         entry.weights == nullptr && entry.log_weights == nullptr && entry.key_scales.empty() &&
         share_scores(problem.plan, problem_of(*problem.index).plan);
}

// The rows in an order in which near ones stand together, if they do not come in one.
template <class T>
std::vector<std::int64_t> order_of_rows(const Problem<T>& call, const Entry<T>& entry,
                                        const BoxSpace<T>& space, int threads, Poll& poll) {
  if (!call.ordered_queries) return order_of_queries(call, entry, space, threads, poll);
  std::vector<std::int64_t> order(static_cast<std::size_t>(call.m));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

template <class T>
std::int64_t run_entry(const Problem<T>& problem, std::size_t e, int threads, Poll& poll,
                       const Sink<T>& sink, std::atomic<std::int64_t>& pairs) {
  const Entry<T>& entry = problem.entries[e];
  Problem<T> call = problem;
  std::optional<PlantedKeys<T>> own_keys;
  if (problem.planted == nullptr) own_keys.emplace(problem, entry, threads, poll);
  const PlantedKeys<T>& planted = own_keys ? *own_keys : *problem.planted;
  const PackedKeys<T>& packed = planted.packed();
  follow(planted.tree(), call.entries[e]);
  const std::vector<std::int64_t> order =
      order_of_rows(call, entry, planted.tree().space, threads, poll);
  const Entry<T>& ordered = call.entries[e];
  const std::int64_t rows = rows_of_turn(problem, threads);
  std::atomic<std::int64_t> empty_rows{0};
  take_turns(problem.m, rows, threads, poll, [&](const auto& each_turn) {
    Workspace<T> w{};
    Block<T> block;
    allocate(w, problem, 1);
    allocate_rows(w, problem, true);
    allocate(block, problem, std::min(rows, problem.m));
    w.block = &block;
    block.order = order.data();
    PrunedPass<T> pass(call, ordered, packed);
    CutFinder<T> cuts(call, ordered, packed);
    NearestFinder<T> nearest(call, ordered, packed);
    const auto run_pass = [&] { pass.run(w, poll, pairs); };
    each_turn([&](std::int64_t first, std::int64_t count) {
      open_block(call, ordered, block, first, count);
      cuts.run(block, poll);
      run_pass();
      finish_block(call, ordered, block, poll, run_pass);
      nearest.run(block, poll);
      if (!poll.stopped()) empty_rows += sink(call, e, block);
    });
  });
  return empty_rows;
}

}  // namespace

template <class T>
PlantedKeys<T>::PlantedKeys(const Problem<T>& problem, const Entry<T>& entry, int threads,
                            Poll& poll)
    : tree_(problem.tree) {
  if (tree_ == nullptr || !serves(*tree_, problem, entry)) {
    plant(problem, entry, threads, poll, own_tree_);
    tree_ = &own_tree_;
  }
  if (has_tiles_of(problem, entry, *tree_)) {
    packed_ = &packed_of(*problem.index);
  } else {
    own_packed_.emplace(*tree_).allocate(problem);
    packed_ = &*own_packed_;
  }
}

template <class T>
bool prunes(const Problem<T>& problem) {
  if (problem.planted != nullptr) return problem.m > 0;
  if (problem.m == 0 || problem.entries[0].weights_out != nullptr) return false;
  if (split_features(problem) > few_features) return false;
  const Neighborhood<T>* n = problem.neighborhood.get();
  const bool gated =
      n != nullptr && (std::isfinite(n->radius_score) || !boxed_gates(problem).empty());
  const bool ends = gated || is_compact(problem.plan);
  return (ends || may_cut(problem)) && fit_a_tree(problem, few_keys) &&
         (ends || cuts_much(problem));
}

template <class T>
bool falls_apart(const Problem<T>& problem) {
  constexpr std::int64_t sample = 64;
  const auto& terms = problem.plan.terms;
  if (problem.neighborhood != nullptr || terms.size() != 1 || terms[0].factors.size() != 1)
    return false;
  const FactorPlan<T>& f = terms[0].factors[0];
  const Entry<T>& entry = problem.entries[0];
  if (!f.plain || !std::isfinite(f.reach) || !entry.key_scales.empty() ||
      !fit_a_tree(problem, few_keys_of_many_calls))
    return false;
  const double scale = static_cast<double>(f.coordinate_scale), far = 4 * f.reach / (scale * scale);
  const auto key = [&](std::int64_t i) {
    return entry.keys + i * (problem.n / sample) * problem.key_stride;
  };
  std::int64_t apart = 0;
  for (std::int64_t i = 0; i < sample; ++i)
    for (std::int64_t j = 0; j < i; ++j)
      apart +=
          squared_gap<T>({key(i), key(i)}, {key(j), key(j)}, static_cast<int>(problem.d)) > far;
  return 4 * apart > sample * (sample - 1);
}

template <class T>
Report run_pruned(const Problem<T>& problem, int threads, Poll& poll, const Sink<T>& sink) {
  Problem<T> call = problem;
  call.cuts = may_cut(problem);
  Report report;
  std::atomic<std::int64_t> pairs{0};
  for (std::size_t e = 0; e < call.entries.size() && !poll.stopped(); ++e)
    report.empty_rows += run_entry(call, e, threads, poll, sink, pairs);
  report.pairs_visited = pairs;
  return report;
}

#define VICINAL_INSTANTIATE(T)                  \
  template class PlantedKeys<T>;                \
  template bool prunes(const Problem<T>&);      \
  template bool falls_apart(const Problem<T>&); \
  template Report run_pruned(const Problem<T>&, int, Poll&, const Sink<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
