// The bounds that math.hpp states, measured in units in the last place against a wider type.
// Compiled once per instruction set. VICINAL_EXHAUSTIVE=1 walks every float of [-126, 127] through
// exp2.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "kernels/math.hpp"

namespace vk = vicinal::kernels;
using vk::Pack;

namespace {

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool fused = true;
#else
constexpr bool fused = false;
#endif

template <class T>
using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
template <class T>
using Word = typename Pack<T>::Integer;
template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr const char* type_name = sizeof(T) == 4 ? "float" : "double";

bool exhaustive() { return std::getenv("VICINAL_EXHAUSTIVE") != nullptr; }

// Numbers of one sign in their natural order are consecutive words.
template <class T>
Word<T> word_of(T x) {
  Word<T> w;
  std::memcpy(&w, &x, sizeof x);
  return w < 0 ? std::numeric_limits<Word<T>>::min() - w : w;
}
template <class T>
T number_of(Word<T> w) {
  if (w < 0) w = std::numeric_limits<Word<T>>::min() - w;
  T x;
  std::memcpy(&x, &w, sizeof x);
  return x;
}

template <class T, class Function>
T at(Function f, T x) {
  return f(Pack<T>(x))[0];
}

template <class T>
double ulps(T result, Wide<T> exact) {
  constexpr int lowest = std::numeric_limits<T>::min_exponent - 1;
  const int exponent = exact == 0 ? lowest : std::max(lowest, std::ilogb(exact));
  const Wide<T> ulp = std::ldexp(Wide<T>(1), exponent - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(std::fabs(Wide<T>(result) - exact) / ulp);
}

struct Report {
  double worst = 0, where = 0, sum = 0;
  long count = 0, falls = 0;
};

// Packs of neighboring numbers from all over [low, high], so that falls of a monotone function
// show.
template <class T, class Function, class Exact>
Report measure(const std::string& name, Function f, Exact exact, T low, T high, double bound,
               long packs = 20000) {
  constexpr int width = Pack<T>::width;
  const Word<T> first = word_of(low), last = word_of(high) - width;
  const bool all = packs == 0;
  if (all) packs = static_cast<long>((last - first) / width);
  std::mt19937_64 random(1);
  std::uniform_int_distribution<Word<T>> anywhere(first, last);
  alignas(64) T x[width], y[width];
  Report report;
  for (long i = 0; i < packs; ++i) {
    const Word<T> start = all ? first + static_cast<Word<T>>(i * width) : anywhere(random);
    for (int k = 0; k < width; ++k) x[k] = number_of<T>(start + static_cast<Word<T>>(k));
    f(Pack<T>::load(x)).store(y);
    for (int k = 0; k < width; ++k) {
      const double error = ulps(y[k], exact(Wide<T>(x[k])));
      if (!(error <= report.worst)) report.worst = error, report.where = static_cast<double>(x[k]);
      report.sum += error;
      report.falls += k > 0 && y[k] < y[k - 1];
    }
    report.count += width;
  }
  std::printf("%-22s %-6s max %6.3f at %-12.6g mean %.3f of %ld in [%g, %g]\n", name.c_str(),
              type_name<T>, report.worst, report.where,
              report.sum / static_cast<double>(report.count), report.count,
              static_cast<double>(low), static_cast<double>(high));
  INFO(name, " of ", std::string(type_name<T>), " at ", report.where);
  CHECK(report.worst <= bound);
  return report;
}

template <class T>
constexpr T lowest = sizeof(T) == 4 ? T(-126) : T(-1022);

}  // namespace

constexpr bool avx512 = VICINAL_VECTOR_BYTES == 64;

TEST_CASE_TEMPLATE("exp2: bound, order, ends", T, float, double) {
  const auto f = [](auto x) { return vk::exp2(x); };
  const auto exact = [](auto x) { return std::exp2(x); };
  const long packs = sizeof(T) == 4 && exhaustive() ? 0 : 100000;
  const double bound = sizeof(T) == 4 ? 2 : 1, above = sizeof(T) == 4 ? 2.1 : 1.1;
  CHECK(measure<T>("exp2", f, exact, lowest<T>, T(-0x1p-30), bound, packs).falls == 0);
  CHECK(measure<T>("exp2", f, exact, T(-0.5), T(-0x1p-10), bound).falls == 0);
  CHECK(measure<T>("exp2", f, exact, T(-2), T(-0.25), bound).falls == 0);
  CHECK(measure<T>("exp2", f, exact, T(0x1p-30), T(0.5), above).falls == 0);
  CHECK(measure<T>("exp2", f, exact, T(0.5), -lowest<T>, above, packs).falls == 0);
  for (int n = static_cast<int>(lowest<T>); n <= -lowest<T>; ++n) {
    REQUIRE(at<T>(f, T(n)) == std::ldexp(T(1), n));
    const T seam = T(n) + T(0.5);  // here the integer part changes
    CHECK(at<T>(f, std::nextafter(T(n), T(-9999))) <= at<T>(f, T(n)));
    CHECK(at<T>(f, std::nextafter(seam, T(-9999))) <= at<T>(f, seam));
    CHECK(at<T>(f, seam) <= at<T>(f, std::nextafter(seam, T(9999))));
  }
  for (T x : {std::nextafter(lowest<T>, T(-9999)), T(-2000), T(-1e30), -infinity<T>})
    CHECK(at<T>(f, x) == 0);
  CHECK(at<T>([](auto x) { return vk::exp2(x, T(-100)); }, T(-100)) == T(0x1p-100));
  CHECK(at<T>([](auto x) { return vk::exp2(x, T(-100)); }, std::nextafter(T(-100), T(-101))) == 0);
}

TEST_CASE_TEMPLATE("exp2_scaled: bound, order, cut-off", T, float, double) {
  const T cutoff = vk::Format<T>::weight_cutoff;
  const double bound = sizeof(T) == 4 ? 2.1 : 1.1;
  for (T scale : {T(1), T(-0.7213475204444817), T(0.3), T(-1e-3)}) {
    const auto folded = [=](auto s) {
      return vk::exp2_scaled(s, Pack<T>(scale), vk::exp2_origin(Pack<T>(T(0))));
    };
    const auto plain = [=](auto s) { return vk::exp2_scaled(s, Pack<T>(scale)); };
    const auto exact = [=](auto s) {  // of the product as the instruction set rounds it
      return std::exp2(fused ? s * scale : Wide<T>(T(s) * scale));
    };
    const auto shifted = [=](auto s) {
      return avx512 ? std::exp2(Wide<T>(std::fma(T(s), scale, T(0.5))) - Wide<T>(0.5)) : exact(s);
    };
    const T end = cutoff / scale, low = std::min(end, T(0)), high = std::max(end, T(0));
    const auto of_folded = measure<T>("exp2_scaled, R", folded, exact, low, high, bound);
    const auto of_plain = measure<T>("exp2_scaled", plain, shifted, low, high, bound);
    if (scale > 0) CHECK(of_folded.falls + of_plain.falls == 0);
    CHECK(at<T>(folded, T(0)) == 1);
    CHECK(at<T>(plain, T(0)) == 1);
    for (T s : {(cutoff - T(0.75)) / scale, -infinity<T> * scale, T(-1e30) / scale}) {
      CHECK(at<T>(folded, s) == 0);
      CHECK(at<T>(plain, s) == 0);
    }
    CHECK(at<T>(folded, (cutoff + T(0.25)) / scale) > 0);
    CHECK(at<T>(plain, (cutoff + T(0.25)) / scale) > 0);
  }
}

TEST_CASE_TEMPLATE("exp2_below: a reference rescales exactly", T, float, double) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<T> part(T(-90), T(0));
  for (T reference : {T(0), T(2), T(-6), T(1000), T(-123456), T(1 << 20)})
    for (int i = 0; i < 1000; ++i) {
      const Pack<T> s(reference + part(random));
      const auto relative = [&](T r) { return vk::exp2_below(s, r)[0]; };
      const T own = relative(reference);
      REQUIRE(own > 0);
      REQUIRE(std::abs(own / std::exp2(static_cast<double>(s[0]) - static_cast<double>(reference)) -
                       1) <= 2 * std::numeric_limits<T>::epsilon());
      REQUIRE(relative(reference + 6) == std::ldexp(own, -6));
      REQUIRE(relative(reference - 8) == std::ldexp(own, 8));
      REQUIRE(relative(reference + 300) == (sizeof(T) == 4 ? 0 : std::ldexp(own, -300)));
    }
}

