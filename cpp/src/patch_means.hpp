// The pixels of one plane in a band of rows: their weights against all pixels near them, one
// displacement after the other.
#pragma once

#include <vector>

#include "kernels/table.hpp"
#include "padded_image.hpp"
#include "poll.hpp"

namespace vicinal {

// What all bands share.
template <class T>
struct PatchPlan {
  std::array<std::vector<T>, 3> profile;  // of the patch along each axis, Σ = 1
  std::array<std::int64_t, 3> reach{};    // of the search along each axis
  T allowance = 0, scale = 0;             // 2σ², −log₂e / h²
};
template <class T>
PatchPlan<T> plan_of(const PaddedImage<T>& image, const NonLocalMeansOptions& options);

inline constexpr std::int64_t band_rows = 64;

// Two pixels of one band share their weight. An image's pixel gets its weights in the same order
// wherever bands begin.
template <class T>
class PatchMeans {
 public:
  PatchMeans(const PaddedImage<T>& image, const PatchPlan<T>& plan);

  // Fills the sums of rows [first, last) of a plane.
  void run(std::int64_t plane, std::int64_t first, std::int64_t last, Poll& poll) noexcept;
  // Those of a row: Σw for each pixel, and Σ w (I[q] − I[p]) of a channel.
  const T* mass(std::int64_t row) const { return mass_.data() + (row - first_) * stride_; }
  const T* sums(std::int64_t row, std::int64_t channel) const {
    return sums_.data() + channel * band_stride_ + (row - first_) * stride_;
  }

 private:
  struct Displacement {
    std::int64_t planes, rows, columns;
  };
  void clear() noexcept;
  void meet(const Displacement& by) noexcept;
  void walk(const Displacement& by, std::int64_t from, std::int64_t to, bool shared) noexcept;
  void square(const Displacement& by, std::int64_t row) noexcept;
  void weigh(const Displacement& by, std::int64_t row) noexcept;
  struct Side {
    std::int64_t plane, row, column;
  };
  void add(const Side& own, const Side& other, bool both, std::int64_t count) noexcept;
  std::int64_t first_column(const Displacement& by) const {
    return std::max<std::int64_t>(0, -by.columns);
  }
  std::int64_t columns(const Displacement& by) const {
    return image_.size[2] - std::abs(by.columns);
  }

  const PaddedImage<T>& image_;
  const PatchPlan<T>& plan_;
  const kernels::Table<T>& table_;
  std::int64_t plane_ = 0, first_ = 0, last_ = 0;
  std::int64_t stride_, band_stride_, wide_;
  Buffer<T> mass_, sums_, squares_, used_, scratch_, weights_;
  std::vector<kernels::RowPair<T>> pairs_;
  std::vector<const T*> square_rows_, used_rows_;
};

}  // namespace vicinal
