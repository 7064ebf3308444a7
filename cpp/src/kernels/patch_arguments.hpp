// What the functions of patches.hpp take: some displacements along the rows, b, b + 1, …
#pragma once

#include <cstdint>

namespace vicinal::kernels {

// Two rows that stand opposite each other, of a channel and of a row of the patch along the leading
// axes.
template <class T>
struct RowPair {
  const T* a = nullptr;
  const T* b = nullptr;
  const T* used_a = nullptr;  // 1 or 0 for each pixel, or nullptr: all are used
  const T* used_b = nullptr;
  T weight = 0;
};
// The weights of a patch along one axis.
template <class T>
struct PatchAxis {
  const T* weights = nullptr;
  int size = 0;
  bool box = false;  // all weights count as 1; sizes 1, 3, 5 and 7
};
template <class T>
struct SquaresArguments {
  const RowPair<T>* pairs = nullptr;  // from the first row of the first patches on
  int pairs_count = 0;
  std::int64_t stride = 0;  // between rows of pixels
  PatchAxis<T> down{};
  int displacements = 0;
  std::int64_t rows = 0;   // of patches
  int count = 0;           // pixels
  T* out = nullptr;        // Σ weight (a − b)² down the patches, written in whole packs
  T* used = nullptr;       // Σ weight where both are used, or nullptr
  std::int64_t plane = 0;  // between displacements of `out` and `used`
  std::int64_t out_stride = 0;
  T* ring = nullptr;  // 4 down.size packs
};
template <class T>
struct PatchArguments {
  const T* sums = nullptr;  // a row of those above
  const T* used = nullptr;  // or nullptr
  PatchAxis<T> along{};
  int count = 0;         // pixels
  T allowance = 0;       // 2σ², for a box of all its sums
  T scale = 0;           // −log₂e / h², likewise
  T factor = 1;          // of all weights
  T* weights = nullptr;  // written in whole packs
};
template <class T>
struct PixelArguments {
  const T* weights = nullptr;  // of the first displacement; 0 where there is no partner
  std::int64_t weights_step = 0;
  const T* partners = nullptr;  // values
  const T* used = nullptr;      // of the partners, or nullptr: all are used
  std::int64_t partners_step = 0;
  const T* own = nullptr;  // values
  int displacements = 0;
  std::int64_t plane = 0;  // between channels of `own` and `partners`
  int channels = 0;
  int count = 0;
  T* mass = nullptr;  // Σw, added to
  T* sums = nullptr;  // Σ w (partner − own), channels `sums_plane` apart
  std::int64_t sums_plane = 0;
};

}  // namespace vicinal::kernels
