#include "pruned.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "block.hpp"
#include "cut.hpp"
#include "group.hpp"
#include "parallel.hpp"
#include "prepared.hpp"
#include "query_order.hpp"
#include "results.hpp"
#include "rows.hpp"

namespace vicinal {

using namespace kernels;

namespace {

constexpr std::int64_t fewest_keys = 4096;  // fewer are met as fast as a tree is built
constexpr std::int64_t few_rows = 10000;    // up to here groups may divide down to single rows
constexpr std::int64_t most_features = 8;   // of more, boxes leave out too little

template <class T>
bool is_compact(const Plan<T>& plan) {
  return std::all_of(plan.terms.begin(), plan.terms.end(), [](const TermPlan<T>& term) {
    return std::any_of(term.factors.begin(), term.factors.end(),
                       [](const FactorPlan<T>& f) { return std::isfinite(f.reach); });
  });
}

// Enough keys in every entry, and no coordinate that a box cannot hold.
template <class T>
bool fit_a_tree(const Problem<T>& problem) {
  if (problem.tree != nullptr && std::ssize(problem.tree->order) == problem.n)
    return problem.entries[0].present > fewest_keys;  // the index has seen them all
  for (const Entry<T>& entry : problem.entries) {
    if (entry.present <= fewest_keys) return false;
    for (std::int64_t i = 0; i < problem.n; ++i)
      if (!is_finite(problem, entry, i) && is_present(problem, entry, i)) return false;
  }
  return true;
}

// A pass of one worker over the listed rows of its block.
template <class T>
class PrunedPass {
 public:
  PrunedPass(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed)
      : problem_(problem), entry_(entry), packed_(packed), keys_(packed.keys()) {
    const auto depth = static_cast<std::size_t>(keys_.space.depth);
    low_.resize(depth);
    high_.resize(depth);
    rows_.resize(depth * group_rows<T>);
    if (!entry.key_scales.empty()) {
      least_scales_.resize(2 *
                           static_cast<std::size_t>(std::max<std::int64_t>(keys_.tree.leaves, 1)));
      if (keys_.tree.leaves > 0) find_least_scale({0, 0, keys_.tree.leaves});
    }
  }

  void run(Workspace<T>& w, Poll& poll, std::atomic<std::int64_t>& pairs) {
    const auto rows = static_cast<std::int64_t>(w.block->todo.size());
    for (std::int64_t first = 0; first < rows && !poll.stopped(); first += group_rows<T>) {
      const int count = static_cast<int>(std::min<std::int64_t>(group_rows<T>, rows - first));
      take_rows(problem_, entry_, first, count, w);
      for (int r = 0; r < count; ++r)
        keys_.space.row(w.group.query_rows[r], entry_.origin.data(), row(r));
      std::copy_n(w.group.cut, count, cuts_);
      std::copy_n(w.group.index, count, index_);
      parts_.clear();
      divide({0, count, needed(0, count)});
      for (const Part& part : parts_) {
        if (parts_.size() > 1)
          take_rows(problem_, entry_, first + part.begin, part.end - part.begin, w);
        meet(part.leaves, w, poll);
        pairs += keys_in(part.leaves) * w.group.rows;
      }
      poll.advance(count * problem_.n);
      poll.look();
    }
  }

 private:
  T* row(int r) { return rows_.data() + r * keys_.space.depth; }

  // Rows of the group that go together, and the leaves that they meet.
  struct Part {
    int begin, end;
    std::vector<std::int64_t> leaves;

    // Time: tile functions take six rows at once, or one alone.
    std::size_t work() const {
      const int rows = end - begin;
      return leaves.size() * static_cast<std::size_t>(rows < 3 ? 2 * rows : std::max(rows, 6));
    }
  };

  static constexpr std::size_t few_leaves = 4;  // sooner met than divided

