// KeyIndex and the two searches: the door, the loop over groups of queries, the results.
#include "vicinal/neighbors.hpp"

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "descent.hpp"
#include "direct_search.hpp"
#include "door.hpp"
#include "floating_point.hpp"
#include "lowering.hpp"
#include "parallel.hpp"
#include "poll.hpp"
#include "query_order.hpp"

namespace vicinal {

using kernels::group_rows;

template <class T>
struct KeyIndex<T>::Impl {
  View<const T> keys;
  Problem<T> problem;  // of no queries
  KeyTree<T> tree;
  PackedKeys<T> packed{tree};
};

namespace {

int threads_of(int asked) { return std::clamp(asked > 0 ? asked : max_threads(), 1, 1024); }

Kernel search_kernel(const Kernel& metric) {
  Kernel kernel = metric;
  kernel.bandwidths = {};
  if (kernel.metric == Metric::automatic) kernel.metric = Metric::euclidean;
  if (kernel.metric == Metric::category)
    refuse("metric must be a distance, cosine or dot: categories have no order");
  return metric_kernel(kernel);
}

template <class T>
void check_keys(const View<const T>& keys) {
  for (std::int64_t i = 0; i < keys.rows; ++i)
    for (std::int64_t j = 0; j < keys.columns; ++j)
      if (std::isnan(keys.row(i)[j]))
        refuse("keys must not hold NaN, got one in row " + std::to_string(i));
}

template <class T>
bool is_finite(const View<const T>& points, std::int64_t row) {
  const T* x = points.row(row);
  return std::all_of(x, x + points.columns, [](T v) { return std::isfinite(v); });
}

// One call: the problem of the index with these queries in it.
template <class T>
struct Search {
  const PackedKeys<T>& packed;
  const KeyTree<T>& keys;
  Problem<T> problem;
  std::vector<std::int64_t> rows;  // finite queries, near ones together
  Watch watch;
  Poll poll;
  int threads;
  bool direct;

  // k > 0: the k nearest; else a radius.
  Search(const typename KeyIndex<T>::Impl& index, const View<const T>& queries, std::int64_t k,
         const SearchOptions& options)
      : packed(index.packed),
        keys(index.tree),
        problem(index.problem),
        watch{options.interrupted, options.progress},
        poll(watch, static_cast<double>(std::max<std::int64_t>(queries.rows, 1))),
        threads(threads_of(options.num_threads)),
        direct(k > 0 && DirectSearch<T>::serves(problem, keys)) {
    if (queries.columns != problem.d)
      refuse("queries and keys must have the same number of features, got " +
             std::to_string(queries.columns) + " and " + std::to_string(problem.d));
    if (queries.data == nullptr && queries.rows > 0)
      refuse("queries must point to data, got a null pointer");
    const auto own = static_cast<std::int64_t>(options.self_indices.size());
    if (options.exclude_self && own == 0 && queries.rows != problem.n)
      refuse("self_indices must be given when queries and keys differ in number, got " +
             std::to_string(queries.rows) + " and " + std::to_string(problem.n));
    if (own != 0 && own != queries.rows)
      refuse("self_indices must have " + std::to_string(queries.rows) + " elements, got " +
             std::to_string(own));
    Entry<T>& entry = problem.entries[0];
    entry.queries = queries.data;
    entry.self_indices = own == 0 ? nullptr : options.self_indices.data();
    problem.m = queries.rows;
    problem.query_stride = queries.stride;
    problem.exclude_self = problem.needs_self = options.exclude_self;
    rows = direct ? std::vector<std::int64_t>(static_cast<std::size_t>(queries.rows))
                  : order_of_queries(problem, entry, keys.space, threads, poll);
    if (direct) std::iota(rows.begin(), rows.end(), std::int64_t{0});
    std::erase_if(rows, [&](std::int64_t row) { return !is_finite(queries, row); });
  }

