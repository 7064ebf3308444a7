// lle_weights behind the C ABI.
#include "c_call.hpp"
#include "c_callbacks.hpp"
#include "c_overlap.hpp"
#include "vicinal/local_fit.hpp"

using namespace vicinal;
using namespace vicinal::c;

namespace {

vicinal_lle_options default_lle_options() {
  vicinal_lle_options o{};
  o.struct_size = sizeof o;
  o.query_stride = o.key_stride = VICINAL_CONTIGUOUS;
  o.reg = LleOptions{}.reg;
  return o;
}

LleOptions call_lle(const vicinal_lle_options& o) {
  if (o.ridge != VICINAL_RIDGE_TRACE && o.ridge != VICINAL_RIDGE_DISTANCE)
    refuse("ridge must be one of vicinal_ridge, got " + std::to_string(o.ridge));
  LleOptions options;
  options.reg = o.reg;
  options.ridge = static_cast<Ridge>(o.ridge);
  read_callbacks(o, options);
  return options;
}

template <class T>
vicinal_status lle_of(const vicinal_lle_options* given, const T* queries, std::int64_t m,
                      const T* keys, std::int64_t n, std::int64_t d, const std::int64_t* neighbors,
                      std::int64_t k, T* weights, vicinal_report* report) {
  return guarded([&] {
    const vicinal_lle_options o = given == nullptr
                                      ? default_lle_options()
                                      : read_struct("lle_options", given, default_lle_options());
    check_report(report);
    if (d < 1) refuse("d must be at least 1, got " + std::to_string(d));
    const LleOptions options = call_lle(o);
    const auto q = matrix("queries", queries, m, d, o.query_stride);
    const auto x = matrix("keys", keys, n, d, o.key_stride);
    const auto rows = matrix("neighbors", neighbors, m, k);
    const auto out = matrix("weights", weights, m, k);
    check_overlap(x, q, rows, out);
    const Report done = lle_weights(q, x, rows, out, options);
    check_interrupted(done);
    tell(report, done);
  });
}

}  // namespace

vicinal_status vicinal_lle_options_init(vicinal_lle_options* options, size_t struct_size) {
  return guarded([&] { write_struct("lle_options", options, struct_size, default_lle_options()); });
}

#define VICINAL_FUNCTIONS(T, suffix)                                                             \
  vicinal_status vicinal_lle_weights_##suffix(                                                   \
      const vicinal_lle_options* options, const T* queries, int64_t m, const T* keys, int64_t n, \
      int64_t d, const int64_t* neighbors, int64_t k, T* weights, vicinal_report* report) {      \
    return lle_of(options, queries, m, keys, n, d, neighbors, k, weights, report);               \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)
