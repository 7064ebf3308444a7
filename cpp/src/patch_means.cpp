#include "patch_means.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "lowering.hpp"

namespace vicinal {

namespace {

template <class T>
bool takes_plain_sums(const PaddedImage<T>& image, const NonLocalMeansOptions& o) {
  const bool flat = image.size[1] == 1 || image.size[2] == 1;
  const bool summed = !flat && 3 <= o.patch_size && o.patch_size <= 7;
  return o.patch == Patch::box && !image.masked && (summed || o.patch_size == 1);
}

template <class T>
void take_sums(double count, PatchPlan<T>& plan) {
  for (const auto& profile : plan.profile) count *= static_cast<double>(profile.size());
  if (plan.allowance != 0) plan.allowance = in_range<T>(count * plan.allowance);
  plan.scale = static_cast<T>(plan.scale / count);
}

}  // namespace

template <class T>
PatchPlan<T> plan_of(const PaddedImage<T>& guide, const NonLocalMeansOptions& options) {
  PatchPlan<T> plan;
  const double width = static_cast<double>(options.patch_size - 1) / 4;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t radius = guide.radius[axis];
    plan.reach[axis] = std::min(options.patch_distance, guide.size[axis] - 1);
    for (std::int64_t k = 0; k <= plan.reach[axis]; ++k) {
      const double u = static_cast<double>(k) / options.spatial_width;
      plan.near[axis].push_back(static_cast<T>(std::exp(-u * u / 2)));
    }
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
  plan.box = takes_plain_sums(guide, options);
  if (plan.box) take_sums(static_cast<double>(guide.channels), plan);
  return plan;
}
template PatchPlan<float> plan_of(const PaddedImage<float>&, const NonLocalMeansOptions&);
template PatchPlan<double> plan_of(const PaddedImage<double>&, const NonLocalMeansOptions&);

template <class T>
PatchMeans<T>::PatchMeans(const PaddedImage<T>& image, const PaddedImage<T>& guide,
                          const PatchPlan<T>& plan)
    : image_(image), guide_(guide), plan_(plan), table_(kernels::table<T>()) {
  const std::int64_t lanes = table_.lanes, columns = image.size[2];
  const auto whole = [&](std::int64_t n) { return (n + lanes - 1) / lanes * lanes; };
  // Rows and planes of sums that lie a multiple of 4 KB apart would make the processor take a load
  // for one that waits for a store.
  stride_ = whole(columns) + 5 * lanes;
  const std::int64_t rows = std::min(band_rows, image.size[1]);
  band_stride_ = stride_ * rows + 37 * lanes;  // sums are added in whole packs
  wide_ = whole(columns + 2 * image.radius[2]) + 3 * lanes;
  weights_stride_ = whole(columns) + 2 * image.margin + 3 * lanes;
  together_ = std::clamp<std::int64_t>(plan.reach[2], 1, most_together);
  block_rows_ = std::max(block_numbers / (together_ * wide_), least_block_rows);
  mass_.resize(band_stride_);
  sums_.resize(band_stride_ * image.channels);
  squares_.resize(together_ * block_rows_ * wide_ + lanes);
  if (image.masked) used_.resize(together_ * block_rows_ * wide_ + lanes);
  ring_.resize(4 * lanes * static_cast<std::int64_t>(plan.profile[1].size()));
  weights_.resize(together_ * weights_stride_ + lanes);
  std::fill_n(weights_.data(), together_ * weights_stride_ + lanes, T(0));
  pairs_.resize(plan.profile[0].size() * static_cast<std::size_t>(guide.channels));
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
    for (std::int64_t y = z == 0 ? 0 : -reach[1]; y <= reach[1]; ++y) {
      const std::int64_t first_x = z == 0 && y == 0 ? 1 : -reach[2];
      const std::int64_t groups = (reach[2] - first_x + together_) / together_;
      const std::int64_t size = groups == 0 ? 0 : (reach[2] - first_x + groups) / groups;
      for (std::int64_t x = first_x; x <= reach[2]; x += size) {
        if (poll.stopped()) return;
        meet({z, y, x, static_cast<int>(std::min(size, reach[2] - x + 1))});
        poll.look();
      }
    }
  }
}

