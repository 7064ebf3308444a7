#include "patch_means.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lowering.hpp"

namespace vicinal {

template <class T>
PatchPlan<T> plan_of(const PaddedImage<T>& image, const NonLocalMeansOptions& options) {
  PatchPlan<T> plan;
  const double width = static_cast<double>(options.patch_size - 1) / 4;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t radius = image.radius[axis];
    plan.reach[axis] = std::min(options.patch_distance, image.size[axis] - 1);
    std::vector<double> g;
    double sum = 0;
    for (std::int64_t k = -radius; k <= radius; ++k) {
      const double u = k == 0 ? 0 : static_cast<double>(k) / width;
      g.push_back(options.patch == Patch::box ? 1.0 : std::exp(-u * u / 2));
      sum += g.back();
    }
    for (const double weight : g) plan.profile[axis].push_back(static_cast<T>(weight / sum));
  }
  plan.allowance = in_range<T>(2 * options.sigma * options.sigma);
  if (options.sigma == 0) plan.allowance = 0;
  plan.scale = -in_range<T>(std::numbers::log2e / options.h / options.h);
  return plan;
}
template PatchPlan<float> plan_of(const PaddedImage<float>&, const NonLocalMeansOptions&);
template PatchPlan<double> plan_of(const PaddedImage<double>&, const NonLocalMeansOptions&);

template <class T>
PatchMeans<T>::PatchMeans(const PaddedImage<T>& image, const PatchPlan<T>& plan)
    : image_(image), plan_(plan), table_(kernels::table<T>()) {
  const std::int64_t lanes = table_.lanes, down = 2 * image.radius[1] + 1;
  const auto whole = [&](std::int64_t n) { return (n + lanes - 1) / lanes * lanes; };
  // Rows and planes of sums that lie a multiple of 4 KB apart would make the processor take a load
  // for one that waits for a store.
  stride_ = whole(image.size[2]) + 5 * lanes;
  const std::int64_t rows = std::min(band_rows, image.size[1]);
  band_stride_ = stride_ * rows + 37 * lanes;  // sums are added in whole packs
  wide_ = whole(image.size[2] + 2 * image.radius[2]) + lanes;
  mass_.resize(band_stride_);
  sums_.resize(band_stride_ * image.channels);
  squares_.resize(down * wide_);
  if (image.masked) used_.resize(down * wide_);
  scratch_.resize(2 * (wide_ + 3 * lanes));
  weights_.resize(stride_);
  pairs_.resize(plan.profile[0].size() * static_cast<std::size_t>(image.channels));
  square_rows_.resize(static_cast<std::size_t>(down));
  used_rows_.resize(static_cast<std::size_t>(down));
}

// A pixel weighs 1 for itself, if it may be used.
template <class T>
void PatchMeans<T>::clear() noexcept {
  std::fill_n(sums_.data(), band_stride_ * image_.channels, T(0));
  std::fill_n(mass_.data(), band_stride_, T(1));
  if (!image_.masked) return;
  for (std::int64_t row = first_; row < last_; ++row)
    std::copy_n(image_.used.data() + image_.pixel(plane_, row, 0), image_.size[2],
                mass_.data() + (row - first_) * stride_);
}

template <class T>
void PatchMeans<T>::run(std::int64_t plane, std::int64_t first, std::int64_t last,
                        Poll& poll) noexcept {
  plane_ = plane, first_ = first, last_ = last;
  clear();
  const auto& reach = plan_.reach;
  for (std::int64_t z = -reach[0]; z <= reach[0]; ++z) {
    if (plane + z < 0 || plane + z >= image_.size[0]) continue;
    for (std::int64_t y = z == 0 ? 0 : -reach[1]; y <= reach[1]; ++y)
      for (std::int64_t x = z == 0 && y == 0 ? 1 : -reach[2]; x <= reach[2]; ++x) {
        if (poll.stopped()) return;
        meet({z, y, x});
        poll.look();
      }
  }
}

// Within a plane, displacements go forward and serve both pixels of a pair: the rows whose partner
// stands in the band come first.
template <class T>
void PatchMeans<T>::meet(const Displacement& by) noexcept {
  const std::int64_t lowest = std::max<std::int64_t>(0, -by.rows);
  const std::int64_t highest = image_.size[1] - std::max<std::int64_t>(0, by.rows);
  const std::int64_t from = std::max(first_, lowest), to = std::min(last_, highest);
  if (by.planes != 0) return walk(by, from, to, false);
  const std::int64_t before = std::max(first_ - by.rows, lowest);
  const std::int64_t until = std::min(last_ - by.rows, highest);
  if (until >= first_) return walk(by, before, std::max(to, until), true);
  walk(by, before, until, true);
  walk(by, from, to, true);
}

