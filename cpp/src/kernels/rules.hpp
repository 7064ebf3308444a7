// A program of fuzzy rules over a block of rows, which stand in the lanes.
#pragma once

#include <cstdint>

#include "arguments.hpp"
#include "simd.hpp"

namespace vicinal::kernels {
namespace {

struct ProductNorm {
  template <class V>
  VICINAL_INLINE static V conjoin(V a, V b) {
    return a * b;
  }
  template <class V>
  VICINAL_INLINE static V disjoin(V a, V b) {
    return a + b - a * b;
  }
};
struct MinimumNorm {
  template <class V>
  VICINAL_INLINE static V conjoin(V a, V b) {
    return min(a, b);
  }
  template <class V>
  VICINAL_INLINE static V disjoin(V a, V b) {
    return max(a, b);
  }
};
struct LukasiewiczNorm {
  template <class V>
  VICINAL_INLINE static V conjoin(V a, V b) {
    return max(V(0), a + b - V(1));
  }
  template <class V>
  VICINAL_INLINE static V disjoin(V a, V b) {
    return min(V(1), a + b);
  }
};

// target[i] = f(a[i], b[i]), of one register or sum.
template <class T, class F>
VICINAL_INLINE void each_pack(T* target, const T* a, const T* b, F&& f) {
  VICINAL_UNROLL
  for (int i = 0; i < rule_rows; i += Pack<T>::width)
    f(Pack<T>::load(a + i), Pack<T>::load(b + i)).store(target + i);
}

template <class T, RuleSum sum>
VICINAL_INLINE void conclude(const RuleArguments<T>& a, std::int32_t rule, const T* firing) {
  for (std::int64_t e = a.offsets[rule]; e < a.offsets[rule + 1]; ++e) {
    T* total = a.sums + std::int64_t(a.columns[e]) * rule_rows;
    const Pack<T> weight(a.weights[e]);
    each_pack(total, firing, total, [weight](Pack<T> w, Pack<T> s) VICINAL_INLINE_LAMBDA {
      if constexpr (sum == RuleSum::add)
        return fma(w, weight, s);
      else
        return max(s, w * weight);
    });
  }
}

template <class T, class Norm, RuleSum sum>
void run_rules(const RuleArguments<T>& arguments) {
  using P = Pack<T>;
  T* const registers = arguments.registers;
  const std::int32_t* step = arguments.steps;
  for (std::int64_t s = 0; s < arguments.count; ++s, step += arguments.stride) {
    const T* a = registers + std::int64_t(step[2]) * rule_rows;
    const T* b = registers + std::int64_t(step[3]) * rule_rows;
    const auto target = [&]() VICINAL_INLINE_LAMBDA {
      return registers + std::int64_t(step[1]) * rule_rows;
    };
    switch (static_cast<RuleStep>(step[0])) {
      case RuleStep::conjoin:
        each_pack(target(), a, b,
                  [](P x, P y) VICINAL_INLINE_LAMBDA { return Norm::conjoin(x, y); });
        break;
      case RuleStep::disjoin:
        each_pack(target(), a, b,
                  [](P x, P y) VICINAL_INLINE_LAMBDA { return Norm::disjoin(x, y); });
        break;
      case RuleStep::negate:
        each_pack(target(), a, a, [](P x, P) VICINAL_INLINE_LAMBDA { return P(1) - x; });
        break;
      case RuleStep::fire:
        conclude<T, sum>(arguments, step[1], a);
        break;
    }
  }
}

}  // namespace
}  // namespace vicinal::kernels