// Within a plane, displacements go forward and serve both pixels of a pair: the rows whose partner
// stands in the band come first.
template <class T>
void PatchMeans<T>::meet(const Displacements& by) noexcept {
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
void PatchMeans<T>::walk(const Displacements& by, std::int64_t from, std::int64_t to,
                         bool shared) noexcept {
  for (std::int64_t block = from; block < to; block += block_rows_) {
    const std::int64_t end = std::min(block + block_rows_, to);
    square(by, block, end);
    for (std::int64_t row = block; row < end; ++row) {
      weigh(by, row - block);
      const std::int64_t other = row + by.rows;
      if (row >= first_) add(row, {plane_ + by.planes, other, by.columns, 1}, by.count);
      if (shared && other < last_) add(other, {plane_, row, -by.columns, -1}, by.count);
    }
  }
}

// The squares of rows [from, to), summed down their patches, from one radius left of the image.
template <class T>
void PatchMeans<T>::square(const Displacements& by, std::int64_t from, std::int64_t to) noexcept {
  std::size_t n = 0;
  for (std::size_t k = 0; k < plan_.profile[0].size(); ++k) {
    const std::int64_t plane = plane_ + static_cast<std::int64_t>(k);
    const std::int64_t a = guide_.at(plane, from, 0);
    const std::int64_t b = guide_.at(plane + by.planes, from + by.rows, by.columns);
    for (std::int64_t c = 0; c < guide_.channels; ++c) {
      const T* values = guide_.values.data() + c * guide_.channel_stride;
      const T* used = guide_.masked ? guide_.used.data() : nullptr;
      pairs_[n++] = {values + a, values + b, guide_.masked ? used + a : nullptr,
                     guide_.masked ? used + b : nullptr,
                     plan_.profile[0][k] / static_cast<T>(guide_.channels)};
    }
  }
  table_.sum_squares({.pairs = pairs_.data(),
                      .pairs_count = static_cast<int>(n),
                      .stride = guide_.row_stride,
                      .down = axis(1),
                      .displacements = by.count,
                      .rows = to - from,
                      .count = static_cast<int>(image_.size[2] + 2 * image_.radius[2]),
                      .out = squares_.data(),
                      .used = image_.masked ? used_.data() : nullptr,
                      .plane = block_rows_ * wide_,
                      .out_stride = wide_,
                      .ring = ring_.data()});
}

// The weights of a row of the block; those of pixels whose partner is outside the image are 0.
template <class T>
void PatchMeans<T>::weigh(const Displacements& by, std::int64_t row) noexcept {
  const std::int64_t columns = image_.size[2], end = columns + table_.lanes;
  const auto near = [&](std::size_t axis, std::int64_t k) {
    return plan_.near[axis][static_cast<std::size_t>(std::abs(k))];
  };
  for (std::int64_t k = 0; k < by.count; ++k) {
    const std::int64_t at = (k * block_rows_ + row) * wide_, x = by.columns + k;
    T* weights = weights_.data() + k * weights_stride_ + image_.margin;
    table_.weigh_patches({.sums = squares_.data() + at,
                          .used = image_.masked ? used_.data() + at : nullptr,
                          .along = axis(2),
                          .count = static_cast<int>(columns),
                          .allowance = plan_.allowance,
                          .scale = plan_.scale,
                          .factor = near(0, by.planes) * near(1, by.rows) * near(2, x),
                          .weights = weights});
    std::fill(weights, weights + std::max<std::int64_t>(0, -x), T(0));
    std::fill(weights + columns - std::max<std::int64_t>(0, x), weights + end, T(0));
  }
}

// To the pixels of a row of the band. The weight of a pair stands where its first pixel does.
template <class T>
void PatchMeans<T>::add(std::int64_t row, const Partners& partners, int count) noexcept {
  const bool first = partners.step > 0;
  const std::int64_t at = (row - first_) * stride_;
  const std::int64_t to = image_.pixel(partners.plane, partners.row, partners.columns);
  table_.add_pixels({.weights = weights_.data() + image_.margin + (first ? 0 : partners.columns),
                     .weights_step = weights_stride_ + (first ? 0 : partners.step),
                     .partners = image_.values.data() + to,
                     .used = image_.masked ? image_.used.data() + to : nullptr,
                     .partners_step = partners.step,
                     .own = image_.values.data() + image_.pixel(plane_, row, 0),
                     .displacements = count,
                     .plane = image_.channel_stride,
                     .channels = static_cast<int>(image_.channels),
                     .count = static_cast<int>(image_.size[2]),
                     .mass = mass_.data() + at,
                     .sums = sums_.data() + at,
                     .sums_plane = band_stride_});
}

template class PatchMeans<float>;
template class PatchMeans<double>;

}  // namespace vicinal
