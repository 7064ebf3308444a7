// Gradients of a local mean: of a loss L = Σ G · m with respect to everything the means depend on.
//
// With m_i = Σⱼ w_ij y_j / W_i, P_ij = w_ij / W_i and a_ij = P_ij G_i · (y_j − m_i) the gradient of
// log w_ij:
//   values  Σ_i P_ij G_i,   bias  a_ij,   log_weights  Σ_i a_ij,
// and where the loss depends on log W_i too, by g_i, a_ij has the term P_ij g_i besides.
//   queries, keys, bandwidths: by the score, Σ t_ij ∂s_ij, t_ij = (∂w_ij/∂s) / W_i · G_i · (y_j −
//   m_i)
// Pairs are recomputed tile by tile: nothing of size m × n is kept.
#pragma once

#include "vicinal/local_mean.hpp"

namespace vicinal {

// Which keys are neighbors, what tol leaves out and empty rows are constants: a row without weight
// has the gradient 0. Where a distance has no derivative (coincident points under laplace, Matérn
// 1/2, triangular and inverse_distance; equal coordinates under manhattan; all but the first of the
// widest under chebyshev) 0 is taken; uniform, constant and category kernels have none.
// A query that holds NaN, or sees a key that does, gets NaN and adds nothing to the others.
template <class T>
struct GradientItem {
  BatchItem<T> points{};                   // its statistics are not written
  View<const T> gradient{};                // G: m × p
  std::span<const T> log_mass_gradient{};  // g: m, or none
  View<const T> mean{};  // of the forward pass, with log_mass: saves its computation
  std::span<const T> log_mass{};
  // Every output is optional.
  View<T> queries{}, keys{}, values{};
  std::span<T> log_weights{};  // n
  T* bias = nullptr;           // added to, at any two strides
  std::int64_t bias_row_stride = 0, bias_column_stride = 0;
  std::span<T> key_bandwidths{}, query_bandwidths{};  // n, m
  // Of the bandwidth of a kernel that is one factor: one number, or one for each of its features.
  std::span<double> bandwidth{};
};

VICINAL_EXPORT Report local_mean_gradient(const KernelSum& kernel,
                                          std::span<const GradientItem<float>> batch,
                                          const Options<float>& options = {});
VICINAL_EXPORT Report local_mean_gradient(const KernelSum& kernel,
                                          std::span<const GradientItem<double>> batch,
                                          const Options<double>& options = {});

}  // namespace vicinal
