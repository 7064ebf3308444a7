#include "driver.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "chunk.hpp"
#include "floating_point.hpp"
#include "group.hpp"
#include "parallel.hpp"
#include "poll.hpp"
#include "results.hpp"
#include "rows.hpp"
#include "schedule.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
Reference first_reference(const Problem<T>& problem, const Entry<T>& entry) {
  const Plan<T>& plan = problem.plan;
  const bool priors = entry.weights != nullptr || entry.log_weights != nullptr;
  if (!plan.bounded || entry.bias || problem.k > 0) return Reference::peak;
  // A count needs the support itself where a weight inside it may be flushed to 0.
  if (entry.count != nullptr && plan.has_zeros && (plan.can_vanish || priors))
    return Reference::peak;
  return Reference::fixed;
}

// A mass this small may have lost digits to the flush of single weights (numerics: n · 2⁻⁷⁴, double
// 2⁻⁸⁴⁰).
template <class T>
bool needs_peak(const Problem<T>& problem, const Entry<T>& entry, const RowState<T>& state,
                std::int64_t row) {
  const bool priors = entry.weights != nullptr || entry.log_weights != nullptr;
  if (!problem.plan.can_vanish && !priors) return false;
  const double mass = state.sum(row, 2),
               least = std::ldexp(static_cast<double>(entry.present), sizeof(T) == 4 ? -74 : -840);
  return !(mass >= least && mass <= std::numeric_limits<double>::max());
}

// -------------------------------------------------------------------------- one worker, all chunks

template <class T>
void take_rows(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
               Workspace<T>& w) {
  const Block<T>& block = *w.block;
  std::int64_t rows[max_group_rows];
  const int count = static_cast<int>(
      std::min<std::int64_t>(group_rows<T>, static_cast<std::int64_t>(block.todo.size()) - first));
  for (int r = 0; r < count; ++r) {
    w.group.slot[r] = block.todo[static_cast<std::size_t>(first + r)];
    rows[r] = block.first + w.group.slot[r];
  }
  pack_group(problem, entry, rows, count, w);
}

template <class T>
void run_chunk(const Problem<T>& problem, const Entry<T>& entry, Reference mode, std::int64_t c,
               std::int64_t next, Workspace<T>& w, Poll& poll, auto&& before_fold,
               auto&& after_fold) {
  const auto rows = static_cast<std::int64_t>(w.block->todo.size());
  const std::int64_t groups = (rows + group_rows<T> - 1) / group_rows<T>;
  const std::int64_t keys = chunk_keys(problem), first = c * keys,
                     count = std::min(keys, problem.n - first);
  const auto close = [&](std::int64_t g) {
    before_fold(g);
    fold_group(problem, w);
    after_fold(g);
    poll.advance(count * w.group.rows);
    poll.look();
  };
  if (w.streams && groups == 1 && problem.k == 0) {
    take_rows(problem, entry, 0, w);
    w.streams = stream_group(problem, entry, mode, first, w);
    if (w.streams) return close(0);
  }
  pack_chunk(problem, entry, first, w);
  for (std::int64_t g = 0; g < groups && !poll.stopped(); ++g) {
    take_rows(problem, entry, g * group_rows<T>, w);
    run_group(problem, entry, mode, {next * keys, g, groups}, w);
    close(g);
  }
}

// A pass is a team effort: `chunks` hands out chunk numbers. Alone, they come in order; in a team,
// a group's fold waits for its turn, so the left fold in index order is kept.
template <class T>
class Pass {
 public:
  void prepare(std::int64_t groups, std::size_t workers) {
    workers_ = static_cast<std::int64_t>(workers);
    next_.store(0, std::memory_order_relaxed);
    if (turns_.size() < static_cast<std::size_t>(groups))
      turns_ = std::vector<std::atomic<std::int64_t>>(static_cast<std::size_t>(groups));
    for (auto& turn : turns_) turn.store(0, std::memory_order_relaxed);
  }
  void work(const Problem<T>& problem, const Entry<T>& entry, Reference mode, Workspace<T>& w,
            Poll& poll) {
    const std::int64_t chunks = chunk_count(problem);
    for (std::int64_t c = next_++; c < chunks && !poll.stopped(); c = next_++)
      run_chunk(
          problem, entry, mode, c, c + workers_, w, poll,
          [&](std::int64_t g) {
            const auto& turn = turns_[static_cast<std::size_t>(g)];
            for (int tries = 0; turn.load(std::memory_order_acquire) != c && !poll.stopped();
                 ++tries)
              if (tries > 200) {  // a short wait is not worth the way to the scheduler
                poll.look();
                std::this_thread::yield();
              }
          },
          [&](std::int64_t g) {
            turns_[static_cast<std::size_t>(g)].store(c + 1, std::memory_order_release);
          });
  }

