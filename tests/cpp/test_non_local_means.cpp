// Non-local means against the formula in long double; bits of threads; refusals and stopping.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sample.hpp"
#include "vicinal/non_local_means.hpp"

using namespace vicinal;

namespace {

std::int64_t reflected(std::int64_t i, std::int64_t size) {
  while (i < 0 || i >= size) i = size == 1 ? 0 : i < 0 ? -i : 2 * (size - 1) - i;
  return i;
}

template <class T>
struct Scene {
  std::int64_t planes, rows, columns, channels;
  std::vector<T> pixels;

  Scene(std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t c)
      : planes(z),
        rows(y),
        columns(x),
        channels(c),
        pixels(sample::normal<T>(z * y * x, c, 7).data) {}

  ImageView<const T> view() const { return {pixels.data(), planes, rows, columns, channels}; }
  std::vector<T> run(const NonLocalMeansOptions& options, NonLocalMeansReport* report = nullptr) {
    std::vector<T> out(pixels.size());
    const auto told =
        non_local_means(view(), {out.data(), planes, rows, columns, channels}, options);
    if (report != nullptr) *report = told;
    return out;
  }
  long double at(std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t c) const {
    const std::int64_t pixel =
        (reflected(z, planes) * rows + reflected(y, rows)) * columns + reflected(x, columns);
    return pixels[static_cast<std::size_t>(pixel * channels + c)];
  }
};

struct Position {
  std::int64_t z, y, x;
};

template <class T>
long double weight(const Scene<T>& s, Position p, Position q, const NonLocalMeansOptions& o) {
  const std::int64_t r = (o.patch_size - 1) / 2, depth = s.planes > 1 ? r : 0;
  const long double a = static_cast<long double>(o.patch_size - 1) / 4;
  long double sum = 0, all = 0;
  for (std::int64_t z = -depth; z <= depth; ++z)
    for (std::int64_t y = -r; y <= r; ++y)
      for (std::int64_t x = -r; x <= r; ++x) {
        const auto squared = static_cast<long double>(z * z + y * y + x * x);
        const long double g = o.patch == Patch::box ? 1 : std::exp(-squared / (2 * a * a));
        all += g;
        for (std::int64_t c = 0; c < s.channels; ++c) {
          const long double d =
              s.at(p.z + z, p.y + y, p.x + x, c) - s.at(q.z + z, q.y + y, q.x + x, c);
          sum += g * d * d / static_cast<long double>(s.channels);
        }
      }
  const long double excess = sum / all - 2 * static_cast<long double>(o.sigma) * o.sigma;
  return std::exp(-std::max(excess, 0.0L) / (static_cast<long double>(o.h) * o.h));
}

template <class T>
long double expected(const Scene<T>& s, Position p, std::int64_t c, const NonLocalMeansOptions& o) {
  long double mass = 0, sum = 0;
  const std::int64_t reach = o.patch_distance;
  for (std::int64_t z = 0; z < s.planes; ++z)
    for (std::int64_t y = 0; y < s.rows; ++y)
      for (std::int64_t x = 0; x < s.columns; ++x) {
        if (std::abs(z - p.z) > reach || std::abs(y - p.y) > reach || std::abs(x - p.x) > reach)
          continue;
        const long double w = weight(s, p, {z, y, x}, o);
        mass += w;
        sum += w * s.at(z, y, x, c);
      }
  return sum / mass;
}

template <class T>
long double largest_error(Scene<T> s, const NonLocalMeansOptions& o) {
  const std::vector<T> out = s.run(o);
  long double worst = 0;
  std::size_t i = 0;
  for (std::int64_t z = 0; z < s.planes; ++z)
    for (std::int64_t y = 0; y < s.rows; ++y)
      for (std::int64_t x = 0; x < s.columns; ++x)
        for (std::int64_t c = 0; c < s.channels; ++c, ++i)
          worst = std::max(worst, std::abs(out[i] - expected(s, {z, y, x}, c, o)));
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("the formula", T, float, double) {
  const long double bound = sizeof(T) == 4 ? 1e-5L : 1e-13L;
  for (const Patch patch : {Patch::box, Patch::gaussian}) {
    const NonLocalMeansOptions o{
        .patch = patch, .patch_size = 3, .patch_distance = 4, .h = 0.9, .sigma = 0.5};
    CHECK(largest_error(Scene<T>(1, 9, 19, 1), o) <= bound);
    CHECK(largest_error(Scene<T>(1, 70, 3, 2), o) <= bound);
    CHECK(largest_error(Scene<T>(4, 5, 6, 1), o) <= bound);
    CHECK(largest_error(Scene<T>(1, 1, 1, 3), o) == 0);
  }
  CHECK(largest_error(Scene<T>(1, 12, 13, 1), {.patch_size = 7, .patch_distance = 90, .h = 1}) <=
        bound);
}

// Patches of one pixel of a guide, weighed by the distance of the places, too.
TEST_CASE_TEMPLATE("the joint bilateral filter", T, float, double) {
  const long double bound = sizeof(T) == 4 ? 1e-5L : 1e-13L;
  const std::int64_t rows = 7, columns = 23;
  Scene<T> image(1, rows, columns, 2), guide(1, rows, columns, 3);
  std::vector<T> out(image.pixels.size());
  const NonLocalMeansOptions o{
      .patch_size = 1, .patch_distance = 4, .h = 1.3, .spatial_width = 1.7};
  non_local_means(image.view(), guide.view(), ImageView<T>{out.data(), 1, rows, columns, 2}, o);
  long double worst = 0;
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x)
      for (std::int64_t c = 0; c < 2; ++c) {
        long double mass = 0, sum = 0;
        for (std::int64_t v = std::max<std::int64_t>(y - 4, 0); v <= std::min(y + 4, rows - 1); ++v)
          for (std::int64_t u = std::max<std::int64_t>(x - 4, 0); u <= std::min(x + 4, columns - 1);
               ++u) {
            const auto away = static_cast<long double>((v - y) * (v - y) + (u - x) * (u - x));
            const long double w =
                weight(guide, {0, y, x}, {0, v, u}, o) * std::exp(-away / (2 * 1.7L * 1.7L));
            mass += w;
            sum += w * image.at(0, v, u, c);
          }
        const auto i = static_cast<std::size_t>((y * columns + x) * 2 + c);
        worst = std::max(worst, std::abs(out[i] - sum / mass));
      }
  CHECK(worst <= bound);
}

TEST_CASE("a pixel that misses in the guide is not used") {
  Scene<double> image(1, 6, 6, 1), guide(1, 6, 6, 1);
  const double missing = std::numeric_limits<double>::quiet_NaN();
  guide.pixels[14] = missing;
  const NonLocalMeansOptions o{.patch_size = 3, .patch_distance = 2, .h = 1, .omit_missing = true};
  std::vector<double> out(36), other(36);
  const ImageView<double> to{out.data(), 1, 6, 6, 1}, again{other.data(), 1, 6, 6, 1};
  non_local_means(image.view(), guide.view(), to, o);
  image.pixels[14] += 100;
  non_local_means(image.view(), guide.view(), again, o);
  for (std::size_t i = 0; i < 36; ++i) CHECK((i == 14 || out[i] == other[i]));
  CHECK_THROWS_AS(non_local_means(image.view(), {guide.pixels.data(), 1, 6, 5, 1}, to, o),
                  std::invalid_argument);
  NonLocalMeansOptions flat = o;
  flat.spatial_width = 0;
  CHECK_THROWS_AS(non_local_means(image.view(), guide.view(), to, flat), std::invalid_argument);
}

TEST_CASE_TEMPLATE("the bits do not depend on the threads", T, float, double) {
  Scene<T> s(2, 200, 33, 2);
  NonLocalMeansOptions o{.patch_distance = 3, .h = 1, .num_threads = 1};
  const std::vector<T> alone = s.run(o);
  for (const int threads : {2, 3, 7}) {
    o.num_threads = threads;
    const std::vector<T> shared = s.run(o);
    CHECK(std::memcmp(shared.data(), alone.data(), alone.size() * sizeof(T)) == 0);
  }
}

TEST_CASE("masks and missing pixels") {
  Scene<double> s(1, 10, 10, 1);
  const double missing = std::numeric_limits<double>::quiet_NaN();
  s.pixels[55] = missing;
  NonLocalMeansReport report;
  auto out = s.run({.patch_size = 3, .patch_distance = 2, .h = 1, .omit_missing = true}, &report);
  CHECK(std::isfinite(out[55]));
  CHECK(report.empty_pixels == 0);
  const auto used = std::make_unique<bool[]>(100);
  for (std::size_t i = 0; i < 100; ++i) used[i] = i != 55 && i % 7 != 0;
  out = s.run({.patch_size = 3, .h = 1, .mask = std::span(used.get(), 100)});
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(std::isnan(out[i]) == (i == 55));
    if (!used[i] && i != 55) CHECK(out[i] == s.pixels[i]);
  }
  s.pixels.assign(100, missing);
  out = s.run({.patch_size = 3, .h = 1, .omit_missing = true}, &report);
  CHECK(report.empty_pixels == 100);
}

