// Kernel regression at three points from five; check.py knows the answers.
#include <cstdio>
#include <stdexcept>
#include <vector>
#include <vicinal/vicinal.hpp>

int main() {
  using namespace vicinal;
  const std::vector<float> q{0.0f, 1.5f, 4.0f};
  const std::vector<float> x{0.0f, 1.0f, 2.0f, 3.0f, 4.0f};
  const std::vector<float> y{0.0f, 1.0f, 4.0f, 9.0f, 16.0f};
  std::vector<float> out(3), log_mass(3);

  Kernel kernel{.profile = Profile::gaussian, .bandwidth = 0.5};
  View<const float> queries{q.data(), 3, 1}, keys{x.data(), 5, 1}, values{y.data(), 5, 1};
  View<float> means{out.data(), 3, 1};
  local_mean(kernel, queries, keys, values, means);
  for (float mean : out) std::printf("gaussian %.7g\n", mean);

  kernel = {.profile = Profile::epanechnikov, .bandwidth = 1.5};
  local_stats(kernel, queries, keys, values, {.mean = means, .log_mass = log_mass},
              {.num_threads = 2});
  for (int i = 0; i < 3; ++i) std::printf("epanechnikov %.7g %.7g\n", out[i], log_mass[i]);

  try {
    kernel.bandwidth = -1.0;
    local_mean(kernel, queries, keys, values, means);
  } catch (const std::invalid_argument& error) {
    std::printf("refused %s\n", error.what());
  }
}
