// lle_weights and local_fit behind the C ABI.
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

vicinal_local_fit_options default_fit_options() {
  return {.struct_size = sizeof(vicinal_local_fit_options),
          .degree = LocalFitOptions{}.degree,
          .ridge = LocalFitOptions{}.ridge};
}

vicinal_fits default_fits() {
  vicinal_fits f{};
  f.struct_size = sizeof f;
  return f;
}

LinearFits read_fits(const vicinal_fits& given, std::int64_t m, std::int64_t d, std::int64_t p,
                     std::int64_t degree) {
  const auto rows = [&](const char* name, double* data, std::int64_t columns) {
    return data == nullptr ? View<double>{} : matrix(name, data, m, columns);
  };
  if (p > 0 && d >= INT64_MAX / p) refuse("p is too large");
  const std::int64_t slopes = degree == 0 ? 0 : d * p;
  LinearFits fits{.fitted = matrix("fitted", given.fitted, m, p),
                  .slopes = rows("slopes", given.slopes, d * p),
                  .standard_errors = rows("standard_errors", given.standard_errors, p + slopes)};
  if (given.self_weight != nullptr)
    fits.self_weight = {matrix("self_weight", given.self_weight, m, 1).data,
                        static_cast<std::size_t>(m)};
  return fits;
}

vicinal_status fit_of(const vicinal_options* given, const vicinal_local_fit_options* fit,
                      const Points<double>& x, const vicinal_fits* outputs,
                      vicinal_report* report) {
  return guarded([&] {
    const vicinal_options o = read_options(given);
    const vicinal_local_fit_options f =
        fit == nullptr ? default_fit_options()
                       : read_struct("local_fit_options", fit, default_fit_options());
    check_report(report);
    if (x.d < 1) refuse("d must be at least 1, got " + std::to_string(x.d));
    BatchItem<double> item;
    item.queries = matrix("queries", x.queries, x.m, x.d, o.query_stride);
    item.keys = matrix("keys", x.keys, x.n, x.d, o.key_stride);
    item.values = matrix("values", x.values, x.n, x.p, o.value_stride);
    const Options<double> options = call_options<double>(o, x.m, x.n);
    const auto wanted = read_struct("fits", needed("fits", outputs), default_fits());
    const LinearFits fits = read_fits(wanted, x.m, x.d, x.p, f.degree);
    set_call(item, options);
    check_overlap(item, options.neighbors, fits, wanted.regularized);
    if (f.degree != 0 && f.degree != 1)
      refuse("degree must be 0 (constants) or 1 (lines), got " + std::to_string(f.degree));
    const LocalFitReport done =
        local_fit(read_kernels(o, x.d), item.queries, item.keys, item.values, fits,
                  {.degree = static_cast<int>(f.degree), .ridge = f.ridge}, options);
    const Report told{.empty_rows = done.empty_rows,
                      .pairs_visited = done.pairs_visited,
                      .interrupted = done.interrupted};
    check_interrupted(told);
    if (wanted.regularized != nullptr) *wanted.regularized = done.regularized;
    tell(report, told);
  });
}

}  // namespace

vicinal_status vicinal_local_fit_options_init(vicinal_local_fit_options* options,
                                              size_t struct_size) {
  return guarded(
      [&] { write_struct("local_fit_options", options, struct_size, default_fit_options()); });
}

vicinal_status vicinal_fits_init(vicinal_fits* fits, size_t struct_size) {
  return guarded([&] { write_struct("fits", fits, struct_size, default_fits()); });
}

vicinal_status vicinal_local_fit_f64(const vicinal_options* options,
                                     const vicinal_local_fit_options* fit, const double* queries,
                                     int64_t m, const double* keys, int64_t n, int64_t d,
                                     const double* values, int64_t p, const vicinal_fits* fits,
                                     vicinal_report* report) {
  return fit_of(options, fit, {queries, m, keys, n, d, values, p}, fits, report);
}

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
