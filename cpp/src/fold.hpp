// What a row gathered from a run of keys enters its state: (R, Σw, own, Σ|w|, Σw², Σwy, moments).
#pragma once

#include "workspace.hpp"

namespace vicinal {

template <class T>
struct RunSums {
  const T* sums;          // header and value columns, times 2^reference
  T reference;            // −inf: 0
  const double* scales;   // header + p: power of two that undoes the scaling of a column
  bool extreme = false;   // float64 with a scaled column: sums need units
  const double* moments;  // or null
};

// `scratch` lends its relative_scales and ones.
template <class T>
void fold_row(const Problem<T>& problem, const RunSums<T>& run, RowState<T>& state,
              std::int64_t slot, Group<T>& scratch) noexcept;

}  // namespace vicinal
