// product: rows of a caller times packed weights, and what follows in the same pass.
//
//   y = activation(x Wᵀ + b) + residual,   W is outputs × inputs
//
// A row's sums are taken over runs of `product_run` inputs, each from zero and in index order, and
// the runs are added in order: its bits do not depend on the rows beside it.
#pragma once

#include "math.hpp"
#include "score.hpp"

namespace vicinal::kernels {
namespace {

template <class T>
inline constexpr int product_columns = register_packs * Pack<T>::width;

// The weights that follow are asked for while these are multiplied: `lines` of them at each input.
// Few rows are done sooner than memory brings the weights.
struct Following {
  const char* at;
  int lines;
};

// sums[r][c] (+)= Σ_j rows[r][j] · weights[j][c] over `depth` inputs.
template <class T, int R>
VICINAL_INLINE void product_block(const ProductArguments<T>& a, const T* rows, T* sums,
                                  Following next) {
  constexpr int P = register_packs, W = Pack<T>::width, C = product_columns<T>;
  const T* row[R];
  Pack<T> acc[R][P];
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r) {
    row[r] = rows + r * a.stride;
    for (int p = 0; p < P; ++p) acc[r][p] = Pack<T>(T(0));
  }
  const T* weights = a.weights;
  for (int j = 0; j < a.depth; ++j, weights += C) {
    Pack<T> w[P];
    for (int p = 0; p < P; ++p) w[p] = Pack<T>::load(weights + p * W);
    for (int line = 0; line < next.lines; ++line, next.at += 64) __builtin_prefetch(next.at, 0, 2);
    VICINAL_UNROLL
    for (int r = 0; r < R; ++r) {
      const Pack<T> x(row[r][j]);
      for (int p = 0; p < P; ++p) acc[r][p] = fma(x, w[p], acc[r][p]);
    }
  }
  VICINAL_UNROLL
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) {
      T* at = sums + r * C + p * W;
      (a.adds ? Pack<T>::load(at) + acc[r][p] : acc[r][p]).store(at);
    }
}

template <class T>
void product_rows(const ProductArguments<T>& a, const T* rows, T* sums, Following next, int count) {
  static_assert(register_rows == 6);
  switch (count) {
    case 1:
      return product_block<T, 1>(a, rows, sums, next);
    case 2:
      return product_block<T, 2>(a, rows, sums, next);
    case 3:
      return product_block<T, 3>(a, rows, sums, next);
    case 4:
      return product_block<T, 4>(a, rows, sums, next);
    case 5:
      return product_block<T, 5>(a, rows, sums, next);
    default:
      return product_block<T, 6>(a, rows, sums, next);
  }
}

// All rows in blocks of nearly the same size: four and four of eight, not six and two. The first
// blocks share what is asked for.
template <class T>
void row_products(const ProductArguments<T>& a, int rows) {
  constexpr int C = product_columns<T>, row_lines = C * int(sizeof(T)) / 64;
  const int blocks = (rows + register_rows - 1) / register_rows;
  const int lines = (row_lines + blocks - 1) / blocks;
  const char* next = reinterpret_cast<const char*>(a.weights + a.depth * C);
  for (int b = 0, first = 0; b < blocks; ++b) {
    const int last = rows * (b + 1) / blocks;
    const Following following{next + std::int64_t(b) * lines * a.depth * 64,
                              b * lines < row_lines ? lines : 0};
    for (int r = last; r < rows && r < last + register_rows; ++r)  // the next block's
      for (int j = 0; j < a.depth; j += 64 / int(sizeof(T)))
        __builtin_prefetch(a.rows + r * a.stride + j);
    product_rows(a, a.rows + first * a.stride, a.sums + first * C, following, last - first);
    first = last;
  }
}

// ---------------------------------------------------------------------------------- what follows

