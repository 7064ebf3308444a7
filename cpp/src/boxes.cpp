#include "boxes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rows.hpp"
#include "split_axes.hpp"

namespace vicinal {

using kernels::Similarity;

template <class T>
BoxSpace<T> box_space(const Problem<T>& problem) {
  const Plan<T>& plan = problem.plan;
  if (plan.terms.size() == 1 && plan.terms[0].factors.size() == 1) {
    const FactorPlan<T>& f = plan.terms[0].factors[0];
    if (f.mapped() || f.unit || f.geographic) return {&f, f.depth, {}};
  }
  const int depth = static_cast<int>(problem.d);
  return {nullptr, depth, split_axes(problem, depth)};
}

template <class T>
void BoxSpace<T>::row(const T* point, const T* origin, T* out) const noexcept {
  if (factor == nullptr) {
    std::copy_n(point, depth, out);
  } else if (factor->geographic) {
    map_row(*factor, point, origin, out);
    const double latitude = static_cast<double>(out[0]) * factor->degrees,
                 longitude = static_cast<double>(out[1]) * factor->degrees;
    out[0] = static_cast<T>(std::cos(latitude) * std::cos(longitude));
    out[1] = static_cast<T>(std::cos(latitude) * std::sin(longitude));
    out[2] = static_cast<T>(std::sin(latitude));
  } else {
    map_row(*factor, point, origin, out);
  }
}

namespace {

// Between the boxes along feature j. Rows that were mapped were rounded: what they lost is taken
// off.
template <class T>
double gap(const Box<T>& a, const Box<T>& b, std::int64_t j, bool rounded) noexcept {
  const double al = static_cast<double>(a.low[j]), ah = static_cast<double>(a.high[j]),
               bl = static_cast<double>(b.low[j]), bh = static_cast<double>(b.high[j]);
  const double apart = std::max(std::max(al - bh, bl - ah), 0.0);
  if (!rounded) return apart;
  const double slack = 4 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
                       std::max({std::abs(al), std::abs(ah), std::abs(bl), std::abs(bh)});
  return std::max(apart - slack, 0.0);
}

// The largest inner product of a point from each box.
template <class T>
double largest_product(const FactorPlan<T>& f, const Box<T>& a, const Box<T>& b) noexcept {
  double sum = 0;
  for (int i = 0; i < f.width; ++i) {
    const std::int64_t j = f.columns.empty() ? i : f.columns[static_cast<std::size_t>(i)];
    const double al = static_cast<double>(a.low[j]), ah = static_cast<double>(a.high[j]),
                 bl = static_cast<double>(b.low[j]), bh = static_cast<double>(b.high[j]);
    sum += std::max({al * bl, al * bh, ah * bl, ah * bh});
  }
  return sum;
}

// Every key of the box has at least the box's smallest scale of each feature.
template <class T>
double nearest_scaled_score(const FactorPlan<T>& f, const Box<T>& queries,
                            const Box<T>& keys) noexcept {
  const int features = f.width / 2;
  const auto column = [&](int i) {
    return f.columns.empty() ? std::int64_t{i} : f.columns[static_cast<std::size_t>(i)];
  };
  double sum = 0;
  for (int i = 0; i < features; ++i) {
    const double t =
        gap(queries, keys, column(i), false) * static_cast<double>(keys.low[column(i + features)]);
    if (f.similarity == Similarity::scaled_squared)
      sum += t * t;
    else
      sum = f.similarity == Similarity::scaled_manhattan ? sum + t : std::max(sum, t);
  }
  return f.similarity == Similarity::scaled_squared ? sum : sum * sum;
}

}  // namespace

template <class T>
double nearest_score(const FactorPlan<T>& f, const BoxSpace<T>& space, const Box<T>& a,
                     const Box<T>& b) noexcept {
  if (f.plain) {  // the same as below, without its choices
    const double scale = static_cast<double>(f.coordinate_scale);
    return squared_gap(a, b, space.depth) * scale * scale;
  }
  if (f.similarity == Similarity::category) return 0;
  if (space.factor == nullptr && (f.mapped() || f.unit || f.geographic)) return 0;
  if (f.similarity == Similarity::dot && !f.unit) return -largest_product(f, a, b);
  if (f.scaled_keys()) return nearest_scaled_score(f, a, b);
  const int width = space.factor == nullptr ? f.width : space.depth;
  double sum = 0;
  for (int i = 0; i < width; ++i) {
    const bool raw = space.factor == nullptr;
    const std::int64_t j =
        raw && !f.columns.empty() ? f.columns[static_cast<std::size_t>(i)] : std::int64_t{i};
    double t = gap(a, b, j, !raw);
    const auto at = static_cast<std::size_t>(i);
    if (f.similarity == Similarity::manhattan) {
      sum += t * static_cast<double>(f.feature_weights[at]);
    } else if (f.similarity == Similarity::chebyshev) {
      sum = std::max(sum, t * static_cast<double>(f.feature_weights[at]));
    } else {
      if (raw) t *= static_cast<double>(f.scales[at]);
      if (raw && !f.expanded()) t *= static_cast<double>(f.coordinate_scale);
      sum += t * t;
    }
  }
  if (f.similarity == Similarity::manhattan || f.similarity == Similarity::chebyshev)
    return sum * sum;
  if (f.geographic) {  // sum is the squared chord
    const double radius = static_cast<double>(f.feature_weights[1]),
                 arc = 2 * radius * std::asin(std::min(1.0, std::sqrt(sum) / 2)),
                 near = std::max(arc - haversine_rounding<T> * radius, 0.0);
    return near * near;
  }
  if (f.unit && f.similarity == Similarity::dot) return sum / 2 - 1;  // −cos
  return f.square_half ? sum * sum / 4 : sum;
}

#define VICINAL_INSTANTIATE(T)                                                           \
  template BoxSpace<T> box_space(const Problem<T>&);                                     \
  template void BoxSpace<T>::row(const T*, const T*, T*) const noexcept;                 \
  template double nearest_score(const FactorPlan<T>&, const BoxSpace<T>&, const Box<T>&, \
                                const Box<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
