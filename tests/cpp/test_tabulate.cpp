// Tabulated profiles: accuracy in both precisions, breakpoints, ends, refusals.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/profile_table.hpp"
#include "vicinal/tabulate.hpp"

namespace vk = vicinal::kernels;
using vicinal::ProfileTable;
using vicinal::TabulateOptions;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Weight>
ProfileTable table_of(Weight weight, const TabulateOptions& options) {
  return vicinal::tabulate(
      [&](std::span<const double> u, std::span<double> out) {
        for (std::size_t i = 0; i < u.size(); ++i) out[i] = weight(u[i]);
      },
      options);
}

template <class T>
T look_up(const ProfileTable& table, T u) {
  return vk::evaluate(table.view<T>(), vk::Pack<T>(u))[0];
}

// Largest error on random u in [0, high]: of the largest weight, or in a logarithm of max(1,
// |log|); and relative to the weight where that is above `from`.
struct Errors {
  double absolute = 0, relative = 0;
};
template <class T, class Weight>
Errors errors_of(const ProfileTable& table, Weight weight, double high, double from = 1e-3) {
  constexpr int width = vk::Pack<T>::width;
  const double unit = table.log() ? std::numbers::log2e : 1.0;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> part(0, 1);
  alignas(64) T u[width], w[width];
  Errors e;
  for (int i = 0; i < 40000; ++i) {
    for (T& x : u)
      x = static_cast<T>(high * (i % 2 == 0 ? part(random) : std::exp2(-20 * part(random))));
    vk::evaluate(table.view<T>(), vk::Pack<T>::load(u)).store(w);
    for (int k = 0; k < width; ++k) {
      const double exact = weight(static_cast<double>(u[k]));
      const double error = std::fabs(static_cast<double>(w[k]) / unit - exact);
      e.absolute =
          std::max(e.absolute, error / (table.log() ? std::max(1.0, std::fabs(exact)) : 1));
      if (std::fabs(exact) > from) e.relative = std::max(e.relative, error / std::fabs(exact));
    }
  }
  return e;
}

template <class Weight>
void check_smooth(const char* name, Weight weight, const TabulateOptions& options, double high) {
  const ProfileTable table = table_of(weight, options);
  const Errors wide = errors_of<double>(table, weight, high);
  const Errors narrow = errors_of<float>(table, weight, high);
  std::printf("%-22s error %.1e, found %.1e / %.1e, relative %.1e / %.1f ulp; %ld pieces\n", name,
              table.error(), wide.absolute, narrow.absolute, wide.relative,
              narrow.relative * 0x1p24, static_cast<long>(table.pieces()));
  INFO(std::string(name));
  CHECK(table.error() <= 1e-13);
  CHECK(wide.absolute <= 1e-13);
  CHECK(narrow.absolute <= 4 * 0x1p-24);
  CHECK(table.float_error() <= 4 * 0x1p-24);
}

