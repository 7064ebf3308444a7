// What the gradient of a local mean needs besides score, weigh and reduce: slopes of weights, sums
// over the rows of a group for every key, and the pull of a pair along each feature.
//
// With w = f · 2^l, slope = (∂w/∂s) · 2^−l. A tile of pulls t holds ∂L/∂s of every pair.
#pragma once

#include "reduce.hpp"
#include "weigh.hpp"

namespace vicinal::kernels {
namespace {

// Scores → log2-weights, factors (of shapes that have one) and slopes.
template <class P, class T>
void weigh_slopes(const T* scores, T* logs, T* factors, T* slopes, int rows,
                  const ProfileParameters<T>& parameters) {
  const ProfileParameters<T> p = parameters;
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    const Pack<T> s = Pack<T>::load(scores + i);
    if constexpr (!P::has_factor) {
      P::template log_weight<T>(s, p).store(logs + i);
      P::template log_slope<T>(s, p).store(slopes + i);
    } else if constexpr (requires { P::template gradient_log<T>(s, p); }) {
      P::template gradient_log<T>(s, p).store(logs + i);
      P::template gradient_factor<T>(s, p).store(factors + i);
      P::template slope<T>(s, p).store(slopes + i);
    } else if constexpr (requires { P::template factor<T>(s, p); }) {
      P::template log_weight<T>(s, p).store(logs + i);
      P::template factor<T>(s, p).store(factors + i);
      P::template slope<T>(s, p).store(slopes + i);
    } else {
      const Pack<T> f = P::template weight<T>(s, p), g = P::template slope<T>(s, p);
      f.store(factors + i);
      g.store(slopes + i);
      const Mask<T> nothing = (f == zero<T>()) & (g == zero<T>());
      select<T>(nothing, Pack<T>(-infinity<T>), zero<T>()).store(logs + i);
    }
  }
}

// --------------------------------------------------------------------------- products of tiles

// out = a · b, and 0 where a is: what a pair without weight meets does not count, not even a NaN.
template <class T>
void product(const T* a, const T* b, T* out, int rows) {
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    const Pack<T> x = Pack<T>::load(a + i);
    select<T>(x == zero<T>(), zero<T>(), x * Pack<T>::load(b + i)).store(out + i);
  }
}
// out = w (b − offset of the row), and 0 where w is.
template <class T>
void weigh_differences(const T* weights, const T* b, const T* offsets, T* out, int rows) {
  for (int r = 0; r < rows; ++r) {
    const Pack<T> offset(offsets[r]);
    for (int i = r * tile_keys; i < (r + 1) * tile_keys; i += Pack<T>::width) {
      const Pack<T> w = Pack<T>::load(weights + i);
      select<T>(w == zero<T>(), zero<T>(), w * (Pack<T>::load(b + i) - offset)).store(out + i);
    }
  }
}
// t · 2 √s: the pull on a distance where the score is its square.
template <class T>
void times_distance(T* tile, const T* scores, int rows) {
  for (int i = 0; i < rows * tile_keys; i += Pack<T>::width) {
    const Pack<T> t = Pack<T>::load(tile + i), d = root(Pack<T>::load(scores + i));
    select<T>(t == zero<T>(), zero<T>(), t * (d + d)).store(tile + i);
  }
}
// t · a number per lane, and 0 where t is.
template <class T>
void times_lanes(T* tile, const T* numbers, int rows) {
  for (int r = 0; r < rows; ++r) product<T>(tile + r * tile_keys, numbers, tile + r * tile_keys, 1);
}

// ------------------------------------------------------------------------ sums over the rows

// sums[k] += Σ_r tile[r][k]
template <class T>
void add_rows(const T* tile, T* sums, int rows) {
  for (int k = 0; k < tile_keys; k += Pack<T>::width) {
    Pack<T> sum = zero<T>();
    for (int r = 0; r < rows; ++r) sum = sum + Pack<T>::load(tile + r * tile_keys + k);
    (Pack<T>::load(sums + k) + sum).store(sums + k);
  }
}

