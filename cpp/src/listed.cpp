#include "listed.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include "block.hpp"
#include "graph_means.hpp"
#include "pair_tile.hpp"
#include "query_order.hpp"
#include "rows.hpp"
#include "searched_sets.hpp"
#include "team.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// One worker: its lists, its tile, and the block of rows that it has at hand.
template <class T>
class ListWorker {
 public:
  ListWorker(std::int64_t groups, const Problem<T>& problem, const Entry<T>& entry,
             const NearestSource<T>* source, const ColumnTrees<T>* columns, Poll& poll)
      : problem_(problem),
        entry_(entry),
        maker_(groups, problem, entry, source, columns, poll),
        tile_(problem, entry) {
    index_.resize(static_cast<std::size_t>(maker_.most_rows()));
  }

  void run(Block<T>& block, std::int64_t first, std::int64_t rows, Poll& poll) {
    open_block(problem_, entry_, block, first, rows);
    block.mode = Reference::peak;
    if (block.writes_means && is_graph_of_means(problem_, entry_)) {
      pairs_ += write_graph_means(problem_, entry_, block);
      poll.advance(problem_.n * block.rows);
      poll.look();
      drop_written(block);
    }
    run_pass(block, poll);
    drop_written(block);
    finish_block(
        problem_, entry_, block, poll, [&] { run_pass(block, poll); },
        [&](std::int64_t row) { return choice_of(row); });
    if (problem_.empty == Empty::nearest) find_nearest(block, poll);
  }
  std::int64_t pairs() const { return pairs_; }
  std::int64_t pairs_searched() const { return maker_.pairs_searched(); }

 private:
  static void drop_written(Block<T>& block) {
    std::erase_if(block.todo, [&](std::int64_t i) {
      return block.kind[static_cast<std::size_t>(i)] == written;
    });
  }

  void run_pass(Block<T>& block, Poll& poll) {
    const auto rows = static_cast<std::int64_t>(block.todo.size());
    for (std::int64_t first = 0; first < rows && !poll.stopped(); first += maker_.most_rows()) {
      const int count = static_cast<int>(std::min(maker_.most_rows(), rows - first));
      const std::int64_t* slots = block.todo.data() + first;
      for (int r = 0; r < count; ++r) index_[static_cast<std::size_t>(r)] = block.row(slots[r]);
      maker_.run(std::span(index_).subspan(0, static_cast<std::size_t>(count)));
      if (poll.stopped()) return;  // the lists may be short
      tile_.add(block, slots, count, maker_);
      for (int r = 0; r < count; ++r) pairs_ += std::ssize(maker_.list(r).keys);
      poll.advance(problem_.n * count);
      poll.look();
    }
    tile_.flush(block);
  }

  // The keys of one row, until the next list is made.
  Choice<T> choice_of(std::int64_t row) {
    maker_.run({&row, 1});
    const RowList<T>& list = maker_.list(0);
    const NeighborSet* graph = problem_.neighborhood->graph;
    const bool distances = graph != nullptr && graph->data == EdgeData::distance;
    static const std::int64_t nothing = 0;  // an empty list is not "all keys"
    return {list.keys.empty() ? &nothing : list.keys.data(),
            distances ? list.edges.data() : nullptr, std::ssize(list.keys)};
  }

  void find_nearest(Block<T>& block, Poll& poll) {
    block.nearest.assign(static_cast<std::size_t>(block.rows), -1);
    for (std::int64_t i = 0; i < block.rows && !poll.stopped(); ++i) {
      if (block.kind[static_cast<std::size_t>(i)] != ordinary ||
          !is_empty(problem_.plan, block.state, i))
        continue;
      const std::int64_t row = block.row(i);
      each_nearest(
          problem_, entry_, row, false,
          [&](std::int64_t key) { block.nearest[static_cast<std::size_t>(i)] = key; },
          choice_of(row));
      poll.look();
    }
  }

  const Problem<T>& problem_;
  const Entry<T>& entry_;
  ListMaker<T> maker_;
  PairTile<T> tile_;
  std::vector<std::int64_t> index_;  // rows of a run
  std::int64_t pairs_ = 0;
};

// Rows that stand together share neighbors, and so values: where these do not fit into a cache, an
// order of the rows pays for itself if every row reads this much.
template <class T>
bool is_order_worthwhile(const Problem<T>& problem) {
  constexpr double cache = 1 << 22, least_per_row = 8192;
  const NeighborSet& set = problem.neighborhood->set;
  if (set.kind != NeighborSet::Kind::graph || set.data != EdgeData::pattern || problem.d > 8)
    return false;
  const double bytes = static_cast<double>(problem.p) * sizeof(T);
  return bytes * static_cast<double>(problem.n) > cache &&
         bytes * static_cast<double>(set.edge_count()) >=
             least_per_row * static_cast<double>(problem.m);
}

struct Counts {  // of pairs, by all workers
  std::atomic<std::int64_t> visited{0}, searched{0};
};

template <class T>
std::int64_t run_entry(const Problem<T>& problem, std::size_t e, int threads, Poll& poll,
                       const Sink<T>& sink, Counts& counts) {
  const Entry<T>& entry = problem.entries[e];
  std::optional<NearestSource<T>> source;
  std::optional<ColumnTrees<T>> columns;
  if (searches_columns(problem, entry)) columns.emplace(problem, entry, threads, poll);
  std::vector<std::int64_t> order;  // near rows together, where it helps
  if (searches_tree(problem, entry)) {
    source.emplace(problem, entry, threads, poll);
    order =
        order_of_queries(source->problem(), source->entry(), source->keys().space, threads, poll);
  } else if (is_order_worthwhile(problem)) {
    order = order_by_cells(problem, entry);
  }
  const bool shares =
      source && !problem.neighborhood->metric.terms.empty() && shares_tiles(source->problem());
  const std::int64_t rows =
      shares ? std::min(rows_together<T>(problem.m, threads), block_rows(problem, 1))
             : rows_of_turn(problem, threads);
  const std::int64_t groups = shares ? (rows + group_rows<T> - 1) / group_rows<T> : 1;
  std::atomic<std::int64_t> empty_rows{0};
  take_turns(problem.m, rows, threads, poll, [&](const auto& each_turn) {
    ListWorker<T> worker(groups, problem, entry, source ? &*source : nullptr,
                         columns ? &*columns : nullptr, poll);
    Block<T> block;
    allocate(block, problem, std::min(rows, problem.m));
    block.writes_means = wants_means_alone(problem, entry);
    if (!order.empty()) block.order = order.data();
    each_turn([&](std::int64_t first, std::int64_t count) {
      worker.run(block, first, count, poll);
      if (!poll.stopped()) empty_rows += sink(problem, e, block);
    });
    counts.visited += worker.pairs();
    counts.searched += worker.pairs_searched();
  });
  return empty_rows;
}

}  // namespace

template <class T>
Report run_listed(const Problem<T>& problem, int threads, Poll& poll, const Sink<T>& sink) {
  Report report;
  Counts counts;
  for (std::size_t e = 0; e < problem.entries.size() && !poll.stopped(); ++e)
    report.empty_rows += run_entry(problem, e, threads, poll, sink, counts);
  report.pairs_visited = counts.visited;
  report.pairs_searched = counts.searched;
  return report;
}

template Report run_listed(const Problem<float>&, int, Poll&, const Sink<float>&);
template Report run_listed(const Problem<double>&, int, Poll&, const Sink<double>&);

}  // namespace vicinal
