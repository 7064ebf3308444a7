// Which table serves this machine: chosen once, VICINAL_ISA forces a level that the machine has.
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels/table.hpp"
#include "vicinal/config.hpp"

namespace vicinal {
namespace kernels {

#define VICINAL_DECLARE(isa)                   \
  extern const Table<float> table_##isa##_f32; \
  extern const Table<double> table_##isa##_f64;
#ifdef VICINAL_HAVE_NEON
VICINAL_DECLARE(neon)
#endif
#ifdef VICINAL_HAVE_BASELINE
VICINAL_DECLARE(baseline)
#endif
#ifdef VICINAL_HAVE_V3
VICINAL_DECLARE(v3)
#endif
#ifdef VICINAL_HAVE_V4
VICINAL_DECLARE(v4)
#endif

namespace {

struct Level {
  const char* name;
  const Table<float>* f32;
  const Table<double>* f64;
  bool (*runs_here)();
};

[[maybe_unused]] bool always() { return true; }
#ifdef VICINAL_HAVE_V3
bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}
#endif
#ifdef VICINAL_HAVE_V4
bool has_v4() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd");
}
#endif

const Level levels[] = {
#ifdef VICINAL_HAVE_V4
    {"x86-64-v4", &table_v4_f32, &table_v4_f64, has_v4},
#endif
#ifdef VICINAL_HAVE_V3
    {"x86-64-v3", &table_v3_f32, &table_v3_f64, has_v3},
#endif
#ifdef VICINAL_HAVE_NEON
    {"neon", &table_neon_f32, &table_neon_f64, always},
#endif
#ifdef VICINAL_HAVE_BASELINE
    {"baseline", &table_baseline_f32, &table_baseline_f64, always},
#endif
};

// A name that this build or machine does not know is an error, not a silent fallback.
const Level& choose() {
  const char* forced = std::getenv("VICINAL_ISA");
  std::string known;
  for (const Level& level : levels) {
    if (!level.runs_here()) continue;
    if (forced == nullptr || *forced == '\0' || std::strcmp(forced, level.name) == 0) return level;
    if (!known.empty()) known += ", ";
    known += level.name;
  }
  throw std::invalid_argument("VICINAL_ISA must be one of " + known + " on this machine, got " +
                              forced);
}

const Level& chosen() {
  static const Level& level = choose();
  return level;
}

}  // namespace

template <>
const Table<float>& table<float>() {
  return *chosen().f32;
}
template <>
const Table<double>& table<double>() {
  return *chosen().f64;
}

}  // namespace kernels

const char* isa_name() { return kernels::chosen().name; }

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const auto& level : kernels::levels)
    if (level.runs_here()) names.emplace_back(level.name);
  return names;
}

}  // namespace vicinal
