// From the state of a row to what the caller asked for, and the policy for rows without a weight.
#pragma once

#include "nearest.hpp"
#include "workspace.hpp"

namespace vicinal {

// Writes every output of the block's rows; returns how many were empty.
template <class T>
std::int64_t write_results(const Problem<T>& problem, const Entry<T>& entry,
                           Block<T>& block) noexcept;

// Rows whose every log-weight overflowed to −inf although there are candidates: mean of the keys at
// the smallest distance, of all or of those that the row has listed.
template <class T>
void take_limit(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block, std::int64_t row,
                const Choice<T>& among) noexcept;

// Σw is nothing: no key, or for signed kernels cancellation down to rounding.
template <class T>
bool is_empty(const Plan<T>& plan, const RowState<T>& state, std::int64_t row) noexcept;

// log Σ w of a row, given Σ w relative to 2^reference and to the largest prior.
template <class T>
void write_log_mass(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row, double mass,
                    double reference) noexcept;

}  // namespace vicinal