// sums[c * key_stride + k] += Σ_r tile[r][k] · a[r * stride + c], from zero over the rows of a
// tile.
template <class T, int C>
VICINAL_INLINE void reduce_key_block(const T* tile, const T* a, std::int64_t stride, T* sums,
                                     int rows) {
  constexpr int P = register_packs, W = Pack<T>::width;
  Pack<T> acc[C][P];
  for (int c = 0; c < C; ++c)
    for (int p = 0; p < P; ++p) acc[c][p] = zero<T>();
  for (int r = 0; r < rows; ++r) {
    Pack<T> w[P];
    for (int p = 0; p < P; ++p) w[p] = Pack<T>::load(tile + r * tile_keys + p * W);
    for (int c = 0; c < C; ++c) {
      const Pack<T> g(a[r * stride + c]);
      for (int p = 0; p < P; ++p) acc[c][p] = fma(g, w[p], acc[c][p]);
    }
  }
  VICINAL_UNROLL
  for (int c = 0; c < C; ++c)
    for (int p = 0; p < P; ++p) {
      T* at = sums + c * key_stride + p * W;
      (Pack<T>::load(at) + acc[c][p]).store(at);
    }
}
template <class T, int C>
VICINAL_INLINE int reduce_key_blocks(const T* tile, const T* a, std::int64_t stride, int columns,
                                     int c, T* sums, int rows) {
  for (; c + C <= columns; c += C)
    reduce_key_block<T, C>(tile, a + c, stride, sums + c * key_stride, rows);
  return c;
}
template <class T>
void reduce_keys(const T* tile, const T* a, std::int64_t stride, int columns, T* sums, int rows,
                 Panels panels) {
  for (int k = 0; k < tile_keys; k += register_packs * Pack<T>::width) {
    if (!has_lane(panels, k)) continue;
    int c = reduce_key_blocks<T, register_rows>(tile + k, a, stride, columns, 0, sums + k, rows);
    c = reduce_key_blocks<T, 4>(tile + k, a, stride, columns, c, sums + k, rows);
    c = reduce_key_blocks<T, 2>(tile + k, a, stride, columns, c, sums + k, rows);
    reduce_key_blocks<T, 1>(tile + k, a, stride, columns, c, sums + k, rows);
  }
}

// ------------------------------------------------------------- pulls along features, by
// differences

template <class T>
VICINAL_INLINE Pack<T> sign(Pack<T> x) {
  return select<T>(zero<T>() < x, one<T>(), select<T>(x < zero<T>(), Pack<T>(T(-1)), zero<T>()));
}
// z with ∂s/∂q = constant · z: of squared distances, and of distances that are sums of sizes.
template <class T>
struct PullOfSquare {
  VICINAL_INLINE static Pack<T> of(Pack<T> difference) { return difference; }
};
template <class T>
struct PullOfSize {
  VICINAL_INLINE static Pack<T> of(Pack<T> difference) { return sign(difference); }
};

// query_sums[r * depth + j] += Σ_k t z, key_sums[j * key_stride + k] −= Σ_r t z.
template <class T, template <class> class S, int R>
VICINAL_INLINE void pull_rows(const PullArguments<T>& a, int row, int j) {
  const T* x = a.keys + j * key_stride;
  T* keys = a.key_sums + j * key_stride;
  Pack<T> sums[R];
  for (int r = 0; r < R; ++r) sums[r] = zero<T>();
  for (int k = 0; k < tile_keys; k += Pack<T>::width) {
    Pack<T> key = zero<T>();
    for (int r = 0; r < R; ++r) {
      const Pack<T> t = Pack<T>::load(a.pulls + (row + r) * tile_keys + k);
      const Pack<T> z =
          S<T>::of(Pack<T>(a.queries[j * query_lanes + row + r]) - Pack<T>::load(x + k));
      key = fma(t, z, key);
      sums[r] = fma(t, z, sums[r]);
    }
    (Pack<T>::load(keys + k) - key).store(keys + k);
  }
  for (int r = 0; r < R; ++r) a.query_sums[(row + r) * a.depth + j] += sum_lanes(sums[r]);
}
// Rows go one by one or by sixes: a row's own sums are the same in either.
template <class T, template <class> class S>
void pull(const PullArguments<T>& a, int rows) {
  for (int j = 0; j < a.depth; ++j) {
    int r = 0;
    for (; r + register_rows <= rows; r += register_rows) pull_rows<T, S, register_rows>(a, r, j);
    for (; r < rows; ++r) pull_rows<T, S, 1>(a, r, j);
  }
}

// Where every key has scales b (scaled.hpp): ∂s/∂q = c · z b and ∂s/∂b = c · z (q − x) b^(power −
// 1).
template <class T, bool squares>
VICINAL_INLINE void pull_scaled_pack(const PullArguments<T>& a, Pack<T> t, Pack<T> q, int j, int k,
                                     Pack<T>& sum) {
  const int half = a.depth / 2;
  const Pack<T> difference = q - Pack<T>::load(a.keys + j * key_stride + k),
                b = Pack<T>::load(a.keys + (half + j) * key_stride + k);
  const Pack<T> z = squares ? difference * b : sign(difference);
  T* keys = a.key_sums + j * key_stride + k;
  T* scales = a.key_sums + (half + j) * key_stride + k;
  sum = fma(t * b, z, sum);
  fma(-(t * b), z, Pack<T>::load(keys)).store(keys);
  fma(t * z, difference, Pack<T>::load(scales)).store(scales);
}
template <class T, bool squares>
void pull_scaled(const PullArguments<T>& a, int rows) {
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < a.depth / 2; ++j) {
      const Pack<T> q(a.queries[j * query_lanes + r]);
      Pack<T> sum = zero<T>();
      for (int k = 0; k < tile_keys; k += Pack<T>::width)
        pull_scaled_pack<T, squares>(a, Pack<T>::load(a.pulls + r * tile_keys + k), q, j, k, sum);
      a.query_sums[r * a.depth + j] += sum_lanes(sum);
    }
}

