#include "vicinal/config.hpp"

#include "parallel.hpp"

namespace vicinal {

bool has_openmp() { return with_openmp(); }
int default_threads() { return max_threads(); }

const char* compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace vicinal
