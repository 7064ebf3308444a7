// weigh: tiles of similarities → tiles of weights, either against the fixed reference 0 or against
// a running peak.
#pragma once

#include "compact_profiles.hpp"
#include "inner_product_profiles.hpp"
#include "user_profiles.hpp"

namespace vicinal::kernels {
namespace {

template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();

template <class P, class T>
void weigh(T* tile, int rows, const ProfileParameters<T>& parameters) {
  const ProfileParameters<T> p = parameters;
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width)
    P::template weight<T>(Pack<T>::load(tile + i), p).store(tile + i);
}

// each(i) for the first lane of every pack of the panels of all rows.
template <class T, class Each>
VICINAL_INLINE void each_pack(int rows, Panels panels, Each&& each) {
  for (int first = 0; first < rows * tile_keys; first += panel_keys) {
    if (!has_lane(panels, first % tile_keys)) continue;
    for (int i = first; i < first + panel_keys; i += Pack<T>::width) each(i);
  }
}

// The log2-weight is −inf wherever the factor is 0, so that the peak never rests on a key outside
// the support.
template <class P, class T>
void log_weigh(T* tile, T* factors, int rows, const ProfileParameters<T>& parameters,
               Panels panels) {
  const ProfileParameters<T> p = parameters;
  each_pack<T>(rows, panels, [&](int i) VICINAL_INLINE_LAMBDA {
    const Pack<T> s = Pack<T>::load(tile + i);
    if constexpr (!P::has_factor) {
      P::template log_weight<T>(s, p).store(tile + i);
    } else if constexpr (requires { P::template factor<T>(s, p); }) {
      const Pack<T> f = P::template factor<T>(s, p);
      f.store(factors + i);
      select<T>(f == zero<T>(), Pack<T>(-infinity<T>), P::template log_weight<T>(s, p))
          .store(tile + i);
    } else {
      const Pack<T> f = P::template weight<T>(s, p);
      f.store(factors + i);
      select<T>(f == zero<T>(), Pack<T>(-infinity<T>), zero<T>()).store(tile + i);
    }
  });
}

// -------------------------------------------------------------------------------- sums of products

template <class T>
void multiply(T* tile, const T* other, int rows) {
  const Pack<T> smallest(sizeof(T) == 4 ? T(0x1p-100f) : T(0x1p-900));
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    const Pack<T> w = Pack<T>::load(tile + i) * Pack<T>::load(other + i);
    select<T>(abs(w) < smallest, zero<T>(), w).store(tile + i);
  }
}
// Scores that are twice a distance (1 − cos on unit vectors) → squared distances.
template <class T>
void square_half(T* tile, int rows) {
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    const Pack<T> half = Pack<T>::load(tile + i) * Pack<T>(T(0.5));
    (half * half).store(tile + i);
  }
}
// Scores times a number per lane or per row. A score past the type's range is the largest number,
// so that a scale of 0 takes it to 0.
template <class T>
void scale_lanes(T* tile, const T* scales, int rows) {
  const Pack<T> most(std::numeric_limits<T>::max());
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {
      T* at = tile + r * tile_keys + k;
      (min(most, Pack<T>::load(at)) * Pack<T>::load(scales + k)).store(at);
    }
}
template <class T>
void scale_rows(T* tile, const T* scales, int rows) {
  const Pack<T> most(std::numeric_limits<T>::max());
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {
      T* at = tile + r * tile_keys + k;
      (min(most, Pack<T>::load(at)) * Pack<T>(scales[r])).store(at);
    }
}
template <class T>
void accumulate(T* tile, const T* other, T coefficient, int rows) {
  const Pack<T> c(coefficient);
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width)
    fma(c, Pack<T>::load(other + i), Pack<T>::load(tile + i)).store(tile + i);
}
// Log2-weights of a product. −inf wins over +inf: outside one factor's support there is no weight.
template <class T>
void add(T* tile, const T* other, int rows) {
  const Pack<T> none(-infinity<T>);
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    const Pack<T> a = Pack<T>::load(tile + i), b = Pack<T>::load(other + i);
    select<T>(a == none, none, select<T>(b == none, none, a + b)).store(tile + i);
  }
}

// -------------------------------------------------------------------------------- priors and masks

