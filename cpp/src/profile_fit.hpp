// A checked user profile, and the sheet of polynomials that one precision reads.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/table_view.hpp"
#include "vicinal/tabulate.hpp"

namespace vicinal::fit {

// Six digits of a number in a message; std::invalid_argument that names the function.
std::string text(double x);
[[noreturn]] void refuse_profile(const std::string& why);

// The profile with its results checked: finite, or -inf where they are logarithms.
struct Source {
  const ProfileFunction& function;
  bool log;

  std::vector<double> operator()(const std::vector<double>& u) const;
  double operator()(double u) const { return (*this)(std::vector<double>{u})[0]; }
};

// A declared end of a smooth piece. Its own point goes to the side with the nearer limit.
struct Split {
  double at;
  bool left_owns;
};

struct Profile {
  Source source;
  double support;
  bool closed;  // u = support has a weight
  std::vector<Split> splits;
};

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
struct Sheet {
  std::vector<T> rows, origins;
  std::vector<double> knots;  // what the origins round: middles and breakpoints
  std::vector<bool> is_split;
  kernels::TableView<T> view;
  double error = std::numeric_limits<double>::infinity(), error_at = 0;
  double local_error = error;  // decides how many buckets there are
  bool is_signed = false;

  std::int64_t bucket_of(double u) const {
    const T inside = std::clamp(static_cast<T>(u), view.lowest, view.highest);
    return static_cast<std::int64_t>(std::bit_cast<Bits<T>>(inside) >> view.shift) - view.first;
  }
  Bits<T> bits_of(std::size_t bucket) const {
    return static_cast<Bits<T>>(bucket + static_cast<std::size_t>(view.first)) << view.shift;
  }
  double low(std::size_t bucket) const {
    return bucket == 0 ? 0.0 : static_cast<double>(std::bit_cast<T>(bits_of(bucket)));
  }
};

// As many buckets as help, up to the limit of the layout; refuses breakpoints that cannot be told
// apart.
template <class T>
Sheet<T> best_fit(const Profile& profile);

}  // namespace vicinal::fit
