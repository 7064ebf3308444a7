#include "dense.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "block.hpp"
#include "chunk.hpp"
#include "gates.hpp"
#include "group.hpp"
#include "parallel.hpp"
#include "schedule.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// One block of rows of an entry under every kernel: blocks[i] belongs to problems[i].
template <class T>
struct Share {
  std::span<const Problem<T>> problems;
  std::size_t item;
  std::span<Block<T>> blocks;

  const Entry<T>& entry(std::size_t i) const { return problems[i].entries[item]; }
  Share only(std::size_t i) const { return {problems.subspan(i, 1), item, blocks.subspan(i, 1)}; }
};

// Some of the listed rows may use one of these keys, or something is written for each of them.
template <class T>
bool meets(const Share<T>& share, std::span<const std::int64_t> rows, std::int64_t first,
           std::int64_t count) {
  const Block<T>& block = share.blocks[0];
  if (rows.empty() || share.entry(0).weights_out != nullptr) return true;
  return may_meet(share.problems[0], share.entry(0), block.row(rows.front()),
                  block.row(rows.back()), first, count);
}

template <class T>
std::uint32_t tiles_met(const Share<T>& share, std::int64_t first, std::int64_t count) {
  if (share.problems[0].neighborhood == nullptr) return all_tiles;
  std::uint32_t met = 0;
  for (std::int64_t at = 0; at < count; at += tile_keys)
    met |= static_cast<std::uint32_t>(meets(share, std::span(share.blocks[0].todo), first + at,
                                            std::min<std::int64_t>(tile_keys, count - at)))
           << at / tile_keys;
  return met;
}

// Rows of which none may use any of `count` keys.
template <class T>
void pass_over(const Share<T>& share, std::int64_t rows, std::int64_t count, Workspace<T>& w,
               Poll& poll) {
  const std::int64_t pairs = count * rows * std::ssize(share.problems);
  w.pairs_skipped += pairs;
  poll.advance(pairs);
  poll.look();
}

