// Sums over fuzzy rules: every rule fires to a degree between 0 and 1, and adds what it concludes.
//
// A rule base is a straight program over registers of membership degrees, so that what rules have
// in common is computed once. All rules of a full grid of terms that share their first premises
// share those conjunctions: 15,552 rules over six inputs take 1.2 of them a rule.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "vicinal/export.h"
#include "vicinal/view.hpp"

namespace vicinal {

// The conjunction of degrees a and b; their disjunction is 1 − T(1 − a, 1 − b).
enum class TriangularNorm : std::int32_t {
  product,     // ab                 a + b − ab
  minimum,     // min(a, b)          max(a, b)
  lukasiewicz  // max(a + b − 1, 0)  min(a + b, 1)
};

enum class RuleStep : std::int32_t {
  conjoin,  // register[target] = register[a] and register[b]
  disjoin,  // register[target] = register[a] or register[b]
  negate,   // register[target] = 1 − register[a]
  fire      // rule `target` fires to the degree register[a]
};

// out[i, c] = Σ_r firing[i, r] · conclusion[r, c], or the largest of the products.
enum class RuleSum : std::int32_t { add, maximum };

struct RuleProgram {
  View<const std::int32_t> steps;  // n × 4: RuleStep, target, a, b
  std::int64_t registers = 0;      // the first of them hold the degrees of a row
  TriangularNorm norm = TriangularNorm::product;
};

// rules × columns, sparse: those of rule r stand from offsets[r] to offsets[r + 1].
struct RuleConclusions {
  std::span<const std::int64_t> offsets;
  std::span<const std::int32_t> columns;
  std::span<const double> weights;
};

struct RuleOptions {
  RuleSum sum = RuleSum::add;
  int num_threads = 0;                  // 0 = what OpenMP gives the calling thread
  std::function<bool()> interrupted{};  // polled by the calling thread; true stops the call
};

// degrees: inputs × m, in [0, 1], a register in each row; out: m × columns. Rules add up in the
// order of the program; a row's result depends on that row alone.
VICINAL_EXPORT void rule_sums(const RuleProgram& program, View<const double> degrees,
                              const RuleConclusions& conclusions, View<double> out,
                              const RuleOptions& options = {});

}  // namespace vicinal
