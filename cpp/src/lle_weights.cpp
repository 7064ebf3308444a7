// lle_weights: the door, and the loop over queries.
#include <atomic>
#include <cmath>
#include <string>

#include "affine_solve.hpp"
#include "floating_point.hpp"
#include "lowering.hpp"
#include "parallel.hpp"
#include "poll.hpp"

namespace vicinal {

namespace {

// Row i of the neighbors and where its weights go: a matrix, or lists one after the other.
template <class T>
struct Rows {
  View<const std::int64_t> neighbors{};
  View<T> matrix{};
  std::span<const std::int64_t> indptr{}, indices{};
  std::span<T> list{};

  std::span<const std::int64_t> of(std::int64_t i) const {
    if (indptr.empty()) return {neighbors.row(i), static_cast<std::size_t>(neighbors.columns)};
    const auto at = static_cast<std::size_t>(i);
    return indices.subspan(static_cast<std::size_t>(indptr[at]),
                           static_cast<std::size_t>(indptr[at + 1] - indptr[at]));
  }
  T* weights(std::int64_t i) const {
    return indptr.empty() ? matrix.row(i) : list.data() + indptr[static_cast<std::size_t>(i)];
  }
};

template <class T>
void check_points(const View<const T>& queries, const View<const T>& keys,
                  const LleOptions& options) {
  if (keys.columns < 1) refuse("keys must have at least one feature, got 0");
  if (queries.columns != keys.columns)
    refuse("queries and keys must have the same number of features, got " +
           std::to_string(queries.columns) + " and " + std::to_string(keys.columns));
  if ((queries.data == nullptr && queries.rows > 0) || (keys.data == nullptr && keys.rows > 0))
    refuse("queries and keys must point to data, got a null pointer");
  if (!(options.reg >= 0 && std::isfinite(options.reg)))
    refuse("reg must be finite and at least 0, got " + std::to_string(options.reg));
  if (options.ridge != Ridge::trace && options.ridge != Ridge::distance)
    refuse("ridge must be Ridge::trace or Ridge::distance, got " +
           std::to_string(static_cast<int>(options.ridge)));
}

// The number of neighbors of the longest row, once every index is known to name a key or none.
template <class T>
std::int64_t checked_length(const Rows<T>& rows, std::int64_t m, std::int64_t n) {
  std::int64_t longest = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    const auto row = rows.of(i);
    std::int64_t length = 0;
    for (const std::int64_t j : row) {
      length += j >= 0;
      if (j < -1 || j >= n)
        refuse("neighbors must be -1 (none) or below the number of keys (" + std::to_string(n) +
               "), got " + std::to_string(j) + " in row " + std::to_string(i));
    }
    longest = std::max(longest, length);
  }
  return longest;
}

template <class T>
void check_lists(std::span<const std::int64_t> indptr, std::span<const std::int64_t> indices,
                 std::span<const T> weights, std::int64_t m) {
  const auto size = static_cast<std::int64_t>(indices.size());
  bool ordered = static_cast<std::int64_t>(indptr.size()) == m + 1 && indptr[0] == 0;
  for (std::size_t i = 1; ordered && i < indptr.size(); ++i) ordered = indptr[i - 1] <= indptr[i];
  if (!ordered || indptr.back() != size)
    refuse("indptr must have " + std::to_string(m + 1) +
           " elements, begin with 0, never fall and end with " + std::to_string(size) +
           ", the number of indices");
  if (weights.size() != indices.size())
    refuse("weights must have one element per index (" + std::to_string(size) + "), got " +
           std::to_string(weights.size()));
}

template <class T>
Report run(const View<const T>& queries, const View<const T>& keys, const Rows<T>& rows,
           const LleOptions& options) {
  constexpr std::int64_t step = 64;
  const DefaultFloatingPoint modes;
  const std::int64_t m = queries.rows, longest = checked_length(rows, m, keys.rows);
  const int asked = options.num_threads > 0 ? options.num_threads : max_threads();
  const auto threads =
      static_cast<int>(std::clamp<std::int64_t>((m + step - 1) / step, 1, std::min(asked, 1024)));
  std::vector<AffineSolve<T>> solvers(static_cast<std::size_t>(threads),
                                      AffineSolve<T>(keys, longest, options.reg, options.ridge));
  const Watch watch{options.interrupted, options.progress};
  Poll poll(watch, static_cast<double>(std::max<std::int64_t>(m, 1)));
  std::atomic<std::int64_t> next{0}, pairs{0}, empty{0};
  parallel(
      threads,
      [&](int worker) {
        AffineSolve<T>& solver = solvers[static_cast<std::size_t>(worker)];
        std::int64_t own_pairs = 0, own_empty = 0;
        while (!poll.stopped()) {
          const std::int64_t first = next.fetch_add(step), last = std::min(first + step, m);
          if (first >= m) break;
          for (std::int64_t i = first; i < last && !poll.stopped(); ++i) {
            const std::int64_t k = solver.run(queries.row(i), rows.of(i), rows.weights(i));
            own_pairs += k;
            own_empty += k == 0;
            if (k > 256) poll.look();
          }
          poll.advance(last - first);
          poll.look();
        }
        pairs += own_pairs;
        empty += own_empty;
      },
      [&] { poll.look(); });
  poll.finish();
  return {.empty_rows = empty, .pairs_visited = pairs, .interrupted = poll.stopped()};
}

template <class T>
Report in_matrix(const View<const T>& queries, const View<const T>& keys,
                 const View<const std::int64_t>& neighbors, const View<T>& weights,
                 const LleOptions& options) {
  check_points(queries, keys, options);
  if (neighbors.rows != queries.rows || weights.rows != queries.rows ||
      weights.columns != neighbors.columns)
    refuse("neighbors and weights must have one row per query (" + std::to_string(queries.rows) +
           ") and the same columns, got " + std::to_string(neighbors.rows) + " x " +
           std::to_string(neighbors.columns) + " and " + std::to_string(weights.rows) + " x " +
           std::to_string(weights.columns));
  return run<T>(queries, keys, {.neighbors = neighbors, .matrix = weights}, options);
}

template <class T>
Report in_lists(const View<const T>& queries, const View<const T>& keys,
                std::span<const std::int64_t> indptr, std::span<const std::int64_t> indices,
                std::span<T> weights, const LleOptions& options) {
  check_points(queries, keys, options);
  check_lists<T>(indptr, indices, weights, queries.rows);
  return run<T>(queries, keys, {.indptr = indptr, .indices = indices, .list = weights}, options);
}

}  // namespace

#define VICINAL_DEFINE(T)                                                                         \
  Report lle_weights(View<const T> queries, View<const T> keys,                                   \
                     View<const std::int64_t> neighbors, View<T> weights,                         \
                     const LleOptions& options) {                                                 \
    return in_matrix(queries, keys, neighbors, weights, options);                                 \
  }                                                                                               \
  Report lle_weights(View<const T> queries, View<const T> keys,                                   \
                     std::span<const std::int64_t> indptr, std::span<const std::int64_t> indices, \
                     std::span<T> weights, const LleOptions& options) {                           \
    return in_lists(queries, keys, indptr, indices, weights, options);                            \
  }
VICINAL_DEFINE(float)
VICINAL_DEFINE(double)

}  // namespace vicinal
