// Packing: a run of keys and values, as the tile functions read them.
#pragma once

#include "workspace.hpp"

namespace vicinal {

inline constexpr std::uint32_t all_tiles = ~std::uint32_t{0};

// Packs the keys and values of the chunk that starts at position `first`; whatever is not a number
// is sorted out here, once per key. `rows` is scratch for rows that are mapped or gathered first.
// No row will meet tile t where bit t of `met` is 0: all that is read of it are its values, whose
// columns are scaled alike over the chunk.
template <class T>
void pack_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                std::uint32_t met, T* rows, Chunk<T>& chunk) noexcept;

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