TEST_CASE("stops and tells how far it is") {
  Scene<float> s(1, 400, 100, 1);
  NonLocalMeansReport report;
  s.run({.patch_distance = 40, .num_threads = 1, .interrupted = [] { return true; }}, &report);
  CHECK(report.interrupted);
  double last = 0;
  s.run({.patch_distance = 1, .progress = [&](double done) { last = done; }}, &report);
  CHECK_FALSE(report.interrupted);
  CHECK(last == 1.0);
}

TEST_CASE("refusals") {
  Scene<float> s(1, 4, 4, 1);
  const auto refused = [&](const std::string& part, const NonLocalMeansOptions& o) {
    std::string message;
    try {
      s.run(o);
    } catch (const std::invalid_argument& error) {
      message = error.what();
    }
    CHECK(message.find(part) != std::string::npos);
  };
  refused("patch_size must be odd", {.patch_size = 4});
  refused("patch_distance must be at least 0", {.patch_distance = -1});
  refused("h must be positive", {.h = 0});
  refused("sigma must be finite", {.sigma = -1});
  const bool one = true;
  refused("mask must have one element per pixel (16), got 1", {.mask = std::span(&one, 1)});
  std::vector<float> out(16);
  CHECK_THROWS_AS(non_local_means(s.view(), {out.data(), 1, 2, 8, 1}), std::invalid_argument);
  CHECK_THROWS_AS(non_local_means(s.view(), {s.pixels.data(), 1, 4, 4, 1}), std::invalid_argument);
  CHECK_THROWS_AS(non_local_means(ImageView<const float>{}, {}), std::invalid_argument);
}