// Only the first of the widest features pulls. Its scale is that of the key, or it has a constant.
template <class T, bool scaled>
void pull_widest(const PullArguments<T>& a, int rows) {
  const int features = scaled ? a.depth / 2 : a.depth;
  alignas(VICINAL_VECTOR_BYTES) T widest[Pack<T>::width];
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {
      const Pack<T> t = Pack<T>::load(a.pulls + r * tile_keys + k);
      Pack<T> best(T(-1)), index = zero<T>();
      for (int j = 0; j < features; ++j) {
        const Pack<T> b = scaled ? Pack<T>::load(a.keys + (features + j) * key_stride + k)
                                 : Pack<T>(a.feature_weights[j]);
        const Pack<T> size = abs(Pack<T>(a.queries[j * query_lanes + r]) -
                                 Pack<T>::load(a.keys + j * key_stride + k)) *
                             b;
        index = select<T>(best < size, Pack<T>(T(j)), index);
        best = select<T>(best < size, size, best);
      }
      index.store(widest);
      for (int i = 0; i < Pack<T>::width; ++i) {
        const int j = static_cast<int>(widest[i]);
        const T z = a.queries[j * query_lanes + r] - a.keys[j * key_stride + k + i],
                b = scaled ? a.keys[(features + j) * key_stride + k + i] : T(1),
                pull = t[i] * (z > 0   ? T(1)
                               : z < 0 ? T(-1)
                                       : T(0));
        a.query_sums[r * a.depth + j] += pull * b;
        a.key_sums[j * key_stride + k + i] -= pull * b;
        if (scaled) a.key_sums[(features + j) * key_stride + k + i] += pull * z;
      }
    }
}

// d² = D² asin²(√h) with D the diameter: ∂d²/∂h = D² asin(√h) / (√h √(1 − h)), whose limit at 0 is
// D²; at the antipode it is taken as 0. h = sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2).
template <class T>
void pull_haversine(const PullArguments<T>& a, int rows) {
  const Pack<T> half(a.feature_weights[0]), unit(2 * a.feature_weights[0]),
      diameter(2 * a.feature_weights[1]);
  const auto row_of = [&](int j) { return a.keys + j * key_stride; };
  for (int r = 0; r < rows; ++r) {
    const Pack<T> q[3] = {a.queries[r], a.queries[query_lanes + r], a.queries[2 * query_lanes + r]};
    const Pack<T> sine = sin(q[0] * unit);
    Pack<T> sums[2] = {zero<T>(), zero<T>()};
    for (int k = 0; k < tile_keys; k += Pack<T>::width) {
      const Pack<T> x = Pack<T>::load(row_of(0) + k), cosine = Pack<T>::load(row_of(2) + k);
      const Pack<T> latitude = (q[0] - x) * half,
                    longitude = (q[1] - Pack<T>::load(row_of(1) + k)) * half;
      const Pack<T> u = sin(latitude), v = sin(longitude), c = q[2] * cosine;
      const Pack<T> h = min(one<T>(), max(zero<T>(), fma(c * v, v, u * u)));
      const Pack<T> d = sqrt(h), rest = sqrt(one<T>() - h);
      const Pack<T> bend = select<T>(d == zero<T>(), one<T>(), asin(d) / (d * rest));
      const Pack<T> slope = select<T>(rest == zero<T>(), zero<T>(), diameter * diameter * bend);
      const Pack<T> t = Pack<T>::load(a.pulls + r * tile_keys + k);
      const Pack<T> pulled = select<T>(t == zero<T>(), zero<T>(), t * slope);
      const Pack<T> straight = unit * u * cos(latitude), side = v * v * unit;
      const Pack<T> east = c * unit * v * cos(longitude);
      const Pack<T> of_query = straight - sine * cosine * side,
                    of_key = -straight - sin(x * unit) * q[2] * side;
      sums[0] = fma(pulled, of_query, sums[0]);
      sums[1] = fma(pulled, east, sums[1]);
      T *north_sum = a.key_sums + k, *east_sum = a.key_sums + key_stride + k;
      fma(pulled, of_key, Pack<T>::load(north_sum)).store(north_sum);
      (Pack<T>::load(east_sum) - pulled * east).store(east_sum);
    }
    for (int j = 0; j < 2; ++j) a.query_sums[r * a.depth + j] += sum_lanes(sums[j]);
  }
}

}  // namespace
}  // namespace vicinal::kernels