 private:
  std::int64_t workers_ = 1;
  std::atomic<std::int64_t> next_{0};
  std::vector<std::atomic<std::int64_t>> turns_;
};

template <class T>
void solo_pass(const Problem<T>& problem, const Entry<T>& entry, Reference mode, Workspace<T>& w,
               Poll& poll) {
  const auto nothing = [](std::int64_t) {};
  for (std::int64_t c = 0; c < chunk_count(problem) && !poll.stopped(); ++c)
    run_chunk(problem, entry, mode, c, c + 1, w, poll, nothing, nothing);
}

// ------------------------------------------------------------------------------------------ blocks
template <class T>
void open_block(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block,
                std::int64_t first, std::int64_t rows) {
  block.first = first;
  block.rows = rows;
  block.todo.clear();
  for (std::int64_t i = 0; i < rows; ++i) {
    block.state.clear(i);
    const RowKind kind =
        classify_query(problem, entry.queries + (first + i) * problem.query_stride);
    block.kind[static_cast<std::size_t>(i)] = kind;
    if (kind == ordinary) block.todo.push_back(i);
    if (kind == infinite && entry.weights_out != nullptr)
      std::fill_n(entry.weights_out + (first + i) * problem.weights_stride, problem.n, T(0));
  }
}

// Rows of vanishing mass go again, from nothing, with their own peak.
template <class T>
void list_again(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block) {
  std::size_t kept = 0;
  for (const std::int64_t i : block.todo)
    if (needs_peak(problem, entry, block.state, i)) block.todo[kept++] = i;
  block.todo.resize(kept);
  for (const std::int64_t i : block.todo) block.state.clear(i);
}

// Rows that hit a key of infinite weight: coincident keys share all of it, by their other factors
// and priors.
template <class T>
void list_hits(Block<T>& block) {
  std::size_t kept = 0;
  for (const std::int64_t i : block.todo)
    if (block.state.reference[static_cast<std::size_t>(i)] ==
        std::numeric_limits<double>::infinity())
      block.todo[kept++] = i;
  block.todo.resize(kept);
  for (const std::int64_t i : block.todo) {
    const std::int64_t count = block.state.count[static_cast<std::size_t>(i)];
    block.state.clear(i);
    block.hit_count[static_cast<std::size_t>(i)] = count;
  }
}

// Their sums and ranks stand alone, at an infinite reference.
template <class T>
void close_hits(Block<T>& block) {
  RowState<T>& state = block.state;
  for (const std::int64_t i : block.todo) {
    const auto at = static_cast<std::size_t>(i);
    const double reference = state.reference[at], factor = power_of_two(reference);
    for (std::int64_t c = 0; c < state.columns; ++c) {
      const double f = c == 3 ? factor * factor : factor;
      state.hi_row(i)[c] *= f;
      state.lo_row(i)[c] *= f;
    }
    state.reference[at] = std::numeric_limits<double>::infinity();
    state.count[at] = block.hit_count[at];
  }
}

template <class T>
void resolve_limits(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block, Poll& poll) {
  if (!problem.plan.decaying || !problem.take_limits) return;
  for (const std::int64_t i : block.todo) {
    if (poll.stopped()) return;
    if (block.state.sum(i, 2) == 0) take_limit(problem, entry, block, i);
    poll.look();
  }
}

// All passes over the keys that a block of rows needs; run_pass(mode) takes the rows of block.todo
// over all chunks.
template <class T>
void complete_block(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block, Poll& poll,
                    auto&& run_pass) {
  const Reference mode = first_reference(problem, entry);
  run_pass(mode);
  if (mode == Reference::fixed && !poll.stopped()) {
    list_again(problem, entry, block);
    if (!block.todo.empty()) run_pass(Reference::peak);
  }
  resolve_limits(problem, entry, block, poll);
  if (!problem.plan.hits || poll.stopped()) return;
  list_hits(block);
  if (block.todo.empty()) return;
  run_pass(Reference::hits);
  close_hits(block);
}