template <class Weight>
std::string refusal(Weight weight, const TabulateOptions& options) {
  try {
    table_of(weight, options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("smooth profiles keep their digits") {
  check_smooth("1 - u^4", [](double u) { return 1 - u * u * u * u; }, {.support = 1}, 1);
  check_smooth(
      "(1 - u)^4 (4 u + 1)", [](double u) { return std::pow(1 - u, 4) * (4 * u + 1); },
      {.support = 1}, 1);
  check_smooth(
      "cos(pi u / 2)", [](double u) { return std::cos(std::numbers::pi / 2 * u); }, {.support = 1},
      1);
  check_smooth("exp(-u)", [](double u) { return std::exp(-u); }, {.support = 30}, 30);
  check_smooth("exp(-u^2 / 2)", [](double u) { return std::exp(-u * u / 2); }, {.support = 9}, 9);
  check_smooth(
      "exp(-u^2), h = 1e-3", [](double u) { return std::exp(-u * u * 1e6); }, {.support = 1e-2},
      1e-2);
  check_smooth(
      "sin(9 u) / 9 u", [](double u) { return u > 0 ? std::sin(9 * u) / (9 * u) : 1.0; },
      {.support = 4}, 4);
  check_smooth("log: -u", [](double u) { return -u; }, {.log = true}, 1e9);
  check_smooth("log: -u^2 / 2", [](double u) { return -u * u / 2; }, {.log = true}, 1e6);
  check_smooth(
      "log: -2 log1p(u^2)", [](double u) { return -2 * std::log1p(u * u); }, {.log = true}, 1e9);
  check_smooth(
      "log: 3 tanh(u) - u", [](double u) { return 3 * std::tanh(u) - u; }, {.log = true}, 50);
}

TEST_CASE("breakpoints: kinks and jumps, each side its own") {
  const double at[] = {0.25, 1.0 / 3, 0.35, 0.8};
  const auto weight = [&](double u) {
    if (u <= at[0]) return 1.0;
    if (u < at[1]) return 2 - u;
    if (u < at[2]) return u * u;
    return u <= at[3] ? std::exp(-u) : 0.1;
  };
  const ProfileTable table = table_of(weight, {.support = 1, .breakpoints = at});
  CHECK(table.error() <= 1e-13);
  CHECK(errors_of<double>(table, weight, 1).absolute <= 1e-13);
  for (double u : at)
    for (double x : {std::nextafter(u, 0.0), u, std::nextafter(u, 1.0)})
      CHECK(look_up<double>(table, x) == doctest::Approx(weight(x)).epsilon(1e-13));
  for (double u : at) {
    const float near = static_cast<float>(u);
    for (float x : {std::nextafter(near, 0.0f), near, std::nextafter(near, 1.0f)})
      CHECK(look_up<float>(table, x) ==
            doctest::Approx(weight(static_cast<double>(x))).epsilon(1e-6));
  }
}

TEST_CASE("a breakpoint on the edge of a bucket, and two close together") {
  const double edge[] = {0.5};
  for (bool closed : {true, false}) {
    const auto step = [=](double u) { return (closed ? u <= 0.5 : u < 0.5) ? 1.0 : 0.25; };
    const ProfileTable table = table_of(step, {.support = 1, .breakpoints = edge});
    CHECK(look_up<double>(table, 0.5) == step(0.5));
    CHECK(look_up<float>(table, 0.5f) == static_cast<float>(step(0.5)));
    CHECK(look_up<double>(table, std::nextafter(0.5, 0.0)) == 1);
    CHECK(look_up<float>(table, std::nextafter(0.5f, 1.0f)) == 0.25f);
  }
  const double close[] = {0.500, 0.505};
  const auto bump = [&](double u) { return u < close[0] || u >= close[1] ? 1.0 : 3.0 + u; };
  const ProfileTable table = table_of(bump, {.support = 1, .breakpoints = close});
  CHECK(errors_of<double>(table, bump, 1).absolute <= 1e-13);
  CHECK(errors_of<float>(table, bump, 1).absolute <= 1e-6);
  const double too_close[] = {0.5, 0.5 + 1e-7};
  CHECK(has(refusal([](double) { return 1.0; }, {.support = 1, .breakpoints = too_close}),
            "breakpoints must be farther apart"));
}

TEST_CASE("the support: closed or open as the function says, exactly 0 beyond") {
  for (double support : {1.0, 0.7, 3.1, 1e-3, 12345.678}) {
    const auto closed = [=](double u) { return u <= support ? 1.0 : 0.0; };
    const auto open = [=](double u) { return u < support ? 1.0 : 0.0; };
    const ProfileTable with = table_of(closed, {.support = support});
    const ProfileTable without = table_of(open, {.support = support});
    CHECK(look_up<double>(with, support) == 1);
    CHECK(look_up<double>(without, support) == 0);
    CHECK(look_up<double>(without, std::nextafter(support, 0.0)) == 1);
    for (double u : {std::nextafter(support, infinity), 2 * support, 1e300, infinity})
      CHECK(look_up<double>(with, u) == 0);
    for (float u : {static_cast<float>(2 * support), 1e38f, static_cast<float>(infinity)})
      CHECK(look_up<float>(with, u) == 0);
    const float near = static_cast<float>(support);
    for (float u : {std::nextafter(near, 0.0f), near, std::nextafter(near, 1e9f)})
      CHECK(look_up<float>(with, u) == static_cast<float>(closed(static_cast<double>(u))));
    CHECK(look_up<double>(with, 0.0) == 1);
    CHECK(std::isnan(look_up<double>(with, std::nan(""))));
    CHECK(std::isnan(look_up<float>(with, std::nanf(""))));
  }
}

TEST_CASE("never negative where the function is not; signed where it is") {
  const auto power = [](double u) { return std::pow(1 - u, 7); };
  const ProfileTable table = table_of(power, {.support = 1});
  CHECK(!table.is_signed());
  for (double u = 0; u <= 1; u += 1e-5) REQUIRE(look_up<double>(table, u) >= 0);
  CHECK(table_of([](double u) { return 1 - 2 * u; }, {.support = 1}).is_signed());
}

TEST_CASE("logarithms end where the weight does") {
  const ProfileTable far = table_of([](double u) { return -u; }, {.log = true});
  CHECK(far.support() == 0x1p40);
  CHECK(look_up<double>(far, 0x1p41) == -infinity);
  CHECK(look_up<double>(far, infinity) == -infinity);
  CHECK(look_up<double>(far, 1000.0) ==
        doctest::Approx(-1000 * std::numbers::log2e).epsilon(1e-14));
  const ProfileTable cut =
      table_of([](double u) { return u < 7.25 ? -u : -infinity; }, {.log = true});
  CHECK(cut.support() == doctest::Approx(7.25).epsilon(1e-12));
  CHECK(look_up<double>(cut, 7.26) == -infinity);
  CHECK(look_up<float>(cut, 7.24f) == doctest::Approx(-7.24 * std::numbers::log2e).epsilon(1e-6));
  const ProfileTable steep = table_of([](double u) { return -std::exp(u); }, {.log = true});
  CHECK(steep.support() < 70);
  CHECK(look_up<double>(steep, 1e3) == -infinity);
}

TEST_CASE("refusals name the reason and the place") {
  const auto kink = [](double u) { return u < 0.37 ? 1.0 : 1.37 - u; };
  const std::string message = refusal(kink, {.support = 1});
  INFO(message);
  CHECK(has(message, "the fit reaches an error of"));
  CHECK(has(message, "near u = 0.3"));
  CHECK(has(message, "breakpoints"));
  const double at[] = {0.37};
  CHECK(refusal(kink, {.support = 1, .breakpoints = at}).empty());
  CHECK(refusal(kink, {.support = 1, .tolerance = 0.1}).empty());
  const auto one = [](double) { return 1.0; };
  const double negative[] = {-1.0};
  CHECK(has(refusal(one, {}), "log = true"));
  CHECK(has(refusal(one, {.support = 0}), "support must be positive, got 0"));
  CHECK(has(refusal(one, {.support = std::nan("")}), "support must be positive"));
  CHECK(has(refusal(one, {.support = 1e-9}), "between"));
  CHECK(has(refusal(one, {.support = 1, .breakpoints = negative}), "got -1"));
  CHECK(has(refusal(one, {.support = 1, .tolerance = 0}), "tolerance must be positive, got 0"));
  CHECK(has(refusal([](double u) { return 1 / u; }, {.support = 1}), "got inf at u = 0"));
  CHECK(has(refusal([](double u) { return -std::log(u); }, {.log = true}), "got inf at u = 0"));
  CHECK(has(refusal([](double u) { return std::sqrt(0.5 - u); }, {.support = 1}), "nan"));
  CHECK(has(refusal([](double u) { return u < 2 || u > 3 ? -u : -infinity; }, {.log = true}),
            "must be finite"));
  CHECK_THROWS_AS(vicinal::tabulate(nullptr, {.support = 1}), std::invalid_argument);
}
