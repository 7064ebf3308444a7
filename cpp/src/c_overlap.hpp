// No output of a call may overlap an input of it, or another output.
#pragma once

#include "vicinal/gradient.hpp"
#include "vicinal/local_fit.hpp"
#include "vicinal/mean_shift.hpp"
#include "vicinal/neighbors.hpp"

namespace vicinal::c {

// Throw std::invalid_argument that names both.
template <class T>
void check_overlap(const BatchItem<T>& item, const NeighborSet& neighbors = {});
template <class T>
void check_overlap(const View<const T>& keys, const View<const T>& queries,
                   std::span<const std::int64_t> self_indices, const View<T>& distances,
                   const View<std::int64_t>& indices);
template <class T>
void check_overlap(const View<const T>& keys, const View<const T>& queries,
                   const View<const std::int64_t>& neighbors, const View<T>& weights);
template <class T>
void check_overlap(const View<const T>& keys, const View<const T>& seeds,
                   const MeanShiftOptions<T>& options, const MeanShiftOutputs<T>& outputs);
// Gradients whose bias, if there is one, is contiguous.
template <class T>
void check_overlap(const GradientItem<T>& item, const NeighborSet& neighbors);
// `item` has the inputs; `regularized` may be null.
void check_overlap(const BatchItem<double>& item, const NeighborSet& neighbors,
                   const LinearFits& fits, const std::int64_t* regularized);

}  // namespace vicinal::c
