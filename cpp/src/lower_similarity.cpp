// Metric and bandwidths → how coordinates are packed and scored.
#include <algorithm>
#include <cmath>

#include "lowering.hpp"

namespace vicinal {

namespace {

using kernels::Shape;
using kernels::Similarity;

constexpr int direct_depth =
    8;  // up to here distances are differences, above they are expanded and guarded

}  // namespace

template <class T>
T in_range(double x) {
  const double most = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::min();
  if (x == 0 || std::isnan(x)) return static_cast<T>(x);
  return static_cast<T>(std::copysign(std::clamp(std::abs(x), least, most), x));
}

template <class T>
void lower_category(const Kernel& k, const std::vector<double>& h, FactorPlan<T>& f,
                    Plan<T>& plan) {
  f.similarity = Similarity::category;
  f.shape = Shape::linear;
  f.parameters.scale = 1;
  f.feature_weights.resize(static_cast<std::size_t>(3 * f.depth));
  for (int j = 0; j < f.depth; ++j) {
    const double b = h.size() == 1 ? h[0] : h[static_cast<std::size_t>(j)];
    T* a = &f.feature_weights[static_cast<std::size_t>(3 * j)];
    const bool aitchison = k.profile == Profile::aitchison_aitken;
    a[0] = static_cast<T>(aitchison ? std::log2(b / (k.shape - 1)) : std::log2(0.5 * (1 - b)));
    a[1] = static_cast<T>(aitchison ? 0.0 : std::log2(b));
    a[2] = static_cast<T>(std::log2(1 - b));
    plan.has_zeros |= std::isinf(a[0]) || std::isinf(a[1]) || std::isinf(a[2]);
  }
}

template <class T>
double lower_similarity(const Kernel& k, Metric metric, const std::vector<double>& h,
                        const std::vector<double>& packing, FactorPlan<T>& f) {
  const bool uniform = h.size() == 1;
  const auto multiple = [&] {  // of the packing bandwidths
    for (std::size_t j = 0; j < h.size(); ++j)
      if (!std::isinf(h[j])) return h[j] / packing[j];
    return 1.0;
  };
  const auto ones = [&](int n) { f.scales.assign(static_cast<std::size_t>(n), T(1)); };
  const auto per_feature = [&] {
    f.scales.resize(static_cast<std::size_t>(f.width));
    for (int j = 0; j < f.width; ++j)
      f.scales[static_cast<std::size_t>(j)] = in_range<T>(1 / packing[static_cast<std::size_t>(j)]);
    return multiple();
  };
  // A power of two near 1/h keeps squares of coordinates inside the type, and is exact.
  const auto binary_scale = [&] {
    const int limit = sizeof(T) == 4 ? 40 : 300;
    const int exponent =
        std::isinf(packing[0]) ? 0 : std::clamp(-std::ilogb(packing[0]), -limit, limit);
    f.coordinate_scale = static_cast<T>(std::ldexp(1.0, exponent));
    ones(f.depth);
    return std::ldexp(h[0], exponent);
  };
  if (k.scaled_keys) {
    if (!uniform) refuse("keys that hold their scales take one bandwidth");
    ones(f.depth);
    if (metric != Metric::euclidean && metric != Metric::manhattan && metric != Metric::chebyshev)
      refuse("scales of keys need the metric euclidean, manhattan or chebyshev");
    f.similarity = metric == Metric::euclidean   ? Similarity::scaled_squared
                   : metric == Metric::manhattan ? Similarity::scaled_manhattan
                                                 : Similarity::scaled_chebyshev;
    return h[0];
  }
  switch (metric) {
    case Metric::euclidean:
    case Metric::mahalanobis: {
      if (metric == Metric::mahalanobis) {
        if (k.components.columns != f.width) refuse("components must have one column per feature");
        f.depth = static_cast<int>(k.components.rows);
        for (std::int64_t i = 0; i < k.components.rows; ++i)
          f.components.insert(f.components.end(), k.components.row(i),
                              k.components.row(i) + f.width);
      }
      f.plain = metric == Metric::euclidean && uniform && f.columns.empty();
      double left = 1;
      if (uniform) {
        left = binary_scale();
      } else if (f.mapped()) {
        for (int i = 0; i < f.depth; ++i)
          for (int j = 0; j < f.width; ++j)
            f.components[static_cast<std::size_t>(i * f.width + j)] /=
                packing[static_cast<std::size_t>(j)];
        ones(f.depth);
        left = multiple();
      } else {
        left = per_feature();
      }
      // A map rounds q and x apart, so near pairs are always taken from their own coordinates.
      f.similarity = f.depth > direct_depth || f.mapped() ? Similarity::expanded
                     : uniform                            ? Similarity::squared
                                                          : Similarity::squared_weighted;
      if (f.similarity == Similarity::squared_weighted) f.feature_weights = f.scales;
      if (f.mapped())
        for (double& x : f.components) x *= static_cast<double>(f.coordinate_scale);
      if (f.mapped()) f.coordinate_scale = 1;
      if (f.expanded())
        for (T& a : f.scales) a *= f.coordinate_scale;
      return left;
    }
    case Metric::manhattan:
    case Metric::chebyshev: {
      const double left = uniform ? binary_scale() : per_feature();
      f.feature_weights = f.scales;
      for (T& a : f.feature_weights) a *= f.coordinate_scale;
      f.coordinate_scale = 1;
      f.similarity = metric == Metric::manhattan ? Similarity::manhattan : Similarity::chebyshev;
      return left;
    }
    case Metric::haversine:
    case Metric::great_circle: {
      if (f.width != 2 || !uniform)
        refuse("haversine needs two columns (latitude, longitude) and one bandwidth");
      f.degrees = metric == Metric::great_circle ? std::numbers::pi / 180 : 1.0;
      f.depth = 3;
      f.geographic = true;
      ones(3);
      f.similarity = Similarity::haversine;
      const double radius = metric == Metric::great_circle ? k.scale : 1.0;
      f.feature_weights = {static_cast<T>(f.degrees / 2), in_range<T>(radius / packing[0])};
      return std::isinf(h[0]) ? h[0] : multiple();
    }
    case Metric::dot:
      if (!takes_inner_product(k.profile))
        refuse("metric \"dot\" is for softmax, polynomial and sigmoid kernels");
      [[fallthrough]];
    case Metric::cosine: {
      if (!uniform) refuse("an inner product takes one bandwidth");
      f.unit = metric == Metric::cosine;
      f.distance = !takes_inner_product(k.profile);
      if (!f.distance) {
        ones(f.depth);
        f.similarity = Similarity::dot;
        return h[0];
      }
      f.zero_feature = true;
      f.depth += 1;
      ones(f.depth);
      f.square_half = k.profile != Profile::von_mises_fisher;
      f.similarity = f.depth > direct_depth ? Similarity::expanded : Similarity::squared;
      return h[0];
    }
    default:
      refuse("this metric does not fit this kernel");
  }
}

#define VICINAL_INSTANTIATE(T)                                                            \
  template T in_range<T>(double);                                                         \
  template void lower_category(const Kernel&, const std::vector<double>&, FactorPlan<T>&, \
                               Plan<T>&);                                                 \
  template double lower_similarity(const Kernel&, Metric, const std::vector<double>&,     \
                                   const std::vector<double>&, FactorPlan<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
