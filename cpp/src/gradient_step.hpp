// One step of a gradient: a group of queries against a tile of keys.
#pragma once

#include "gradient_call.hpp"
#include "step.hpp"

namespace vicinal {

enum Tile : std::size_t { weight_tile, dot_tile, pull_tile, difference_tile, first_factor_tile };

template <class T>
struct GradientStep {
  const GradientProblem<T>& g;
  std::size_t item;
  const GradientChunk<T>& chunk;
  GradientWorker<T>& worker;
  Step<T> s;

  const Table<T>& table() const { return s.table(); }
  T* tile(std::size_t i) const { return worker.tile(i); }
  T* scores(std::size_t f) const { return tile(first_factor_tile + 3 * f); }
  T* factors(std::size_t f) const { return tile(first_factor_tile + 3 * f + 1); }
  T* slopes(std::size_t f) const { return tile(first_factor_tile + 3 * f + 2); }
  T* key_sums(int column) const {
    return worker.key_sums.data() + (std::int64_t(s.t) * g.columns + column) * key_stride;
  }
  const FactorPlan<T>& plan(std::size_t f) const {
    return g.problem.plan.terms[g.pulls[f].term].factors[g.pulls[f].factor];
  }
  Shape shape(std::size_t f) const {
    return s.hits && plan(f).hits ? Shape::coincidence : plan(f).shape;
  }
  bool has_factor(std::size_t f) const { return table().has_factor[static_cast<int>(shape(f))]; }
  bool moves(std::size_t f) const { return g.pulls[f].moves && !(s.hits && plan(f).hits); }
};

// 2^(log-weight − reference) of every term, priors and bias included, in the logs of the group;
// factors and slopes beside them.
template <class T>
void weigh_terms(const GradientStep<T>& step) noexcept;
// Times the factors of the term, but for one.
template <class T>
void times_factors(const GradientStep<T>& step, std::size_t term, std::size_t left_out,
                   T* tile) noexcept;
// One term without factors: its power of two is the weight.
template <class T>
bool is_plain(const GradientStep<T>& step) noexcept;
// Weights, of all terms.
template <class T>
const T* total_weights(const GradientStep<T>& step) noexcept;

}  // namespace vicinal
