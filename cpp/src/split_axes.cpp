#include "split_axes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

// How far apart, along feature j alone, a pair of the factor may be and weigh something. Scores of
// coordinates grow with the square of a difference.
template <class T>
double reach_of(const FactorPlan<T>& f, double score, int depth, int j) {
  if (std::isinf(score)) return unbounded;
  std::vector<T> at(static_cast<std::size_t>(depth)), apart = at;
  apart[static_cast<std::size_t>(j)] = T(1);
  const double one = nearest_score<T>(f, {nullptr, depth, {}}, {at.data(), at.data()},
                                      {apart.data(), apart.data()});
  return one > 0 ? std::sqrt(score / one) : unbounded;
}

// The same of the whole kernel and its radius: some term must weigh something, by all its factors.
template <class T>
double reach_along(const Problem<T>& problem, int depth, int j) {
  double reach = 0;
  for (const TermPlan<T>& term : problem.plan.terms) {
    double least = unbounded;
    for (const FactorPlan<T>& f : term.factors)
      least = std::min(least, reach_of(f, f.reach, depth, j));
    reach = std::max(reach, least);
  }
  const FactorPlan<T>& first = problem.plan.terms[0].factors[0];
  return std::min(reach, reach_of(first, problem.neighborhood->radius_score, depth, j));
}

}  // namespace

template <class T>
std::vector<SplitAxis<T>> split_axes(const Problem<T>& problem, int depth) {
  std::vector<SplitAxis<T>> axes;
  const bool scaled = problem.plan.terms[0].factors[0].scaled_keys();
  std::vector<double> widths(static_cast<std::size_t>(depth), unbounded);
  if (problem.neighborhood != nullptr)
    for (const NeighborSet* gate : problem.neighborhood->gates)
      if (gate->kind == NeighborSet::Kind::column_window) {
        double& width = widths[static_cast<std::size_t>(gate->column)];
        width = std::min(width, gate->before + gate->after);
      }
  if (std::any_of(widths.begin(), widths.end(), [](double w) { return std::isfinite(w); })) {
    for (int j = 0; j < depth; ++j) {
      const double width =
          std::min(widths[static_cast<std::size_t>(j)], 2 * reach_along(problem, depth, j));
      if (std::isinf(width)) continue;
      constexpr double least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
      axes.push_back({j, static_cast<T>(std::clamp(width, least, most))});
    }
  } else if (scaled) {
    for (int j = 0; j < depth / 2; ++j) axes.push_back({j});
  }
  return axes;
}

template std::vector<SplitAxis<float>> split_axes(const Problem<float>&, int);
template std::vector<SplitAxis<double>> split_axes(const Problem<double>&, int);

}  // namespace vicinal
