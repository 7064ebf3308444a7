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
  std::array<std::vector<T>, 3> near{};   // exp(−k² / 2s²) of displacements 0, 1, … of each axis
  T allowance = 0, scale = 0;             // 2σ², −log₂e / h²
  bool box = false;                       // plain sums serve; the two above are then of sums
};
template <class T>
PatchPlan<T> plan_of(const PaddedImage<T>& guide, const NonLocalMeansOptions& options);

inline constexpr std::int64_t band_rows = 64;
// Displacements along a row that are weighed before they are added, so that a pixel's sums are read
// and written once for all of them; and how many sums of squares of theirs stand in memory, which
// is to be the second-level cache.
inline constexpr std::int64_t most_together = 8;
inline constexpr std::int64_t block_numbers = 1 << 17;
inline constexpr std::int64_t least_block_rows = 8;

// Two pixels of one band share their weight. An image's pixel gets its weights in the same order
// wherever bands begin.
template <class T>
class PatchMeans {
 public:
  PatchMeans(const PaddedImage<T>& image, const PaddedImage<T>& guide, const PatchPlan<T>& plan);

  // Fills the sums of rows [first, last) of a plane.
  void run(std::int64_t plane, std::int64_t first, std::int64_t last, Poll& poll) noexcept;
  // Those of a row: Σw for each pixel, and Σ w (I[q] − I[p]) of a channel.
  const T* mass(std::int64_t row) const { return mass_.data() + (row - first_) * stride_; }
  const T* sums(std::int64_t row, std::int64_t channel) const {
    return sums_.data() + channel * band_stride_ + (row - first_) * stride_;
  }

 private:
  // `count` of them along the rows, the first by `columns`.
  struct Displacements {
    std::int64_t planes, rows, columns;
    int count;
  };
  void clear() noexcept;
  void meet(const Displacements& by) noexcept;
  void walk(const Displacements& by, std::int64_t from, std::int64_t to, bool shared) noexcept;
  void square(const Displacements& by, std::int64_t from, std::int64_t to) noexcept;
  void weigh(const Displacements& by, std::int64_t row) noexcept;
  // Of a row's pixels, the k-th stands `columns` + k `step` away along the row.
  struct Partners {
    std::int64_t plane, row, columns, step;
  };
  void add(std::int64_t row, const Partners& partners, int count) noexcept;
  kernels::PatchAxis<T> axis(std::size_t of) const {
    const auto& profile = plan_.profile[of];
    return {profile.data(), static_cast<int>(profile.size()), plan_.box};
  }

  const PaddedImage<T>&image_, &guide_;
  const PatchPlan<T>& plan_;
  const kernels::Table<T>& table_;
  std::int64_t plane_ = 0, first_ = 0, last_ = 0;
  std::int64_t stride_, band_stride_, wide_, weights_stride_;
  std::int64_t together_;    // displacements along a row
  std::int64_t block_rows_;  // whose sums stand in memory
  Buffer<T> mass_, sums_, squares_, used_, ring_, weights_;
  std::vector<kernels::RowPair<T>> pairs_;
};

}  // namespace vicinal
