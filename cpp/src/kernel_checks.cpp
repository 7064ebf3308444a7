// What no kernel may be: bandwidths, parameters and metrics that make no sense.
#include <algorithm>
#include <cmath>

#include "lowering.hpp"

namespace vicinal {

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

Kernel metric_kernel(const Kernel& k) {
  Kernel plain;
  plain.metric = metric_of(k);
  plain.profile = plain.metric == Metric::dot ? Profile::softmax : Profile::gaussian;
  plain.scale = k.scale;
  plain.columns = k.columns;
  plain.scaled_keys = k.scaled_keys;
  plain.components = k.components;
  if (k.bandwidths.size() > 1) plain.bandwidths = k.bandwidths;
  return plain;
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

}  // namespace vicinal
