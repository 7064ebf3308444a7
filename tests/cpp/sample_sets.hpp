// Sets of neighbors over 300 queries and keys, every kind and some compositions, and their rows by
// the formula.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "naive.hpp"
#include "naive_sets.hpp"
#include "sample.hpp"

namespace sample {

using namespace vicinal;

using Ints = std::vector<std::int64_t>;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t rows = 300;  // more than a tile
constexpr std::int64_t edge = 7, edges = (rows + edge - 1) / edge;

struct Case {
  std::string name;
  NeighborSet set;
};

// Sets over `rows` queries and keys, and what they borrow.
struct Sets {
  Ints query_offsets{0, 10, 10, 280, rows}, key_offsets{0, 3, 20, 100, rows};
  std::array<bool, edges * edges> used{};
  Ints indptr{0}, indices;
  std::vector<Case> cases;

  Sets() {
    Numbers numbers(3);
    for (bool& use : used) use = numbers.uniform() < 0.4;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < rows; ++j)
        if (numbers.uniform() < 0.05) indices.push_back(j);
      indptr.push_back(std::ssize(indices));
    }
    const NeighborSet block = blocks({used.data(), edges, edges}, edge),
                      listed = graph(indptr, indices), pixels = image_patch({5, 6, 10}, {1, 2, 0}),
                      causal = window(infinity, 0);
    cases = {
        {"nearest", nearest(7)},
        {"radius", within(0.7)},
        {"window", window(5, 3)},
        {"causal", causal},
        {"window with offset", window(0, 10, -4)},
        {"window of a column", window_on(1, 0.25, infinity)},
        {"segments", segments(query_offsets, key_offsets)},
        {"causal segments", segments(query_offsets, key_offsets, infinity, 0, -3, true)},
        {"blocks", block},
        {"grid", pixels},
        {"graph", listed},
        {"nearest within", nearest(7) & within(0.3)},
        {"nearest in a window", window(20, 20) & nearest(4)},
        {"nearest of a graph", listed & nearest(3) & within(2.0)},
        {"causal radius", within(1.0) & causal},
        {"gates", block & window(90, 90) & within(1.5)},
        {"window or graph", window(2, 2) | listed},
        {"nearest or radius", nearest(5) | within(0.2)},
        {"cut of a union", (nearest(5) | pixels) & within(1.5)},
        {"cut of a union of sets", (block | listed) & causal},
        {"two nearest", nearest(9) & nearest(4)},
        {"long lists", nearest(280) | window(1, 0)},
        {"nothing", within(0.0)},
    };
  }
  Sets(const Sets&) = delete;
};

inline const Sets& sets() {
  static const Sets all;
  return all;
}

inline const Kernel kernel{.bandwidth = 0.8};

// Row i by the formula, over the keys that the set holds of the candidates.
template <class T>
naive::Row expected(const Points<T>& points, const NeighborSet& set, std::int64_t i,
                    const naive::Keys& candidates) {
  const View<const T> keys = points.keys.view();
  const naive::Keys in = naive::Seen<T>{points.queries.row(i), i, keys}.of(set, candidates);
  std::vector<naive::Real> weights;
  for (std::int64_t k = 0; k < keys.rows; ++k)
    weights.push_back(in[static_cast<std::size_t>(k)]
                          ? naive::weight(kernel, points.queries.row(i), keys.row(k), keys.columns)
                          : 0);
  return naive::row_of(std::move(weights), points.values.view());
}

template <class T>
bool close(T got, naive::Real wanted) {
  if (!std::isfinite(wanted)) return std::isnan(wanted) ? std::isnan(got) : got == T(wanted);
  const naive::Real error = sizeof(T) == 4 ? 3e-5L : 1e-12L;
  return std::abs(got - wanted) <= error * std::max<naive::Real>(1, std::abs(wanted));
}

inline const naive::Keys all_keys(rows, 1);

}  // namespace sample
