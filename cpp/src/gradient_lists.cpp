// Gradients where every row has a list of keys: a row meets the tiles of its own list, as the
// forward pass has found it. What keys gather is added up in the order of the rows.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "gradient_call.hpp"
#include "gradient_results.hpp"
#include "parallel.hpp"
#include "poll.hpp"

namespace vicinal {

using namespace kernels;

namespace {

constexpr std::int64_t block_of_rows = 64;

// The lists of an item, one after the other.
template <class T>
struct Lists {
  std::vector<std::int64_t> begins{0}, keys;
  std::vector<T> shares;

  explicit Lists(const std::vector<std::vector<Kept<T>>>& rows) {
    for (const auto& row : rows) begins.push_back(begins.back() + std::ssize(row));
    keys.reserve(static_cast<std::size_t>(begins.back()));
    shares.reserve(keys.capacity());
    for (const auto& row : rows)
      for (const Kept<T>& kept : row) {
        keys.push_back(kept.key);
        shares.push_back(kept.weight);
      }
  }
};

// What a worker needs: an entry whose keys are the list, a chunk, and what the keys of its rows
// gather until its turn.
template <class T>
struct ListedWorker {
  GradientWorker<T> worker;
  GradientChunk<T> chunk;
  Entry<T> entry;
  std::vector<std::int64_t> keys;
  std::vector<double> gathered;
};

template <class T>
class ListedPass {
 public:
  // `weights_known`: nothing but the shares of the lists counts.
  ListedPass(const GradientProblem<T>& g, std::size_t item, bool weights_known, Poll& poll)
      : g_(g),
        item_(item),
        weights_known_(weights_known),
        poll_(poll),
        lists_(g.lists[item]),
        results_(g, item),
        width_(results_.width()),
        totals_(static_cast<std::size_t>(g.problem.n * width_)) {}

  void run(int threads) {
    std::vector<ListedWorker<T>> team(static_cast<std::size_t>(threads));
    for (ListedWorker<T>& w : team) prepare(w);
    parallel(
        threads,
        [&](int worker) {
          try {
            work(team[static_cast<std::size_t>(worker)]);
          } catch (...) {
            poll_.fail();
          }
        },
        [&] { poll_.look(); });
    if (poll_.stopped()) return;
    for (std::int64_t key = 0; key < g_.problem.n; ++key)
      results_.write_key(key, totals_.data() + key * width_);
    results_.write_rows();
  }

 private:
  void prepare(ListedWorker<T>& w) {
    allocate(w.worker, g_);
    allocate(w.chunk, g_);
    w.entry = g_.problem.entries[item_];
    w.entry.order = lists_.keys.data();
    w.worker.block.todo.assign(1, 0);
  }

  void work(ListedWorker<T>& w) {
    const std::int64_t blocks = (g_.problem.m + block_of_rows - 1) / block_of_rows;
    for (std::int64_t b = next_++; b < blocks && !poll_.stopped(); b = next_++) {
      w.keys.clear();
      w.gathered.clear();
      const std::int64_t end = std::min((b + 1) * block_of_rows, g_.problem.m);
      for (std::int64_t i = b * block_of_rows; i < end && !poll_.stopped(); ++i) {
        const GradientRow kind = g_.rows[item_][static_cast<std::size_t>(i)].kind;
        w.worker.hits = kind == GradientRow::hit;
        if (kind == GradientRow::ordinary || w.worker.hits)
          weights_known_ ? meet_edges(i, w) : meet_list(i, w);
        poll_.advance(g_.problem.n);
        poll_.look();
      }
      take_turn(b, w);
    }
  }

