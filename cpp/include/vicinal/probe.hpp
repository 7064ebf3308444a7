// Windows into the engine for its tests and its Python package. Not part of the stable interface.
#pragma once

#include <cstdint>
#include <span>

#include "vicinal/export.h"
#include "vicinal/kernel.hpp"

namespace vicinal {

// 2^x as the engine computes it, 0 below the smallest normal number.
VICINAL_EXPORT void probe_exp2(std::span<const float> x, std::span<float> out);
VICINAL_EXPORT void probe_exp2(std::span<const double> x, std::span<double> out);

// Squared distances (or inner products) of a single kernel as the engine scores them, m × n.
VICINAL_EXPORT void probe_scores(const Kernel& kernel, View<const float> queries,
                                 View<const float> keys, View<float> out);
VICINAL_EXPORT void probe_scores(const Kernel& kernel, View<const double> queries,
                                 View<const double> keys, View<double> out);

// Whether the kernels of a call share the scores of pairs with `d` features in float32.
VICINAL_EXPORT bool probe_sharing(const KernelSum& first, const KernelSum& other, std::int64_t d);

// Kernels that leave keys out meet more keys than the first, of at most the second number of
// features, through a tree.
VICINAL_EXPORT std::int64_t probe_few_keys();
VICINAL_EXPORT std::int64_t probe_few_features();

}  // namespace vicinal
