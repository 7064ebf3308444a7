// A user's profile as piecewise polynomials in u, read by whole packs: the compiled half of
// tabulate.hpp.
//
// Buckets are named by the leading bits of u itself: its exponent and a few bits of its mantissa,
// so each octave has equally many and a bucket is found by a shift. A bucket is split once, at
// `origin`: its middle, or the one breakpoint inside; d = u - origin is the polynomials' variable
// and its sign chooses between the two.
#pragma once

#include <cstdint>

#include "simd.hpp"
#include "table_view.hpp"

namespace vicinal::kernels {

namespace {

// A lane's coefficients lie together, so rows are read in chunks of 16 bytes and transposed: gather
// instructions take several times as long (25 cycles each where this was measured).
typedef double Chunk __attribute__((vector_size(16)));  // of any type: it is only moved

// Chunk j of the result is the one at rows + at[first + j * step].
template <class T, int count = VICINAL_VECTOR_BYTES / 16>
VICINAL_INLINE Pack<T> read_chunks(const T* rows, const typename Pack<T>::Integer* at, int first,
                                   int step) {
  Chunk c[count];
  for (int j = 0; j < count; ++j) __builtin_memcpy(&c[j], rows + at[first + j * step], 16);
  using V = typename Pack<T>::Vector;
  if constexpr (count == 1) {
    return Pack<T>(reinterpret_cast<V>(c[0]));
  } else if constexpr (count == 2) {
    return Pack<T>(reinterpret_cast<V>(__builtin_shufflevector(c[0], c[1], 0, 1, 2, 3)));
  } else {
    const auto low = __builtin_shufflevector(c[0], c[1], 0, 1, 2, 3);
    const auto high = __builtin_shufflevector(c[2], c[3], 0, 1, 2, 3);
    return Pack<T>(reinterpret_cast<V>(__builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7)));
  }
}

// Interleave the low (h = 0) or high (h = 1) halves of each 16 bytes of a and b, by 8 or by 4
// bytes.
template <int h, int width = Pack<double>::width>
VICINAL_INLINE Pack<double> unpack(Pack<double> a, Pack<double> b) {
  if constexpr (width == 2) {
    return Pack<double>(__builtin_shufflevector(a.v, b.v, h, 2 + h));
  } else if constexpr (width == 4) {
    return Pack<double>(__builtin_shufflevector(a.v, b.v, h, 4 + h, 2 + h, 6 + h));
  } else {
    return Pack<double>(
        __builtin_shufflevector(a.v, b.v, h, 8 + h, 2 + h, 10 + h, 4 + h, 12 + h, 6 + h, 14 + h));
  }
}
template <int h, int width = Pack<float>::width>
VICINAL_INLINE Pack<float> unpack(Pack<float> a, Pack<float> b) {
  constexpr int i = 2 * h, j = i + 1, w = width;
  if constexpr (width == 4) {
    return Pack<float>(__builtin_shufflevector(a.v, b.v, i, w + i, j, w + j));
  } else if constexpr (width == 8) {
    return Pack<float>(
        __builtin_shufflevector(a.v, b.v, i, w + i, j, w + j, 4 + i, w + 4 + i, 4 + j, w + 4 + j));
  } else {
    return Pack<float>(__builtin_shufflevector(a.v, b.v, i, w + i, j, w + j, 4 + i, w + 4 + i,
                                               4 + j, w + 4 + j, 8 + i, w + 8 + i, 8 + j, w + 8 + j,
                                               12 + i, w + 12 + i, 12 + j, w + 12 + j));
  }
}
template <int h>
VICINAL_INLINE Pack<float> unpack_pairs(Pack<float> a, Pack<float> b) {
  using V = Pack<double>::Vector;
  const Pack<double> x(reinterpret_cast<V>(a.v)), y(reinterpret_cast<V>(b.v));
  return Pack<float>(reinterpret_cast<Pack<float>::Vector>(unpack<h>(x, y).v));
}

// c[power] of every lane from the rows at rows + at[lane].
VICINAL_INLINE void read_rows(const float* rows, const std::int32_t* at, Pack<float> (&c)[4]) {
  Pack<float> r[4];
  for (int i = 0; i < 4; ++i) r[i] = read_chunks(rows, at, i, 4);
  const Pack<float> low = unpack<0>(r[0], r[1]), low_next = unpack<0>(r[2], r[3]);
  const Pack<float> high = unpack<1>(r[0], r[1]), high_next = unpack<1>(r[2], r[3]);
  c[0] = unpack_pairs<0>(low, low_next), c[1] = unpack_pairs<1>(low, low_next);
  c[2] = unpack_pairs<0>(high, high_next), c[3] = unpack_pairs<1>(high, high_next);
}
VICINAL_INLINE void read_rows(const double* rows, const std::int64_t* at, Pack<double> (&c)[6]) {
  for (int k = 0; k < 6; k += 2) {
    const Pack<double> a = read_chunks(rows + k, at, 0, 2), b = read_chunks(rows + k, at, 1, 2);
    c[k] = unpack<0>(a, b), c[k + 1] = unpack<1>(a, b);
  }
}

// The polynomial's coefficients at u >= 0, and u less its origin.
template <class T>
struct Piece {
  Pack<T> c[table_degree<T> + 1];
  Pack<T> d;
};

template <class T>
VICINAL_INLINE Piece<T> piece_at(const TableView<T>& table, Pack<T> u) {
  using Integer = typename Pack<T>::Integer;
  using Unsigned = std::make_unsigned_t<Integer>;
  typedef Unsigned Bits __attribute__((vector_size(VICINAL_VECTOR_BYTES)));
  alignas(VICINAL_VECTOR_BYTES) Integer at[Pack<T>::width];
  // max(u, lowest) gives `lowest` for a NaN: the index stays inside, the NaN returns through d
  const Pack<T> inside = min(Pack<T>(table.highest), max(u, Pack<T>(table.lowest)));
  const Bits bits = reinterpret_cast<Bits>(inside.v), bucket = bits >> table.shift;
  Bits half = bits >> (table.shift - 1);  // the next bit of u is the side of the middle
  Pack<T> origin(reinterpret_cast<typename Pack<T>::Vector>((bucket << table.shift) |
                                                            (Unsigned(1) << (table.shift - 1))));
  if (table.origins != nullptr) {
    __builtin_memcpy(at, &bucket, sizeof at);
    for (int i = 0; i < Pack<T>::width; ++i) origin.v[i] = table.origins[at[i] - table.first];
    half = (bucket << 1) - reinterpret_cast<Bits>(origin < u);
  }
  half = (half - Unsigned(2 * table.first)) * Unsigned(table_row<T>);
  __builtin_memcpy(at, &half, sizeof at);
  Piece<T> piece;
  read_rows(table.rows, at, piece.c);
  piece.d = u - origin;
  return piece;
}

// The weight, or in a table of logarithms log2 of the weight, at u >= 0.
template <class T>
VICINAL_INLINE Pack<T> evaluate(const TableView<T>& table, Pack<T> u) {
  const Piece<T> piece = piece_at(table, u);
  Pack<T> sum = piece.c[table_degree<T>];
  for (int power = table_degree<T> - 1; power >= 0; --power)
    sum = fma(sum, piece.d, piece.c[power]);
  return select<T>(Pack<T>(table.support) < u, table.outside, max(Pack<T>(table.least), sum));
}

// Its derivative by u, that of the piece that holds u; 0 outside the support.
template <class T>
VICINAL_INLINE Pack<T> derivative(const TableView<T>& table, Pack<T> u) {
  const Piece<T> piece = piece_at(table, u);
  Pack<T> sum = Pack<T>(T(table_degree<T>)) * piece.c[table_degree<T>];
  for (int power = table_degree<T> - 1; power >= 1; --power)
    sum = fma(sum, piece.d, Pack<T>(T(power)) * piece.c[power]);
  return select<T>(Pack<T>(table.support) < u, Pack<T>(T(0)), sum);
}

}  // namespace
}  // namespace vicinal::kernels