TEST_CASE_TEMPLATE("reciprocal and rsqrt", T, float, double) {
  const T small = std::numeric_limits<T>::min(), large = T(1) / (2 * small);
  const auto r = [](auto x) { return vk::reciprocal(x); };
  const auto q = [](auto x) { return vk::rsqrt(x); };
  const auto one_over = [](auto x) { return 1 / x; };
  const auto root = [](auto x) { return 1 / std::sqrt(x); };
  measure<T>("reciprocal", r, one_over, small, large, fused ? 1 : 2, 100000);
  measure<T>("reciprocal", r, one_over, -large, -small, fused ? 1 : 2);
  measure<T>("rsqrt", q, root, small, std::numeric_limits<T>::max(), fused ? 2 : 3, 100000);
  CHECK(at<T>(r, T(0)) == infinity<T>);
  CHECK(at<T>(r, infinity<T>) == 0);
  CHECK(at<T>(q, T(0)) == infinity<T>);
  CHECK(at<T>(q, infinity<T>) == 0);
  for (int n = -20; n <= 20; ++n) CHECK(at<T>(r, std::ldexp(T(1), n)) == std::ldexp(T(1), -n));
}

TEST_CASE_TEMPLATE("log2", T, float, double) {
  const auto f = [](auto x) { return vk::log2(x); };
  const auto exact = [](auto x) { return std::log2(x); };
  const double bound = sizeof(T) == 4 ? 2 : 3;
  measure<T>("log2", f, exact, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), bound);
  measure<T>("log2", f, exact, T(0.5), T(2), bound, 100000);
  measure<T>("log2", f, exact, T(1), T(1) + T(0x1p-8), bound);
  measure<T>("log2", f, exact, T(1) - T(0x1p-8), T(1), bound);
  for (int n = -100; n <= 100; ++n) CHECK(at<T>(f, std::ldexp(T(1), n)) == n);
  CHECK(at<T>(f, T(0)) == -infinity<T>);
  CHECK(at<T>(f, infinity<T>) == infinity<T>);
  CHECK(at<T>(f, std::numeric_limits<T>::denorm_min()) < lowest<T> + T(0.5));
}