template <class T>
void run_chunk(const Share<T>& share, std::int64_t c, std::int64_t next, Workspace<T>& w,
               Poll& poll, auto&& before_fold, auto&& after_fold) {
  const Problem<T>& problem = share.problems[0];
  const Entry<T>& entry = share.entry(0);
  const std::span<const std::int64_t> todo(share.blocks[0].todo);
  const Groups rows = groups_of(problem, std::ssize(todo));
  const std::int64_t groups = rows.count();
  const std::int64_t keys = chunk_keys(problem), first = c * keys,
                     count = std::min(keys, entry.n - first);
  const bool several = share.problems.size() > 1,
             goes_on = next * keys < entry.n || w.next_rows.entry == nullptr;
  const Entry<T>& upcoming = goes_on ? entry : *w.next_rows.entry;
  const auto close = [&](std::size_t i, std::int64_t g) {
    before_fold(g);
    fold_group(share.problems[i], share.entry(i), w);
    after_fold(g);
    poll.advance(count * w.group.rows);
    poll.look();
  };
  w.block = &share.blocks[0];
  const auto leave_out = [&](std::int64_t g) {
    before_fold(g);
    after_fold(g);
  };
  if (count <= 0 || !meets(share, todo, first, count)) {
    for (std::int64_t g = 0; g < groups; ++g) leave_out(g);
    return pass_over(share, std::ssize(todo), std::max<std::int64_t>(count, 0), w, poll);
  }
  w.scores = several ? Scores::keep : Scores::compute;
  if (w.streams && groups == 1 && problem.k == 0 && !several) {
    take_rows(problem, entry, 0, static_cast<int>(todo.size()), w);
    w.streams = stream_group(problem, entry, first, w);
    if (w.streams) return close(0, 0);
  }
  pack_chunk(problem, entry, first, tiles_met(share, first, count), w.rows.data(), w.own);
  for (std::int64_t g = 0; g < groups && !poll.stopped(); ++g) {
    const std::int64_t at = rows.first(g), size = rows.end(g) - at;
    if (!meets(share, todo.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size)),
               first, count)) {
      leave_out(g);
      pass_over(share, size, count, w, poll);
      continue;
    }
    take_rows(problem, entry, at, static_cast<int>(size), w);
    run_group(problem, entry, {upcoming, goes_on ? next * keys : 0, g, groups, !goes_on}, w);
    close(0, g);
    for (std::size_t i = 1; i < share.problems.size() && !poll.stopped(); ++i) {
      w.block = &share.blocks[i];
      w.scores = Scores::reuse;
      run_group(share.problems[i], share.entry(i), {entry, problem.n, g, groups, false}, w);
      close(i, g);
    }
    w.block = &share.blocks[0];
    w.scores = several ? Scores::keep : Scores::compute;
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
  void work(const Share<T>& share, Workspace<T>& w, Poll& poll) {
    const std::int64_t chunks = chunk_count(share.problems[0]);
    for (std::int64_t c = next_++; c < chunks && !poll.stopped(); c = next_++)
      run_chunk(
          share, c, c + workers_, w, poll,
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
void solo_pass(const Share<T>& share, Workspace<T>& w, Poll& poll) {
  const auto nothing = [](std::int64_t) {};
  for (std::int64_t c = 0; c < chunk_count(share.problems[0]) && !poll.stopped(); ++c)
    run_chunk(share, c, c + 1, w, poll, nothing, nothing);
}

template <class T>
void open_share(const Share<T>& share, std::int64_t first, std::int64_t most) {
  for (std::size_t i = 0; i < share.problems.size(); ++i)
    open_block(share.problems[i], share.entry(i), share.blocks[i], first,
               std::min(most, share.problems[i].m - first));
}

// All kernels meet the keys together once; what single rows need besides, they need alone.
template <class T>
void solo_share(const Share<T>& share, Workspace<T>& w, Poll& poll) {
  solo_pass(share, w, poll);
  for (std::size_t i = 0; i < share.problems.size(); ++i)
    finish_block(share.problems[i], share.entry(i), share.blocks[i], poll,
                 [&] { solo_pass(share.only(i), w, poll); });
}

// Few rows and many keys: every worker takes chunks of the same block.
template <class T>
void team_share(const Share<T>& share, std::vector<Workspace<T>>& team, Poll& poll) {
  Block<T>& block = share.blocks[0];
  Pass<T> pass;
  const auto run_pass = [&] {
    pass.prepare(groups_of(share.problems[0], std::ssize(block.todo)).count(), team.size());
    parallel(
        static_cast<int>(team.size()),
        [&](int worker) { pass.work(share, team[static_cast<std::size_t>(worker)], poll); },
        [&] { poll.look(); });
  };
  run_pass();
  finish_block(share.problems[0], share.entry(0), block, poll, run_pass);
}

template <class T>
struct Call {
  std::span<const Problem<T>> problems;  // share the scores of their pairs
  Schedule schedule;
  const Sink<T>& sink;
  Poll& poll;
  std::vector<std::atomic<std::int64_t>> empty_rows;  // per problem
  std::int64_t pairs_skipped = 0;                     // of all problems

  void count_skipped(const std::vector<Workspace<T>>& team) {
    for (const Workspace<T>& w : team) pairs_skipped += w.pairs_skipped;
  }

  void take(const Share<T>& share) {
    for (std::size_t i = 0; i < problems.size() && !poll.stopped(); ++i)
      empty_rows[i] += sink(problems[i], share.item, share.blocks[i]);
  }
};

template <class T>
void run_solo(Call<T>& call, int threads) {
  const Problem<T>& problem = call.problems[0];
  const Schedule& s = call.schedule;
  const std::size_t kernels = call.problems.size();
  const std::int64_t tasks = s.blocks * static_cast<std::int64_t>(problem.entries.size());
  std::vector<Workspace<T>> team(
      static_cast<std::size_t>(std::clamp<std::int64_t>(tasks, 1, threads)));
  std::vector<Block<T>> blocks(team.size() * kernels);
  for (Workspace<T>& w : team) allocate(w, problem, kernels);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    allocate(blocks[i], problem, std::min(s.rows, problem.m));
    if (needs_no_state(call.problems[i % kernels])) blocks[i].chunk = chunk_keys(problem);
  }
  std::atomic<std::int64_t> next{0};
  parallel(
      static_cast<int>(team.size()),
      [&](int worker) {
        const auto at = static_cast<std::size_t>(worker);
        for (std::int64_t task = next++; task < tasks && !call.poll.stopped(); task = next++) {
          const Share<T> share{call.problems, static_cast<std::size_t>(task / s.blocks),
                               std::span(blocks).subspan(at * kernels, kernels)};
          const std::int64_t follows = std::min(task + std::ssize(team), tasks - 1),
                             first = follows % s.blocks * s.rows;
          team[at].next_rows = {&problem.entries[static_cast<std::size_t>(follows / s.blocks)],
                                first, std::min(s.rows, problem.m - first)};
          open_share(share, task % s.blocks * s.rows, s.rows);
          solo_share(share, team[at], call.poll);
          try {
            call.take(share);
          } catch (...) {
            call.poll.fail();
          }
        }
      },
      [&] { call.poll.look(); });
  call.count_skipped(team);
}

template <class T>
void run_team(Call<T>& call, int threads) {
  const Problem<T>& problem = call.problems[0];
  std::vector<Workspace<T>> team(
      static_cast<std::size_t>(std::min<std::int64_t>(threads, chunk_count(problem))));
  Block<T> block;
  allocate(block, problem, call.schedule.rows);
  for (Workspace<T>& w : team) allocate(w, problem, 1);
  for (std::size_t e = 0; e < problem.entries.size(); ++e)
    for (std::int64_t first = 0; first < problem.m && !call.poll.stopped();
         first += call.schedule.rows) {
      const Share<T> share{call.problems, e, {&block, 1}};
      open_share(share, first, call.schedule.rows);
      team_share(share, team, call.poll);
      call.take(share);
    }
  call.count_skipped(team);
}

}  // namespace

template <class T>
std::size_t run_dense(std::span<const Problem<T>> problems, int most_threads, Poll& poll,
                      const Sink<T>& sink, std::span<Report> reports) {
  std::size_t kernels = problems.size();
  const Problem<T>& first = problems[0];
  const int threads = worthwhile_threads(first, kernels, most_threads);
  Schedule s = schedule(first, kernels, threads);
  if (s.team && kernels > 1) s = schedule(first, kernels = 1, threads);  // few rows
  Call<T> call{problems.subspan(0, kernels), s, sink, poll,
               std::vector<std::atomic<std::int64_t>>(kernels)};
  s.team ? run_team(call, threads) : run_solo(call, threads);
  std::int64_t keys = 0;
  for (const Entry<T>& entry : first.entries) keys += entry.n;
  for (std::size_t k = 0; k < kernels; ++k) {
    reports[k].empty_rows = call.empty_rows[k];
    reports[k].pairs_visited =
        first.m * keys - call.pairs_skipped / static_cast<std::int64_t>(kernels);
  }
  return kernels;
}

template std::size_t run_dense(std::span<const Problem<float>>, int, Poll&, const Sink<float>&,
                               std::span<Report>);
template std::size_t run_dense(std::span<const Problem<double>>, int, Poll&, const Sink<double>&,
                               std::span<Report>);

}  // namespace vicinal
