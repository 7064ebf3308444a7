// Non-local means: every pixel becomes the mean of the pixels near it, weighed by how alike the
// patches around the two are (Buades, Coll & Morel, 2005).
//
//   d²(p, q) = Σ_k g(k) ‖G[p + k] − G[q + k]‖² / channels,
//   w = exp(−max(d² − 2σ², 0) / h²) · exp(−‖p − q‖² / 2s²)
//
// with the image itself or another one as the guide G. Patches of one pixel make the bilateral
// filter (Tomasi & Manduchi, 1998), of a guide the joint one; s = ∞ leaves the places out.
//
// A local mean with the patches as queries and keys, the Gaussian of bandwidth h/√2 as kernel (σ =
// 0) and the grid of pixels at most patch_distance away as neighbors. Exact: squares are summed
// axis by axis, and nothing is approximated. A pixel's bits do not depend on the threads.
//
// At the border patches continue by reflection (c b | a b c), and pixels outside the image are
// nobody's neighbors.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>

#include "vicinal/export.h"

namespace vicinal {

// planes × rows × columns × channels elements in C order; a picture has one plane.
template <class T>
struct ImageView {
  T* data = nullptr;
  std::int64_t planes = 1, rows = 1, columns = 1, channels = 1;

  constexpr std::int64_t pixels() const { return planes * rows * columns; }
};

// The weights g of a patch of s pixels along each axis of more than one pixel, Σ g = 1.
enum class Patch : std::int32_t {
  box,      // all alike
  gaussian  // ∝ exp(−‖k‖² / (2 a²)), a = (s − 1) / 4
};

struct NonLocalMeansOptions {
  Patch patch = Patch::box;
  std::int64_t patch_size = 7;       // odd
  std::int64_t patch_distance = 11;  // pixels in each direction along each axis, at least 0
  double h = 0.1;                    // > 0, in units of the image
  double sigma = 0;                  // standard deviation of the noise, at least 0
  double spatial_width = std::numeric_limits<double>::infinity();  // s > 0, in pixels
  // One per pixel, true: this pixel is denoised, and others may use it. d² is then the mean over
  // the pixels of the patches that may be used on both sides. Empty: all.
  std::span<const bool> mask{};
  // Pixels that are not finite are not used and become the mean of others; else they spoil every
  // pixel that meets them.
  bool omit_missing = false;
  int num_threads = 0;                     // 0 = what OpenMP gives
  std::function<bool()> interrupted{};     // polled by the calling thread; true stops the call
  std::function<void(double)> progress{};  // fraction done, called by the calling thread
};

struct NonLocalMeansReport {
  std::int64_t empty_pixels = 0;  // without any weight: they stay as they are
  bool interrupted = false;
};

// `out` has the shape of `image` and is another memory.
VICINAL_EXPORT NonLocalMeansReport non_local_means(ImageView<const float> image,
                                                   ImageView<float> out,
                                                   const NonLocalMeansOptions& options = {});
VICINAL_EXPORT NonLocalMeansReport non_local_means(ImageView<const double> image,
                                                   ImageView<double> out,
                                                   const NonLocalMeansOptions& options = {});
// Patches are those of a guide: as many pixels, any number of channels. With omit_missing a pixel
// that misses in one of the two is not used.
VICINAL_EXPORT NonLocalMeansReport non_local_means(ImageView<const float> image,
                                                   ImageView<const float> guide,
                                                   ImageView<float> out,
                                                   const NonLocalMeansOptions& options = {});
VICINAL_EXPORT NonLocalMeansReport non_local_means(ImageView<const double> image,
                                                   ImageView<const double> guide,
                                                   ImageView<double> out,
                                                   const NonLocalMeansOptions& options = {});

}  // namespace vicinal