  const Entry<T>& entry() const { return problem.entries[0]; }
  // Runs every group; take(row, found) receives what a query found, from any worker.
  template <class Take>
  Report run(std::int64_t k, double radius, Take&& take) {
    Report report;
    const auto count =
        keys.tree.leaves == 0 ? std::int64_t{0} : static_cast<std::int64_t>(rows.size());
    std::atomic<std::int64_t> next{0}, pairs{0};
    const int team = workers_for(problem, count, threads);
    const std::int64_t size = direct                  ? DirectSearch<T>::block_rows
                              : shares_tiles(problem) ? rows_together<T>(count, team)
                                                      : group_rows<T>,
                       together = (size + group_rows<T> - 1) / group_rows<T>;
    const auto work = [&](auto search) {
      while (!poll.stopped()) {
        const std::int64_t first = next.fetch_add(size);
        if (first >= count) break;
        const std::span block =
            std::span(rows).subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(std::min(size, count - first)));
        search.run(block);
        for (std::size_t i = 0; i < block.size(); ++i) take(block[i], search.found(i));
        poll.advance(static_cast<double>(block.size()));
        poll.look();
      }
      pairs += search.pairs();
    };
    parallel(
        team,
        [&](int) {
          try {
            if (direct)
              work(DirectSearch<T>(problem, entry(), keys, k));
            else
              work(BlockSearch<T>(together, problem, entry(), packed, k, radius));
          } catch (...) {
            poll.fail();
          }
        },
        [&] { poll.look(); });
    poll.finish();
    report.interrupted = poll.stopped();
    report.pairs_visited = pairs;
    return report;
  }
};

// What a row found, and what stands in for the rest of its k.
template <class T>
[[gnu::noinline]] void write_row(const FactorPlan<T>& factor, std::span<const Found> found,
                                 std::int64_t k, T missing, T* distances, std::int64_t* indices) {
  for (const Found& f : found) {
    *distances++ = static_cast<T>(distance_of(factor, f.rank));
    *indices++ = f.row;
  }
  const std::int64_t left = k - static_cast<std::int64_t>(found.size());
  std::fill_n(distances, left, missing);
  std::fill_n(indices, left, std::int64_t{-1});
}

template <class T>
Report find_knn(const KeyIndex<T>& index, View<const T> queries, View<T> distances,
                View<std::int64_t> indices, const SearchOptions& options) {
  const DefaultFloatingPoint modes;
  const std::int64_t k = indices.columns, n = index.keys().rows;
  if (distances.rows != queries.rows || indices.rows != queries.rows || distances.columns != k)
    refuse("distances and indices must have one row per query and the same k columns");
  if (k < 1 || k > n)
    refuse("k must be at least 1 and at most the number of keys (" + std::to_string(n) + "), got " +
           std::to_string(k));
  Search<T> search(index.impl(), queries, k, options);
  const FactorPlan<T>& factor = search.problem.plan.terms[0].factors[0];
  const auto write = [&](std::int64_t row, std::span<const Found> found, T missing) {
    write_row(factor, found, k, missing, distances.row(row), indices.row(row));
  };
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for (std::int64_t i = 0; i < queries.rows; ++i) {  // rows that are not searched
    const T* q = queries.row(i);
    if (index.order().empty() || !is_finite(queries, i)) {
      const bool nan = std::any_of(q, q + queries.columns, [](T x) { return std::isnan(x); });
      write(i, {}, nan ? std::numeric_limits<T>::quiet_NaN() : infinity);
    }
  }
  return search.run(
      k, 0, [&](std::int64_t row, std::span<const Found> found) { write(row, found, infinity); });
}

template <class T>
NeighborLists<T> find_radius(const KeyIndex<T>& index, View<const T> queries, double radius,
                             const SearchOptions& options) {
  const DefaultFloatingPoint modes;
  Search<T> search(index.impl(), queries, 0, options);
  const FactorPlan<T>& factor = search.problem.plan.terms[0].factors[0];
  const bool inner = factor.similarity == kernels::Similarity::dot;
  if (std::isnan(radius) || (radius < 0 && !inner))
    refuse("radius must be at least 0, got " + std::to_string(radius));
  std::vector<std::vector<Found>> lists(static_cast<std::size_t>(queries.rows));
  NeighborLists<T> result;
  result.report = search.run(0, radius, [&](std::int64_t row, std::span<const Found> found) {
    lists[static_cast<std::size_t>(row)].assign(found.begin(), found.end());
  });
  result.indptr.push_back(0);
  for (const auto& list : lists)
    result.indptr.push_back(result.indptr.back() + static_cast<std::int64_t>(list.size()));
  result.indices.reserve(static_cast<std::size_t>(result.indptr.back()));
  result.distances.reserve(result.indices.capacity());
  for (auto& list : lists) {
    for (const Found& f : list) {
      result.indices.push_back(f.row);
      result.distances.push_back(static_cast<T>(distance_of(factor, f.rank)));
    }
    std::vector<Found>().swap(list);
  }
  return result;
}

}  // namespace

