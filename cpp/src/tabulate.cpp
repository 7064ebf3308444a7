// The door of user profiles: what is fitted, where it ends, which side owns each breakpoint.
#include "vicinal/tabulate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "profile_fit.hpp"

namespace vicinal {

using fit::best_fit;
using fit::refuse_profile;
using fit::Sheet;
using fit::Source;
using fit::Split;
using fit::text;
using kernels::TableView;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double farthest = 0x1p40;  // u up to which unbounded logarithms are fitted
constexpr double absent = -1e30;     // a logarithm below counts as -inf
constexpr double nearby = 0x1p-40;   // relative distance at which one-sided limits are read

double distance(double a, double b) { return a == b ? 0 : std::fabs(a - b); }

std::vector<Split> splits_of(const Source& source, std::span<const double> breakpoints) {
  std::vector<double> at(breakpoints.begin(), breakpoints.end());
  for (double u : at)
    if (!(u > 0 && u < infinity))
      refuse_profile("breakpoints must be positive and finite, got " + text(u));
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  std::vector<Split> splits;
  for (double u : at) {
    const std::vector<double> w = source({u, u * (1 - nearby), u * (1 + nearby)});
    splits.push_back({u, distance(w[0], w[1]) <= distance(w[0], w[2])});
  }
  return splits;
}

// Where logarithms end because the weight vanishes: they must stay below from there on.
double end_of_logarithms(const Source& source, double support) {
  std::vector<double> u{0.0};
  for (double x = std::ldexp(1.0, -24); x < support; x *= 1.189207115002721) u.push_back(x);
  u.push_back(support);
  const std::vector<double> w = source(u);
  const auto gone = [](double x) { return x < absent; };
  const auto first = std::find_if(w.begin(), w.end(), gone);
  if (first == w.end()) return support;
  const auto back = std::find_if_not(first, w.end(), gone);
  if (first == w.begin() || back != w.end())
    refuse_profile("logarithms must be finite from u = 0 to the support, got " + text(*first) +
                   " at u = " + text(u[static_cast<std::size_t>(first - w.begin())]));
  double high = u[static_cast<std::size_t>(first - w.begin())];
  double low = u[static_cast<std::size_t>(first - w.begin()) - 1];
  for (int i = 0; i < 60; ++i) (gone(source(0.5 * (low + high))) ? high : low) = 0.5 * (low + high);
  return low;
}

fit::Profile examine(const ProfileFunction& function, const TabulateOptions& options) {
  if (!function) refuse_profile("function is empty");
  if (!(options.tolerance > 0))
    refuse_profile("tolerance must be positive, got " + text(options.tolerance));
  if (!(options.support > 0))
    refuse_profile("support must be positive, got " + text(options.support));
  if (!options.log && options.support == infinity)
    refuse_profile("support is unbounded, so the function must give logarithms (log = true)");
  const double support = std::min(options.support, options.log ? farthest : infinity);
  if (support < 0x1p-20 || support > farthest)
    refuse_profile("support must be between 2^-20 and 2^40 bandwidths, got " + text(support));
  fit::Profile p{{function, options.log}, support, true, {}};
  p.splits = splits_of(p.source, options.breakpoints);
  if (options.log) {
    p.support = end_of_logarithms(p.source, support);
  } else {
    const std::vector<double> w = p.source({support, support * (1 - nearby)});
    p.closed = distance(w[0], w[1]) <= std::fabs(w[0]);
  }
  std::erase_if(p.splits, [&](const Split& split) { return split.at >= p.support; });
  return p;
}

}  // namespace

struct ProfileTable::Storage {
  Sheet<double> wide;
  Sheet<float> narrow;
  double support;
  bool log;
};

ProfileTable::ProfileTable(std::shared_ptr<const Storage> storage) : storage_(std::move(storage)) {}
double ProfileTable::error() const { return storage_->wide.error; }
double ProfileTable::float_error() const { return storage_->narrow.error; }
double ProfileTable::support() const { return storage_->support; }
bool ProfileTable::log() const { return storage_->log; }
bool ProfileTable::is_signed() const { return storage_->wide.is_signed; }
std::int64_t ProfileTable::pieces() const {
  return 2 * static_cast<std::int64_t>(storage_->wide.origins.size());
}
template <>
TableView<float> ProfileTable::view() const {
  return storage_->narrow.view;
}
template <>
TableView<double> ProfileTable::view() const {
  return storage_->wide.view;
}

ProfileTable tabulate(const ProfileFunction& function, const TabulateOptions& options) {
  const fit::Profile p = examine(function, options);
  auto storage = std::make_shared<ProfileTable::Storage>(
      ProfileTable::Storage{best_fit<double>(p), {}, p.support, options.log});
  if (!(storage->wide.error <= options.tolerance))
    refuse_profile("the fit reaches an error of " + text(storage->wide.error) +
                   " near u = " + text(storage->wide.error_at) + ", above the tolerance of " +
                   text(options.tolerance) +
                   "; name every u where the function is not smooth in breakpoints");
  storage->narrow = best_fit<float>(p);
  return ProfileTable(std::move(storage));
}

}  // namespace vicinal
