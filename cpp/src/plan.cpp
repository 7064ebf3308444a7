#include "plan.hpp"

#include <algorithm>
#include <cmath>

#include "floating_point.hpp"
#include "lowering.hpp"
#include "vicinal/tabulate.hpp"

namespace vicinal {
namespace {

using kernels::Shape;

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

// The u beyond which there is no weight.
double support_of(const Kernel& k) {
  switch (k.profile) {
    case Profile::epanechnikov:
    case Profile::biweight:
    case Profile::triweight:
    case Profile::tricube:
    case Profile::triangular:
    case Profile::cosine:
    case Profile::uniform:
    case Profile::wendland_c2:
      return 1;
    case Profile::table:
      return k.table->support();
    default:
      return std::numeric_limits<double>::infinity();
  }
}

bool refuses_infinity(Profile p) {
  return p == Profile::aitchison_aitken || p == Profile::wang_van_ryzin ||
         p == Profile::inverse_distance || p == Profile::polynomial || p == Profile::sigmoid;
}

// The bandwidths by which coordinates are packed: those of the pilot, if h is a multiple of them
// that leaves squares of coordinates well inside float32.
std::vector<double> packing_bandwidths(const std::vector<double>& h,
                                       const std::vector<double>& pilot) {
  constexpr double most = 4096, rounding = 1e-15;
  if (pilot.size() != h.size()) return h;
  double ratio = 0;
  for (std::size_t j = 0; j < h.size(); ++j) {
    if (std::isinf(h[j]) && std::isinf(pilot[j])) continue;
    const double r = h[j] / pilot[j];
    if (ratio == 0) ratio = r;
    if (!(std::abs(r - ratio) <= rounding * ratio && r <= most && r >= 1 / most)) return h;
  }
  return pilot;
}

// Where keys hold inverse bandwidths too: the columns of the features, then those of their scales.
std::vector<std::int64_t> with_scales(const std::vector<std::int64_t>& columns, std::int64_t d) {
  if (d % 2 != 0)
    refuse("keys that hold their scales must have as many of them as features, got " +
           std::to_string(d) + " columns");
  std::vector<std::int64_t> both(columns);
  for (const std::int64_t c : columns) {
    if (c >= d / 2)
      refuse("columns must lie in [0, " + std::to_string(d / 2) + "), got " + std::to_string(c));
    both.push_back(c + d / 2);
  }
  return both;
}

template <class T>
FactorPlan<T> lower_factor(const Kernel& k, std::int64_t d, const Kernel* pilot, Plan<T>& plan) {
  FactorPlan<T> f;
  f.columns.assign(k.columns.begin(), k.columns.end());
  for (const std::int64_t c : f.columns)
    if (c < 0 || c >= d)
      refuse("columns must lie in [0, " + std::to_string(d) + "), got " + std::to_string(c));
  if (k.scaled_keys) f.columns = with_scales(f.columns, d);
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
    const std::vector<double> packing =
        pilot == nullptr ? h : packing_bandwidths(h, bandwidths_of(*pilot, f.width));
    const double left = lower_similarity(k, metric, h, packing, f);
    f.inverse_bandwidth = std::isinf(left) ? 0 : 1 / left;
    if (std::isinf(left) && refuses_infinity(k.profile))
      refuse("bandwidth must be finite for this kernel, got inf");
    if (std::isinf(left))
      f.shape = Shape::constant;  // the plain weighted mean
    else
      lower_profile(k, left, f, plan);
    if (const double support = support_of(k); f.distance && std::isfinite(support) && left > 0)
      f.reach = support * left * support * left * (1 + 1e-12);
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
bool share_scores(const Plan<T>& a, const Plan<T>& b) {
  const auto single = [](const Plan<T>& plan) {
    return plan.terms.size() == 1 && plan.terms[0].factors.size() == 1;
  };
  if (!single(a) || !single(b)) return false;
  FactorPlan<T> f = a.terms[0].factors[0];
  const FactorPlan<T>& g = b.terms[0].factors[0];
  f.shape = g.shape;
  f.parameters = g.parameters;
  f.hits = g.hits;
  f.inverse_bandwidth = g.inverse_bandwidth;
  f.reach = g.reach;
  f.log_constant = g.log_constant;
  return f == g;
}

template <class T>
Plan<T> lower(const KernelSum& kernel, std::int64_t d, const KernelSum* pilot) {
  const DefaultFloatingPoint modes;
  if (d < 1 || d > 1 << 22)
    refuse("keys must have 1 to 4194304 features, got " + std::to_string(d));
  Plan<T> plan;
  plan.decaying = true;
  if (kernel.terms.empty() || kernel.terms.size() > 64) refuse("kernel must have 1 to 64 terms");
  const bool piloted =
      pilot != nullptr && pilot->terms.size() == 1 && pilot->terms[0].factors.size() == 1;
  const Kernel* pilot_factor = piloted ? &pilot->terms[0].factors[0] : nullptr;
  std::vector<double> constants;
  for (const Term& term : kernel.terms) {
    if (term.factors.empty()) refuse("a term of a kernel needs at least one factor");
    if (!std::isfinite(term.coefficient))
      refuse("coefficient must be finite, got " + std::to_string(term.coefficient));
    TermPlan<T> lowered;
    double constant = 0;
    for (const Kernel& k : term.factors) {
      lowered.factors.push_back(lower_factor<T>(k, d, pilot_factor, plan));
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

template Plan<float> lower<float>(const KernelSum&, std::int64_t, const KernelSum*);
template bool share_scores(const Plan<float>&, const Plan<float>&);
template Plan<double> lower<double>(const KernelSum&, std::int64_t, const KernelSum*);
template bool share_scores(const Plan<double>&, const Plan<double>&);

}  // namespace vicinal
