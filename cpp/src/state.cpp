#include "state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

double power_of_two(double x) noexcept {
  if (std::isnan(x)) return 1;  // ∞ − ∞: the same exact hit
  if (x < -2000) return 0;
  return std::ldexp(1.0, static_cast<int>(x > 2000 ? 2000 : x));
}

Rescale common_reference(double old_reference, double new_reference) noexcept {
  const double reference = old_reference > new_reference ? old_reference : new_reference;
  const auto factor = [&](double r) { return r == reference ? 1.0 : power_of_two(r - reference); };
  return {reference, factor(old_reference), factor(new_reference)};
}

template <class T>
void RowState<T>::resize(const Problem<T>& problem, std::int64_t row_count) {
  rows = row_count;
  columns = problem.state_columns();
  p = problem.p;
  k = problem.k;
  const auto n = static_cast<std::size_t>(rows);
  reference.resize(n);
  hi.resize(n * static_cast<std::size_t>(columns));
  lo.resize(n * static_cast<std::size_t>(columns));
  count.resize(n);
  if (sizeof(T) == 8) unit.resize(n * static_cast<std::size_t>(p));
  top_rank.resize(n * static_cast<std::size_t>(k));
  top_sign.resize(n * static_cast<std::size_t>(k));
  top_index.resize(n * static_cast<std::size_t>(k));
}

template <class T>
void RowState<T>::clear(std::int64_t row) {
  reference[static_cast<std::size_t>(row)] = -std::numeric_limits<double>::infinity();
  std::fill_n(hi_row(row), columns, 0.0);
  std::fill_n(lo_row(row), columns, 0.0);
  count[static_cast<std::size_t>(row)] = 0;
  if (sizeof(T) == 8) std::fill_n(unit.begin() + row * p, p, 0);
  std::fill_n(top_rank.begin() + row * k, k, -std::numeric_limits<T>::infinity());
  std::fill_n(top_sign.begin() + row * k, k, 0.0);
  std::fill_n(top_index.begin() + row * k, k, std::int64_t{-1});
}

template <class T>
bool RowState<T>::has_units(std::int64_t i) const noexcept {
  if (sizeof(T) == 4) return false;
  const int* first = unit.data() + i * p;
  return std::any_of(first, first + p, [](int u) { return u != 0; });
}

template <class T>
void RowState<T>::offer(std::int64_t row, T rank, double sign, std::int64_t index) noexcept {
  T* ranks = top_rank.data() + row * k;
  double* signs = top_sign.data() + row * k;
  std::int64_t* indices = top_index.data() + row * k;
  const auto heavier = [&](std::int64_t i) {
    return rank > ranks[i] ||
           (rank == ranks[i] && rank > -std::numeric_limits<T>::infinity() && index < indices[i]);
  };
  if (!heavier(k - 1)) return;
  std::int64_t at = k - 1;
  for (; at > 0 && heavier(at - 1); --at) {
    ranks[at] = ranks[at - 1];
    signs[at] = signs[at - 1];
    indices[at] = indices[at - 1];
  }
  ranks[at] = rank;
  signs[at] = sign;
  indices[at] = index;
}

namespace {

void add_compensated(double& hi, double& lo, double old_factor, double high, double low,
                     double factor) {
  const double a = hi * old_factor, b = high * factor, s = a + b, t = s - a;
  lo = lo * old_factor + low * factor + ((a - (s - t)) + (b - t));
  hi = s;
}

}  // namespace

template <class T>
void merge_row(RowState<T>& into, std::int64_t i, const RowState<T>& from,
               std::int64_t j) noexcept {
  using kernels::header_columns;
  const std::int64_t columns = into.columns, p = into.p, linear = header_columns + p;
  into.count[static_cast<std::size_t>(i)] += from.count[static_cast<std::size_t>(j)];
  for (std::int64_t t = 0; t < into.k; ++t) {
    const auto at = static_cast<std::size_t>(j * from.k + t);
    if (from.top_index[at] >= 0)
      into.offer(i, from.top_rank[at], from.top_sign[at], from.top_index[at]);
  }
  const double* source = from.hi.data() + j * columns;
  if (source[2] == 0) return;
  const double* low = from.lo.data() + j * columns;
  double& reference = into.reference[static_cast<std::size_t>(i)];
  const bool units = into.has_units(i) || from.has_units(j);
  const Rescale r = common_reference(reference, from.reference[static_cast<std::size_t>(j)]);
  reference = r.reference;
  for (std::int64_t c = 0; c < columns; ++c) {
    double old_factor = r.old_factor, factor = r.new_factor;
    if (c == 3) old_factor *= old_factor, factor *= factor;
    if (units && c >= header_columns && c < linear) {
      int& unit = into.unit[static_cast<std::size_t>(i * p + c - header_columns)];
      const int other = from.unit_of(j, c - header_columns), common = std::max(unit, other);
      old_factor *= power_of_two(unit - common);
      factor *= power_of_two(other - common);
      unit = common;
    }
    add_compensated(into.hi_row(i)[c], into.lo_row(i)[c], old_factor, source[c], low[c], factor);
  }
}

template void merge_row(RowState<float>&, std::int64_t, const RowState<float>&,
                        std::int64_t) noexcept;
template void merge_row(RowState<double>&, std::int64_t, const RowState<double>&,
                        std::int64_t) noexcept;

template <class T>
void RowState<T>::shift_moments(std::int64_t row, const std::vector<double>& shift,
                                bool covariance) noexcept {
  const std::int64_t linear = kernels::header_columns + p;
  if (columns == linear) return;
  double* first = hi_row(row) + linear + 1;
  double* pair = first + p;
  const double mass = first[-1];
  for (std::int64_t a = 0; a < p; ++a)
    for (std::int64_t b = a; b < (covariance ? p : a + 1); ++b, ++pair) {
      const double da = shift[static_cast<std::size_t>(a)], db = shift[static_cast<std::size_t>(b)];
      *pair += da * first[b] + db * first[a] + da * db * mass;
    }
  for (std::int64_t a = 0; a < p; ++a) first[a] += shift[static_cast<std::size_t>(a)] * mass;
}

template struct RowState<float>;
template struct RowState<double>;

}  // namespace vicinal
