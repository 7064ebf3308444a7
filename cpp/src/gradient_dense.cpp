// Gradients over packed chunks of keys. Chunks go in order and blocks of rows inside a chunk: sums
// over the keys of a row add up chunk by chunk, sums over the rows of a key block by block, in
// double and in the order of their numbers, whoever computes them.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "gates.hpp"
#include "gradient_call.hpp"
#include "gradient_results.hpp"
#include "parallel.hpp"
#include "poll.hpp"
#include "schedule.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// Rows of a block: a function of the problem's shapes alone.
template <class T>
std::int64_t gradient_rows(const Problem<T>& problem) {
  constexpr std::int64_t most = 48;  // groups
  const std::int64_t groups = (problem.m + group_rows<T> - 1) / group_rows<T>;
  std::int64_t blocks = (groups + most - 1) / most;
  if (problem.entries.size() < 8) blocks = std::max(blocks, std::min<std::int64_t>(8, groups / 8));
  blocks = std::max<std::int64_t>(blocks, 1);
  return (groups + blocks - 1) / blocks * group_rows<T>;
}

template <class T>
class ItemPass {
 public:
  ItemPass(const GradientProblem<T>& g, std::size_t item, Poll& poll)
      : g_(g),
        item_(item),
        entry_(g.problem.entries[item]),
        poll_(poll),
        results_(g, item),
        rows_(gradient_rows(g.problem)),
        blocks_((g.problem.m + rows_ - 1) / rows_) {}

  // Chunk after chunk, whose blocks workers share: work(f) calls f(worker) for each.
  void share_blocks(GradientChunk<T>& chunk, const auto& work) {
    const std::int64_t step = chunk_keys(g_.problem);
    for (std::int64_t first = 0; first < g_.problem.n && !poll_.stopped(); first += step) {
      pack_gradient_chunk(g_, item_, entry_, first, chunk);
      next_.store(0, std::memory_order_relaxed);
      turn_.store(0, std::memory_order_relaxed);
      work([&](GradientWorker<T>& worker) {
        for (std::int64_t b = next_++; b < blocks_ && !poll_.stopped(); b = next_++) {
          const bool meets = meet_block(b, chunk, worker, nullptr);
          wait_for(b);
          gather(b, meets, worker, chunk);
          turn_.store(b + 1, std::memory_order_release);
        }
      });
      if (!poll_.stopped()) write_keys(chunk);
    }
  }

  // Chunks of its own for each of some workers; what they give is added in their order.
  void take_chunks(GradientChunk<T>& chunk, GradientWorker<T>& worker) {
    const std::int64_t step = chunk_keys(g_.problem), chunks = chunk_count(g_.problem);
    RowSums kept = results_.row_sums();
    for (std::int64_t c = next_++; c < chunks && !poll_.stopped(); c = next_++) {
      pack_gradient_chunk(g_, item_, entry_, c * step, chunk);
      kept.clear();
      for (std::int64_t b = 0; b < blocks_ && !poll_.stopped(); ++b)
        gather(b, meet_block(b, chunk, worker, &kept), worker, chunk);
      wait_for(c);
      if (poll_.stopped()) return;
      write_keys(chunk);
      results_.add_rows(kept);
      turn_.store(c + 1, std::memory_order_release);
    }
  }

  void write_rows() {
    if (!poll_.stopped()) results_.write_rows();
  }

 private:
  // Returns whether its keys are any that a row of the block may use.
  bool meet_block(std::int64_t b, GradientChunk<T>& chunk, GradientWorker<T>& worker,
                  RowSums* kept) {
    const std::int64_t first = b * rows_, end = std::min(first + rows_, g_.problem.m);
    const bool meets =
        may_meet(g_.problem, entry_, first, end - 1, chunk.keys.first, chunk.keys.count);
    if (meets || blocks_ == 1) std::fill_n(worker.key_sums.data(), sums(chunk), T(0));
    if (meets) {
      for (const GradientRow kind : {GradientRow::ordinary, GradientRow::hit})
        meet_rows(first, end, kind, chunk, worker, kept);
    }
    poll_.advance((end - first) * chunk.keys.count);
    return meets;
  }

  void meet_rows(std::int64_t first, std::int64_t end, GradientRow kind, GradientChunk<T>& chunk,
                 GradientWorker<T>& worker, RowSums* kept) {
    worker.block.first = first;
    worker.block.todo.clear();
    worker.hits = kind == GradientRow::hit;
    for (std::int64_t i = first; i < end; ++i)
      if (g_.rows[item_][static_cast<std::size_t>(i)].kind == kind)
        worker.block.todo.push_back(i - first);
    const auto rows = static_cast<std::int64_t>(worker.block.todo.size());
    for (std::int64_t at = 0; at < rows && !poll_.stopped(); at += group_rows<T>) {
      const int count = static_cast<int>(std::min<std::int64_t>(group_rows<T>, rows - at));
      take_gradient_rows(g_, item_, entry_, at, count, chunk, worker);
      for (int t = 0; t < chunk.keys.tiles; ++t)
        meet_gradient_tile(g_, item_, entry_, chunk, t, worker);
      kept != nullptr ? results_.keep_rows(worker, *kept) : results_.add_rows(worker);
      poll_.look();
    }
  }