  void meet_list(std::int64_t row, ListedWorker<T>& w) {
    const auto at = static_cast<std::size_t>(row);
    w.worker.block.first = row;
    w.entry.positions = lists_.begins[at + 1];
    for (std::int64_t first = lists_.begins[at]; first < w.entry.positions;
         first += w.chunk.keys.count) {
      pack_gradient_chunk(g_, item_, w.entry, first, w.chunk);
      const std::int64_t sums = std::int64_t(w.chunk.keys.tiles) * g_.columns * key_stride;
      std::fill_n(w.worker.key_sums.data(), sums, T(0));
      take_gradient_rows(g_, item_, w.entry, 0, 1, w.chunk, w.worker);
      for (int t = 0; t < w.chunk.keys.tiles; ++t)
        meet_gradient_tile(g_, item_, w.entry, w.chunk, t, w.worker);
      results_.add_rows(w.worker);
      for (int k = 0; k < w.chunk.keys.count; ++k)
        results_.read_key(w.entry, w.chunk, w.worker.key_sums.data(), k / tile_keys, k % tile_keys,
                          w.worker.packed.data(),
                          room(lists_.keys[static_cast<std::size_t>(first + k)], w));
    }
  }

  void meet_edges(std::int64_t row, ListedWorker<T>& w) {
    const auto at = static_cast<std::size_t>(row);
    const GradientItem<T>& item = g_.items[item_];
    const T *gradient = item.gradient.row(row), *mean = g_.mean(item_, row);
    for (std::int64_t e = lists_.begins[at]; e < lists_.begins[at + 1]; ++e) {
      const std::int64_t key = lists_.keys[static_cast<std::size_t>(e)];
      const double share = static_cast<double>(lists_.shares[static_cast<std::size_t>(e)]);
      const T* y = item.points.values.row(key);
      double* gathered = room(key, w);
      double difference = g_.log_mass_gradient(item_, row);
      for (std::int64_t c = 0; c < g_.p; ++c) {
        const double G = static_cast<double>(gradient[c]);
        gathered[c] = share * G;
        difference += G * (static_cast<double>(y[c]) - static_cast<double>(mean[c]));
      }
      gathered[g_.p + g_.problem.d] = share * difference;
      if (item.bias != nullptr)
        item.bias[row * item.bias_row_stride + key * item.bias_column_stride] +=
            static_cast<T>(share * difference);
    }
  }

  double* room(std::int64_t key, ListedWorker<T>& w) {
    w.keys.push_back(key);
    w.gathered.resize(w.gathered.size() + static_cast<std::size_t>(width_));
    return w.gathered.data() + w.gathered.size() - static_cast<std::size_t>(width_);
  }

  void take_turn(std::int64_t b, const ListedWorker<T>& w) {
    for (int tries = 0; turn_.load(std::memory_order_acquire) != b && !poll_.stopped(); ++tries)
      if (tries > 200) {
        poll_.look();
        std::this_thread::yield();
      }
    const double* from = w.gathered.data();
    for (const std::int64_t key : w.keys) {
      double* into = totals_.data() + key * width_;
      for (std::int64_t c = 0; c < width_; ++c) into[c] += from[c];
      from += width_;
    }
    turn_.store(b + 1, std::memory_order_release);
  }

  const GradientProblem<T>& g_;
  std::size_t item_;
  bool weights_known_;
  Poll& poll_;
  Lists<T> lists_;
  GradientResults<T> results_;
  std::int64_t width_;
  std::vector<double> totals_;  // n × width
  std::atomic<std::int64_t> next_{0}, turn_{0};
};

}  // namespace

template <class T>
void run_listed_gradient(GradientProblem<T>& g, int threads, Poll& poll) {
  // Where the numbers of a graph are distances or weights, its shares are known.
  const auto neighborhood = std::move(g.problem.neighborhood);
  const bool weights_known = neighborhood != nullptr && neighborhood->graph != nullptr;
  g.problem.neighborhood = nullptr;  // the lists hold what it leaves
  g.problem.exclude_self = false;
  for (Entry<T>& entry : g.problem.entries) entry.mask = {};
  const std::int64_t blocks = (g.problem.m + block_of_rows - 1) / block_of_rows;
  const int workers = static_cast<int>(std::clamp<std::int64_t>(blocks / 4, 1, threads));
  for (std::size_t e = 0; e < g.items.size() && !poll.stopped(); ++e) {
    ListedPass<T>(g, e, weights_known, poll).run(workers);
    std::vector<std::vector<Kept<T>>>().swap(g.lists[e]);
  }
}

template void run_listed_gradient(GradientProblem<float>&, int, Poll&);
template void run_listed_gradient(GradientProblem<double>&, int, Poll&);

}  // namespace vicinal