TEST_CASE_TEMPLATE("pow", T, float, double) {
  for (T y : {T(-0.5), T(-1), T(-1.3), T(-4.75), T(-12), T(2.5)}) {
    const auto f = [=](auto x) { return vk::pow(x, Pack<T>(y)); };
    const auto exact = [=](auto x) { return std::pow(x, Wide<T>(y)); };
    const double bound = 3 + std::fabs(y) + (fused ? 0 : 45);
    measure<T>("pow", f, exact, T(1), std::exp2(T(90) / std::fabs(y)), bound);
    measure<T>("pow", f, exact, T(0.25), T(1), bound);
    CHECK(at<T>(f, T(1)) == 1);
    CHECK(at<T>(f, T(0)) == (y < 0 ? infinity<T> : T(0)));
    CHECK(at<T>(f, infinity<T>) == (y < 0 ? T(0) : infinity<T>));
  }
  CHECK(at<T>([](auto x) { return vk::pow(x, Pack<T>(T(-20))); }, std::exp2(T(60))) == 0);
}

TEST_CASE_TEMPLATE("tanh and erf", T, float, double) {
  const auto th = [](auto x) { return vk::tanh(x); };
  const auto er = [](auto x) { return vk::erf(x); };
  const auto exact_tanh = [](auto x) { return std::tanh(x); };
  const auto exact_erf = [](auto x) { return std::erf(x); };
  measure<T>("tanh", th, exact_tanh, T(1e-30), T(50), 4.5);
  measure<T>("tanh", th, exact_tanh, T(0.01), T(12), 4.5, 100000);
  measure<T>("tanh", th, exact_tanh, T(-12), T(-0.01), 4.5);
  measure<T>("erf", er, exact_erf, T(1e-30), T(50), sizeof(T) == 4 ? 2 : 3);
  measure<T>("erf", er, exact_erf, T(0.01), T(7), sizeof(T) == 4 ? 2 : 3, 100000);
  for (T x : {T(25), T(1e30), infinity<T>}) {
    CHECK(at<T>(th, x) == 1);
    CHECK(at<T>(th, -x) == -1);
    CHECK(at<T>(er, x) == 1);
    CHECK(at<T>(er, -x) == -1);
  }
  CHECK(std::signbit(at<T>(th, -T(0))));
  CHECK(std::signbit(at<T>(er, -T(0))));
}