  // Adds the part to the plan, or its halves where they have less to do apart: rows that stand far
  // from each other, or of very different reach. Returns the work.
  std::size_t divide(Part part) {
    const int rows = part.end - part.begin, middle = part.begin + rows / 2;
    const std::size_t together = part.work(), before = parts_.size();
    if (rows > 1 && part.leaves.size() > few_leaves) {
      const auto alone = [&](int r) { return Part{r, r + 1, needed(r, r + 1)}.work(); };
      const std::size_t guess =
          (alone(part.begin) + alone(part.end - 1)) * static_cast<std::size_t>(rows) / 2;
      if (10 * guess < 9 * together) {
        const std::size_t apart = divide({part.begin, middle, needed(part.begin, middle)}) +
                                  divide({middle, part.end, needed(middle, part.end)});
        if (10 * apart < 9 * together) return apart;
        parts_.resize(before);
      }
    }
    parts_.push_back(std::move(part));
    return together;
  }

  std::int64_t keys_in(const std::vector<std::int64_t>& leaves) const {
    const Tree<T>& tree = keys_.tree;
    const bool last = !leaves.empty() && leaves.back() == tree.leaves - 1;  // may be partly filled
    return static_cast<std::int64_t>(leaves.size()) * tile_keys -
           (last ? tree.leaves * tile_keys - tree.points : 0);
  }

  // The leaves that some of these rows of the group need, in order.
  std::vector<std::int64_t> needed(int begin, int end) {
    for (std::size_t j = 0; j < low_.size(); ++j) {
      low_[j] = high_[j] = row(begin)[j];
      for (int r = begin + 1; r < end; ++r) {
        low_[j] = std::min(low_[j], row(r)[j]);
        high_[j] = std::max(high_[j], row(r)[j]);
      }
    }
    find_reaches(*std::min_element(cuts_ + begin, cuts_ + end));
    if (!entry_.query_scales.empty()) {
      const auto scale = [&](int r) {
        return entry_.query_scales[static_cast<std::size_t>(index_[r])];
      };
      least_query_scale_ = static_cast<double>(scale(begin));
      for (int r = begin + 1; r < end; ++r)
        least_query_scale_ = std::min(least_query_scale_, static_cast<double>(scale(r)));
    }
    std::vector<std::int64_t> leaves;
    if (keys_.tree.leaves > 0) collect({0, 0, keys_.tree.leaves}, leaves);
    return leaves;
  }

  // Per term and factor, the score beyond which no row of the group needs a key.
  void find_reaches(T cut) {
    reaches_.resize(problem_.plan.terms.size());
    for (std::size_t t = 0; t < reaches_.size(); ++t) {
      reaches_[t].clear();
      for (const FactorPlan<T>& f : problem_.plan.terms[t].factors) reaches_[t].push_back(f.reach);
    }
    if (problem_.cuts) reaches_[0][0] = std::min(reaches_[0][0], reach_of_cut(problem_, cut));
    radius_ = std::numeric_limits<double>::infinity();
    if (const auto* n = problem_.neighborhood.get()) radius_ = n->radius_score * (1 + 1e-12);
  }

  // Smallest scale of the scores of a node's keys.
  T find_least_scale(const TreeNode& node) {
    T least = std::numeric_limits<T>::max();
    if (node.leaf()) {
      const std::int64_t end = std::min((node.first + 1) * tile_keys, keys_.tree.points);
      for (std::int64_t i = node.first * tile_keys; i < end; ++i)
        least = std::min(least, entry_.key_scales[static_cast<std::size_t>(entry_.row_at(i))]);
    } else {
      least = find_least_scale(node.left());
      least = std::min(least, find_least_scale(node.right()));
    }
    return least_scales_[static_cast<std::size_t>(node.index)] = least;
  }

  // And of pairs of the rows in question with them.
  double least_scale(const TreeNode& node) const {
    return static_cast<double>(
               least_scales_.empty() ? T(1) : least_scales_[static_cast<std::size_t>(node.index)]) *
           least_query_scale_;
  }

