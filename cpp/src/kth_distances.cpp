// The door of the search for distances by mass, and its loop over groups of queries.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "floating_point.hpp"
#include "lowering.hpp"
#include "mass_search.hpp"
#include "nearest.hpp"
#include "parallel.hpp"
#include "poll.hpp"
#include "query_order.hpp"
#include "vicinal/neighbors.hpp"

namespace vicinal {

namespace {

template <class T>
void check(const KeyIndex<T>& index, const View<const T>& queries, double mass,
           std::span<const double> weights, std::span<T> distances, const SearchOptions& options) {
  const Problem<T>& problem = problem_of(index);
  if (!problem.plan.terms[0].factors[0].plain)
    refuse("keys must be an index in the metric euclidean: distances are counted in no other");
  if (queries.columns != problem.d)
    refuse("queries and keys must have the same number of features, got " +
           std::to_string(queries.columns) + " and " + std::to_string(problem.d));
  if (queries.data == nullptr && queries.rows > 0)
    refuse("queries must point to data, got a null pointer");
  if (static_cast<std::int64_t>(distances.size()) != queries.rows)
    refuse("distances must have one element per query (" + std::to_string(queries.rows) +
           "), got " + std::to_string(distances.size()));
  if (!(mass > 0 && std::isfinite(mass)))
    refuse("mass must be a finite number above 0, got " + std::to_string(mass));
  if (!weights.empty() && static_cast<std::int64_t>(weights.size()) != problem.n)
    refuse("weights must have one element per key (" + std::to_string(problem.n) + "), got " +
           std::to_string(weights.size()));
  for (const double w : weights)
    if (!(w >= 0 && std::isfinite(w)))
      refuse("weights must be finite and not negative, got " + std::to_string(w));
  if (options.exclude_self || !options.self_indices.empty())
    refuse("exclude_self and self_indices are not known to a search by mass: leave them out");
}

template <class T>
Report find(const KeyIndex<T>& index, View<const T> queries, double mass,
            std::span<const double> weights, std::span<T> distances, const SearchOptions& options) {
  const DefaultFloatingPoint modes;
  check(index, queries, mass, weights, distances, options);
  constexpr int most = MassSearch<T>::most_queries;
  const int threads =
      std::clamp(options.num_threads > 0 ? options.num_threads : max_threads(), 1, 1024);
  const Watch watch{options.interrupted, options.progress};
  Poll poll(watch, static_cast<double>(std::max<std::int64_t>(queries.rows, 1)));
  Problem<T> problem = problem_of(index);
  problem.entries[0].queries = queries.data;
  problem.m = queries.rows;
  problem.query_stride = queries.stride;
  const KeyTree<T>& tree = tree_of(index);
  std::vector<std::int64_t> rows =
      order_of_queries(problem, problem.entries[0], tree.space, threads, poll);
  std::erase_if(rows, [&](std::int64_t row) {
    const T* q = queries.row(row);
    if (!tree.order.empty() && std::all_of(q, q + problem.d, [](T x) { return std::isfinite(x); }))
      return false;
    const bool nan = std::any_of(q, q + problem.d, [](T x) { return std::isnan(x); });
    distances[static_cast<std::size_t>(row)] =
        nan ? std::numeric_limits<T>::quiet_NaN() : std::numeric_limits<T>::infinity();
    return true;
  });
  const MassedKeys<T> keys(tree, index.keys(), weights);
  const FactorPlan<T>& factor = problem.plan.terms[0].factors[0];
  const auto count = static_cast<std::int64_t>(rows.size());
  std::atomic<std::int64_t> next{0}, pairs{0};
  parallel(
      static_cast<int>(std::clamp<std::int64_t>(count / most, 1, threads)),
      [&](int) {
        try {
          MassSearch<T> search(keys, mass);
          std::vector<double> points(static_cast<std::size_t>(most * problem.d));
          double squares[most];
          while (!poll.stopped()) {
            const std::int64_t first = next.fetch_add(most);
            if (first >= count) break;
            const int taken = static_cast<int>(std::min<std::int64_t>(most, count - first));
            const auto row = [&](int r) { return rows[static_cast<std::size_t>(first + r)]; };
            for (int r = 0; r < taken; ++r)
              std::copy_n(queries.row(row(r)), problem.d, points.begin() + r * problem.d);
            search.run(points.data(), taken, squares);
            for (int r = 0; r < taken; ++r)
              distances[static_cast<std::size_t>(row(r))] =
                  static_cast<T>(distance_of(factor, squares[r]));
            poll.advance(taken);
            poll.look();
          }
          pairs += search.pairs();
        } catch (...) {
          poll.fail();
        }
      },
      [&] { poll.look(); });
  poll.finish();
  Report report;
  report.interrupted = poll.stopped();
  report.pairs_visited = pairs;
  return report;
}

}  // namespace

Report kth_distances(const KeyIndex<float>& keys, View<const float> queries, double mass,
                     std::span<const double> weights, std::span<float> distances,
                     const SearchOptions& options) {
  return find(keys, queries, mass, weights, distances, options);
}
Report kth_distances(const KeyIndex<double>& keys, View<const double> queries, double mass,
                     std::span<const double> weights, std::span<double> distances,
                     const SearchOptions& options) {
  return find(keys, queries, mass, weights, distances, options);
}

}  // namespace vicinal
