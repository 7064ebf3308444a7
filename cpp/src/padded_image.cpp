#include "padded_image.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/table.hpp"

namespace vicinal {
namespace {

// … c b | a b c | b a …, as often as it takes.
std::int64_t reflected(std::int64_t i, std::int64_t size) {
  if (size == 1) return 0;
  const std::int64_t period = 2 * (size - 1), j = ((i % period) + period) % period;
  return j < size ? j : period - j;
}

}  // namespace

template <class T>
bool is_present(const T* pixel, std::int64_t channels) {
  return std::all_of(pixel, pixel + channels, [](T x) { return std::isfinite(x); });
}
template bool is_present(const float*, std::int64_t);
template bool is_present(const double*, std::int64_t);

namespace {

// Which pixels of a padded row may be used; those that may not and are not finite become 0.
template <class T>
void mark_used(const ImageView<const T>& image, const NonLocalMeansOptions& options,
               const std::vector<std::int64_t>& columns, std::int64_t source, std::int64_t at,
               PaddedImage<T>& p) {
  for (std::size_t x = 0; x < columns.size(); ++x) {
    const std::int64_t pixel = source + columns[x], to = at + static_cast<std::int64_t>(x);
    const bool asked = options.mask.empty() || options.mask[static_cast<std::size_t>(pixel)];
    const bool used = asked && (!options.omit_missing ||
                                is_present(image.data + pixel * image.channels, image.channels));
    p.used[to] = used ? T(1) : T(0);
    for (std::int64_t c = 0; !used && c < image.channels; ++c) {
      T& value = p.values[c * p.channel_stride + to];
      if (!std::isfinite(value)) value = 0;
    }
  }
}

template <class T>
void fill(const ImageView<const T>& image, const NonLocalMeansOptions& options, PaddedImage<T>& p) {
  std::vector<std::int64_t> columns;
  for (std::int64_t x = -p.radius[2]; x < image.columns + p.radius[2]; ++x)
    columns.push_back(reflected(x, image.columns));
  for (std::int64_t z = 0; z < image.planes + 2 * p.radius[0]; ++z)
    for (std::int64_t y = 0; y < image.rows + 2 * p.radius[1]; ++y) {
      const std::int64_t source = (reflected(z - p.radius[0], image.planes) * image.rows +
                                   reflected(y - p.radius[1], image.rows)) *
                                  image.columns;
      const std::int64_t at = p.at(z, y, 0);
      for (std::int64_t c = 0; c < image.channels; ++c) {
        const T* from = image.data + source * image.channels + c;
        T* to = p.values.data() + c * p.channel_stride + at;
        for (const std::int64_t column : columns) *to++ = from[column * image.channels];
      }
      if (p.masked) mark_used(image, options, columns, source, at, p);
    }
}

}  // namespace

template <class T>
PaddedImage<T> padded(const ImageView<const T>& image, const NonLocalMeansOptions& options) {
  PaddedImage<T> p;
  const std::int64_t lanes = kernels::table<T>().lanes, reach = (options.patch_size - 1) / 2;
  p.size = {image.planes, image.rows, image.columns};
  // Reflection repeats an axis of one pixel, so that no patch differs along it.
  for (std::size_t axis = 0; axis < 3; ++axis) p.radius[axis] = p.size[axis] == 1 ? 0 : reach;
  p.channels = image.channels;
  const auto whole = [&](std::int64_t n) { return (n + lanes - 1) / lanes * lanes; };
  p.margin = whole(std::min(options.patch_distance, image.columns - 1));
  p.row_stride = whole(image.columns + 2 * p.radius[2]) + 2 * p.margin + lanes;
  p.plane_stride = p.row_stride * (image.rows + 2 * p.radius[1]);
  p.channel_stride = p.plane_stride * (image.planes + 2 * p.radius[0]);
  p.masked = !options.mask.empty() || options.omit_missing;
  const std::int64_t slack = 4 * lanes;  // rows are read in whole packs
  p.values.resize(p.channels * p.channel_stride + slack);
  std::fill_n(p.values.data(), p.channels * p.channel_stride + slack, T(0));
  if (p.masked) {
    p.used.resize(p.channel_stride + slack);
    std::fill_n(p.used.data(), p.channel_stride + slack, T(0));
  }
  fill(image, options, p);
  return p;
}
template PaddedImage<float> padded(const ImageView<const float>&, const NonLocalMeansOptions&);
template PaddedImage<double> padded(const ImageView<const double>&, const NonLocalMeansOptions&);

template <class T>
void share_used(PaddedImage<T>& a, PaddedImage<T>& b) {
  if (!a.masked) return;
  for (std::int64_t i = 0; i < a.channel_stride; ++i) a.used[i] = b.used[i] = a.used[i] * b.used[i];
}
template void share_used(PaddedImage<float>&, PaddedImage<float>&);
template void share_used(PaddedImage<double>&, PaddedImage<double>&);

}  // namespace vicinal
