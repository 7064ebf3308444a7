// One call of the C ABI over the sample's queries and keys, beside that of C++.
#pragma once

#include "c_sets.hpp"
#include "sample_sets.hpp"

namespace c_caller {

using sample::rows;

template <class T>
struct Call {
  sample::Points<T> points{rows, rows, 2, 2};
  sample::Outputs<T> out{rows, rows, 2, 4};
  vicinal_kernel k = kernel();
  vicinal_options o = options_of(k);

  Call() { k.bandwidth = 0.8; }
  vicinal_status run(std::int64_t m = rows, std::int64_t n = rows) {
    vicinal_statistics s = statistics();
    s.mean = out.mean.data.data(), s.variance = out.variance.data.data();
    s.log_mass = out.log_mass.data(), s.ess = out.ess.data(), s.count = out.count.data();
    s.k = 4, s.top_k_indices = out.top_k_indices.data.data();
    s.top_k_weights = out.top_k_weights.data.data();
    return Api<T>::local_stats(&o, points.queries.data.data(), m, points.keys.data.data(), n, 2,
                               points.values.data.data(), 2, &s, nullptr);
  }
  void check_equals(const vicinal::Options<T>& options,
                    const vicinal::Kernel& kernel = {.bandwidth = 0.8}) {
    REQUIRE_MESSAGE(run() == VICINAL_OK, std::string(vicinal_last_error()));
    sample::Outputs<T> wanted(rows, rows, 2, 4);
    local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(),
                {.mean = wanted.mean.view(),
                 .log_mass = wanted.log_mass,
                 .ess = wanted.ess,
                 .count = wanted.count,
                 .variance = wanted.variance.view(),
                 .top_k_indices = wanted.top_k_indices.view(),
                 .top_k_weights = wanted.top_k_weights.view()},
                options);
    CHECK(sample::same_bits(out.mean, wanted.mean));
    CHECK(sample::same_bits(out.variance, wanted.variance));
    CHECK(sample::same_bits(out.top_k_weights, wanted.top_k_weights));
    CHECK(out.top_k_indices.data == wanted.top_k_indices.data);
    CHECK(out.count == wanted.count);
    CHECK(std::memcmp(out.log_mass.data(), wanted.log_mass.data(), rows * sizeof(T)) == 0);
  }
};

}  // namespace c_caller
