// Keys prepared once, from C++: search chooses a bandwidth, and the local means use the same tree.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>
#include <vicinal/vicinal.hpp>

int main() {
  using namespace vicinal;
  constexpr std::int64_t n = 100000, m = 9, k = 100;
  std::mt19937 random(1);
  std::normal_distribution<float> place(0, 1), noise(0, 0.2f);
  const auto surface = [](const float* x) { return std::sin(2 * x[0]) + x[1] * x[1]; };
  std::vector<float> x(2 * n), y(n), q(2 * m);
  for (float& coordinate : x) coordinate = place(random);
  for (std::int64_t j = 0; j < n; ++j) y[j] = surface(&x[2 * j]) + noise(random);
  for (std::int64_t i = 0; i < m; ++i) q[2 * i] = q[2 * i + 1] = 0.2f * static_cast<float>(i - 4);
  const View<const float> queries{q.data(), m, 2}, keys{x.data(), n, 2}, values{y.data(), n, 1};

  const KeyIndex<float> index(keys);
  std::vector<float> distances(m * k), mean(m);
  std::vector<std::int64_t> indices(m * k);
  knn(index, queries, {distances.data(), m, k}, {indices.data(), m, k});

  // Half of the distance that reaches 100 keys from the loneliest query; at most a thousandth of
  // each row's mass is left out.
  const Kernel kernel{.bandwidth = *std::max_element(distances.begin(), distances.end()) / 2};
  local_mean(kernel, queries, keys, values, {mean.data(), m, 1}, {.index = &index, .tol = 1e-3});
  std::printf("   x    surface    mean  to key %ld\n", static_cast<long>(k));
  for (std::int64_t i = 0; i < m; ++i)
    std::printf("%5.1f  %8.4f %8.4f  %9.4f\n", q[2 * i], surface(&q[2 * i]), mean[i],
                distances[i * k + k - 1]);
}
