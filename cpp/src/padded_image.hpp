// An image as the patch functions read it: channel after channel, continued by reflection by one
// patch radius along each axis. Rows have margins of zeros, in which pixels displaced along a row
// find memory.
#pragma once

#include <array>

#include "vicinal/non_local_means.hpp"
#include "workspace.hpp"

namespace vicinal {

template <class T>
struct PaddedImage {
  std::array<std::int64_t, 3> size{};    // planes, rows, columns of the image
  std::array<std::int64_t, 3> radius{};  // of a patch
  std::int64_t channels = 1, margin = 0;
  std::int64_t row_stride = 0, plane_stride = 0, channel_stride = 0;
  Buffer<T> values;  // missing ones are 0
  Buffer<T> used;    // 1 or 0 for each pixel
  bool masked = false;

  // Padded positions: pixel (plane, row, column) stands one radius further along each axis.
  std::int64_t at(std::int64_t plane, std::int64_t row, std::int64_t column) const {
    return plane * plane_stride + row * row_stride + margin + column;
  }
  std::int64_t pixel(std::int64_t plane, std::int64_t row, std::int64_t column) const {
    return at(plane + radius[0], row + radius[1], column + radius[2]);
  }
};

template <class T>
PaddedImage<T> padded(const ImageView<const T>& image, const NonLocalMeansOptions& options);
// Two images of the same pixels use those that both may use.
template <class T>
void share_used(PaddedImage<T>& a, PaddedImage<T>& b);

// A finite value in every channel.
template <class T>
bool is_present(const T* pixel, std::int64_t channels);

}  // namespace vicinal
