#include "plan.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "floating_point.hpp"
#include "vicinal/tabulate.hpp"

namespace vicinal {
namespace {

using kernels::Shape;
using kernels::Similarity;

constexpr double log2_e = std::numbers::log2e;
constexpr int direct_depth =
    8;  // up to here distances are differences, above they are expanded and guarded

[[noreturn]] void refuse(const std::string& message) { throw std::invalid_argument(message); }

template <class T>
T in_range(double x) {  // scales far outside the type must not become 0 · inf
  const double most = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::min();
  if (x == 0 || std::isnan(x)) return static_cast<T>(x);
  return static_cast<T>(std::copysign(std::clamp(std::abs(x), least, most), x));
}

Metric metric_of(const Kernel& k) {
  if (k.metric != Metric::automatic) return k.metric;
  switch (k.profile) {
    case Profile::softmax:
    case Profile::polynomial:
    case Profile::sigmoid:
      return Metric::dot;
    case Profile::von_mises_fisher:
      return Metric::cosine;
    case Profile::aitchison_aitken:
    case Profile::wang_van_ryzin:
      return Metric::category;
    default:
      return Metric::euclidean;
  }
}

bool takes_inner_product(Profile p) {
  return p == Profile::softmax || p == Profile::polynomial || p == Profile::sigmoid;
}

std::vector<double> bandwidths_of(const Kernel& k, int width) {
  if (k.bandwidths.empty()) return std::vector<double>(1, k.bandwidth);
  if (k.bandwidths.size() != 1 && static_cast<int>(k.bandwidths.size()) != width)
    refuse("bandwidth must have one value or one per column (" + std::to_string(width) + "), got " +
           std::to_string(k.bandwidths.size()));
  return {k.bandwidths.begin(), k.bandwidths.end()};
}

void check_bandwidth(const Kernel& k, const std::vector<double>& h) {
  const bool category =
      k.profile == Profile::aitchison_aitken || k.profile == Profile::wang_van_ryzin;
  for (const double b : h) {
    if (category ? !(b >= 0 && b <= 1) : !(b > 0))
      refuse("bandwidth must be positive, got " + std::to_string(b));
  }
}

void check_parameters(const Kernel& k, double largest_bandwidth) {
  const auto demand = [](bool holds, const char* name, const char* rule, double got) {
    if (!holds) refuse(std::string(name) + " must be " + rule + ", got " + std::to_string(got));
  };
  const bool positive = k.shape > 0 && std::isfinite(k.shape);
  switch (k.profile) {
    case Profile::student_t:
    case Profile::rational_quadratic:
    case Profile::inverse_distance:
      return demand(positive, "shape", "positive and finite", k.shape);
    case Profile::softmax:
      return demand(k.shape == 0 || positive, "softcap", "positive", k.shape);
    case Profile::polynomial:
      demand(positive && k.shape == std::floor(k.shape), "degree", "a positive whole number",
             k.shape);
      [[fallthrough]];
    case Profile::sigmoid:
      return demand(std::isfinite(k.offset), "offset", "finite", k.offset);
    case Profile::aitchison_aitken:
      demand(k.shape > 1 && std::isfinite(k.shape), "levels", "at least 2", k.shape);
      return demand(largest_bandwidth <= (k.shape - 1) / k.shape, "bandwidth",
                    "at most (levels - 1) / levels", largest_bandwidth);
    case Profile::wang_van_ryzin:
      return demand(largest_bandwidth < 1, "bandwidth", "below 1", largest_bandwidth);
    default:
      return;
  }
}

void check_metric(const Kernel& k, Metric metric) {
  const bool category =
      k.profile == Profile::aitchison_aitken || k.profile == Profile::wang_van_ryzin;
  if (category != (metric == Metric::category))
    refuse("metric must be Metric::category for the two category profiles and for no other");
  if (takes_inner_product(k.profile) && metric != Metric::dot && metric != Metric::cosine)
    refuse("metric must be dot or cosine for softmax, polynomial and sigmoid kernels");
  if (metric == Metric::great_circle && !(k.scale > 0 && std::isfinite(k.scale)))
    refuse("scale must be the positive radius of the sphere, got " + std::to_string(k.scale));
  if (metric != Metric::mahalanobis) return;
  if (k.components.data == nullptr || k.components.rows < 1)
    refuse("components must have at least one row for the Mahalanobis metric");
  for (std::int64_t i = 0; i < k.components.rows; ++i)
    for (std::int64_t j = 0; j < k.components.columns; ++j)
      if (!std::isfinite(k.components.row(i)[j])) refuse("components must be finite");
}

// -------------------------------------------------------------------------------------- similarity
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

// Sets how coordinates are packed and returns the bandwidth that is left for the profile.
template <class T>
double lower_similarity(const Kernel& k, Metric metric, const std::vector<double>& h,
                        FactorPlan<T>& f) {
  const bool uniform = h.size() == 1;
  const auto ones = [&](int n) { f.scales.assign(static_cast<std::size_t>(n), T(1)); };
  const auto per_feature = [&] {
    f.scales.resize(static_cast<std::size_t>(f.width));
    for (int j = 0; j < f.width; ++j)
      f.scales[static_cast<std::size_t>(j)] = in_range<T>(1 / h[static_cast<std::size_t>(j)]);
    return 1.0;
  };
  // A power of two near 1/h keeps squares of coordinates inside the type, and is exact.
  const auto binary_scale = [&] {
    const int limit = sizeof(T) == 4 ? 40 : 300;
    const int exponent = std::isinf(h[0]) ? 0 : std::clamp(-std::ilogb(h[0]), -limit, limit);
    f.coordinate_scale = static_cast<T>(std::ldexp(1.0, exponent));
    ones(f.depth);
    return std::ldexp(h[0], exponent);
  };
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
      double left = 1;
      if (uniform) {
        left = binary_scale();
      } else if (f.mapped()) {
        for (int i = 0; i < f.depth; ++i)
          for (int j = 0; j < f.width; ++j)
            f.components[static_cast<std::size_t>(i * f.width + j)] /=
                h[static_cast<std::size_t>(j)];
        ones(f.depth);
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
      f.feature_weights = {static_cast<T>(f.degrees / 2), in_range<T>(radius / h[0])};
      return std::isinf(h[0]) ? h[0] : 1.0;
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

// ----------------------------------------------------------------------------------------- profile
template <class T>
void lower_rational(FactorPlan<T>& f, double offset, double scale, double exponent) {
  auto& p = f.parameters;
  p.offset = static_cast<T>(offset);
  p.scale = in_range<T>(scale);
  p.log_scale = static_cast<T>(std::log2(scale));
  p.exponent = static_cast<T>(exponent);
  const double halves = 2 * exponent;
  const bool whole = halves == std::floor(halves) && halves >= 1 && halves <= 8;
  f.shape = whole ? Shape::rational_half_power : Shape::rational;
  p.power = whole ? static_cast<int>(halves) : 0;
  const double flush = sizeof(T) == 4 ? 100 : 900;
  p.limit = in_range<T>(std::exp2(std::min(flush / exponent, sizeof(T) == 4 ? 120.0 : 1000.0)));
}

template <class T>
void lower_matern(const Kernel& k, double inverse, FactorPlan<T>& f) {
  auto& p = f.parameters;
  if (k.shape == 0.5) {
    f.shape = Shape::exponential;
    p.scale = in_range<T>(-log2_e * inverse);
  } else if (k.shape == 1.5 || k.shape == 2.5) {
    const double v = std::sqrt(2 * k.shape) * inverse;
    f.shape = k.shape == 1.5 ? Shape::matern32 : Shape::matern52;
    p.offset = in_range<T>(v);
    p.scale = in_range<T>(-log2_e * v);
  } else {
    refuse("shape of a Matérn kernel must be 0.5, 1.5 or 2.5, got " + std::to_string(k.shape));
  }
}

template <class T>
void lower_inner_product(const Kernel& k, double h, FactorPlan<T>& f, Plan<T>& plan) {
  auto& p = f.parameters;
  if (k.profile != Profile::sigmoid) plan.bounded = false;
  if (k.profile == Profile::softmax) {
    const bool capped = k.shape > 0;
    f.shape = capped ? Shape::softcap : Shape::linear;
    p.scale = in_range<T>(capped ? k.shape * log2_e : log2_e / h);
    p.offset = in_range<T>(capped ? 1 / (h * k.shape) : 0);
    return;
  }
  p.scale = in_range<T>(1 / h);
  p.offset = static_cast<T>(k.offset);
  if (k.profile == Profile::sigmoid) {
    f.shape = Shape::sigmoid;
    plan.is_signed = true;
    return;
  }
  if (!(k.shape > 0) || (k.shape != std::floor(k.shape)))
    refuse("degree of a polynomial kernel must be a positive whole number, got " +
           std::to_string(k.shape));
  f.shape = k.rectified ? Shape::rectified_polynomial : Shape::polynomial;
  p.exponent = static_cast<T>(k.shape);
  p.power = std::fmod(k.shape, 2) != 0 ? 1 : 2;
  plan.is_signed |= !k.rectified && p.power == 1;
}

template <class T>
void lower_user(const Kernel& k, double inverse, FactorPlan<T>& f, Plan<T>& plan) {
  f.parameters.scale = in_range<T>(inverse);
  if (k.profile == Profile::function) {
    if (k.function == nullptr) refuse("Profile::function needs Kernel::function");
    f.shape = Shape::function;
    f.parameters.function = k.function;
    plan.bounded = true;
    plan.is_signed = true;  // nothing is known of its sign
    return;
  }
  if (k.table == nullptr) refuse("Profile::table needs Kernel::table");
  f.shape = k.table->log() ? Shape::log_table : Shape::table;
  f.parameters.table = k.table->template view<T>();
  if (k.table->log()) plan.bounded = false;
  plan.is_signed |= k.table->is_signed();
}

// `h` is what lower_similarity left; log-weights are in log2 units.
template <class T>
void lower_profile(const Kernel& k, double h, FactorPlan<T>& f, Plan<T>& plan) {
  auto& p = f.parameters;
  const double inverse = 1 / h, square = inverse * inverse;
  const auto exponential = [&](Shape shape, double scale) {
    f.shape = shape, p.scale = in_range<T>(scale);
  };
  const auto compact = [&](Shape shape, double scale, int power) {
    f.shape = shape, p.scale = in_range<T>(scale), p.power = power;
  };
  switch (k.profile) {
    case Profile::gaussian:
      return exponential(Shape::gaussian, -0.5 * log2_e * square);
    case Profile::laplace:
      return exponential(Shape::exponential, -log2_e * inverse);
    case Profile::logistic:
      return exponential(Shape::logistic, -log2_e * inverse);
    case Profile::cauchy:
      return lower_rational(f, 1, square, 1);
    case Profile::student_t:
      return lower_rational(f, 1, square / k.shape, (k.shape + 1) / 2);
    case Profile::rational_quadratic:
      return lower_rational(f, 1, square / (2 * k.shape), k.shape);
    case Profile::inverse_distance:
      return lower_rational(f, 0, square, k.shape / 2);
    case Profile::matern:
      return lower_matern(k, inverse, f);
    case Profile::epanechnikov:
      return compact(Shape::power_of_one_minus, square, 1);
    case Profile::biweight:
      return compact(Shape::power_of_one_minus, square, 2);
    case Profile::triweight:
      return compact(Shape::power_of_one_minus, square, 3);
    case Profile::tricube:
      return compact(Shape::tricube, square, 0);
    case Profile::triangular:
      return compact(Shape::triangular, square, 0);
    case Profile::cosine:
      return compact(Shape::cosine, square, 0);
    case Profile::uniform:
      return compact(Shape::uniform, h * h, 0);
    case Profile::wendland_c2:
      return compact(Shape::wendland_c2, square, 0);
    case Profile::constant:
      return compact(Shape::constant, 1, 0);
    case Profile::von_mises_fisher:
      f.log_constant = inverse;  // exp(cos/h) = exp(1/h) exp(−‖q̂ − x̂‖² / 2h)
      return exponential(Shape::gaussian, -0.5 * log2_e * inverse);
    case Profile::table:
    case Profile::function:
      return lower_user(k, inverse, f, plan);
    default:
      return lower_inner_product(k, h, f, plan);
  }
}

bool has_logarithm(Shape s) {
  switch (s) {
    case Shape::gaussian:
    case Shape::exponential:
    case Shape::matern32:
    case Shape::matern52:
    case Shape::logistic:
    case Shape::rational_half_power:
    case Shape::rational:
    case Shape::linear:
    case Shape::softcap:
    case Shape::polynomial:
    case Shape::rectified_polynomial:
    case Shape::log_table:
      return true;
    default:
      return false;
  }
}

bool refuses_infinity(Profile p) {
  return p == Profile::aitchison_aitken || p == Profile::wang_van_ryzin ||
         p == Profile::inverse_distance || p == Profile::polynomial || p == Profile::sigmoid;
}

template <class T>
FactorPlan<T> lower_factor(const Kernel& k, std::int64_t d, Plan<T>& plan) {
  FactorPlan<T> f;
  f.columns.assign(k.columns.begin(), k.columns.end());
  for (const std::int64_t c : f.columns)
    if (c < 0 || c >= d)
      refuse("columns must lie in [0, " + std::to_string(d) + "), got " + std::to_string(c));
  f.width = static_cast<int>(f.columns.empty() ? d : static_cast<std::int64_t>(f.columns.size()));
  f.depth = f.width;
  const Metric metric = metric_of(k);
  const std::vector<double> h = bandwidths_of(k, f.width);
  check_bandwidth(k, h);
  check_parameters(k, *std::max_element(h.begin(), h.end()));
  check_metric(k, metric);
  if (metric == Metric::category) {
    lower_category(k, h, f, plan);
  } else {
    const double left = lower_similarity(k, metric, h, f);
    f.inverse_bandwidth = std::isinf(left) ? 0 : 1 / left;
    if (std::isinf(left) && refuses_infinity(k.profile))
      refuse("bandwidth must be finite for this kernel, got inf");
    if (std::isinf(left))
      f.shape = Shape::constant;  // the plain weighted mean
    else
      lower_profile(k, left, f, plan);
  }
  f.hits = k.profile == Profile::inverse_distance;
  plan.hits |= f.hits;
  plan.has_zeros |= !has_logarithm(f.shape);
  plan.can_vanish |= has_logarithm(f.shape);
  plan.decaying &= has_logarithm(f.shape) && f.distance;
  return f;
}

}  // namespace

template <class T>
Plan<T> lower(const KernelSum& kernel, std::int64_t d) {
  const DefaultFloatingPoint modes;
  if (d < 1 || d > 1 << 22)
    refuse("keys must have 1 to 4194304 features, got " + std::to_string(d));
  Plan<T> plan;
  plan.decaying = true;
  if (kernel.terms.empty() || kernel.terms.size() > 64) refuse("kernel must have 1 to 64 terms");
  std::vector<double> constants;
  for (const Term& term : kernel.terms) {
    if (term.factors.empty()) refuse("a term of a kernel needs at least one factor");
    if (!std::isfinite(term.coefficient))
      refuse("coefficient must be finite, got " + std::to_string(term.coefficient));
    TermPlan<T> lowered;
    double constant = 0;
    for (const Kernel& k : term.factors) {
      lowered.factors.push_back(lower_factor<T>(k, d, plan));
      constant += lowered.factors.back().log_constant;
    }
    plan.is_signed |= term.coefficient < 0;
    plan.terms.push_back(std::move(lowered));
    constants.push_back(constant);
  }
  plan.log_constant = *std::max_element(constants.begin(), constants.end());
  for (std::size_t i = 0; i < constants.size(); ++i)
    plan.terms[i].coefficient =
        static_cast<T>(kernel.terms[i].coefficient * std::exp(constants[i] - plan.log_constant));
  return plan;
}

template Plan<float> lower<float>(const KernelSum&, std::int64_t);
template Plan<double> lower<double>(const KernelSum&, std::int64_t);

}  // namespace vicinal
