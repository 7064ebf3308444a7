// The flat C ABI: a thin coat over the C++ functions, through which no exception passes.
#include "c_call.hpp"
#include "c_overlap.hpp"
#include "vicinal/config.hpp"
#include "vicinal/version.hpp"
#include "vicinal/vicinal.h"

namespace vicinal::c {

namespace {

static_assert(VICINAL_FUNCTION == static_cast<int>(Profile::function) &&
                  VICINAL_WANG_VAN_RYZIN == static_cast<int>(Profile::wang_van_ryzin) &&
                  VICINAL_SOFTMAX == static_cast<int>(Profile::softmax) &&
                  VICINAL_UNIFORM == static_cast<int>(Profile::uniform),
              "the numbers of vicinal_profile are those of Profile");
static_assert(VICINAL_CATEGORY == static_cast<int>(Metric::category) &&
                  VICINAL_MAHALANOBIS == static_cast<int>(Metric::mahalanobis),
              "the numbers of vicinal_metric are those of Metric");
static_assert(VICINAL_EMPTY_VALUE == static_cast<int>(Empty::value),
              "the numbers of vicinal_empty are those of Empty");

// A fixed buffer: telling that memory ran out must not need memory.
thread_local char last_error[512] = "";

template <class T>
vicinal_status local_stats_of(const vicinal_options* given, const Points<T>& x,
                              const vicinal_statistics* statistics, vicinal_report* report) {
  return guarded([&] {
    const vicinal_options o = read_options(given);
    if (x.d < 1) refuse("d must be at least 1, got " + std::to_string(x.d));
    BatchItem<T> item;
    item.queries = matrix("queries", x.queries, x.m, x.d, o.query_stride);
    set_keys(item, o, x);
    check_report(report);
    const Options<T> options = call_options<T>(o, x.m, x.n);
    const auto s =
        read_struct("statistics", needed("statistics", statistics), default_statistics());
    item.statistics = read_statistics<T>(s, x.m, x.n, x.p);
    set_call(item, options);
    check_overlap(item, options.neighbors);
    const Report done = local_stats(read_kernels(o, x.d), {&item, 1}, options);
    check_interrupted(done);
    tell(report, done);
  });
}

template <class T>
vicinal_status local_mean_of(const vicinal_options* options, const Points<T>& x, T* means) {
  vicinal_statistics statistics = default_statistics();
  statistics.mean = means;
  if (means == nullptr && x.m > 0)
    return fail(VICINAL_ERROR_NULL_POINTER, "means must not be NULL");
  return local_stats_of(options, x, &statistics, nullptr);
}

}  // namespace

vicinal_status fail(vicinal_status status, const char* message) noexcept {
  std::size_t length = std::min(std::strlen(message), sizeof last_error - 1);
  while (length > 0 && (message[length] & 0xc0) == 0x80) --length;  // no half characters
  std::memcpy(last_error, message, length);
  last_error[length] = '\0';
  return status;
}

}  // namespace vicinal::c

using namespace vicinal;

const char* vicinal_status_message(vicinal_status status) {
  switch (static_cast<int>(status)) {
#define VICINAL_STATUS_ENTRY(name, number, message) \
  case number:                                      \
    return message;
    VICINAL_STATUS_TABLE(VICINAL_STATUS_ENTRY)
#undef VICINAL_STATUS_ENTRY
    default:
      return "unknown status";
  }
}

const char* vicinal_last_error(void) { return c::last_error; }
const char* vicinal_version(void) { return VICINAL_VERSION; }
const char* vicinal_isa(void) {
  const char* name = "";
  c::guarded([&] { name = isa_name(); });
  return name;
}

#define VICINAL_INIT(structure, defaults)                                            \
  vicinal_status vicinal_##structure##_init(vicinal_##structure* out, size_t size) { \
    return c::guarded([&] { c::write_struct(#structure, out, size, defaults); });    \
  }
VICINAL_INIT(kernel, c::default_kernel())
VICINAL_INIT(options, c::default_options())
VICINAL_INIT(statistics, c::default_statistics())
VICINAL_INIT(report, vicinal_report{})
VICINAL_INIT(search_options, c::default_search_options())

#define VICINAL_FUNCTIONS(T, suffix)                                                               \
  vicinal_status vicinal_local_mean_##suffix(const vicinal_options* options, const T* queries,     \
                                             int64_t m, const T* keys, int64_t n, int64_t d,       \
                                             const T* values, int64_t p, T* means) {               \
    return c::local_mean_of<T>(options, {queries, m, keys, n, d, values, p}, means);               \
  }                                                                                                \
  vicinal_status vicinal_local_stats_##suffix(                                                     \
      const vicinal_options* options, const T* queries, int64_t m, const T* keys, int64_t n,       \
      int64_t d, const T* values, int64_t p, const vicinal_statistics* statistics,                 \
      vicinal_report* report) {                                                                    \
    return c::local_stats_of<T>(options, {queries, m, keys, n, d, values, p}, statistics, report); \
  }
VICINAL_FUNCTIONS(float, f32)
VICINAL_FUNCTIONS(double, f64)
