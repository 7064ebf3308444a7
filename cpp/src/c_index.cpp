// Prepared keys behind the C ABI.
#include "c_index.hpp"

#include "c_callbacks.hpp"
#include "lowering.hpp"

namespace vicinal::c {

namespace {

Kernel metric_of_options(const vicinal_options& o, std::int64_t d) {
  const KernelSum sum = read_kernels(o, d);
  if (sum.terms.size() != 1 || sum.terms[0].factors.size() != 1)
    refuse("kernels must be one kernel, whose metric the index takes, got " +
           std::to_string(o.kernels_count));
  Kernel kernel = sum.terms[0].factors[0];
  kernel.metric = metric_of(kernel);
  return kernel;
}

template <class T>
KeyIndex<T> make_index(const vicinal_options& o, const T* keys, std::int64_t n, std::int64_t d) {
  if (d < 1) refuse("d must be at least 1, got " + std::to_string(d));
  const View<const T> points = matrix("keys", keys, n, d, o.key_stride);
  SearchOptions call;
  read_callbacks(o, call);
  std::function<bool()> stop;  // an exception, so that it leaves the constructor as it is
  if (call.interrupted)
    stop = [&call] {
      check_interrupted({.interrupted = call.interrupted()});
      return false;
    };
  return KeyIndex<T>(points, metric_of_options(o, d), call.num_threads, stop);
}

template <class T>
vicinal_status create_of(const vicinal_options* options, const T* keys, std::int64_t n,
                         std::int64_t d, vicinal_index** out) {
  return guarded([&] {
    *needed("index", out) = nullptr;
    *out = new vicinal_index{make_index(read_options(options), keys, n, d)};
  });
}

vicinal_status shape_of(const vicinal_index* index, std::int64_t* n, std::int64_t* d) {
  return guarded([&] {
    std::visit(
        [&](const auto& own) {
          if (n != nullptr) *n = own.keys().rows;
          if (d != nullptr) *d = own.keys().columns;
        },
        needed("index", index)->typed);
  });
}

vicinal_status order_of(const vicinal_index* index, const std::int64_t** rows,
                        std::int64_t* count) {
  return guarded([&] {
    needed("rows", rows);
    needed("count", count);
    const auto order =
        std::visit([](const auto& own) { return own.order(); }, needed("index", index)->typed);
    *rows = order.data();
    *count = std::ssize(order);
  });
}

}  // namespace

}  // namespace vicinal::c

using namespace vicinal;

vicinal_status vicinal_index_create_f32(const vicinal_options* options, const float* keys,
                                        int64_t n, int64_t d, vicinal_index** index) {
  return c::create_of(options, keys, n, d, index);
}
vicinal_status vicinal_index_create_f64(const vicinal_options* options, const double* keys,
                                        int64_t n, int64_t d, vicinal_index** index) {
  return c::create_of(options, keys, n, d, index);
}

vicinal_status vicinal_index_shape(const vicinal_index* index, int64_t* n, int64_t* d) {
  return c::shape_of(index, n, d);
}

vicinal_status vicinal_index_order(const vicinal_index* index, const int64_t** rows,
                                   int64_t* count) {
  return c::order_of(index, rows, count);
}

vicinal_status vicinal_index_free(vicinal_index* index) {
  delete index;
  return VICINAL_OK;
}
