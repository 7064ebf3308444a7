// The door of non-local means: checks, bands for the workers, quotients.
#include "vicinal/non_local_means.hpp"

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "floating_point.hpp"
#include "lowering.hpp"
#include "parallel.hpp"
#include "patch_means.hpp"

namespace vicinal {
namespace {

template <class T>
void check(const ImageView<const T>& image, const ImageView<T>& out,
           const NonLocalMeansOptions& o) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 4;
  const auto named = [](const auto& v) {
    return std::to_string(v.planes) + " x " + std::to_string(v.rows) + " x " +
           std::to_string(v.columns) + " x " + std::to_string(v.channels);
  };
  for (const std::int64_t n : {image.planes, image.rows, image.columns, image.channels})
    if (n < 1 || n > most)
      refuse("image must have at least one pixel along each axis and one channel, and at most " +
             std::to_string(most) + ", got " + named(image));
  if (named(image) != named(out))
    refuse("out must have the shape of image, " + named(image) + ", got " + named(out));
  if (image.data == nullptr || out.data == nullptr || image.data == out.data)
    refuse("image and out must be two arrays; pass out memory of its own");
  if (o.patch_size < 1 || o.patch_size % 2 == 0 || o.patch_size > 1023)
    refuse("patch_size must be odd, from 1 to 1023, got " + std::to_string(o.patch_size));
  if (o.patch_distance < 0)
    refuse("patch_distance must be at least 0, got " + std::to_string(o.patch_distance));
  if (!(o.h > 0)) refuse("h must be positive, got " + std::to_string(o.h));
  if (!(o.sigma >= 0 && std::isfinite(o.sigma)))
    refuse("sigma must be finite and at least 0, got " + std::to_string(o.sigma));
  if (!(o.spatial_width > 0))
    refuse("spatial_width must be positive, got " + std::to_string(o.spatial_width));
  if (!o.mask.empty() && static_cast<std::int64_t>(o.mask.size()) != image.pixels())
    refuse("mask must have one element per pixel (" + std::to_string(image.pixels()) + "), got " +
           std::to_string(o.mask.size()));
}

// Writes a row; returns how many of its pixels have no weight.
template <class T>
std::int64_t write(const ImageView<const T>& image, const PaddedImage<T>& padded,
                   const PatchMeans<T>& means, std::int64_t plane, std::int64_t row,
                   const NonLocalMeansOptions& o, const ImageView<T>& out) {
  std::int64_t empty = 0;
  for (std::int64_t column = 0; column < image.columns; ++column) {
    const std::int64_t pixel = (plane * image.rows + row) * image.columns + column;
    const T mass = means.mass(row)[column];
    const bool asked = o.mask.empty() || o.mask[static_cast<std::size_t>(pixel)];
    empty += asked && mass == 0;
    const T* own = padded.values.data() + padded.pixel(plane, row, column);
    for (std::int64_t c = 0; c < image.channels; ++c) {
      const std::int64_t at = pixel * image.channels + c;
      out.data[at] = !asked || mass == 0
                         ? image.data[at]
                         : own[c * padded.channel_stride] + means.sums(row, c)[column] / mass;
    }
  }
  return empty;
}

template <class T>
void check_guide(const ImageView<const T>& image, const ImageView<const T>& guide) {
  const bool fits = guide.planes == image.planes && guide.rows == image.rows &&
                    guide.columns == image.columns && guide.channels >= 1;
  if (guide.data == nullptr || !fits)
    refuse("guide must have the pixels of image, and a channel at least");
}

// Patches are those of `guide`, or of the image itself without one.
template <class T>
NonLocalMeansReport denoise(const ImageView<const T>& image, const ImageView<const T>* guide,
                            const ImageView<T>& out, const NonLocalMeansOptions& o) {
  check(image, out, o);
  if (guide != nullptr) check_guide(image, *guide);
  const DefaultFloatingPoint modes;
  PaddedImage<T> source = padded(image, o), other;
  if (guide != nullptr) {
    other = padded(*guide, o);
    share_used(source, other);
  }
  const PaddedImage<T>& patches = guide == nullptr ? source : other;
  const PatchPlan<T> plan = plan_of(patches, o);
  const std::int64_t bands = (image.rows + band_rows - 1) / band_rows;
  const std::int64_t turns = bands * image.planes;
  const int asked = std::min(o.num_threads > 0 ? o.num_threads : max_threads(), 1024);
  const int threads = static_cast<int>(std::min<std::int64_t>(turns, asked));
  std::vector<PatchMeans<T>> workers;
  workers.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) workers.emplace_back(source, patches, plan);
  const Watch watch{o.interrupted, o.progress};
  Poll poll(watch, static_cast<double>(turns));
  std::atomic<std::int64_t> next{0}, empty{0};
  parallel(
      threads,
      [&](int worker) {
        PatchMeans<T>& means = workers[static_cast<std::size_t>(worker)];
        for (std::int64_t t = next++; t < turns && !poll.stopped(); t = next++) {
          const std::int64_t plane = t / bands, first = t % bands * band_rows;
          const std::int64_t last = std::min(first + band_rows, image.rows);
          means.run(plane, first, last, poll);
          for (std::int64_t row = first; row < last && !poll.stopped(); ++row)
            empty += write(image, source, means, plane, row, o, out);
          poll.advance(1);
        }
      },
      [&] { poll.look(); });
  poll.finish();
  return {.empty_pixels = empty, .interrupted = poll.stopped()};
}

}  // namespace

NonLocalMeansReport non_local_means(ImageView<const float> image, ImageView<float> out,
                                    const NonLocalMeansOptions& options) {
  return denoise<float>(image, nullptr, out, options);
}
NonLocalMeansReport non_local_means(ImageView<const double> image, ImageView<double> out,
                                    const NonLocalMeansOptions& options) {
  return denoise<double>(image, nullptr, out, options);
}
NonLocalMeansReport non_local_means(ImageView<const float> image, ImageView<const float> guide,
                                    ImageView<float> out, const NonLocalMeansOptions& options) {
  return denoise<float>(image, &guide, out, options);
}
NonLocalMeansReport non_local_means(ImageView<const double> image, ImageView<const double> guide,
                                    ImageView<double> out, const NonLocalMeansOptions& options) {
  return denoise<double>(image, &guide, out, options);
}

}  // namespace vicinal