  bool is_needed(const TreeNode& node) const {
    const Box<T> keys = keys_.box(node.index);
    const double slack = sizeof(T) == 4 ? 1e-5 : 1e-12;
    const Box<T> queries{low_.data(), high_.data()};
    if (std::isfinite(radius_) &&
        nearest_score(problem_.plan.terms[0].factors[0], keys_.space, queries, keys) * (1 - slack) >
            radius_)
      return false;
    for (std::size_t t = 0; t < reaches_.size(); ++t) {
      bool within = true;
      for (std::size_t j = 0; j < reaches_[t].size() && within; ++j)
        within = std::isinf(reaches_[t][j]) ||
                 nearest_score(problem_.plan.terms[t].factors[j], keys_.space, queries, keys) *
                         least_scale(node) * (1 - slack) <=
                     reaches_[t][j];
      if (within) return true;
    }
    return false;
  }

  void collect(const TreeNode& node, std::vector<std::int64_t>& leaves) const {
    if (!is_needed(node)) return;
    if (node.leaf()) return leaves.push_back(node.first);
    collect(node.left(), leaves);
    collect(node.right(), leaves);
  }

  // The tiles in the order of the tree; a chunk is summed afresh and folded, as in a dense call.
  void meet(const std::vector<std::int64_t>& leaves, Workspace<T>& w, Poll& poll) {
    std::int64_t open = -1;
    for (const std::int64_t leaf : leaves) {
      const TilePlace place = place_of(problem_, leaf);
      if (place.chunk != open) {
        if (open >= 0) fold_group(problem_, w);
        poll.look();
        if (poll.stopped()) return;
        open = place.chunk;
        w.chunk = &packed_.chunk(problem_, entry_, open, w.rows.data());
        open_group(problem_, w);
      }
      meet_tile(problem_, entry_, place.tile, w);
    }
    if (open >= 0) fold_group(problem_, w);
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  const PackedKeys<T>& packed_;
  const KeyTree<T>& keys_;
  std::vector<T> low_, high_, rows_;  // of the rows in question, as they stand in boxes
  T cuts_[max_group_rows] = {};
  std::int64_t index_[max_group_rows] = {};
  std::vector<T> least_scales_;  // per node
  double least_query_scale_ = 1;
  std::vector<Part> parts_;
  std::vector<std::vector<double>> reaches_;
  double radius_ = 0;  // as a score
};

// The policy empty = nearest through the tree: the same key that looking at all of them finds.
template <class T>
class NearestFinder {
 public:
  NearestFinder(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed)
      : problem_(problem), entry_(entry) {
    const Plan<T>& plan = problem.plan;
    const bool single = plan.terms.size() == 1 && plan.terms[0].factors.size() == 1;
    if (problem.empty == Empty::nearest && single && !entry.mask && !entry.bias &&
        !gated(problem) && entry.key_scales.empty())
      search_.emplace(problem, entry, packed, 1, 0);
  }

  void run(Block<T>& block, Poll& poll) {
    if (!search_) return;
    block.nearest.assign(static_cast<std::size_t>(block.rows), unknown);
    std::int64_t slots[max_group_rows], rows[max_group_rows];
    int count = 0;
    const auto search = [&] {
      search_->run(rows, count);
      for (int r = 0; r < count; ++r)
        block.nearest[static_cast<std::size_t>(slots[r])] =
            search_->found(r).empty() ? -1 : within(rows[r], search_->found(r)[0].row);
      count = 0;
    };
    for (std::int64_t i = 0; i < block.rows && !poll.stopped(); ++i) {
      if (block.kind[static_cast<std::size_t>(i)] != ordinary ||
          !is_empty(problem_.plan, block.state, i))
        continue;
      slots[count] = i;
      rows[count++] = block.row(i);
      if (count < group_rows<T>) continue;
      search();
      poll.look();
    }
    if (count > 0) search();
  }

