// Kernel regression of a noisy sine: means and their standard errors on a grid, from C++.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>
#include <vicinal/vicinal.hpp>

int main() {
  using namespace vicinal;
  constexpr std::int64_t n = 50000, m = 13;
  std::mt19937 random(1);
  std::uniform_real_distribution<float> place(0, 6.2831853f);
  std::normal_distribution<float> noise(0, 0.3f);
  std::vector<float> x(n), y(n), grid(m);
  for (std::int64_t k = 0; k < n; ++k) {
    x[k] = place(random);
    y[k] = std::sin(x[k]) + noise(random);
  }
  for (std::int64_t i = 0; i < m; ++i) grid[i] = 0.5f * static_cast<float>(i);

  // The weights are 1 − u² inside 0.1; ess says how many observations a mean rests on.
  const Kernel kernel{.profile = Profile::epanechnikov, .bandwidth = 0.1};
  std::vector<float> mean(m), variance(m), ess(m);
  local_stats(kernel, {grid.data(), m, 1}, {x.data(), n, 1}, {y.data(), n, 1},
              {.mean = {mean.data(), m, 1}, .ess = ess, .variance = {variance.data(), m, 1}});
  std::printf("    x     sin x   mean    +- error\n");
  for (std::int64_t i = 0; i < m; ++i)
    std::printf("%5.2f  %7.4f %7.4f  %7.4f\n", grid[i], std::sin(grid[i]), mean[i],
                std::sqrt(variance[i] / ess[i]));
}
