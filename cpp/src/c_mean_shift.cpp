// Mean shift behind the C ABI.
#include "c_callbacks.hpp"
#include "c_index.hpp"
#include "c_overlap.hpp"
#include "vicinal/mean_shift.hpp"

using namespace vicinal;
using namespace vicinal::c;

namespace {

vicinal_mean_shift_options default_ascent() {
  vicinal_mean_shift_options o{};
  o.struct_size = sizeof o;
  o.alpha = 1, o.tol = 1e-3, o.max_iter = 300;
  return o;
}

vicinal_ascents default_ascents() {
  vicinal_ascents a{};
  a.struct_size = sizeof a;
  return a;
}

// Seeds move, and no key is theirs: nothing may be said of single ones.
void refuse_pairs(const vicinal_options& o) {
  const auto unset = [](const char* name, bool set) {
    if (set) refuse(std::string(name) + " must not be set: mean shift has no use for it");
  };
  unset("mask", o.mask != nullptr);
  unset("bias", o.bias != nullptr);
  unset("self_indices", o.self_indices != nullptr);
  unset("exclude_self", o.exclude_self != 0);
  unset("neighbors", o.neighbors != nullptr);
  unset("query_bandwidths", o.query_bandwidths != nullptr);
  unset("progress", o.progress != nullptr);
}

template <class T>
MeanShiftOptions<T> shift_options(const vicinal_options& o, const vicinal_mean_shift_options& a,
                                  std::int64_t m, std::int64_t n, std::int64_t d) {
  refuse_pairs(o);
  const Options<T> call = call_options<T>(o, m, n);
  MeanShiftOptions<T> options;
  options.alpha = a.alpha;
  options.tol = a.tol;
  options.max_iter = a.max_iter;
  options.mass_tol = call.tol;
  options.weights = call.weights;
  options.log_weights = call.log_weights;
  options.key_bandwidths = call.key_bandwidths;
  options.num_threads = call.num_threads;
  options.interrupted = call.interrupted;
  options.capture_radius = a.capture_radius;
  if (a.modes != nullptr || a.modes_count != 0)
    options.modes = matrix("modes", static_cast<const T*>(a.modes), a.modes_count, d);
  if (a.iterated != nullptr)
    options.callback = [f = a.iterated, c = a.context](const MeanShiftRound<T>& round) {
      return shielded(
          [&] { return f(round.iteration, round.positions.rows, round.longest_step, c) != 0; });
    };
  return options;
}

template <class T>
MeanShiftOutputs<T> read_ascents(const vicinal_ascents& a, std::int64_t m, std::int64_t d) {
  const auto column = [&](const char* name, auto* data) {
    using Span = std::span<std::remove_pointer_t<decltype(data)>>;
    return data == nullptr ? Span{} : Span(matrix(name, data, m, 1).data, std::size_t(m));
  };
  MeanShiftOutputs<T> out;
  if (a.ends != nullptr) out.ends = matrix("ends", static_cast<T*>(a.ends), m, d);
  out.iterations = column("iterations", a.iterations);
  out.status = column("status", a.status);
  out.mode = column("mode", a.mode);
  if (a.before != nullptr) out.before = matrix("before", static_cast<T*>(a.before), m, d);
  return out;
}

template <class T>
vicinal_status shift_of(const vicinal_options* given, const vicinal_mean_shift_options* ascent,
                        const T* seeds, std::int64_t m, const T* keys, std::int64_t n,
                        std::int64_t d, const vicinal_ascents* ascents, vicinal_report* report) {
  return guarded([&] {
    const vicinal_options o = read_options(given);
    const vicinal_mean_shift_options a =
        ascent == nullptr ? default_ascent()
                          : read_struct("mean_shift_options", ascent, default_ascent());
    check_report(report);
    const auto points = matrix("seeds", seeds, m, d, o.query_stride);
    const auto places = matrix("keys", keys, n, d, o.key_stride);
    const MeanShiftOutputs<T> out = read_ascents<T>(
        read_struct("ascents", needed("ascents", ascents), default_ascents()), m, d);
    const MeanShiftOptions<T> options = shift_options<T>(o, a, m, n, d);
    check_overlap(places, points, options, out);
    const KernelSum kernel = read_kernels(o, d);
    MeanShiftReport done;
    if (o.index == nullptr) {
      done = mean_shift(places, points, kernel, out, options);
    } else {
      const KeyIndex<T>& index = index_of<T>(o.index);
      if (index.keys().data != places.data || index.keys().rows != n || index.keys().columns != d ||
          index.keys().stride != places.stride)
        refuse("index must be of the same keys");
      done = mean_shift(index, points, kernel, out, options);
    }
    const Report told{.empty_rows = done.orphans,
                      .pairs_visited = done.pairs_visited,
                      .interrupted = done.interrupted};
    check_interrupted(told);
    tell(report, told);
  });
}

}  // namespace

#define VICINAL_INIT(structure, defaults)                                            \
  vicinal_status vicinal_##structure##_init(vicinal_##structure* out, size_t size) { \
    return guarded([&] { write_struct(#structure, out, size, defaults); });          \
  }
VICINAL_INIT(mean_shift_options, default_ascent())
VICINAL_INIT(ascents, default_ascents())

#define VICINAL_FUNCTIONS(T, suffix)                                                            \
  vicinal_status vicinal_mean_shift_##suffix(                                                   \
      const vicinal_options* options, const vicinal_mean_shift_options* ascent, const T* seeds, \
      int64_t m, const T* keys, int64_t n, int64_t d, const vicinal_ascents* ascents,           \
      vicinal_report* report) {                                                                 \
    return shift_of<T>(options, ascent, seeds, m, keys, n, d, ascents, report);                 \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)
