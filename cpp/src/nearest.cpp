#include "nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "priors.hpp"

namespace vicinal {

using kernels::Similarity;

namespace {

// The Euclidean norm of a factor's columns, whatever their size.
template <class T>
double norm_of(const FactorPlan<T>& f, const T* row) noexcept {
  const auto value = [&](int j) {
    return static_cast<double>(row[f.columns.empty() ? j : f.columns[static_cast<std::size_t>(j)]]);
  };
  double most = 0, sum = 0;
  for (int j = 0; j < f.width; ++j) most = std::max(most, std::abs(value(j)));
  if (most == 0) return 0;
  for (int j = 0; j < f.width; ++j) sum += (value(j) / most) * (value(j) / most);
  return most * std::sqrt(sum);
}

// Half the angle between two places: sin² of it, which rounding may put below 0 where a latitude
// reaches over the pole.
double haversine(double a, double b, double longitude) noexcept {
  const double u = std::sin((a - b) / 2), v = std::sin(longitude / 2);
  return std::max(u * u + std::cos(a) * std::cos(b) * v * v, 0.0);
}

}  // namespace

template <class T>
double pair_rank(const FactorPlan<T>& f, const T* q, const T* x) noexcept {
  if (f.plain) {
    double sum = 0;
    for (int j = 0; j < f.width; ++j) {
      const double t = static_cast<double>(q[j]) - static_cast<double>(x[j]);
      sum += t * t;
    }
    return sum;
  }
  const auto column = [&](int j) {
    return f.columns.empty() ? j : f.columns[static_cast<std::size_t>(j)];
  };
  const auto difference = [&](int j) {
    return static_cast<double>(q[column(j)]) - static_cast<double>(x[column(j)]);
  };
  double sum = 0;
  if (f.unit) {  // 1 − cos = ½ ‖q̂ − x̂‖²: differences keep what near directions differ by
    const double a = norm_of(f, q), b = norm_of(f, x);
    if (a == 0 || b == 0) return (a == b ? 0.0 : 1.0) - (f.distance ? 0.0 : 1.0);
    for (int j = 0; j < f.width; ++j) {
      const double t =
          static_cast<double>(q[column(j)]) / a - static_cast<double>(x[column(j)]) / b;
      sum += t * t;
    }
    return f.distance ? sum / 2 : sum / 2 - 1;
  }
  if (f.similarity == Similarity::dot) {
    for (int j = 0; j < f.width; ++j)
      sum -= static_cast<double>(q[column(j)]) * static_cast<double>(x[column(j)]);
    return sum;
  }
  if (f.geographic)
    return haversine(static_cast<double>(q[column(0)]) * f.degrees,
                     static_cast<double>(x[column(0)]) * f.degrees, difference(1) * f.degrees);
  if (f.mapped()) {
    for (int i = 0; i < f.depth; ++i) {
      double t = 0;
      for (int j = 0; j < f.width; ++j)
        t += f.components[static_cast<std::size_t>(i * f.width + j)] * difference(j);
      sum += t * t;
    }
    return sum;
  }
  const int features = f.scaled_keys() ? f.width / 2 : f.width;
  const auto scaled = [&](int j) {
    return std::abs(difference(j)) * static_cast<double>(x[column(j + features)]);
  };
  for (int j = 0; j < features; ++j) {
    const auto at = static_cast<std::size_t>(j);
    switch (f.similarity) {
      case Similarity::scaled_squared:
        sum += scaled(j) * scaled(j);
        break;
      case Similarity::scaled_manhattan:
        sum += scaled(j);
        break;
      case Similarity::scaled_chebyshev:
        sum = std::max(sum, scaled(j));
        break;
      case Similarity::manhattan:
        sum += std::abs(difference(j)) * static_cast<double>(f.feature_weights[at]);
        break;
      case Similarity::chebyshev:
        sum = std::max(sum, std::abs(difference(j)) * static_cast<double>(f.feature_weights[at]));
        break;
      case Similarity::category:
        sum += difference(j) != 0 ? 1 : 0;
        break;
      default: {
        const double t = difference(j) * static_cast<double>(f.scales[at]);
        sum += t * t;
      }
    }
  }
  return sum;
}

template <class T>
void four_ranks(const FactorPlan<T>& f, const T* q, const T* const (&keys)[4],
                double (&ranks)[4]) noexcept {
  const bool products = f.similarity == Similarity::dot && !f.unit && f.columns.empty();
  if (!f.plain && !products) {
    for (int i = 0; i < 4; ++i) ranks[i] = pair_rank(f, q, keys[i]);
    return;
  }
  double sums[4] = {};
  for (int j = 0; j < f.width; ++j)
    for (int i = 0; i < 4; ++i) {
      const double a = static_cast<double>(q[j]), b = static_cast<double>(keys[i][j]), t = a - b;
      sums[i] += products ? -(a * b) : t * t;
    }
  std::copy_n(sums, 4, ranks);
}

template <class T>
double distance_of(const FactorPlan<T>& f, double rank) noexcept {
  if (f.similarity == Similarity::dot || f.similarity == Similarity::category) return rank;
  if (f.unit || adds_distances(f.similarity)) return rank * f.inverse_bandwidth;
  if (f.geographic)
    return 2 * static_cast<double>(f.feature_weights[1]) * f.inverse_bandwidth *
           std::asin(std::min(1.0, std::sqrt(rank)));
  const double scale =
      f.plain || f.similarity == Similarity::squared ? static_cast<double>(f.coordinate_scale) : 1;
  return std::sqrt(rank) * scale * f.inverse_bandwidth;
}

template <class T>
double pair_distance(const Problem<T>& problem, const T* q, const T* x) noexcept {
  if (problem.plan.terms.size() == 1 && problem.plan.terms[0].factors.size() == 1)
    return pair_rank(problem.plan.terms[0].factors[0], q, x);
  double smallest = std::numeric_limits<double>::infinity();
  for (const auto& term : problem.plan.terms) {
    double largest = -std::numeric_limits<double>::infinity();
    for (const auto& f : term.factors)
      largest = std::max(largest, distance_of(f, pair_rank(f, q, x)));
    smallest = std::min(smallest, largest);
  }
  return smallest;
}

template <class T>
bool is_candidate(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                  std::int64_t key) noexcept {
  return is_unbiased_candidate(problem, entry, row, key) &&
         !(entry.bias && std::isinf(entry.bias.of(row, key))) &&
         passes_gates(problem, entry, row, key);
}

template <class T>
bool is_unbiased_candidate(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                           std::int64_t key) noexcept {
  if (!is_present(problem, entry, key)) return false;
  if (entry.mask) {
    const auto* use = reinterpret_cast<const unsigned char*>(entry.mask.row(row));
    if (use[key * entry.mask.column_stride] == 0) return false;
  }
  return !problem.exclude_self || own_key(problem, entry, row) != key;
}

template double pair_rank(const FactorPlan<float>&, const float*, const float*) noexcept;
template double pair_rank(const FactorPlan<double>&, const double*, const double*) noexcept;
template void four_ranks(const FactorPlan<float>&, const float*, const float* const (&)[4],
                         double (&)[4]) noexcept;
template void four_ranks(const FactorPlan<double>&, const double*, const double* const (&)[4],
                         double (&)[4]) noexcept;
template double distance_of(const FactorPlan<float>&, double) noexcept;
template double distance_of(const FactorPlan<double>&, double) noexcept;
template double pair_distance(const Problem<float>&, const float*, const float*) noexcept;
template double pair_distance(const Problem<double>&, const double*, const double*) noexcept;
template bool is_candidate(const Problem<float>&, const Entry<float>&, std::int64_t,
                           std::int64_t) noexcept;
template bool is_candidate(const Problem<double>&, const Entry<double>&, std::int64_t,
                           std::int64_t) noexcept;
template bool is_unbiased_candidate(const Problem<float>&, const Entry<float>&, std::int64_t,
                                    std::int64_t) noexcept;
template bool is_unbiased_candidate(const Problem<double>&, const Entry<double>&, std::int64_t,
                                    std::int64_t) noexcept;

}  // namespace vicinal
