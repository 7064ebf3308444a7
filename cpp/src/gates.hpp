// Which keys of a tile the rows of a group may not use: by mask, exclude_self and the gates of
// their neighborhood. One bit per lane, in every order of the keys.
#pragma once

#include "step.hpp"

namespace vicinal {

// Sets the bits of all rows, but for the radius.
template <class T>
void find_dropped(const Step<T>& step) noexcept;
// Panels that not all rows leave out; a group that leaves nothing out learns it here.
template <class T>
Panels find_panels(const Problem<T>& problem, Group<T>& group) noexcept;
// Adds the bits of keys beyond the radius, from the scores of the kernel's only factor.
template <class T>
void find_outside(const Step<T>& step, const T* scores) noexcept;

// Whether a row from first_row to last_row may use any of `count` keys from position `first` on, as
// far as that is seen at once.
template <class T>
bool may_meet(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first_row,
              std::int64_t last_row, std::int64_t first, std::int64_t count) noexcept;
// All keys that the row may use stand in one chunk, as far as that is seen at once.
template <class T>
bool meets_one_chunk(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row,
                     std::int64_t chunk) noexcept;
// The same as may_meet for the present group.
template <class T>
bool group_may_meet(const Problem<T>& problem, const Entry<T>& entry, const Group<T>& group,
                    std::int64_t first, std::int64_t count) noexcept;

}  // namespace vicinal