// factors = nullptr: all 1.
template <class T>
void weigh_with_prior(T* logs, const T* factors, const T* prior, int rows) {
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {
      const int i = r * tile_keys + k;
      const Pack<T> l = Pack<T>::load(logs + i), b = Pack<T>::load(prior + k);
      Pack<T> w = flushed_exp2(l + b);
      if (factors != nullptr) w = w * Pack<T>::load(factors + i);
      select<T>(b == Pack<T>(-infinity<T>), zero<T>(), w).store(logs + i);
    }
}
template <class T>
void drop_absent(T* tile, const T* prior, T value, int rows) {
  for (int k = 0; k < tile_keys; k += Pack<T>::width) {
    const auto absent = Pack<T>::load(prior + k) == Pack<T>(-infinity<T>);
    for (int r = 0; r < rows; ++r) {
      T* at = tile + r * tile_keys + k;
      select<T>(absent, Pack<T>(value), Pack<T>::load(at)).store(at);
    }
  }
}
template <class T>
void drop_below(T* tile, const T* limits, T value, int rows) {
  for (int r = 0; r < rows; ++r) {
    const Pack<T> limit(limits[r]);
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {  // NaN stays
      T* at = tile + r * tile_keys + k;
      const Pack<T> x = Pack<T>::load(at);
      select<T>(x < limit, Pack<T>(value), x).store(at);
    }
  }
}
template <class T>
void add_prior(T* logs, const T* prior, int rows) {
  for (int r = 0; r < rows; ++r) add<T>(logs + r * tile_keys, prior, 1);
}

template <class T>
void add_bias(T* logs, const T* bias) {
  constexpr T log2e = T(1.44269504088896340736), nan = std::numeric_limits<T>::quiet_NaN();
  const Pack<T> none(-infinity<T>);
  for (int k = 0; k < tile_keys; k += Pack<T>::width) {
    const Pack<T> b = Pack<T>::load_unaligned(bias + k) * Pack<T>(log2e),
                  l = Pack<T>::load(logs + k);
    const Pack<T> sum = select<T>((b - b) == zero<T>(), l + b, Pack<T>(nan));
    select<T>(l == none, none, select<T>(b == none, none, sum)).store(logs + k);
  }
}

template <class T>
void distances(T* out, std::int64_t first, T factor) {
  constexpr std::int64_t exact = std::int64_t(1) << (sizeof(T) == 4 ? 24 : 53);
  if (first > -exact && first < exact - tile_keys) {
    alignas(VICINAL_VECTOR_BYTES) T lane[Pack<T>::width];
    for (int i = 0; i < Pack<T>::width; ++i) lane[i] = T(i);
    const Pack<T> from = Pack<T>::load(lane);
    for (int k = 0; k < tile_keys; k += Pack<T>::width)
      (abs(from + Pack<T>(T(first + k))) * Pack<T>(factor)).store(out + k);
    return;
  }
  for (int k = 0; k < tile_keys; ++k) {
    const std::int64_t apart = first + k;
    out[k] = T(apart < 0 ? -apart : apart) * factor;
  }
}

// ------------------------------------------------------------------------------------ running peak
// A run: lanes of one row, in whole packs.
template <class T>
T run_peak(const T* logs, int lanes) {
  Pack<T> peak(-infinity<T>);
  for (int k = 0; k < lanes; k += Pack<T>::width)
    peak = max(Pack<T>::load(logs + k), peak);  // a NaN is passed over: its weight will be NaN
  return max_lanes(peak);
}

template <class T>
void row_peaks(const T* logs, T* peaks, int rows, Panels panels) {
  for (int r = 0; r < rows; ++r) {
    Pack<T> peak(-infinity<T>);
    for (int first = 0; first < tile_keys; first += panel_keys) {
      if (!has_lane(panels, first)) continue;
      for (int k = first; k < first + panel_keys; k += Pack<T>::width)
        peak = max(Pack<T>::load(logs + r * tile_keys + k), peak);
    }
    peaks[r] = max_lanes(peak);
  }
}

template <class T>
VICINAL_INLINE void exponentiate_run(const T* logs, const T* factors, T* weights, int lanes,
                                     T reference) {
  for (int i = 0; i < lanes; i += Pack<T>::width) {
    Pack<T> w = exp2_below(Pack<T>::load(logs + i), reference);
    if (factors != nullptr) w = w * Pack<T>::load(factors + i);
    w.store(weights + i);
  }
}

template <class T>
void exponentiate(const T* logs, const T* factors, T* weights, const T* reference, int rows,
                  Panels panels) {
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < tile_keys; k += panel_keys) {
      if (!has_lane(panels, k)) continue;
      const int i = r * tile_keys + k;
      exponentiate_run(logs + i, factors == nullptr ? nullptr : factors + i, weights + i,
                       panel_keys, reference[r]);
    }
}

template <class T>
void magnitude(const T* logs, const T* factors, T* ranks, int rows) {
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    Pack<T> rank = Pack<T>::load(logs + i);
    if (factors != nullptr) rank = rank + log2(abs(Pack<T>::load(factors + i)));
    select<T>(rank != rank, Pack<T>(-infinity<T>), rank).store(ranks + i);
  }
}

}  // namespace
}  // namespace vicinal::kernels
