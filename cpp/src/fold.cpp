#include "fold.hpp"

#include <cmath>

namespace vicinal {

using namespace kernels;

namespace {

// float64 values near 1e308 or 1e-300, or tiny ones with tiny weights: the sums of a row's column
// are kept in a unit of its own, that of its first chunk, which moves up when a chunk exceeds it by
// far.
template <class T>
void settle_units(const Problem<T>& problem, const double* column_scales, RowState<T>& state,
                  std::int64_t row, double* scales) {
  for (std::int64_t c = 0; c < problem.p; ++c) {
    const double scale = column_scales[header_columns + c];
    const int exponent = std::ilogb(scale);
    int& unit = state.unit[static_cast<std::size_t>(row * problem.p + c)];
    double& hi = state.hi_row(row)[header_columns + c];
    double& lo = state.lo_row(row)[header_columns + c];
    if (hi == 0) {
      unit = exponent;
    } else if (exponent - unit > 400) {
      const double factor = power_of_two(unit - exponent);
      hi *= factor;
      lo *= factor;
      unit = exponent;
    }
    scales[c] = std::ldexp(scale, -unit);
  }
}

}  // namespace

template <class T>
void fold_row(const Problem<T>& problem, const RunSums<T>& run, RowState<T>& state,
              std::int64_t slot, Group<T>& scratch) noexcept {
  const auto& table = *problem.table;
  const std::int64_t p = problem.p, linear = problem.linear_columns();
  double& reference = state.reference[static_cast<std::size_t>(slot)];
  const double run_reference = run.reference == none<T> ? 0.0 : static_cast<double>(run.reference);
  const Rescale scale = common_reference(reference, run_reference);
  double* hi = state.hi_row(slot);
  double* lo = state.lo_row(slot);
  const double old = scale.old_factor, fresh = scale.new_factor;
  const double* scales = run.scales;
  const bool units = run.extreme || state.has_units(slot);
  if (!units && !problem.full_header) {  // all columns alike: that of the squares holds 0
    table.fold(hi, lo, run.sums, scales, static_cast<int>(linear), old, fresh);
  } else {
    table.fold(hi, lo, run.sums, scales, 3, old, fresh);
    table.fold(hi + 3, lo + 3, run.sums + 3, scales + 3, 1, old * old, fresh * fresh);
    if (units) {
      settle_units(problem, scales, state, slot, scratch.relative_scales.data());
      scales = scratch.relative_scales.data() - header_columns;
    }
    table.fold(hi + header_columns, lo + header_columns, run.sums + header_columns,
               scales + header_columns, static_cast<int>(p), old, fresh);
  }
  if (run.moments != nullptr)
    kernels::table<double>().fold(hi + linear, lo + linear, run.moments, scratch.ones.data(),
                                  static_cast<int>(problem.moment_columns()), old, fresh);
  reference = scale.reference;
}

template void fold_row(const Problem<float>&, const RunSums<float>&, RowState<float>&, std::int64_t,
                       Group<float>&) noexcept;
template void fold_row(const Problem<double>&, const RunSums<double>&, RowState<double>&,
                       std::int64_t, Group<double>&) noexcept;

}  // namespace vicinal
