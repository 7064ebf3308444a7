// The steps of lowering a kernel: what is refused, how coordinates are packed, which shape weighs.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "plan.hpp"

namespace vicinal {

[[noreturn]] inline void refuse(const std::string& message) {
  throw std::invalid_argument(message);
}

// Scales far outside the type must not become 0 · inf.
template <class T>
T in_range(double x);

Metric metric_of(const Kernel& kernel);
bool takes_inner_product(Profile profile);
// The profile that scores pairs by nothing but the kernel's metric: distances are those of the
// data, with a bandwidth per feature in units of it.
Kernel metric_kernel(const Kernel& kernel);
std::vector<double> bandwidths_of(const Kernel& kernel, int width);

// Throw std::invalid_argument for a kernel that makes no sense, whatever the points.
void check_bandwidth(const Kernel& kernel, const std::vector<double>& bandwidths);
void check_parameters(const Kernel& kernel, double largest_bandwidth);
void check_metric(const Kernel& kernel, Metric metric);

template <class T>
void lower_category(const Kernel& kernel, const std::vector<double>& bandwidths,
                    FactorPlan<T>& factor, Plan<T>& plan);

// Sets how coordinates are packed and returns the bandwidth that is left for the profile. `packing`
// are the bandwidths themselves or a multiple of them, shared with other kernels.
template <class T>
double lower_similarity(const Kernel& kernel, Metric metric, const std::vector<double>& bandwidths,
                        const std::vector<double>& packing, FactorPlan<T>& factor);

// `h` is what lower_similarity left; log-weights are in log2 units.
template <class T>
void lower_profile(const Kernel& kernel, double h, FactorPlan<T>& factor, Plan<T>& plan);

}  // namespace vicinal
