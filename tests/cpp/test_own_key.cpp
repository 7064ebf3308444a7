// Indices that name no key among these (negative, before the offset, past the end) leave nothing
// out and have no weight, on every path that asks for a row's own key.
#include <doctest/doctest.h>

#include <limits>

#include "sample.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t m = 6, n = 300, k = 3, offset = 40;
const std::vector<std::int64_t> nobody = {
    -1,         -5,         std::numeric_limits<std::int64_t>::min(),
    offset - 1, offset + n, std::numeric_limits<std::int64_t>::max()};

template <class T>
void check_nobody(const char* path, const KernelSum& kernel, Options<T> options = {}) {
  CAPTURE(path);
  const sample::Points<T> points(m, n, 2, 2);
  const auto stats = [&](const Options<T>& o) {
    sample::Outputs<T> out(m, n, 2, k);
    local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(), out.all(),
                o);
    return out;
  };
  options.key_offset = offset;
  options.self_indices = nobody;
  const auto kept = stats(options);
  options.exclude_self = true;
  const auto excluded = stats(options);
  CHECK(kept == excluded);
  for (const T share : kept.self_weight) CHECK(share == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("an own index of no key", T, float, double) {
  check_nobody<T>("ordinary", Kernel{.bandwidth = 0.5});
  check_nobody<T>("every score overflows", Kernel{.bandwidth = 1e-300});
  check_nobody<T>("empty rows take the nearest",
                  Kernel{.profile = Profile::epanechnikov, .bandwidth = 1e-6},
                  {.empty = Empty::nearest});
  check_nobody<T>("inverse distance", Kernel{.profile = Profile::inverse_distance, .shape = 2});
}