  void wait_for(std::int64_t turn) {
    for (int tries = 0; turn_.load(std::memory_order_acquire) != turn && !poll_.stopped(); ++tries)
      if (tries > 200) {
        poll_.look();
        std::this_thread::yield();
      }
  }

  std::int64_t sums(const GradientChunk<T>& chunk) const {
    return std::int64_t(chunk.keys.tiles) * g_.columns * key_stride;
  }

  // Sums over rows are added in the order of the blocks.
  void gather(std::int64_t b, bool meets, const GradientWorker<T>& worker,
              GradientChunk<T>& chunk) {
    const T* from = worker.key_sums.data();
    chunk.only = blocks_ == 1 ? from : nullptr;
    if (blocks_ == 1) return;
    double* into = chunk.sums.data();
    const std::int64_t count = sums(chunk);
    if (b == 0 && meets)
      std::copy_n(from, count, into);
    else if (b == 0)
      std::fill_n(into, count, 0.0);
    else if (meets)
      g_.problem.table->add_wide(from, count, into);
  }

  void write_keys(const GradientChunk<T>& chunk) {
    if (chunk.only != nullptr)
      results_.write_keys(entry_, chunk, chunk.only);
    else
      results_.write_keys(entry_, chunk, chunk.sums.data());
  }

  const GradientProblem<T>& g_;
  std::size_t item_;
  const Entry<T>& entry_;
  Poll& poll_;
  GradientResults<T> results_;
  std::int64_t rows_, blocks_;
  std::atomic<std::int64_t> next_{0}, turn_{0};
};

template <class T>
std::vector<GradientChunk<T>> chunks_for(const GradientProblem<T>& g, std::size_t workers) {
  std::vector<GradientChunk<T>> chunks(workers);
  for (GradientChunk<T>& chunk : chunks) allocate(chunk, g);
  return chunks;
}

// Calls f(number) in every worker; what it throws stops all of them.
void in_parallel(std::size_t workers, Poll& poll, const auto& f) {
  parallel(
      static_cast<int>(workers),
      [&](int worker) {
        try {
          f(static_cast<std::size_t>(worker));
        } catch (...) {
          poll.fail();
        }
      },
      [&] { poll.look(); });
}

// Every worker takes items of its own.
template <class T>
void run_items(const GradientProblem<T>& g, std::vector<GradientWorker<T>>& team, Poll& poll) {
  std::vector<GradientChunk<T>> chunks = chunks_for(g, team.size());
  std::atomic<std::size_t> next{0};
  in_parallel(team.size(), poll, [&](std::size_t at) {
    for (std::size_t e = next++; e < g.items.size() && !poll.stopped(); e = next++) {
      ItemPass<T> pass(g, e, poll);
      pass.share_blocks(chunks[at], [&](const auto& f) { f(team[at]); });
      pass.write_rows();
    }
  });
}

// All workers share one item after the other: its blocks, or its chunks if blocks are few.
template <class T>
void share_items(const GradientProblem<T>& g, std::vector<GradientWorker<T>>& team, Poll& poll) {
  const std::int64_t workers = std::ssize(team), rows = gradient_rows(g.problem);
  const bool few = (g.problem.m + rows - 1) / rows < workers && chunk_count(g.problem) > 1;
  std::vector<GradientChunk<T>> chunks = chunks_for(g, few ? team.size() : 1);
  for (std::size_t e = 0; e < g.items.size() && !poll.stopped(); ++e) {
    ItemPass<T> pass(g, e, poll);
    if (few)
      in_parallel(team.size(), poll,
                  [&](std::size_t at) { pass.take_chunks(chunks[at], team[at]); });
    else
      pass.share_blocks(chunks[0], [&](const auto& f) {
        in_parallel(team.size(), poll, [&](std::size_t at) { f(team[at]); });
      });
    pass.write_rows();
  }
}

}  // namespace

template <class T>
void run_gradient(const GradientProblem<T>& g, int threads, Poll& poll) {
  const auto items = static_cast<std::int64_t>(g.items.size());
  const int workers = worthwhile_threads(g.problem, 3, threads);
  std::vector<GradientWorker<T>> team(static_cast<std::size_t>(workers));
  const auto rows = static_cast<std::size_t>(std::min(gradient_rows(g.problem), g.problem.m));
  for (GradientWorker<T>& worker : team) {
    allocate(worker, g);
    worker.block.todo.reserve(rows);
  }
  items >= 2 * workers ? run_items(g, team, poll) : share_items(g, team, poll);
}

template void run_gradient(const GradientProblem<float>&, int, Poll&);
template void run_gradient(const GradientProblem<double>&, int, Poll&);

}  // namespace vicinal