template <class T>
KeyIndex<T>::KeyIndex(View<const T> keys, const Kernel& metric, int num_threads,
                      const std::function<bool()>& interrupted)
    : impl_(std::make_unique<Impl>()) {
  const DefaultFloatingPoint modes;
  impl_->keys = keys;
  BatchItem<T> item;
  item.keys = keys;
  item.queries = {keys.data, 0, keys.columns, keys.stride};
  impl_->problem = open_door<T>(lower<T>(search_kernel(metric), keys.columns), {&item, 1}, {});
  check_keys(keys);
  Entry<T>& entry = impl_->problem.entries[0];
  const Watch watch{interrupted, {}};
  Poll poll(watch, 1);
  plant(impl_->problem, entry, threads_of(num_threads), poll, impl_->tree);
  if (!poll.stopped()) {
    follow(impl_->tree, entry);
    impl_->packed.allocate(impl_->problem);
    impl_->packed.draw_sketch(impl_->problem, entry, threads_of(num_threads), poll);
  }
  poll.finish();
  if (poll.stopped()) throw std::runtime_error("building the index was interrupted");
}

template <class T>
const KeyTree<T>& tree_of(const KeyIndex<T>& index) {
  return index.impl().tree;
}
template <class T>
const Problem<T>& problem_of(const KeyIndex<T>& index) {
  return index.impl().problem;
}
template <class T>
const PackedKeys<T>& packed_of(const KeyIndex<T>& index) {
  return index.impl().packed;
}
template const KeyTree<float>& tree_of(const KeyIndex<float>&);
template const KeyTree<double>& tree_of(const KeyIndex<double>&);
template const Problem<float>& problem_of(const KeyIndex<float>&);
template const Problem<double>& problem_of(const KeyIndex<double>&);
template const PackedKeys<float>& packed_of(const KeyIndex<float>&);
template const PackedKeys<double>& packed_of(const KeyIndex<double>&);

template <class T>
KeyIndex<T>::~KeyIndex() = default;
template <class T>
KeyIndex<T>::KeyIndex(KeyIndex&&) noexcept = default;

template <class T>
View<const T> KeyIndex<T>::keys() const noexcept {
  return impl_->keys;
}
template <class T>
std::span<const std::int64_t> KeyIndex<T>::order() const noexcept {
  return impl_->tree.order;
}

Report knn(const KeyIndex<float>& keys, View<const float> queries, View<float> distances,
           View<std::int64_t> indices, const SearchOptions& options) {
  return find_knn(keys, queries, distances, indices, options);
}
Report knn(const KeyIndex<double>& keys, View<const double> queries, View<double> distances,
           View<std::int64_t> indices, const SearchOptions& options) {
  return find_knn(keys, queries, distances, indices, options);
}
NeighborLists<float> radius_neighbors(const KeyIndex<float>& keys, View<const float> queries,
                                      double radius, const SearchOptions& options) {
  return find_radius(keys, queries, radius, options);
}
NeighborLists<double> radius_neighbors(const KeyIndex<double>& keys, View<const double> queries,
                                       double radius, const SearchOptions& options) {
  return find_radius(keys, queries, radius, options);
}

template class KeyIndex<float>;
template class KeyIndex<double>;

}  // namespace vicinal
