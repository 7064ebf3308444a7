// One group of queries against one packed chunk: score, weigh, gate, reduce tile by tile, then fold
// into the state.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// How weights are kept in range: relative to 0 (bounded kernels), or to the row's running peak; or
// only the keys at distance 0 of an inverse-distance kernel weigh, whose weight is infinite, by
// their other factors and priors.
enum class Reference { fixed, peak, hits };

template <class T>
void run_group(const Problem<T>& problem, const Entry<T>& entry, Reference mode,
               Workspace<T>& workspace) noexcept;

// The scores of the group's queries against tile t of the chunk, by the first factor of the kernel.
template <class T>
const T* score_tile(const Problem<T>& problem, const Entry<T>& entry, int t,
                    Workspace<T>& workspace) noexcept;

// Adds the group's chunk sums to the rows of the block's state.
template <class T>
void fold_group(const Problem<T>& problem, Workspace<T>& workspace) noexcept;

}  // namespace vicinal
