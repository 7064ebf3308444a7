// A localization kernel = similarity + profile + bandwidth, and sums of products of such kernels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vicinal/view.hpp"

namespace vicinal {

class ProfileTable;  // tabulate.hpp: a user's profile as piecewise polynomials

// u = distance / bandwidth. The weight of each profile stands beside it.
enum class Profile : std::int32_t {
  gaussian,            // exp(−u²/2)
  laplace,             // exp(−u)
  logistic,            // 1 / (eᵘ + 2 + e⁻ᵘ)
  cauchy,              // 1 / (1 + u²)
  student_t,           // (1 + u²/ν)^(−(ν+1)/2), ν = shape
  rational_quadratic,  // (1 + u²/2α)^(−α), α = shape
  matern,              // ν = shape: 1/2, 3/2 or 5/2
  epanechnikov,        // (1 − u²)₊
  biweight,            // (1 − u²)²₊
  triweight,           // (1 − u²)³₊
  tricube,             // (1 − u³)³₊
  triangular,          // (1 − u)₊
  cosine,              // cos(πu/2), u ≤ 1
  uniform,             // 1, u ≤ 1
  wendland_c2,         // (1 − u)⁴₊ (4u + 1)
  inverse_distance,    // u^−shape; an exact hit takes the mean of the coincident keys
  constant,            // 1
  softmax,           // exp(q·x / bandwidth), or exp(c tanh(q·x / (bandwidth c))) with c = shape > 0
  von_mises_fisher,  // exp(cos / bandwidth)
  polynomial,  // (q·x / bandwidth + offset)^shape, shape a whole number; `rectified` cuts negative
               // bases
  sigmoid,     // tanh(q·x / bandwidth + offset)
  aitchison_aitken,  // Π over columns: 1 − h if equal, h / (shape − 1) else; shape = number of
                     // levels
  wang_van_ryzin,    // Π over columns: 1 − h if equal, ½ (1 − h) h^|q − x| else
  table,             // a tabulated profile of the caller
  function,          // a C function of u, called for every pair
};

enum class Metric : std::int32_t {
  automatic,  // what the profile is defined with: Euclidean, dot for softmax, cosine for von
              // Mises–Fisher …
  euclidean,
  manhattan,
  chebyshev,
  haversine,     // two columns, latitude and longitude in radians; distances in radians
  great_circle,  // two columns in degrees; distances in units of `scale`, the radius of the sphere
  mahalanobis,   // ‖components · (q − x)‖
  dot,
  cosine,    // 1 − cos
  category,  // of the two category profiles
};

// One factor. Aggregate: Kernel{.profile = Profile::gaussian, .bandwidth = 0.5}.
struct Kernel {
  Profile profile = Profile::gaussian;
  double bandwidth = 1.0;
  std::span<const double> bandwidths{};  // one per column, in place of `bandwidth`
  Metric metric = Metric::automatic;
  double shape = 0.0;  // ν, α, power, degree, levels or softcap: see Profile
  double offset = 0.0;
  bool rectified = false;
  double scale = 1.0;  // great_circle: radius of the sphere
  std::span<const std::int64_t>
      columns{};                         // columns of the points that this factor sees; empty = all
  View<const double> components{};       // mahalanobis: rows × number of columns
  const ProfileTable* table = nullptr;   // Profile::table
  double (*function)(double) = nullptr;  // Profile::function
  // Keys hold d features and then d inverse bandwidths of their own, which multiply `bandwidth`'s;
  // the second half of a query is not read. `columns` are of the first half. Euclidean, manhattan
  // and chebyshev.
  bool scaled_keys = false;
};

// coefficient · Π factors
struct Term {
  double coefficient = 1.0;
  std::vector<Kernel> factors;
};

// Σ terms. A single Kernel converts.
struct KernelSum {
  std::vector<Term> terms;
  KernelSum(const Kernel& kernel) : terms{Term{1.0, {kernel}}} {}
  explicit KernelSum(std::vector<Term> all) : terms(std::move(all)) {}
};

}  // namespace vicinal
