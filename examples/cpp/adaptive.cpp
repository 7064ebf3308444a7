// A surface from stations that crowd in places, from C++: a station reaches as far as its eighth
// neighbor, and a query sees the stations within 0.3, but never fewer than twelve.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>
#include <vicinal/vicinal.hpp>

int main() {
  using namespace vicinal;
  constexpr std::int64_t n = 20000, m = 9, k = 9;  // a station is its own nearest
  std::mt19937 random(1);
  std::normal_distribution<float> place(0, 1), noise(0, 0.1f);
  const auto surface = [](const float* x) { return std::sin(3 * x[0]) + x[1]; };
  std::vector<float> x(2 * n), y(n), q(2 * m);
  for (float& coordinate : x) coordinate = place(random);
  for (std::int64_t j = 0; j < n; ++j) y[j] = surface(&x[2 * j]) + noise(random);
  for (std::int64_t i = 0; i < m; ++i) q[2 * i] = 0.4f * static_cast<float>(i - 4);
  const View<const float> queries{q.data(), m, 2}, keys{x.data(), n, 2}, values{y.data(), n, 1};

  const KeyIndex<float> index(keys);
  std::vector<float> distances(n * k), bandwidths(n), mean(m);
  std::vector<std::int64_t> indices(n * k), count(m);
  knn(index, keys, {distances.data(), n, k}, {indices.data(), n, k});
  for (std::int64_t j = 0; j < n; ++j) bandwidths[j] = distances[j * k + k - 1];

  local_stats(
      Kernel{}, queries, keys, values, {.mean = {mean.data(), m, 1}, .count = count},
      {.key_bandwidths = bandwidths, .neighbors = within(0.3) | nearest(12), .index = &index});
  std::printf("   x    surface    mean  stations\n");
  for (std::int64_t i = 0; i < m; ++i)
    std::printf("%5.1f  %8.4f %8.4f  %8ld\n", q[2 * i], surface(&q[2 * i]), mean[i],
                static_cast<long>(count[i]));
}
