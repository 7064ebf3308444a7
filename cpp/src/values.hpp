// The values of a packed tile, and the scales of a chunk's columns.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// Copies the values of tile t; those that no weight may touch become 0, those that are not finite
// are set aside for a second reduce. `gathered` holds the rows of keys that are met in another
// order.
template <class T>
void pack_values(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
                 int t, T* gathered, Chunk<T>& chunk) noexcept;

// Key-major rows of full tiles without padding can be read where they stand, if nothing in them
// needs repair: true if so. Their peaks are those of the tile packed last.
template <class T>
bool take_own_values(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                     Chunk<T>& chunk) noexcept;

// Takes the peaks of the tile packed last into those of the chunk.
template <class T>
void grow_largest(Chunk<T>& chunk) noexcept;

// A column far from 1 is scaled by a power of two: its products must neither overflow nor become
// subnormal. Returns whether there is one.
template <class T>
bool find_scales(Chunk<T>& chunk) noexcept;
template <class T>
void scale_values(const Problem<T>& problem, Chunk<T>& chunk) noexcept;

}  // namespace vicinal