template <class T>
void solo_block(const Problem<T>& problem, const Entry<T>& entry, Workspace<T>& w, Poll& poll) {
  complete_block(problem, entry, *w.block, poll,
                 [&](Reference mode) { solo_pass(problem, entry, mode, w, poll); });
}

// Few rows and many keys: every worker takes chunks of the same block.
template <class T>
void team_block(const Problem<T>& problem, const Entry<T>& entry, std::vector<Workspace<T>>& team,
                Poll& poll) {
  Block<T>& block = *team[0].block;
  Pass<T> pass;
  complete_block(problem, entry, block, poll, [&](Reference mode) {
    pass.prepare((static_cast<std::int64_t>(block.todo.size()) + group_rows<T> - 1) / group_rows<T>,
                 team.size());
    parallel(
        static_cast<int>(team.size()),
        [&](int worker) {
          pass.work(problem, entry, mode, team[static_cast<std::size_t>(worker)], poll);
        },
        [&] { poll.look(); });
  });
}

template <class T>
void run_solo(const Problem<T>& problem, const Schedule& s, int threads, const Sink<T>& sink,
              Poll& poll, Report& report) {
  std::vector<Workspace<T>> team(static_cast<std::size_t>(threads));
  std::vector<Block<T>> blocks(team.size());
  for (std::size_t i = 0; i < team.size(); ++i) {
    allocate(team[i], problem);
    allocate(blocks[i], problem, std::min(s.rows, problem.m));
    team[i].block = &blocks[i];
  }
  const std::int64_t tasks = s.blocks * static_cast<std::int64_t>(problem.entries.size());
  std::atomic<std::int64_t> next{0}, empty{0};
  parallel(
      threads,
      [&](int worker) {
        Workspace<T>& w = team[static_cast<std::size_t>(worker)];
        for (std::int64_t task = next++; task < tasks && !poll.stopped(); task = next++) {
          const Entry<T>& entry = problem.entries[static_cast<std::size_t>(task / s.blocks)];
          const std::int64_t first = task % s.blocks * s.rows;
          open_block(problem, entry, *w.block, first, std::min(s.rows, problem.m - first));
          solo_block(problem, entry, w, poll);
          if (!poll.stopped()) empty += sink(static_cast<std::size_t>(task / s.blocks), *w.block);
        }
      },
      [&] { poll.look(); });
  report.empty_rows = empty;
}

template <class T>
void run_team(const Problem<T>& problem, const Schedule& s, int threads, const Sink<T>& sink,
              Poll& poll, Report& report) {
  std::vector<Workspace<T>> team(
      static_cast<std::size_t>(std::min<std::int64_t>(threads, chunk_count(problem))));
  Block<T> block;
  allocate(block, problem, s.rows);
  for (Workspace<T>& w : team) {
    allocate(w, problem);
    w.block = &block;
  }
  for (std::size_t e = 0; e < problem.entries.size(); ++e)
    for (std::int64_t first = 0; first < problem.m && !poll.stopped(); first += s.rows) {
      const Entry<T>& entry = problem.entries[e];
      open_block(problem, entry, block, first, std::min(s.rows, problem.m - first));
      team_block(problem, entry, team, poll);
      if (!poll.stopped()) report.empty_rows += sink(e, block);
    }
}

int thread_count(int asked) { return std::clamp(asked > 0 ? asked : max_threads(), 1, 1024); }

}  // namespace

template <class T>
Report run(const Problem<T>& problem, int num_threads, const Watch& watch, const Sink<T>& sink) {
  const double total = static_cast<double>(problem.m) * static_cast<double>(problem.n) *
                       static_cast<double>(problem.entries.size());
  const DefaultFloatingPoint modes;
  Report report;
  Poll poll(watch, std::max(1.0, total));
  int threads = worthwhile_threads(problem, thread_count(num_threads));
  const Schedule s = schedule(problem, threads);
  const std::int64_t tasks = s.blocks * static_cast<std::int64_t>(problem.entries.size());
  if (s.team)
    run_team(problem, s, threads, sink, poll, report);
  else
    run_solo(problem, s, static_cast<int>(std::clamp<std::int64_t>(tasks, 1, threads)), sink, poll,
             report);
  poll.finish();
  report.interrupted = poll.stopped();
  report.pairs_visited = static_cast<std::int64_t>(total);
  return report;
}

template Report run(const Problem<float>&, int, const Watch&, const Sink<float>&);
template Report run(const Problem<double>&, int, const Watch&, const Sink<double>&);

}  // namespace vicinal
