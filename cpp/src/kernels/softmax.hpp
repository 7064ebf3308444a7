// The weights of the softmax from scores in one pass, with Σw on the way.
#pragma once

#include "reduce.hpp"
#include "weigh.hpp"

namespace vicinal::kernels {
namespace {

// score → 2^(scale · score − reference[r]), and Σw into slot 0 of the header's lanes: the bits of
// log_weigh, exponentiate and reduce_header one after the other.
template <class T>
void softmax(T* tile, T scale, const T* reference, T* lanes, int rows, Panels panels) {
  constexpr int W = Pack<T>::width;
  for (int r = 0; r < rows; ++r, tile += tile_keys, lanes += header_columns * W) {
    Pack<T> total;
    for (int first = 0; first < tile_keys; first += chain_keys<T>) {
      Pack<T> sum(T(0));
      for (int panel = first; panel < first + chain_keys<T>; panel += panel_keys) {
        if (!has_lane(panels, panel)) continue;
        for (int k = panel; k < panel + panel_keys; k += W) {
          const Pack<T> w = exp2_below(Pack<T>::load(tile + k) * Pack<T>(scale), reference[r]);
          w.store(tile + k);
          sum = sum + w;
        }
      }
      total = first == 0 ? sum : total + sum;
    }
    (Pack<T>::load(lanes) + total).store(lanes);
  }
}

}  // namespace
}  // namespace vicinal::kernels
