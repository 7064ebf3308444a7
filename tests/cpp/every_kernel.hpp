// Every profile with every metric that it takes, each with parameters that suit the points beside
// it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sample.hpp"

namespace every {

using vicinal::Kernel;
using vicinal::Metric;
using vicinal::Profile;

struct Case {
  std::string name;
  Kernel kernel;
  std::int64_t d;
};

inline double bump(double u) { return 1 / (1 + u * u * u); }

inline const std::vector<std::pair<std::string, Kernel>>& distance_profiles() {
  static const std::vector<std::pair<std::string, Kernel>> all = {
      {"gaussian", {.profile = Profile::gaussian}},
      {"laplace", {.profile = Profile::laplace}},
      {"logistic", {.profile = Profile::logistic}},
      {"cauchy", {.profile = Profile::cauchy}},
      {"student_t 3", {.profile = Profile::student_t, .shape = 3}},
      {"student_t 4.3", {.profile = Profile::student_t, .shape = 4.3}},
      {"rational_quadratic 1", {.profile = Profile::rational_quadratic, .shape = 1}},
      {"rational_quadratic 0.7", {.profile = Profile::rational_quadratic, .shape = 0.7}},
      {"matern 1/2", {.profile = Profile::matern, .shape = 0.5}},
      {"matern 3/2", {.profile = Profile::matern, .shape = 1.5}},
      {"matern 5/2", {.profile = Profile::matern, .shape = 2.5}},
      {"epanechnikov", {.profile = Profile::epanechnikov}},
      {"biweight", {.profile = Profile::biweight}},
      {"triweight", {.profile = Profile::triweight}},
      {"tricube", {.profile = Profile::tricube}},
      {"triangular", {.profile = Profile::triangular}},
      {"cosine", {.profile = Profile::cosine}},
      {"uniform", {.profile = Profile::uniform}},
      {"wendland_c2", {.profile = Profile::wendland_c2}},
      {"inverse_distance 2", {.profile = Profile::inverse_distance, .shape = 2}},
      {"inverse_distance 2.7", {.profile = Profile::inverse_distance, .shape = 2.7}},
      {"constant", {.profile = Profile::constant}},
      {"function", {.profile = Profile::function, .function = bump}},
  };
  return all;
}

inline std::vector<Case> distance_cases() {
  static const std::array<double, 3> per_column{1.1, 0.6, 2.5};
  static const std::array<double, 12> wide{1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 8, 7};
  static const std::array<double, 8> components{1.0, 0.2, -0.3, 0.1, 0.4, -0.8, 0.6, 0.5};
  static const std::array<std::int64_t, 2> columns{3, 1};
  struct Setting {
    const char* name;
    Kernel kernel;
    std::int64_t d;
  };
  const std::vector<Setting> settings = {
      {"euclidean, d = 1", {.bandwidth = 0.4}, 1},
      {"euclidean, d = 3", {.bandwidth = 1.1}, 3},
      {"euclidean, d = 9", {.bandwidth = 3.5}, 9},
      {"euclidean, d = 40", {.bandwidth = 8}, 40},
      {"per column, d = 3", {.bandwidths = per_column}, 3},
      {"per column, d = 12", {.bandwidths = wide}, 12},
      {"columns 3 and 1", {.bandwidth = 0.9, .columns = columns}, 5},
      {"manhattan", {.bandwidth = 2.2, .metric = Metric::manhattan}, 3},
      {"manhattan, per column", {.bandwidths = per_column, .metric = Metric::manhattan}, 3},
      {"chebyshev", {.bandwidth = 1.2, .metric = Metric::chebyshev}, 5},
      {"haversine", {.bandwidth = 0.8, .metric = Metric::haversine}, 2},
      {"great circle", {.bandwidth = 300, .metric = Metric::great_circle, .scale = 6371.0088}, 2},
      {"mahalanobis",
       {.bandwidth = 1.3, .metric = Metric::mahalanobis, .components = {components.data(), 2, 4}},
       4},
      {"cosine, d = 4", {.bandwidth = 0.9, .metric = Metric::cosine}, 4},
      {"cosine, d = 20", {.bandwidth = 0.9, .metric = Metric::cosine}, 20},
  };
  std::vector<Case> cases;
  for (const auto& [name, profile] : distance_profiles())
    for (const Setting& s : settings) {
      Kernel kernel = s.kernel;
      kernel.profile = profile.profile;
      kernel.shape = profile.shape;
      kernel.function = profile.function;
      cases.push_back({name + ", " + s.name, kernel, s.d});
    }
  return cases;
}

inline std::vector<Case> similarity_cases() {
  return {
      {"softmax, d = 3", {.profile = Profile::softmax, .bandwidth = 1.7}, 3},
      {"softmax, d = 64", {.profile = Profile::softmax, .bandwidth = 8}, 64},
      {"softmax, softcap", {.profile = Profile::softmax, .bandwidth = 0.3, .shape = 4}, 5},
      {"softmax of cosines",
       {.profile = Profile::softmax, .bandwidth = 0.2, .metric = Metric::cosine},
       5},
      {"von Mises-Fisher, d = 3", {.profile = Profile::von_mises_fisher, .bandwidth = 0.1}, 3},
      {"von Mises-Fisher, d = 30", {.profile = Profile::von_mises_fisher, .bandwidth = 0.3}, 30},
      {"polynomial 2", {.profile = Profile::polynomial, .shape = 2, .offset = 1}, 4},
      {"polynomial 3", {.profile = Profile::polynomial, .shape = 3, .offset = 5}, 4},
      {"polynomial 3, rectified",
       {.profile = Profile::polynomial, .shape = 3, .offset = 1, .rectified = true},
       4},
      {"sigmoid", {.profile = Profile::sigmoid, .bandwidth = 4, .offset = 1}, 4},
  };
}

inline std::vector<Case> category_cases() {
  static const std::array<double, 2> per_column{0.3, 0.55};
  return {
      {"Aitchison-Aitken", {.profile = Profile::aitchison_aitken, .bandwidth = 0.4, .shape = 4}, 2},
      {"Aitchison-Aitken, per column",
       {.profile = Profile::aitchison_aitken, .bandwidths = per_column, .shape = 4},
       2},
      {"Wang-van Ryzin", {.profile = Profile::wang_van_ryzin, .bandwidth = 0.35}, 2},
  };
}

// Points that suit a case: whole numbers for categories, degrees on the sphere, radians on it.
template <class T>
sample::Points<T> points_for(const Case& c, std::int64_t m, std::int64_t n, std::int64_t p) {
  sample::Points<T> points(m, n, c.d, p);
  const bool category =
      c.kernel.profile == Profile::aitchison_aitken || c.kernel.profile == Profile::wang_van_ryzin;
  const double unit = c.kernel.metric == Metric::great_circle ? 10
                      : c.kernel.metric == Metric::haversine  ? 0.5
                                                              : 1;
  for (auto* matrix : {&points.queries, &points.keys})
    for (T& x : matrix->data) x = category ? std::floor(std::abs(x) * 2) : static_cast<T>(unit) * x;
  return points;
}

}  // namespace every
