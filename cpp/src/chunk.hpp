// Packing: a run of keys, and a group of queries, as the tile functions read them.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// Packs the keys and values of the chunk that starts at position `first`; whatever is not a number
// is sorted out here, once per key.
template <class T>
void pack_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                Workspace<T>& workspace) noexcept;

// The same tile by tile: the workspace holds one tile of the chunk at a time, in the first place.
// Columns that must be scaled need the whole chunk; where close_tiles is false, what was
// made of these tiles does not count.
template <class T>
void open_tiles(Workspace<T>& workspace) noexcept;
template <class T>
void pack_tile(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
               Workspace<T>& workspace) noexcept;
template <class T>
bool close_tiles(Workspace<T>& workspace) noexcept;

// Packs up to group_rows queries of the given rows.
template <class T>
void pack_group(const Problem<T>& problem, const Entry<T>& entry, const std::int64_t* rows,
                int count, Workspace<T>& workspace) noexcept;

enum RowKind : std::uint8_t {
  ordinary,
  has_nan,
  infinite
};  // of a query's coordinates, as far as the kernel sees them
template <class T>
RowKind classify_query(const Problem<T>& problem, const T* query) noexcept;

// One row as a factor sees it: its columns, mapped, normalised or with the extra feature. Linear
// maps act on row − origin, so that an offset common to all data costs no digits.
template <class T>
void map_row(const FactorPlan<T>& factor, const T* row, const T* origin, T* out) noexcept;

}  // namespace vicinal