TEST_CASE_TEMPLATE("trigonometry", T, float, double) {
  const auto sine = [](auto x) { return vk::sin(x); };
  const auto cosine = [](auto x) { return vk::cos(x); };
  const auto arc = [](auto x) { return vk::asin(x); };
  const auto half = [](auto s) { return vk::cos_half_pi_sqrt(s); };
  const auto exact_sine = [](auto x) { return std::sin(x); };
  const auto exact_cosine = [](auto x) { return std::cos(x); };
  measure<T>("sin", sine, exact_sine, T(1e-30), T(3.2), 2.5, 100000);
  measure<T>("sin", sine, exact_sine, T(3), T(1e4), 2.5, 100000);
  measure<T>("sin", sine, exact_sine, T(-1e4), T(-1e-3), 2.5);
  measure<T>("cos", cosine, exact_cosine, T(1e-30), T(3.2), 2.5, 100000);
  measure<T>("cos", cosine, exact_cosine, T(-1e4), T(-1), 2.5);
  measure<T>("asin", arc, [](auto x) { return std::asin(x); }, T(1e-30), T(1), 2.5, 100000);
  measure<T>("asin", arc, [](auto x) { return std::asin(x); }, T(0.4), T(1), 2.5);
  const auto exact_half =
      [](auto s) {  // sin of the complement keeps its digits where s is close to 1
        using W = decltype(s);
        const W right = std::acos(W(0)), gap = right * (1 - s) / (1 + std::sqrt(s));
        return s < W(0.5) ? std::cos(right * std::sqrt(s)) : std::sin(gap);
      };
  measure<T>("cos_half_pi_sqrt", half, exact_half, T(1e-30), T(1), 2.5, 100000);
  measure<T>("cos_half_pi_sqrt", half, exact_half, T(0.9), T(1), 2.5);
  CHECK(at<T>(half, T(0)) == 1);
  CHECK(at<T>(half, T(1)) == 0);
  CHECK(at<T>(cosine, T(0)) == 1);
  CHECK(at<T>(sine, T(0)) == 0);
  CHECK(at<T>(arc, T(1)) == T(1.5707963267948966));
  CHECK(std::isnan(at<T>(sine, infinity<T>)));
  CHECK(std::isnan(at<T>(arc, T(1.5))));
}

TEST_CASE_TEMPLATE("NaN stays NaN, whatever its payload", T, float, double) {
  const Pack<T> one(T(1));
  for (int payload = 0; payload < 4096; payload += 273)
    for (T sign : {T(1), T(-1)}) {
      const T quiet = std::copysign(not_a_number<T>, sign);
      Word<T> bits;
      std::memcpy(&bits, &quiet, sizeof bits);
      const Pack<T> x = Pack<T>::from_bits(Pack<T>(quiet).bits() | Word<T>(payload));
      for (Pack<T> y :
           {vk::exp2(x), vk::exp2_scaled(x, one), vk::exp2_scaled(one, x), vk::exp2_below(x, T(0)),
            vk::exp2_scaled(x, one, vk::exp2_origin(one)), vk::reciprocal(x), vk::rsqrt(x),
            vk::log2(x), vk::pow(x, one), vk::pow(one + one, x), vk::tanh(x), vk::sin(x),
            vk::cos(x), vk::asin(x), vk::cos_half_pi_sqrt(x), vk::erf(x)})
        CHECK(std::isnan(y[0]));
    }
}
