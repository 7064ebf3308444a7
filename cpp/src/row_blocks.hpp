// Loops over blocks of rows with sums on the way: the same bits for any number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "parallel.hpp"

namespace vicinal {

// NaN is the largest of all.
inline double larger(double a, double b) { return !(b <= a) ? b : a; }

struct RowSums {
  double first = 0, second = 0, largest = 0;

  void add(const RowSums& other) {
    first += other.first;
    second += other.second;
    largest = larger(largest, other.largest);
  }
};

// Blocks depend on the shape alone, and their sums are added in order.
class RowBlocks {
 public:
  RowBlocks(std::int64_t rows, std::int64_t columns, int threads)
      : rows_(rows),
        step_(std::max<std::int64_t>(1, 8192 / columns)),
        sums_(static_cast<std::size_t>((rows + step_ - 1) / step_)),
        threads_(std::min(threads, static_cast<int>(std::min<std::size_t>(sums_.size(), 1024)))) {}

  // work(row, sums) for every row; it must not throw.
  template <class Work>
  RowSums over(Work&& work) {
    std::atomic<std::int64_t> next{0};
    const auto blocks = static_cast<std::int64_t>(sums_.size());
    parallel(
        threads_,
        [&](int) {
          for (std::int64_t b = next++; b < blocks; b = next++) {
            RowSums sums;
            for (std::int64_t i = b * step_; i < std::min((b + 1) * step_, rows_); ++i)
              work(i, sums);
            sums_[static_cast<std::size_t>(b)] = sums;
          }
        },
        [] {});
    RowSums total;
    for (const RowSums& sums : sums_) total.add(sums);
    return total;
  }

 private:
  std::int64_t rows_, step_;
  std::vector<RowSums> sums_;
  int threads_;
};

}  // namespace vicinal