template <class T>
void PatchMeans<T>::walk(const Displacement& by, std::int64_t from, std::int64_t to,
                         bool shared) noexcept {
  const std::int64_t radius = image_.radius[1], column = first_column(by), count = columns(by);
  for (std::int64_t row = from - radius; row < std::min(from + radius, to + radius); ++row)
    square(by, row);
  for (std::int64_t row = from; row < to; ++row) {
    square(by, row + radius);
    weigh(by, row);
    const Side p{plane_, row, column};
    const Side q{plane_ + by.planes, row + by.rows, column + by.columns};
    const bool wanted = shared && q.row < last_;
    if (row >= first_)
      add(p, q, wanted, count);
    else if (wanted)
      add(q, p, false, count);
  }
}

// The squares of row and of row + by, into the ring, from one radius left of the first column.
template <class T>
void PatchMeans<T>::square(const Displacement& by, std::int64_t row) noexcept {
  const std::int64_t down = 2 * image_.radius[1] + 1, slot = (row + image_.radius[1]) % down;
  const std::int64_t column = first_column(by);
  std::size_t n = 0;
  for (std::size_t k = 0; k < plan_.profile[0].size(); ++k) {
    const std::int64_t plane = plane_ + static_cast<std::int64_t>(k);
    const std::int64_t a = image_.at(plane, row + image_.radius[1], column);
    const std::int64_t b =
        image_.at(plane + by.planes, row + image_.radius[1] + by.rows, column + by.columns);
    for (std::int64_t c = 0; c < image_.channels; ++c) {
      const T* values = image_.values.data() + c * image_.channel_stride;
      const T* used = image_.masked ? image_.used.data() : nullptr;
      pairs_[n++] = {values + a, values + b, image_.masked ? used + a : nullptr,
                     image_.masked ? used + b : nullptr,
                     plan_.profile[0][k] / static_cast<T>(image_.channels)};
    }
  }
  table_.square_rows({.pairs = pairs_.data(),
                      .pairs_count = static_cast<int>(n),
                      .count = static_cast<int>(columns(by) + 2 * image_.radius[2]),
                      .out = squares_.data() + slot * wide_,
                      .used = image_.masked ? used_.data() + slot * wide_ : nullptr});
}

template <class T>
void PatchMeans<T>::weigh(const Displacement& by, std::int64_t row) noexcept {
  const std::int64_t down = 2 * image_.radius[1] + 1;
  std::int64_t slot = row % down;
  for (std::int64_t k = 0; k < down; ++k, slot = slot + 1 == down ? 0 : slot + 1) {
    square_rows_[static_cast<std::size_t>(k)] = squares_.data() + slot * wide_;
    if (image_.masked) used_rows_[static_cast<std::size_t>(k)] = used_.data() + slot * wide_;
  }
  table_.weigh_patches({.rows = square_rows_.data(),
                        .used = image_.masked ? used_rows_.data() : nullptr,
                        .down = plan_.profile[1].data(),
                        .along = plan_.profile[2].data(),
                        .down_size = static_cast<int>(down),
                        .along_size = static_cast<int>(plan_.profile[2].size()),
                        .count = static_cast<int>(columns(by)),
                        .allowance = plan_.allowance,
                        .scale = plan_.scale,
                        .scratch = scratch_.data(),
                        .weights = weights_.data()});
}

// To the pixels from `own` on, which stand in the band, those from `other` on, and the reverse.
template <class T>
void PatchMeans<T>::add(const Side& own, const Side& other, bool both,
                        std::int64_t count) noexcept {
  const std::int64_t p = image_.pixel(own.plane, own.row, own.column);
  const std::int64_t q = image_.pixel(other.plane, other.row, other.column);
  const std::int64_t at = (own.row - first_) * stride_ + own.column;
  const std::int64_t to = (other.row - first_) * stride_ + other.column;
  const T* used = image_.masked ? image_.used.data() : nullptr;
  table_.add_pixels({.weights = weights_.data(),
                     .own = image_.values.data() + p,
                     .other = image_.values.data() + q,
                     .used_own = used == nullptr ? nullptr : used + p,
                     .used_other = used == nullptr ? nullptr : used + q,
                     .plane = image_.channel_stride,
                     .channels = static_cast<int>(image_.channels),
                     .count = static_cast<int>(count),
                     .mass = mass_.data() + at,
                     .sums = sums_.data() + at,
                     .other_mass = both ? mass_.data() + to : nullptr,
                     .other_sums = both ? sums_.data() + to : nullptr,
                     .sums_plane = band_stride_});
}

template class PatchMeans<float>;
template class PatchMeans<double>;

}  // namespace vicinal
