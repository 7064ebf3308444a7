// Squares of kernels, which weigh the variance of a weighted sum.
#pragma once

#include <vector>

#include "vicinal/local_mean.hpp"

namespace vicinal {

struct SquaredKernel {
  KernelSum sum;
  std::vector<std::vector<double>> bandwidths{};  // that its factors borrow
};

// The kernel whose weights are the squares of another's: exp(−u²/2)² = exp(−(√2 u)²/2) and the like
// where the square of a factor is a profile again, else that factor twice. A radius counts in units
// of bandwidths per column: `keeps_bandwidths` leaves those as they are.
SquaredKernel squared(const KernelSum& kernel, bool keeps_bandwidths);

// The same for a call; throws std::invalid_argument where no kernel squares its weights.
SquaredKernel squared_for(const KernelSum& kernel, const Options<double>& options);

bool has_scaled_keys(const KernelSum& kernel);
// Whether the set, or a part of it, has the property.
bool has(const NeighborSet& set, bool (*property)(const NeighborSet&));

}  // namespace vicinal
