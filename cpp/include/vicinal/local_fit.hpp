// Small problems of every query, solved on its neighbors.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "vicinal/export.h"
#include "vicinal/local_mean.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

// What `reg` is a share of. With squared distances d²ⱼ of the k neighbors and trace = Σ d²ⱼ:
//   trace     reg · trace on the whole diagonal (Roweis & Saul 2000; scikit-learn)
//   distance  reg · k · d²ⱼ for neighbor j: in total as much. Weights tend to 1 at a neighbor that
//             the query comes close to, and the neighbors that it coincides with share all weight.
enum class Ridge : std::int32_t { trace, distance };

struct LleOptions {
  double reg = 1e-3;  // finite, ≥ 0
  Ridge ridge = Ridge::trace;
  int num_threads = 0;                     // 0 = what OpenMP gives the calling thread
  std::function<bool()> interrupted{};     // polled by the calling thread; true stops the call
  std::function<void(double)> progress{};  // fraction done, called by the calling thread
};

// Weights of the neighbors of each query that sum to 1 and reproduce it best:
//
//   argmin ‖q − Σⱼ wⱼ xⱼ‖² + Σⱼ ridgeⱼ w²ⱼ,   Σⱼ wⱼ = 1   (Roweis & Saul 2000)
//
// neighbors: m × k rows of keys, −1 = none, whose weight is 0. Without any neighbor all weights are
// 0 (Report::empty_rows). Differences, Gram matrix and solve are in double. A query that meets NaN
// or an infinite coordinate, its own or a neighbor's, receives NaN. With reg = 0, a singular Gram
// matrix is regularised by 1e-10 of its trace.
VICINAL_EXPORT Report lle_weights(View<const float> queries, View<const float> keys,
                                  View<const std::int64_t> neighbors, View<float> weights,
                                  const LleOptions& options = {});
VICINAL_EXPORT Report lle_weights(View<const double> queries, View<const double> keys,
                                  View<const std::int64_t> neighbors, View<double> weights,
                                  const LleOptions& options = {});

// The same for lists of any length: those of query i stand from indptr[i] to indptr[i + 1].
VICINAL_EXPORT Report lle_weights(View<const float> queries, View<const float> keys,
                                  std::span<const std::int64_t> indptr,
                                  std::span<const std::int64_t> indices, std::span<float> weights,
                                  const LleOptions& options = {});
VICINAL_EXPORT Report lle_weights(View<const double> queries, View<const double> keys,
                                  std::span<const std::int64_t> indptr,
                                  std::span<const std::int64_t> indices, std::span<double> weights,
                                  const LleOptions& options = {});

}  // namespace vicinal
