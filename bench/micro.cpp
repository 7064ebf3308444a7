// The machine's ceilings, called from ceilings.py: fma rate, exp2 rate of the engine's own routine,
// bandwidth of copies and reads. Every function runs `threads` workers for about `seconds` and
// returns the best rate of its rounds: 10⁹ flops, elements or bytes per second.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "exponent.hpp"

namespace {

using vicinal::kernels::Pack;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Rounds of `work(worker)` in all threads at once; the best round counts.
template <class F>
double best_round(int threads, double seconds, double amount, F work) {
  double best = 0;
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    std::vector<std::thread> team;
    for (int i = 1; i < threads; ++i) team.emplace_back(work, i);
    work(0);
    for (auto& thread : team) thread.join();
    best = std::max(best, amount * threads / since(start) * 1e-9);
  } while (since(begin) < seconds);
  return best;
}

template <class T>
double fma_rate(int threads, double seconds) {
  constexpr int chains = 12, loops = 1 << 20;
  return best_round(threads, seconds, 2.0 * chains * loops * Pack<T>::width, [](int) {
    Pack<T> sum[chains];
    for (auto& s : sum) s = Pack<T>(T(0));
    Pack<T> a(T(0.999)), b(T(0.001));
    for (int i = 0; i < loops; ++i) {
      asm volatile("" : "+v"(a.v), "+v"(b.v));
      for (auto& s : sum) s = fma(s, a, b);
    }
    volatile T sink = 0;
    for (auto& s : sum) sink = sink + s[0];
  });
}

template <class T>
double exp_rate(int threads, double seconds) {
  constexpr int count = 2048, loops = 500;
  return best_round(threads, seconds, double(count) * loops, [](int) {
    alignas(64) T in[count], out[count];
    for (int i = 0; i < count; ++i) in[i] = T(-0.01) * T(i);
    for (int i = 0; i < loops; ++i) {
      for (int k = 0; k < count; k += Pack<T>::width)
        vicinal::kernels::exp2_scaled(Pack<T>::load(in + k), Pack<T>(T(1))).store(out + k);
      asm volatile("" : : "r"(out) : "memory");
    }
  });
}

}  // namespace

extern "C" {
double fma_f32(int threads, double seconds) { return fma_rate<float>(threads, seconds); }
double fma_f64(int threads, double seconds) { return fma_rate<double>(threads, seconds); }
double exp_f32(int threads, double seconds) { return exp_rate<float>(threads, seconds); }
double exp_f64(int threads, double seconds) { return exp_rate<double>(threads, seconds); }

// Bytes read plus bytes written would count twice: this is bytes copied.
double copy_rate(int threads, double seconds, std::int64_t bytes) {
  std::vector<char> from(static_cast<std::size_t>(bytes), 1), to(from.size());
  const std::int64_t part = bytes / threads;
  return best_round(threads, seconds, static_cast<double>(part), [&](int i) {
    std::memcpy(to.data() + i * part, from.data() + i * part, static_cast<std::size_t>(part));
  });
}

double read_rate(int threads, double seconds, std::int64_t bytes) {
  std::vector<float> data(static_cast<std::size_t>(bytes / 4), 1);
  const std::int64_t part = static_cast<std::int64_t>(data.size()) / threads / 64 * 64;
  return best_round(threads, seconds, static_cast<double>(part * 4), [&](int worker) {
    constexpr int W = Pack<float>::width, chains = 4;
    Pack<float> sum[chains];
    for (auto& s : sum) s = Pack<float>(0.0f);
    const float* at = data.data() + worker * part;
    for (std::int64_t k = 0; k < part; k += chains * W)
      for (int c = 0; c < chains; ++c)
        sum[c] = sum[c] + Pack<float>::load_unaligned(at + k + c * W);
    volatile float sink = 0;
    for (auto& s : sum) sink = sink + s[0];
  });
}
}
