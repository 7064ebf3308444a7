#include "rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
std::int64_t column_of(const FactorPlan<T>& f, int j) {
  return f.columns.empty() ? j : f.columns[static_cast<std::size_t>(j)];
}

// components · (row − origin), as if summed exactly and rounded once: what q and x lose apart here,
// their difference keeps.
template <class T>
void map_linearly(const FactorPlan<T>& f, const T* row, const T* origin, T* out) {
  for (int i = 0; i < f.depth; ++i) {
    double sum = 0, lost = 0;
    const auto add = [&](double a, double b) {  // a · b in two parts, added in two parts
      const double product = a * b, s = sum + product, t = s - sum;
      lost += std::fma(a, b, -product) + ((sum - (s - t)) + (product - t));
      sum = s;
    };
    for (int j = 0; j < f.width; ++j) {
      const std::int64_t c = column_of(f, j);
      const double a = f.components[static_cast<std::size_t>(i * f.width + j)];
      add(a, static_cast<double>(row[c]));
      add(a, -static_cast<double>(origin[c]));
    }
    out[i] = static_cast<T>(sum + lost);
  }
}

}  // namespace

template <class T>
void map_row(const FactorPlan<T>& f, const T* row, const T* origin, T* out) noexcept {
  if (f.mapped()) return map_linearly(f, row, origin, out);
  for (int j = 0; j < f.width; ++j) out[j] = row[column_of(f, j)];
  if (f.geographic) out[2] = static_cast<T>(std::cos(static_cast<double>(out[0]) * f.degrees));
  if (!f.unit) return;
  double square = 0;
  for (int j = 0; j < f.width; ++j)
    square += static_cast<double>(out[j]) * static_cast<double>(out[j]);
  const double inverse = square > 0 ? 1 / std::sqrt(square) : square == 0 ? 0 : square;
  for (int j = 0; j < f.width; ++j) out[j] = static_cast<T>(static_cast<double>(out[j]) * inverse);
  if (f.zero_feature) out[f.width] = square == 0 ? T(1) : T(0);
}

template <class T>
RowKind classify_query(const Problem<T>& problem, const T* query) noexcept {
  if (problem.table->all_finite(query, static_cast<int>(problem.d))) return ordinary;
  RowKind kind = ordinary;
  for (const auto& term : problem.plan.terms)
    for (const auto& f : term.factors)
      for (int j = 0; j < f.width; ++j) {
        const T x = query[column_of(f, j)];
        if (std::isnan(x)) return has_nan;
        if (std::isinf(x) && f.distance) kind = infinite;
      }
  return kind;
}

template <class T>
void pack_group(const Problem<T>& problem, const Entry<T>& entry, const std::int64_t* rows,
                int count, Workspace<T>& w) noexcept {
  Group<T>& group = w.group;
  group.rows = count;
  bool in_a_row = true;
  for (int r = 1; r < count; ++r) in_a_row &= rows[r] == rows[0] + r;
  for (int r = 0; r < count; ++r) {
    group.index[r] = rows[r];
    group.query_rows[r] = entry.queries + rows[r] * problem.query_stride;
    group.own[r] = own_key(problem, entry, rows[r]);
    if (entry.position != nullptr && group.own[r] >= 0)
      group.own[r] = group.own[r] < problem.n ? entry.position[group.own[r]] : -1;
  }
  // Register blocks may read past the last row: it repeats.
  std::fill(group.query_rows + count, group.query_rows + max_group_rows,
            group.query_rows[count - 1]);
  for (std::size_t i = 0; i < w.factors.size(); ++i)
    for (std::size_t j = 0; j < w.factors[i].size(); ++j) {
      const auto& f = problem.plan.terms[i].factors[j];
      auto& b = w.factors[i][j];
      const T* source = group.query_rows[0];
      std::int64_t stride = f.depth;
      if (f.copies_rows()) {
        for (int r = 0; r < count; ++r)
          map_row(f, group.query_rows[r], entry.origin.data(), b.row.data() + r * f.depth);
        source = b.row.data();
      } else if (in_a_row) {
        stride = problem.query_stride;
      } else {  // rows done again, or in the order of a tree
        for (int r = 0; r < count; ++r)
          std::copy_n(group.query_rows[r], f.depth, b.row.data() + r * f.depth);
        source = b.row.data();
      }
      problem.table->transpose(source, stride, count, f.depth, b.panel.data(), query_lanes,
                               query_lanes);
      if (!f.expanded() && f.coordinate_scale != T(1))  // expanded: applied about a tile's center
        problem.table->rescale(b.panel.data(), std::int64_t(f.depth) * query_lanes,
                               f.coordinate_scale);
    }
}

#define VICINAL_INSTANTIATE(T)                                                           \
  template void map_row(const FactorPlan<T>&, const T*, const T*, T*) noexcept;          \
  template RowKind classify_query(const Problem<T>&, const T*) noexcept;                 \
  template void pack_group(const Problem<T>&, const Entry<T>&, const std::int64_t*, int, \
                           Workspace<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
