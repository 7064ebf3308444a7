// A query or a key as a factor of the kernel sees it.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// Packs up to group_rows queries of the given rows.
template <class T>
void pack_group(const Problem<T>& problem, const Entry<T>& entry, const std::int64_t* rows,
                int count, Workspace<T>& workspace) noexcept;

// Whether its coordinates are finite, as far as the kernel sees them.
template <class T>
RowKind classify_query(const Problem<T>& problem, const T* query) noexcept;

// One row as a factor sees it: its columns, mapped, normalised or with the extra feature. Linear
// maps act on row − origin, so that an offset common to all data costs no digits.
template <class T>
void map_row(const FactorPlan<T>& factor, const T* row, const T* origin, T* out) noexcept;

// Where the factor's guarded distances read their pairs: `count` keys, lane → `keys` by `order` or
// as they stand. All that is pointed to must outlive it.
template <class T>
kernels::PairSource<T> pair_source(const FactorPlan<T>& f, const T* const* query_rows,
                                   const T* keys, std::int64_t key_stride,
                                   const std::int64_t* order, int count) noexcept {
  return {.query_rows = query_rows,
          .keys = keys,
          .key_stride = key_stride,
          .order = order,
          .count = count,
          .columns = f.columns.empty() ? nullptr : f.columns.data(),
          .scales = f.scales.data(),
          .components = f.mapped() ? f.components.data() : nullptr,
          .columns_count = f.width,
          .rank = f.depth,
          .unit = f.unit};
}

}  // namespace vicinal
