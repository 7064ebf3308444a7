// What a pair's log-weight gains besides its kernel and prior: an array, a function of how far
// apart the two stand, or the sum of both.
#pragma once

#include <algorithm>
#include <cstdint>

#include "vicinal/local_mean.hpp"

namespace vicinal {

template <class T>
struct PairBias {
  PairView<T> array{};
  PositionBias<T> by_position{};
  std::int64_t ahead = 0;  // key − query position of row 0 and key 0

  bool has_positions() const { return by_position.slope != 0 || !by_position.table.empty(); }
  explicit operator bool() const { return static_cast<bool>(array) || has_positions(); }

  T of(std::int64_t row, std::int64_t key) const noexcept {
    const T given = array ? array.row(row)[key * array.column_stride] : T(0);
    if (!has_positions()) return given;
    const T placed = at_distance(key - row + ahead);
    return array ? given + placed : placed;
  }
  T at_distance(std::int64_t distance) const noexcept {
    const auto apart = static_cast<T>(distance < 0 ? -distance : distance);
    const T ramp = by_position.slope == 0 ? T(0) : -by_position.slope * apart;
    return by_position.table.empty() ? ramp : ramp + entry_at(distance);
  }

 private:
  T entry_at(std::int64_t distance) const noexcept {
    const std::int64_t reach = std::ssize(by_position.table) / 2;
    return by_position.table[static_cast<std::size_t>(std::clamp(distance, -reach, reach) + reach)];
  }
};

}  // namespace vicinal
