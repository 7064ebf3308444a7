// Packing: a run of keys and values, as the tile functions read them.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// Packs the keys and values of the chunk that starts at position `first`; whatever is not a number
// is sorted out here, once per key. `rows` is scratch for rows that are mapped or gathered first.
template <class T>
void pack_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, T* rows,
                Chunk<T>& chunk) noexcept;

// The same tile by tile: the chunk holds one tile at a time, in the first place. Columns that must
// be scaled need the whole chunk; where close_tiles is false, what was made of these tiles does not
// count.
template <class T>
void open_tiles(Chunk<T>& chunk) noexcept;
template <class T>
void pack_tile(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, T* rows,
               Chunk<T>& chunk) noexcept;
template <class T>
bool close_tiles(Chunk<T>& chunk) noexcept;

}  // namespace vicinal