 private:
  // The nearest key may lie beyond the radius: then there is no candidate.
  std::int64_t within(std::int64_t row, std::int64_t key) const {
    return passes_gates(problem_, entry_, row, key) ? key : -1;
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  std::optional<GroupSearch<T>> search_;
};

// The tree of an index is that of this call: the same boxes, and no key of the index is absent
// here.
template <class T>
bool serves(const KeyTree<T>& keys, const Problem<T>& problem, const Entry<T>& entry) {
  const BoxSpace<T> space = box_space(problem.plan, problem.d);
  return space.factor == nullptr && keys.space.factor == nullptr && entry.present == problem.n;
}

// The call's index has packed these tiles already, or will have: nothing but coordinates is needed,
// and they stand as this kernel packs them.
template <class T>
bool has_tiles_of(const Problem<T>& problem, const Entry<T>& entry, const KeyTree<T>& keys) {
  return problem.index != nullptr && &keys == problem.tree && problem.p == 0 &&
         entry.weights == nullptr && entry.log_weights == nullptr && entry.key_scales.empty() &&
         share_scores(problem.plan, problem_of(*problem.index).plan);
}

template <class T>
std::int64_t run_entry(const Problem<T>& problem, std::size_t e, int threads, Poll& poll,
                       const Sink<T>& sink, std::atomic<std::int64_t>& pairs) {
  const Entry<T>& entry = problem.entries[e];
  Problem<T> call = problem;
  KeyTree<T> planted;
  const KeyTree<T>* keys = problem.tree;
  if (keys == nullptr || !serves(*keys, problem, entry)) {
    plant(problem, entry, threads, poll, planted);
    keys = &planted;
  }
  follow(*keys, call.entries[e]);
  std::optional<PackedKeys<T>> own;
  if (!has_tiles_of(problem, entry, *keys)) own.emplace(*keys).allocate(problem);
  const PackedKeys<T>& packed = own ? *own : packed_of(*problem.index);
  const std::vector<std::int64_t> order = order_of_queries(
      call, entry, keys->space, problem.m <= few_rows ? 1 : group_rows<T>, threads, poll);
  const std::int64_t groups = (problem.m + group_rows<T> - 1) / group_rows<T>,
                     share = std::max<std::int64_t>(groups / (8 * threads), 1) * group_rows<T>,
                     rows = std::min(share, block_rows(problem, 1)),
                     blocks = (problem.m + rows - 1) / rows;
  struct Worker {
    Workspace<T> w;
    Block<T> block;
  };
  std::vector<Worker> team(static_cast<std::size_t>(std::clamp<std::int64_t>(blocks, 1, threads)));
  for (Worker& worker : team) {
    allocate(worker.w, problem, 1);
    allocate_rows(worker.w, problem, true);
    allocate(worker.block, problem, std::min(rows, problem.m));
    worker.w.block = &worker.block;
    worker.block.order = order.data();
  }
  std::atomic<std::int64_t> next{0}, empty_rows{0};
  parallel(
      static_cast<int>(team.size()),
      [&](int number) {
        Worker& worker = team[static_cast<std::size_t>(number)];
        const Entry<T>& own = call.entries[e];
        try {
          PrunedPass<T> pass(call, own, packed);
          CutFinder<T> cuts(call, own, packed);
          NearestFinder<T> nearest(call, own, packed);
          for (std::int64_t b = next++; b < blocks && !poll.stopped(); b = next++) {
            open_block(call, own, worker.block, b * rows, std::min(rows, problem.m - b * rows));
            cuts.run(worker.block, poll);
            const auto run_pass = [&] { pass.run(worker.w, poll, pairs); };
            run_pass();
            finish_block(call, own, worker.block, poll, run_pass);
            nearest.run(worker.block, poll);
            if (!poll.stopped()) empty_rows += sink(call, e, worker.block);
          }
        } catch (...) {
          poll.fail();
        }
      },
      [&] { poll.look(); });
  return empty_rows;
}

}  // namespace

template <class T>
bool prunes(const Problem<T>& problem) {
  if (problem.d > most_features || problem.m == 0) return false;
  if (problem.entries[0].weights_out != nullptr) return false;
  const bool radius =
      problem.neighborhood != nullptr && std::isfinite(problem.neighborhood->radius_score);
  return (radius || is_compact(problem.plan) || may_cut(problem)) && fit_a_tree(problem);
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

#define VICINAL_INSTANTIATE(T)             \
  template bool prunes(const Problem<T>&); \
  template Report run_pruned(const Problem<T>&, int, Poll&, const Sink<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
