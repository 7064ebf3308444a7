// libFuzzer against non-local means: whatever pixels, shapes and options say, they are refused or
// give the same bits for another number of threads, and finite pixels have finite means.
#include <cmath>
#include <memory>
#include <stdexcept>

#include "hostile.hpp"
#include "vicinal/non_local_means.hpp"

using namespace hostile;

namespace {

template <class T>
struct Call {
  std::int64_t planes, rows, columns, channels;
  std::vector<T> pixels, out;
  std::unique_ptr<bool[]> mask;
  vicinal::NonLocalMeansOptions o;

  explicit Call(Provider& in) {
    planes = in.ConsumeBool() ? 1 : count(in, 4), rows = count(in, in.ConsumeBool() ? 12 : 150);
    columns = count(in, in.ConsumeBool() ? 20 : 90), channels = 1 + count(in, 2) % 3;
    const std::int64_t count_of_pixels = real(planes) * real(rows) * real(columns);
    pixels = numbers<T>(in, count_of_pixels * real(channels));
    out.resize(pixels.size());
    o.patch = in.ConsumeBool() ? vicinal::Patch::box : vicinal::Patch::gaussian;
    o.patch_size = in.ConsumeIntegral<std::uint8_t>() == 255
                       ? in.ConsumeIntegral<std::int64_t>()
                       : 2 * in.ConsumeIntegralInRange(0, 6) + 1;
    o.patch_distance = in.ConsumeBool() ? 2 : count(in, 30);
    o.h = in.ConsumeBool() ? 1 : number(in), o.sigma = in.ConsumeBool() ? 0 : number(in);
    o.omit_missing = in.ConsumeBool();
    o.num_threads = in.ConsumeIntegralInRange(-1, 3);
    if (in.ConsumeBool()) return;
    const auto size = static_cast<std::size_t>(count_of_pixels);
    mask = std::make_unique<bool[]>(size);
    const std::uint32_t bits = in.ConsumeIntegral<std::uint32_t>();
    for (std::size_t i = 0; i < size; ++i) mask[i] = bits >> i % 31 & 1;
    o.mask = {mask.get(), size};
  }
  bool run() {
    try {
      vicinal::non_local_means({pixels.data(), planes, rows, columns, channels},
                               {out.data(), planes, rows, columns, channels}, o);
      return true;
    } catch (const std::invalid_argument&) {
      return false;
    }
  }
};

bool is_tame(double x) { return std::abs(x) < 1e15; }

template <class T>
void run(Provider& in) {
  Call<T> call(in);
  if (!call.run()) return;
  const std::vector<T> first = call.out;
  call.o.num_threads = call.o.num_threads == 1 ? 2 : 1;
  check(call.run());
  check(std::memcmp(first.data(), call.out.data(), first.size() * sizeof(T)) == 0);
  for (const T x : call.pixels)
    if (!is_tame(x)) return;
  for (const T x : first) check(std::isfinite(x));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Provider in(data, size);
  in.ConsumeBool() ? run<double>(in) : run<float>(in);
  return 0;
}
