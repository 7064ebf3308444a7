// Pack<T>: one SIMD register of float or double, the only place that names an instruction set.
//
// The same source is compiled once per instruction set, chosen by the compiler flags of the file
// that includes this one. Everything stands in an unnamed namespace: a per-ISA object file must
// export nothing but its table (a test reads the objects), or the linker may keep the AVX-512 copy
// of an inline function for a machine that has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#if defined(__GNUC__) && !defined(__clang__)
// gcc's own AVX-512 header reads undefined registers on purpose (gcc bug 105593), and vector types
// as template arguments lose an alignment attribute that the registers do not need.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define VICINAL_INLINE [[gnu::always_inline]] inline
#define VICINAL_INLINE_LAMBDA __attribute__((always_inline))
// Before loops over an array of registers: left as a loop, the array would live in memory.
#ifdef __clang__
#define VICINAL_UNROLL _Pragma("unroll")
#else
#define VICINAL_UNROLL _Pragma("GCC unroll 16")
#endif

namespace vicinal::kernels {
namespace {

// ------------------------------------------------------------------------------- native operations

// Six operations that the vector extensions cannot express exactly.
// `native_max(a, b)` is a > b ? a : b, so a NaN in the second argument survives: callers pass the
// constant first. Estimates have a relative error below 2^-8; math.hpp refines.
#if defined(__AVX512F__)
#define VICINAL_VECTOR_BYTES 64
using NativeFloat = __m512;
using NativeDouble = __m512d;
VICINAL_INLINE __m512 native_set(float x) { return _mm512_set1_ps(x); }
VICINAL_INLINE __m512d native_set(double x) { return _mm512_set1_pd(x); }
VICINAL_INLINE __m512 native_fma(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
VICINAL_INLINE __m512d native_fma(__m512d a, __m512d b, __m512d c) {
  return _mm512_fmadd_pd(a, b, c);
}
VICINAL_INLINE __m512 native_max(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
VICINAL_INLINE __m512d native_max(__m512d a, __m512d b) { return _mm512_max_pd(a, b); }
VICINAL_INLINE __m512 native_min(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
VICINAL_INLINE __m512d native_min(__m512d a, __m512d b) { return _mm512_min_pd(a, b); }
VICINAL_INLINE __m512 native_sqrt(__m512 a) { return _mm512_sqrt_ps(a); }
VICINAL_INLINE __m512d native_sqrt(__m512d a) { return _mm512_sqrt_pd(a); }
VICINAL_INLINE __m512 native_rsqrt(__m512 a) { return _mm512_rsqrt14_ps(a); }
VICINAL_INLINE __m512d native_rsqrt(__m512d a) { return _mm512_rsqrt14_pd(a); }
VICINAL_INLINE __m512 native_reciprocal(__m512 a) { return _mm512_rcp14_ps(a); }
VICINAL_INLINE __m512d native_reciprocal(__m512d a) { return _mm512_rcp14_pd(a); }
VICINAL_INLINE unsigned native_less_equal(__m512 a, __m512 b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
VICINAL_INLINE unsigned native_less_equal(__m512d a, __m512d b) {
  return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}
#ifdef __AVX512DQ__
// y less its floor, y less the nearest whole number, and p 2^floor(y) or 0 where x < cutoff (a NaN
// in x is not below).
#define VICINAL_NATIVE_SCALE 1
VICINAL_INLINE __m512 native_above_floor(__m512 y) {
  return _mm512_reduce_ps(y, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
VICINAL_INLINE __m512d native_above_floor(__m512d y) {
  return _mm512_reduce_pd(y, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
VICINAL_INLINE __m512 native_above_nearest(__m512 y) {
  return _mm512_reduce_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
VICINAL_INLINE __m512d native_above_nearest(__m512d y) {
  return _mm512_reduce_pd(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
VICINAL_INLINE __m512 native_scale(__m512 p, __m512 y, __m512 x, __m512 cutoff) {
  return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, cutoff, _CMP_NLT_UQ), p, y);
}
VICINAL_INLINE __m512d native_scale(__m512d p, __m512d y, __m512d x, __m512d cutoff) {
  return _mm512_maskz_scalef_pd(_mm512_cmp_pd_mask(x, cutoff, _CMP_NLT_UQ), p, y);
}
#endif
#elif defined(__AVX2__) && defined(__FMA__)
#define VICINAL_VECTOR_BYTES 32
using NativeFloat = __m256;
using NativeDouble = __m256d;
VICINAL_INLINE __m256 native_set(float x) { return _mm256_set1_ps(x); }
VICINAL_INLINE __m256d native_set(double x) { return _mm256_set1_pd(x); }
VICINAL_INLINE __m256 native_fma(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
VICINAL_INLINE __m256d native_fma(__m256d a, __m256d b, __m256d c) {
  return _mm256_fmadd_pd(a, b, c);
}
VICINAL_INLINE __m256 native_max(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
VICINAL_INLINE __m256d native_max(__m256d a, __m256d b) { return _mm256_max_pd(a, b); }
VICINAL_INLINE __m256 native_min(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
VICINAL_INLINE __m256d native_min(__m256d a, __m256d b) { return _mm256_min_pd(a, b); }
VICINAL_INLINE __m256 native_sqrt(__m256 a) { return _mm256_sqrt_ps(a); }
VICINAL_INLINE __m256d native_sqrt(__m256d a) { return _mm256_sqrt_pd(a); }
VICINAL_INLINE __m256 native_rsqrt(__m256 a) { return _mm256_rsqrt_ps(a); }
VICINAL_INLINE __m256d native_rsqrt(__m256d a) {
  return _mm256_div_pd(_mm256_set1_pd(1.0), _mm256_sqrt_pd(a));
}
VICINAL_INLINE __m256 native_reciprocal(__m256 a) { return _mm256_rcp_ps(a); }
VICINAL_INLINE __m256d native_reciprocal(__m256d a) {
  return _mm256_div_pd(_mm256_set1_pd(1.0), a);
}
VICINAL_INLINE unsigned native_less_equal(__m256 a, __m256 b) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)));
}
VICINAL_INLINE unsigned native_less_equal(__m256d a, __m256d b) {
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ)));
}
#elif defined(__SSE2__) || defined(_M_X64)
#define VICINAL_VECTOR_BYTES 16
using NativeFloat = __m128;
using NativeDouble = __m128d;
VICINAL_INLINE __m128 native_set(float x) { return _mm_set1_ps(x); }
VICINAL_INLINE __m128d native_set(double x) { return _mm_set1_pd(x); }
// No fused operation before AVX2: a library call per lane would cost sixteen calls a pack, so two
// roundings are the rule here.
VICINAL_INLINE __m128 native_fma(__m128 a, __m128 b, __m128 c) {
  return _mm_add_ps(_mm_mul_ps(a, b), c);
}
VICINAL_INLINE __m128d native_fma(__m128d a, __m128d b, __m128d c) {
  return _mm_add_pd(_mm_mul_pd(a, b), c);
}
VICINAL_INLINE __m128 native_max(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
VICINAL_INLINE __m128d native_max(__m128d a, __m128d b) { return _mm_max_pd(a, b); }
VICINAL_INLINE __m128 native_min(__m128 a, __m128 b) { return _mm_min_ps(a, b); }
VICINAL_INLINE __m128d native_min(__m128d a, __m128d b) { return _mm_min_pd(a, b); }
VICINAL_INLINE __m128 native_sqrt(__m128 a) { return _mm_sqrt_ps(a); }
VICINAL_INLINE __m128d native_sqrt(__m128d a) { return _mm_sqrt_pd(a); }
VICINAL_INLINE __m128 native_rsqrt(__m128 a) { return _mm_rsqrt_ps(a); }
VICINAL_INLINE __m128d native_rsqrt(__m128d a) {
  return _mm_div_pd(_mm_set1_pd(1.0), _mm_sqrt_pd(a));
}
VICINAL_INLINE __m128 native_reciprocal(__m128 a) { return _mm_rcp_ps(a); }
VICINAL_INLINE __m128d native_reciprocal(__m128d a) { return _mm_div_pd(_mm_set1_pd(1.0), a); }
VICINAL_INLINE unsigned native_less_equal(__m128 a, __m128 b) {
  return static_cast<unsigned>(_mm_movemask_ps(_mm_cmple_ps(a, b)));
}
VICINAL_INLINE unsigned native_less_equal(__m128d a, __m128d b) {
  return static_cast<unsigned>(_mm_movemask_pd(_mm_cmple_pd(a, b)));
}
#elif defined(__aarch64__)
#define VICINAL_VECTOR_BYTES 16
using NativeFloat = float32x4_t;
using NativeDouble = float64x2_t;
VICINAL_INLINE float32x4_t native_set(float x) { return vdupq_n_f32(x); }
VICINAL_INLINE float64x2_t native_set(double x) { return vdupq_n_f64(x); }
VICINAL_INLINE float32x4_t native_fma(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmaq_f32(c, a, b);
}
VICINAL_INLINE float64x2_t native_fma(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmaq_f64(c, a, b);
}
// vmaxq propagates NaN from either side; the select keeps the rule of the other machines.
VICINAL_INLINE float32x4_t native_max(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
VICINAL_INLINE float64x2_t native_max(float64x2_t a, float64x2_t b) {
  return vbslq_f64(vcgtq_f64(a, b), a, b);
}
VICINAL_INLINE float32x4_t native_min(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vcltq_f32(a, b), a, b);
}
VICINAL_INLINE float64x2_t native_min(float64x2_t a, float64x2_t b) {
  return vbslq_f64(vcltq_f64(a, b), a, b);
}
VICINAL_INLINE float32x4_t native_sqrt(float32x4_t a) { return vsqrtq_f32(a); }
VICINAL_INLINE float64x2_t native_sqrt(float64x2_t a) { return vsqrtq_f64(a); }
VICINAL_INLINE float32x4_t native_rsqrt(float32x4_t a) {
  return vdivq_f32(vdupq_n_f32(1), vsqrtq_f32(a));
}
VICINAL_INLINE float64x2_t native_rsqrt(float64x2_t a) {
  return vdivq_f64(vdupq_n_f64(1), vsqrtq_f64(a));
}
VICINAL_INLINE float32x4_t native_reciprocal(float32x4_t a) { return vdivq_f32(vdupq_n_f32(1), a); }
VICINAL_INLINE float64x2_t native_reciprocal(float64x2_t a) { return vdivq_f64(vdupq_n_f64(1), a); }
VICINAL_INLINE unsigned native_less_equal(float32x4_t a, float32x4_t b) {
  const uint32x4_t bit = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcleq_f32(a, b), bit));
}
VICINAL_INLINE unsigned native_less_equal(float64x2_t a, float64x2_t b) {
  const uint64x2_t bit = {1, 2};
  return static_cast<unsigned>(vaddvq_u64(vandq_u64(vcleq_f64(a, b), bit)));
}
#else
#error "vicinal: no vector type for this processor; add a section to simd.hpp"
#endif

// -------------------------------------------------------------------------------------------- Pack
template <class T>
struct Pack {
  using Vector = std::conditional_t<std::is_same_v<T, float>, NativeFloat, NativeDouble>;
  using Integer = std::conditional_t<std::is_same_v<T, float>, std::int32_t, std::int64_t>;
  typedef Integer IntegerVector __attribute__((vector_size(VICINAL_VECTOR_BYTES)));
  static constexpr int width = VICINAL_VECTOR_BYTES / static_cast<int>(sizeof(T));

  Vector v;

  Pack() = default;
  VICINAL_INLINE Pack(Vector vector) : v(vector) {}
  VICINAL_INLINE Pack(T x) : v(native_set(x)) {}
  VICINAL_INLINE static Pack load(const T* p) {
    return Pack(*reinterpret_cast<const Vector*>(p));
  }  // aligned
  VICINAL_INLINE static Pack load_unaligned(const T* p) {
    Vector x;
    __builtin_memcpy(&x, p, sizeof x);
    return Pack(x);
  }
  // base[offsets[i]] in lane i; offsets of 64 bits are aligned.
  template <class Offset>
  VICINAL_INLINE static Pack gather(const T* base, const Offset* offsets) {
#ifdef __AVX512F__
    if constexpr (sizeof(Offset) == 4 && width == 16) {
      return Pack(_mm512_i32gather_ps(_mm512_loadu_si512(offsets), base, 4));
    } else if constexpr (sizeof(Offset) == 4) {
      return Pack(_mm512_i32gather_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(offsets)),
                                      base, 8));
    } else if constexpr (width == 16) {
      const __m256 low = _mm512_i64gather_ps(_mm512_load_epi64(offsets), base, 4),
                   high = _mm512_i64gather_ps(_mm512_load_epi64(offsets + 8), base, 4);
      return Pack(_mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                                      _mm256_castps_pd(high), 1)));
    } else {
      return Pack(_mm512_i64gather_pd(_mm512_load_epi64(offsets), base, 8));
    }
#else
    alignas(VICINAL_VECTOR_BYTES) T lane[width];
    for (int i = 0; i < width; ++i) lane[i] = base[offsets[i]];
    return load(lane);
#endif
  }
  VICINAL_INLINE void store(T* p) const { *reinterpret_cast<Vector*>(p) = v; }
  VICINAL_INLINE void store_unaligned(T* p) const { __builtin_memcpy(p, &v, sizeof v); }
  VICINAL_INLINE T operator[](int lane) const { return v[lane]; }

  VICINAL_INLINE friend Pack operator+(Pack a, Pack b) { return Pack(a.v + b.v); }
  VICINAL_INLINE friend Pack operator-(Pack a, Pack b) { return Pack(a.v - b.v); }
  VICINAL_INLINE friend Pack operator*(Pack a, Pack b) { return Pack(a.v * b.v); }
  VICINAL_INLINE friend Pack operator/(Pack a, Pack b) { return Pack(a.v / b.v); }
  VICINAL_INLINE friend Pack operator-(Pack a) { return Pack(-a.v); }

  // A comparison gives all-ones lanes; any comparison with NaN is false.
  VICINAL_INLINE friend IntegerVector operator<(Pack a, Pack b) { return a.v < b.v; }
  VICINAL_INLINE friend IntegerVector operator<=(Pack a, Pack b) { return a.v <= b.v; }
  VICINAL_INLINE friend IntegerVector operator==(Pack a, Pack b) { return a.v == b.v; }
  VICINAL_INLINE friend IntegerVector operator!=(Pack a, Pack b) { return a.v != b.v; }

  VICINAL_INLINE IntegerVector bits() const { return reinterpret_cast<IntegerVector>(v); }
  VICINAL_INLINE static Pack from_bits(IntegerVector i) {
    return Pack(reinterpret_cast<Vector>(i));
  }
};

template <class T>
using Mask = typename Pack<T>::IntegerVector;

template <class T>
VICINAL_INLINE Pack<T> fma(Pack<T> a, Pack<T> b, Pack<T> c) {
  return native_fma(a.v, b.v, c.v);
}
// a > b ? a : b, so NaN in b stays: pass the constant first.
template <class T>
VICINAL_INLINE Pack<T> max(Pack<T> a, Pack<T> b) {
  return native_max(a.v, b.v);
}
template <class T>
VICINAL_INLINE Pack<T> min(Pack<T> a, Pack<T> b) {
  return native_min(a.v, b.v);
}
template <class T>
VICINAL_INLINE Pack<T> sqrt(Pack<T> a) {
  return native_sqrt(a.v);
}
template <class T>
VICINAL_INLINE Pack<T> abs(Pack<T> a) {
  using I = typename Pack<T>::Integer;
  return Pack<T>::from_bits(a.bits() & std::numeric_limits<I>::max());
}
template <class T>
VICINAL_INLINE Pack<T> select(Mask<T> mask, std::type_identity_t<Pack<T>> yes, Pack<T> no) {
  return Pack<T>(mask ? yes.v : no.v);
}
// Bit i: lane i of a is <= lane i of b.
template <class T>
VICINAL_INLINE unsigned less_equal_bits(Pack<T> a, Pack<T> b) {
  return native_less_equal(a.v, b.v);
}

// Bit i: lane i of a is NaN.
template <class T>
VICINAL_INLINE unsigned unordered_bits(Pack<T> a) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  return ~(less_equal_bits(a, Pack<T>(infinity))) & ((1U << Pack<T>::width) - 1);
}

// Number of bits; without an instruction for it the builtin would be a library call.
VICINAL_INLINE int count_bits(unsigned bits) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return __builtin_popcount(bits);
#else
  bits -= bits >> 1 & 0x55555555U;
  bits = (bits & 0x33333333U) + (bits >> 2 & 0x33333333U);
  return static_cast<int>((((bits + (bits >> 4)) & 0x0f0f0f0fU) * 0x01010101U) >> 24);
#endif
}

// Lanes joined in a fixed order: halves until one lane is left.
template <int first, class Vector, int... lane>
VICINAL_INLINE auto half_from(Vector v, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(v, v, (first + lane)...);
}
template <int width, class Vector>
VICINAL_INLINE auto join_lanes(Vector v, auto&& join) {
  if constexpr (width == 2) {
    return join(v[0], v[1]);
  } else {
    constexpr std::make_integer_sequence<int, width / 2> half{};
    return join_lanes<width / 2>(join(half_from<0>(v, half), half_from<width / 2>(v, half)), join);
  }
}
template <class T>
VICINAL_INLINE T sum_lanes(Pack<T> a) {
  return join_lanes<Pack<T>::width>(a.v,
                                    [](auto x, auto y) VICINAL_INLINE_LAMBDA { return x + y; });
}
template <class T>
VICINAL_INLINE T max_lanes(Pack<T> a) {
  return join_lanes<Pack<T>::width>(
      a.v, [](auto x, auto y) VICINAL_INLINE_LAMBDA { return y > x ? y : x; });
}

}  // namespace
}  // namespace vicinal::kernels
