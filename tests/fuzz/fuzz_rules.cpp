// libFuzzer against sums over fuzzy rules: whatever program, offsets and columns say, they are
// refused or give the same bits for another number of threads.
#include <algorithm>
#include <stdexcept>

#include "hostile.hpp"
#include "vicinal/rules.hpp"

using namespace hostile;

namespace {

// Mostly from 0 to `most`.
std::int32_t index(Provider& in, std::int64_t most) {
  if (in.ConsumeIntegral<std::uint8_t>() == 255) return in.ConsumeIntegral<std::int32_t>();
  return static_cast<std::int32_t>(
      in.ConsumeIntegralInRange<std::int64_t>(0, std::max<std::int64_t>(most, 0)));
}

struct Call {
  std::int64_t m, inputs, rules, columns, registers;
  std::vector<std::int32_t> steps, targets;
  std::vector<std::int64_t> offsets;
  std::vector<double> degrees, weights, out;
  vicinal::RuleOptions o;
  vicinal::TriangularNorm norm;

  explicit Call(Provider& in) {
    m = in.ConsumeIntegralInRange(0, 200), inputs = in.ConsumeIntegralInRange(1, 5);
    rules = in.ConsumeIntegralInRange(0, 8), columns = in.ConsumeIntegralInRange(0, 4);
    registers = inputs + index(in, 4);
    norm = static_cast<vicinal::TriangularNorm>(in.ConsumeIntegralInRange(0, 3));
    o.sum = in.ConsumeBool() ? vicinal::RuleSum::add : vicinal::RuleSum::maximum;
    o.num_threads = in.ConsumeIntegralInRange(-1, 3);
    for (std::int64_t s = in.ConsumeIntegralInRange(0, 20); s > 0; --s) {
      const std::int32_t step = index(in, 3);
      const std::int64_t last = step == 3 ? rules - 1 : inputs;
      steps.insert(steps.end(), {step, index(in, last), index(in, inputs), index(in, inputs)});
    }
    offsets.push_back(index(in, 0));
    for (std::int64_t r = 0; r < rules; ++r) offsets.push_back(offsets.back() + index(in, 3));
    const std::int64_t entries = real(offsets.back()) + (in.ConsumeBool() ? 0 : index(in, 1));
    for (std::int64_t e = 0; e < real(entries); ++e) targets.push_back(index(in, columns - 1));
    weights = numbers<double>(in, real(entries));
    degrees = numbers<double>(in, inputs * m);
    out.resize(static_cast<std::size_t>(m * columns));
  }
  bool run() {
    try {
      const auto count = static_cast<std::int64_t>(steps.size()) / 4;
      vicinal::rule_sums({{steps.data(), count, 4}, registers, norm},
                         {degrees.data(), inputs, m, m}, {offsets, targets, weights},
                         {out.data(), m, columns}, o);
      return true;
    } catch (const std::invalid_argument&) {
      return false;
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Provider in(data, size);
  Call call(in);
  if (!call.run()) return 0;
  const std::vector<double> first = call.out;
  call.o.num_threads = call.o.num_threads == 1 ? 2 : 1;
  check(call.run());
  check(first.empty() ||
        std::memcmp(first.data(), call.out.data(), first.size() * sizeof(double)) == 0);
  return 0;
}
