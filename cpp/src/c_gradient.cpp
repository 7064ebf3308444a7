// local_mean_gradient behind the C ABI.
#include "c_call.hpp"
#include "c_overlap.hpp"
#include "vicinal/gradient.hpp"

using namespace vicinal;
using namespace vicinal::c;

namespace {

vicinal_gradients default_gradients() {
  vicinal_gradients g{};
  g.struct_size = sizeof g;
  return g;
}

template <class T>
std::span<T> vector(const char* name, void* data, std::int64_t size) {
  if (data == nullptr) return {};
  return {matrix(name, static_cast<T*>(data), size, 1).data, static_cast<std::size_t>(size)};
}
template <class T>
std::span<const T> vector(const char* name, const void* data, std::int64_t size) {
  if (data == nullptr) return {};
  return {matrix(name, static_cast<const T*>(data), size, 1).data, static_cast<std::size_t>(size)};
}

template <class T>
void read_gradients(const vicinal_gradients& g, const Points<T>& x, GradientItem<T>& item) {
  const auto output = [](const char* name, void* data, std::int64_t rows, std::int64_t columns) {
    return data == nullptr ? View<T>{} : matrix(name, static_cast<T*>(data), rows, columns);
  };
  item.gradient =
      matrix("gradient", static_cast<const T*>(needed("gradient", g.gradient)), x.m, x.p);
  if (g.mean != nullptr) item.mean = matrix("mean", static_cast<const T*>(g.mean), x.m, x.p);
  item.log_mass_gradient = vector<T>("log_mass_gradient", g.log_mass_gradient, x.m);
  item.log_mass = vector<T>("log_mass", g.log_mass, x.m);
  item.queries = output("gradient of queries", g.queries, x.m, x.d);
  item.keys = output("gradient of keys", g.keys, x.n, x.d);
  item.values = output("gradient of values", g.values, x.n, x.p);
  item.log_weights = vector<T>("gradient of log_weights", g.log_weights, x.n);
  item.key_bandwidths = vector<T>("gradient of key_bandwidths", g.key_bandwidths, x.n);
  item.query_bandwidths = vector<T>("gradient of query_bandwidths", g.query_bandwidths, x.m);
  if (g.bandwidth != nullptr)
    item.bandwidth = {matrix("gradient of bandwidth", g.bandwidth, g.bandwidths_count, 1).data,
                      static_cast<std::size_t>(g.bandwidths_count)};
  const View<T> bias = output("gradient of bias", g.bias, x.m, x.n);
  if (bias.data == nullptr) return;
  item.bias = bias.data;
  item.bias_row_stride = x.n;
  item.bias_column_stride = 1;
}

template <class T>
vicinal_status gradient_of(const vicinal_options* given, const Points<T>& x,
                           const vicinal_gradients* gradients, vicinal_report* report) {
  return guarded([&] {
    const vicinal_options o = read_options(given);
    if (x.d < 1) refuse("d must be at least 1, got " + std::to_string(x.d));
    check_report(report);
    GradientItem<T> item;
    item.points.queries = matrix("queries", x.queries, x.m, x.d, o.query_stride);
    set_keys(item.points, o, x);
    const Options<T> options = call_options<T>(o, x.m, x.n);
    const auto wanted =
        read_struct("gradients", needed("gradients", gradients), default_gradients());
    set_call(item.points, options);
    read_gradients(wanted, x, item);
    check_overlap(item, options.neighbors);
    if (item.bias != nullptr) std::fill_n(item.bias, x.m * x.n, T(0));
    const Report done = local_mean_gradient(read_kernels(o, x.d), {&item, 1}, options);
    check_interrupted(done);
    tell(report, done);
  });
}

}  // namespace

vicinal_status vicinal_gradients_init(vicinal_gradients* gradients, size_t struct_size) {
  return guarded([&] { write_struct("gradients", gradients, struct_size, default_gradients()); });
}

#define VICINAL_FUNCTIONS(T, suffix)                                                         \
  vicinal_status vicinal_local_mean_gradient_##suffix(                                       \
      const vicinal_options* options, const T* queries, int64_t m, const T* keys, int64_t n, \
      int64_t d, const T* values, int64_t p, const vicinal_gradients* gradients,             \
      vicinal_report* report) {                                                              \
    return gradient_of<T>(options, {queries, m, keys, n, d, values, p}, gradients, report);  \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)
