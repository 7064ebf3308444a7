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

}  // namespace vicinal