struct Identity {
  template <class T>
  VICINAL_INLINE static Pack<T> of(Pack<T> x) {
    return x;
  }
};
struct Relu {
  template <class T>
  VICINAL_INLINE static Pack<T> of(Pack<T> x) {
    return max(Pack<T>(T(0)), x);
  }
};
// x Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016): within 2 ulp of x, as Φ is
// within 2 ulp of 1.
struct Gelu {
  template <class T>
  VICINAL_INLINE static Pack<T> of(Pack<T> x) {
    const Pack<T> half(T(0.5));
    return x * fma(erf(x * Pack<T>(T(0.70710678118654752))), half, half);
  }
};
// The same with Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
struct GeluTanh {
  template <class T>
  VICINAL_INLINE static Pack<T> of(Pack<T> x) {
    const Pack<T> half(T(0.5)), c(T(0.79788456080286536));
    const Pack<T> cubic = fma(x * x * Pack<T>(T(0.044715)), x, x);
    return x * fma(tanh(cubic * c), half, half);
  }
};
// x / (1 + e⁻ˣ) = x (1 + tanh(x/2)) / 2
struct Silu {
  template <class T>
  VICINAL_INLINE static Pack<T> of(Pack<T> x) {
    const Pack<T> half(T(0.5));
    return x * fma(tanh(x * half), half, half);
  }
};

// The first `count` lanes from memory, the others `rest`.
template <class T>
VICINAL_INLINE Pack<T> load_part(const T* from, int count, T rest) {
  constexpr int W = Pack<T>::width;
  if (count >= W) return Pack<T>::load_unaligned(from);
  alignas(VICINAL_VECTOR_BYTES) T lane[W];
  for (int i = 0; i < W; ++i) lane[i] = i < count ? from[i] : rest;
  return Pack<T>::load(lane);
}
template <class T>
VICINAL_INLINE void store_part(Pack<T> x, T* to, int count) {
  constexpr int W = Pack<T>::width;
  if (count >= W) return x.store_unaligned(to);
  alignas(VICINAL_VECTOR_BYTES) T lane[W];
  x.store(lane);
  for (int i = 0; i < count; ++i) to[i] = lane[i];
}

template <class T, class Activation>
void finish(const FinishArguments<T>& a, int rows) {
  constexpr int W = Pack<T>::width;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < a.columns; c += W) {
      const Pack<T> sum = Pack<T>::load(a.sums + r * product_columns<T> + c);
      Pack<T> y = Activation::of(sum + Pack<T>::load(a.bias + c));
      const int count = a.columns - c;
      if (a.residual != nullptr)
        y = y + load_part(a.residual + r * a.residual_stride + c, count, T(0));
      store_part(y, a.out + r * a.out_stride + c, count);
    }
}

// ------------------------------------------------------------------------------------ layer norm

// f(pack of a row, its column, lanes that belong to it) over a row.
template <class T, class Each>
VICINAL_INLINE void each_pack(const T* row, int columns, T rest, Each&& each) {
  for (int c = 0; c < columns; c += Pack<T>::width)
    each(load_part(row + c, columns - c, rest), c, columns - c);
}

// (x − mean) / √(variance + ε) · gain + bias (Ba, Kiros & Hinton 2016). The mean is taken twice: of
// the row, and of what is left of it, so that a row far from 0 loses nothing; the variance is of
// what is left then.
template <class T>
void layer_norm(const NormArguments<T>& a, int rows) {
  const T count = T(a.columns);
  for (int r = 0; r < rows; ++r) {
    const T* row = a.rows + r * a.stride;
    T* out = a.out + r * a.out_stride;
    Pack<T> sum(T(0)), rest(T(0)), squares(T(0));
    each_pack(row, a.columns, T(0),
              [&](Pack<T> x, int, int) VICINAL_INLINE_LAMBDA { sum = sum + x; });
    const T coarse = sum_lanes(sum) / count;
    const Pack<T> center(coarse);
    each_pack(row, a.columns, coarse, [&](Pack<T> x, int, int) VICINAL_INLINE_LAMBDA {
      const Pack<T> t = x - center;
      rest = rest + t;
      squares = fma(t, t, squares);
    });
    const T shift = sum_lanes(rest) / count;
    const T variance = sum_lanes(squares) / count - shift * shift;
    const Pack<T> scale(T(1) / __builtin_sqrt(variance + a.epsilon)), fine(shift);
    each_pack(row, a.columns, T(0), [&](Pack<T> x, int c, int lanes) VICINAL_INLINE_LAMBDA {
      Pack<T> y = ((x - center) - fine) * scale;
      if (a.gain != nullptr) y = y * load_part(a.gain + c, lanes, T(0));
      if (a.bias != nullptr) y = y + load_part(a.bias + c, lanes, T(0));
      store_part(y, out + c, lanes);
    });
  }
}

}  // namespace
}  // namespace vicinal::kernels
