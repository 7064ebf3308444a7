// Which of some modes a point has come close to.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "vicinal/view.hpp"

namespace vicinal {

// Closed balls of one radius about the modes, in the order of their widest feature.
template <class T>
class ModeBalls {
 public:
  ModeBalls(const View<const T>& modes, double radius) : modes_(modes), radius_(radius) {
    double widest = -1;
    for (std::int64_t j = 0; j < modes.columns; ++j) {
      double low = INFINITY, high = -INFINITY;
      for (std::int64_t i = 0; i < modes.rows; ++i) {
        low = std::min(low, static_cast<double>(modes.row(i)[j]));
        high = std::max(high, static_cast<double>(modes.row(i)[j]));
      }
      if (high - low > widest) widest = high - low, feature_ = j;
    }
    for (std::int64_t i = 0; i < modes.rows; ++i)
      sorted_.push_back({static_cast<double>(modes.row(i)[feature_]), i});
    std::sort(sorted_.begin(), sorted_.end());
  }

  bool empty() const { return sorted_.empty(); }

  // Row of the nearest mode that is at most the radius away, ties by row; or −1.
  std::int64_t mode_of(const T* point) const noexcept {
    const double at = static_cast<double>(point[feature_]);
    std::int64_t found = -1;
    double least = INFINITY;
    // Rounding of the difference must not leave a mode out: the distance decides.
    const double reach = radius_ * (1 + 1e-12) + 1e-15 * std::abs(at);
    for (auto mode = std::lower_bound(sorted_.begin(), sorted_.end(), Place{at - reach, -1});
         mode != sorted_.end() && mode->first <= at + reach; ++mode) {
      double square = 0;
      for (std::int64_t j = 0; j < modes_.columns; ++j) {
        const double x =
            static_cast<double>(point[j]) - static_cast<double>(modes_.row(mode->second)[j]);
        square += x * x;
      }
      if (square < least || (square == least && mode->second < found))
        least = square, found = mode->second;
    }
    return std::sqrt(least) <= radius_ ? found : -1;
  }

 private:
  using Place = std::pair<double, std::int64_t>;
  View<const T> modes_;
  double radius_;
  std::int64_t feature_ = 0;
  std::vector<Place> sorted_;
};

}  // namespace vicinal
