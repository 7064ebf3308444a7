// Weights of keys and of pairs besides the kernel's.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "workspace.hpp"

namespace vicinal {

// Whether a key's prior weight is above 0.
template <class T>
bool is_present(const Problem<T>& problem, const Entry<T>& entry, std::int64_t key) noexcept {
  const std::int64_t at = key * problem.weight_stride;
  if (entry.weights != nullptr) return entry.weights[at] != 0;
  return entry.log_weights == nullptr || !std::isinf(entry.log_weights[at]);
}

// Its log2, less the shift of the entry; −inf where the key is absent.
template <class T>
T log_prior(const Problem<T>& problem, const Entry<T>& entry, std::int64_t key) noexcept {
  const std::int64_t at = key * problem.weight_stride;
  const double shift = entry.prior_shift;
  if (entry.weights != nullptr)
    return static_cast<T>(std::log2(static_cast<double>(entry.weights[at])) - shift);
  if (entry.log_weights == nullptr) return 0;
  // The largest is taken off before the unit changes: no digits are lost.
  return static_cast<T>((static_cast<double>(entry.log_weights[at]) - entry.prior_peak) *
                            std::numbers::log2e +
                        (entry.prior_peak * std::numbers::log2e - shift));
}

// The log2-weight of a pair with its bias, in natural units: −inf in either is an absent pair; a
// bias of +inf or NaN spoils the row.
template <class T>
T with_bias(T log, T bias) noexcept {
  const T b = bias * std::numbers::log2e_v<T>;
  return log == none<T> || b == none<T> ? none<T>
         : b - b != 0                   ? std::numeric_limits<T>::quiet_NaN()
                                        : log + b;
}

}  // namespace vicinal
