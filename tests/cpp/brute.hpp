// Search by looking at every key, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "sample.hpp"

namespace brute {

// (squared Euclidean distance, row) of all keys, nearest first, ties by row.
template <class T>
std::vector<std::pair<double, std::int64_t>> by_distance(const T* q,
                                                         const sample::Matrix<T>& keys) {
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::int64_t k = 0; k < keys.rows; ++k) {
    double sum = 0;
    for (std::int64_t j = 0; j < keys.columns; ++j) {
      const double t = double(q[j]) - double(keys.row(k)[j]);
      sum += t * t;
    }
    all.emplace_back(sum, k);
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace brute
