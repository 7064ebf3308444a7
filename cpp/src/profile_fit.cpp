// Interpolation at Chebyshev points in every half bucket, with more buckets until the error no
// longer falls or rounding is reached.
#include "profile_fit.hpp"

#include <cmath>
#include <cstdio>
#include <numbers>
#include <optional>
#include <stdexcept>

namespace vicinal::fit {

using kernels::table_degree;
using kernels::table_row;

namespace {

constexpr int octaves = 20;     // of buckets below the support, or below 16 for logarithms
constexpr double local = 1e-3;  // weights above this share of the largest keep their own digits

template <class T>
constexpr int most_bits = sizeof(T) == 4 ? 11 : 9;  // mantissa bits that may name a bucket
template <class T>
constexpr double good_enough = sizeof(T) == 4 ? 1e-7 : 2e-15;

template <class T>
T round_down(double x) {
  const T y = static_cast<T>(x);
  return static_cast<double>(y) > x ? std::nextafter(y, T(0)) : y;
}

template <class T>
Sheet<T> layout(const Profile& p, int bits) {
  Sheet<T> s;
  const double reach = p.source.log ? std::min(p.support, 16.0) : p.support;
  s.view.shift = std::numeric_limits<T>::digits - 1 - bits;
  const T lowest =
      std::nextafter(static_cast<T>(std::ldexp(1.0, std::ilogb(reach) - octaves)), T(0));
  s.view.support = round_down<T>(p.closed ? p.support : std::nextafter(p.support, 0.0));
  s.view.highest = s.view.support;
  s.view.outside = p.source.log ? -std::numeric_limits<T>::infinity() : T(0);
  s.view.first = static_cast<std::int32_t>(std::bit_cast<Bits<T>>(lowest) >> s.view.shift);
  s.view.lowest = std::bit_cast<T>(s.bits_of(0));
  const auto buckets = static_cast<std::size_t>(s.bucket_of(p.support) + 1);
  for (std::size_t b = 0; b < buckets; ++b)
    s.origins.push_back(std::bit_cast<T>(s.bits_of(b) + (Bits<T>(1) << (s.view.shift - 1))));
  s.knots.assign(s.origins.begin(), s.origins.end());
  s.is_split.assign(buckets, false);
  s.rows.assign(2 * buckets * table_row<T>, T(0));
  return s;
}

// Move the origins of buckets that hold a breakpoint. False: two fell into one bucket.
template <class T>
bool place_breakpoints(Sheet<T>& s, const std::vector<Split>& splits) {
  for (const Split& split : splits) {
    // u > origin is u > at where the left owns `at`, and u >= at else
    const T origin = round_down<T>(split.left_owns ? split.at : std::nextafter(split.at, 0.0));
    const T next = std::nextafter(origin, std::numeric_limits<T>::infinity());
    const auto b = static_cast<std::size_t>(s.bucket_of(static_cast<double>(origin)));
    if (s.bucket_of(static_cast<double>(next)) != static_cast<std::int64_t>(b)) continue;
    if (s.is_split[b] && s.origins[b] != origin) return false;
    s.origins[b] = origin;
    s.knots[b] = split.at;
    s.is_split[b] = true;
  }
  return true;
}

// Newton's divided differences through (u[i], w[i]), expanded in powers of u - origin.
template <int nodes>
void interpolate(const double* u, const double* w, double origin, double* c) {
  long double difference[nodes], power[nodes] = {};
  for (int i = 0; i < nodes; ++i) difference[i] = w[i];
  for (int order = 1; order < nodes; ++order)
    for (int i = nodes - 1; i >= order; --i)
      difference[i] = (difference[i] - difference[i - 1]) /
                      (static_cast<long double>(u[i]) - static_cast<long double>(u[i - order]));
  for (int i = nodes - 1; i >= 0; --i) {  // power <- power (u - u_i) + difference
    const long double shift = static_cast<long double>(origin) - static_cast<long double>(u[i]);
    for (int k = nodes - 1; k > 0; --k) power[k] = power[k] * shift + power[k - 1];
    power[0] = power[0] * shift + difference[i];
  }
  for (int k = 0; k < nodes; ++k) c[k] = static_cast<double>(power[k]);
}

// For each half bucket: the nodes of its polynomial, then points between them where it is checked.
template <class T>
struct Points {
  static constexpr int nodes = table_degree<T> + 1, checks = 2 * nodes, all = nodes + checks;

