// A program with its own OpenMP runtime, which calls vicinal before, inside and after its regions.
#include <cstdio>
#include <vicinal/vicinal.hpp>

int main() {
  using namespace vicinal;
  const float q[] = {0.0f, 1.5f, 4.0f};
  const float x[] = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f};
  const float y[] = {0.0f, 1.0f, 4.0f, 9.0f, 16.0f};
  float whole[3], single[3];

  const Kernel kernel{.profile = Profile::gaussian, .bandwidth = 0.5};
  const View<const float> keys{x, 5, 1}, values{y, 5, 1};
  local_mean(kernel, View<const float>{q, 3, 1}, keys, values, View<float>{whole, 3, 1});
#pragma omp parallel for
  for (int i = 0; i < 3; ++i)
    local_mean(kernel, View<const float>{q + i, 1, 1}, keys, values, View<float>{single + i, 1, 1});
  local_mean(kernel, View<const float>{q, 3, 1}, keys, values, View<float>{whole, 3, 1});

  for (int i = 0; i < 3; ++i) {
    if (whole[i] != single[i]) return 1;  // the same bits for any batch
    std::printf("gaussian %.7g\n", whole[i]);
  }
}
