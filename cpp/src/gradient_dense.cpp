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
  ItemPass(const GradientProblem<T>& g, std::size_t item, GradientChunk<T>& chunk, Poll& poll)
      : g_(g),
        item_(item),
        entry_(g.problem.entries[item]),
        chunk_(chunk),
        poll_(poll),
        results_(g, item),
        rows_(gradient_rows(g.problem)),
        blocks_((g.problem.m + rows_ - 1) / rows_) {}

  // `workers` computes with each of some workers: work(f) calls f(worker).
  void run(const auto& work) {
    const std::int64_t step = chunk_keys(g_.problem);
    for (std::int64_t first = 0; first < g_.problem.n && !poll_.stopped(); first += step) {
      pack_gradient_chunk(g_, item_, entry_, first, chunk_);
      next_.store(0, std::memory_order_relaxed);
      turn_.store(0, std::memory_order_relaxed);
      work([&](GradientWorker<T>& worker) {
        for (std::int64_t b = next_++; b < blocks_ && !poll_.stopped(); b = next_++)
          run_block(b, worker);
      });
      if (poll_.stopped()) return;
      if (only_ != nullptr)
        results_.write_keys(entry_, chunk_, only_);
      else
        results_.write_keys(entry_, chunk_, chunk_.sums.data());
    }
    results_.write_rows();
  }

 private:
  std::int64_t sums() const { return std::int64_t(chunk_.keys.tiles) * g_.columns * key_stride; }

  void run_block(std::int64_t b, GradientWorker<T>& worker) {
    const std::int64_t first = b * rows_, end = std::min(first + rows_, g_.problem.m);
    const bool meets =
        may_meet(g_.problem, entry_, first, end - 1, chunk_.keys.first, chunk_.keys.count);
    if (meets || blocks_ == 1) std::fill_n(worker.key_sums.data(), sums(), T(0));
    if (meets) {
      for (const GradientRow kind : {GradientRow::ordinary, GradientRow::hit})
        run_rows(first, end, kind, worker);
    }
    poll_.advance((end - first) * chunk_.keys.count);
    if (blocks_ == 1)
      only_ = worker.key_sums.data();
    else
      merge(b, meets, worker);
  }

  void run_rows(std::int64_t first, std::int64_t end, GradientRow kind, GradientWorker<T>& worker) {
    worker.block.first = first;
    worker.block.todo.clear();
    worker.hits = kind == GradientRow::hit;
    for (std::int64_t i = first; i < end; ++i)
      if (g_.rows[item_][static_cast<std::size_t>(i)].kind == kind)
        worker.block.todo.push_back(i - first);
    const auto rows = static_cast<std::int64_t>(worker.block.todo.size());
    for (std::int64_t at = 0; at < rows && !poll_.stopped(); at += group_rows<T>) {
      const int count = static_cast<int>(std::min<std::int64_t>(group_rows<T>, rows - at));
      take_gradient_rows(g_, item_, entry_, at, count, chunk_, worker);
      for (int t = 0; t < chunk_.keys.tiles; ++t)
        meet_gradient_tile(g_, item_, entry_, chunk_, t, worker);
      results_.add_rows(worker);
      poll_.look();
    }
  }

  // The block's turn: sums over rows are added in the order of the blocks.
  void merge(std::int64_t b, bool meets, const GradientWorker<T>& worker) {
    for (int tries = 0; turn_.load(std::memory_order_acquire) != b && !poll_.stopped(); ++tries)
      if (tries > 200) {
        poll_.look();
        std::this_thread::yield();
      }
    double* into = chunk_.sums.data();
    const T* from = worker.key_sums.data();
    const std::int64_t count = sums();
    if (b == 0 && meets)
      std::copy_n(from, count, into);
    else if (b == 0)
      std::fill_n(into, count, 0.0);
    else if (meets)
      for (std::int64_t i = 0; i < count; ++i) into[i] += static_cast<double>(from[i]);
    turn_.store(b + 1, std::memory_order_release);
  }

  const GradientProblem<T>& g_;
  std::size_t item_;
  const Entry<T>& entry_;
  GradientChunk<T>& chunk_;
  Poll& poll_;
  GradientResults<T> results_;
  std::int64_t rows_, blocks_;
  const T* only_ = nullptr;  // sums of the only block, which need no merging
  std::atomic<std::int64_t> next_{0}, turn_{0};
};

// Every worker takes items of its own.
template <class T>
void run_items(const GradientProblem<T>& g, std::vector<GradientWorker<T>>& team, Poll& poll) {
  std::vector<GradientChunk<T>> chunks(team.size());
  for (GradientChunk<T>& chunk : chunks) allocate(chunk, g);
  std::atomic<std::size_t> next{0};
  parallel(
      static_cast<int>(team.size()),
      [&](int worker) {
        const auto at = static_cast<std::size_t>(worker);
        try {
          for (std::size_t e = next++; e < g.items.size() && !poll.stopped(); e = next++)
            ItemPass<T>(g, e, chunks[at], poll).run([&](const auto& f) { f(team[at]); });
        } catch (...) {
          poll.fail();
        }
      },
      [&] { poll.look(); });
}

// All workers share the blocks of one item after the other.
template <class T>
void share_items(const GradientProblem<T>& g, std::vector<GradientWorker<T>>& team, Poll& poll) {
  GradientChunk<T> chunk;
  allocate(chunk, g);
  for (std::size_t e = 0; e < g.items.size() && !poll.stopped(); ++e)
    ItemPass<T>(g, e, chunk, poll).run([&](const auto& f) {
      parallel(
          static_cast<int>(team.size()),
          [&](int worker) { f(team[static_cast<std::size_t>(worker)]); }, [&] { poll.look(); });
    });
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