  static std::vector<double> of(const Sheet<T>& s, double support) {
    std::vector<double> u;
    for (std::size_t b = 0; b < s.knots.size(); ++b) {
      const double end = b + 1 == s.knots.size() ? support : s.low(b + 1);
      const double middle = std::clamp(s.knots[b], s.low(b), end);
      add(u, s.low(b), middle);
      add(u, middle, end);
    }
    u[nodes] = 0;  // checked too
    return u;
  }

 private:
  static void add(std::vector<double>& u, double low, double high) {
    const double center = 0.5 * (low + high), radius = 0.5 * (high - low);
    for (int i = 0; i < nodes; ++i)
      u.push_back(center - radius * std::cos(std::numbers::pi * (2 * i + 1) / (2 * nodes)));
    for (int i = 0; i < checks; ++i)  // up to 0.2 % of the width from the ends
      u.push_back(center - radius * std::cos(std::numbers::pi * (i + 0.04) / (checks - 0.92)));
  }
};

// Fit every half bucket and note the largest error.
template <class T>
void fit(Sheet<T>& s, const Profile& p) {
  using P = Points<T>;
  const std::vector<double> u = P::of(s, p.support), w = p.source(u);
  double scale = 0, least = 0;
  for (double x : w) scale = std::max(scale, std::fabs(x)), least = std::min(least, x);
  if (scale == 0) scale = 1;
  s.is_signed = !p.source.log && least < -1e-14 * scale;
  s.view.least = s.is_signed || p.source.log ? -std::numeric_limits<T>::infinity() : T(0);
  const double unit = p.source.log ? std::numbers::log2e : 1.0;
  s.error = s.local_error = 0;
  for (std::size_t half = 0; half < 2 * s.knots.size(); ++half) {
    const double *x = &u[half * P::all], *y = &w[half * P::all];
    const double origin = static_cast<double>(s.origins[half / 2]);
    double c[P::nodes] = {y[P::nodes / 2]};
    if (x[P::nodes - 1] - x[0] > 1e-9 * x[0]) interpolate<P::nodes>(x, y, origin, c);
    T* row = &s.rows[half * table_row<T>];
    for (int k = 0; k < P::nodes; ++k) row[k] = static_cast<T>(c[k] * unit);
    for (int i = P::nodes; i < P::all; ++i) {
      double sum = 0;
      for (int k = P::nodes - 1; k >= 0; --k)
        sum = sum * (x[i] - origin) + static_cast<double>(row[k]);
      const double allowed = p.source.log ? std::max(1.0, std::fabs(y[i])) : scale;
      const double error = std::fabs(sum / unit - y[i]);
      if (!(error <= s.error * allowed)) s.error = error / allowed, s.error_at = x[i];
      s.local_error = std::max(s.local_error, error / std::max(std::fabs(y[i]), local * allowed));
    }
  }
}

}  // namespace

std::string text(double x) {
  char out[32];
  std::snprintf(out, sizeof out, "%.6g", x);
  return out;
}
void refuse_profile(const std::string& why) { throw std::invalid_argument("tabulate: " + why); }

std::vector<double> Source::operator()(const std::vector<double>& u) const {
  std::vector<double> w(u.size(), std::numeric_limits<double>::quiet_NaN());
  function(u, w);
  for (std::size_t i = 0; i < u.size(); ++i)
    if (!std::isfinite(w[i]) && !(log && w[i] == -std::numeric_limits<double>::infinity()))
      refuse_profile("function must give finite numbers, got " + text(w[i]) +
                     " at u = " + text(u[i]));
  return w;
}

// Twice the buckets as long as the error falls faster than noise or an undeclared kink would let
// it.
template <class T>
Sheet<T> best_fit(const Profile& p) {
  std::optional<Sheet<T>> best;
  for (int bits = 4; bits <= most_bits<T>; ++bits) {
    Sheet<T> s = layout<T>(p, bits);
    if (!place_breakpoints(s, p.splits)) continue;
    fit(s, p);
    const bool falls = !best || s.local_error < best->local_error / 4;
    if (!best || s.local_error < best->local_error) best = std::move(s);
    if (!falls || best->local_error <= good_enough<T>) break;
  }
  if (!best) refuse_profile("breakpoints must be farther apart than 0.1 % of their size");
  best->view.rows = best->rows.data();
  const bool split = std::count(best->is_split.begin(), best->is_split.end(), true) > 0;
  if (split) best->view.origins = best->origins.data();
  return std::move(*best);
}

template Sheet<float> best_fit<float>(const Profile&);
template Sheet<double> best_fit<double>(const Profile&);

}  // namespace vicinal::fit
