#include "c_structs.hpp"

#include "c_callbacks.hpp"
#include "c_index.hpp"
#include "c_neighbors.hpp"

namespace vicinal::c {

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t most_rows = std::int64_t{1}
                                   << 40;  // a stride of 0 makes any number possible

void check_count(const char* name, std::int64_t count) {
  if (count < 0) refuse(std::string(name) + " must not be negative, got " + std::to_string(count));
}

template <class T>
std::span<const T> array(const char* name, const T* data, std::int64_t count) {
  check_count(name, count);
  if (data == nullptr) return {};
  if (static_cast<std::uint64_t>(count) > PTRDIFF_MAX / sizeof(T))
    refuse(std::string(name) + " of " + std::to_string(count) + " elements cannot exist");
  return {data, static_cast<std::size_t>(count)};
}

// Sums with a row number stay inside int64.
void check_offset(const char* name, std::int64_t offset) {
  if (offset < 0 || offset > INT64_MAX / 2)
    refuse(std::string(name) + " must be 0 to 2^62, got " + std::to_string(offset));
}

Kernel read_kernel(const vicinal_kernel& k) {
  const bool known = k.profile >= VICINAL_GAUSSIAN && k.profile <= VICINAL_FUNCTION &&
                     k.profile != static_cast<int>(Profile::table);
  if (!known) refuse("profile must be one of vicinal_profile, got " + std::to_string(k.profile));
  if (k.metric < VICINAL_AUTOMATIC || k.metric > VICINAL_CATEGORY)
    refuse("metric must be one of vicinal_metric, got " + std::to_string(k.metric));
  Kernel kernel;
  kernel.profile = static_cast<Profile>(k.profile);
  kernel.metric = static_cast<Metric>(k.metric);
  kernel.bandwidth = k.bandwidth;
  kernel.bandwidths = array("bandwidths_count", k.bandwidths, k.bandwidths_count);
  kernel.shape = k.shape;
  kernel.offset = k.offset;
  kernel.scale = k.scale;
  kernel.rectified = k.rectified != 0;
  kernel.columns = array("columns_count", k.columns, k.columns_count);
  kernel.function = k.function;
  return kernel;
}

// Components have as many columns as the factor sees.
void read_components(const vicinal_kernel& k, std::int64_t d, Kernel& kernel) {
  const std::int64_t width =
      kernel.columns.empty() ? d : static_cast<std::int64_t>(kernel.columns.size());
  if (k.metric == VICINAL_MAHALANOBIS)
    kernel.components = matrix("components", k.components, k.components_rows, width);
}

template <class T>
PairView<T> pairs(const char* name, const T* data, std::int64_t row_stride,
                  std::int64_t column_stride, std::int64_t m, std::int64_t n) {
  if (data == nullptr) return {};
  const std::int64_t across = column_stride == VICINAL_CONTIGUOUS ? 1 : column_stride;
  const std::int64_t down = row_stride == VICINAL_CONTIGUOUS ? n : row_stride;
  matrix(name, data, m, 0, down);
  matrix(name, data, n, 0, across);
  return {data, down, across};
}

}  // namespace

vicinal_kernel default_kernel() {
  vicinal_kernel k{};
  k.struct_size = sizeof k;
  k.bandwidth = k.scale = k.coefficient = 1;
  return k;
}

vicinal_options default_options() {
  vicinal_options o{};
  o.struct_size = sizeof o;
  o.query_stride = o.key_stride = o.value_stride = VICINAL_CONTIGUOUS;
  o.mask_row_stride = o.mask_column_stride = VICINAL_CONTIGUOUS;
  o.bias_row_stride = o.bias_column_stride = VICINAL_CONTIGUOUS;
  o.empty_value = nan_value;
  return o;
}

vicinal_statistics default_statistics() {
  vicinal_statistics s{};
  s.struct_size = sizeof s;
  s.normalize_weights = 1;
  return s;
}

vicinal_search_options default_search_options() {
  vicinal_search_options o{};
  o.struct_size = sizeof o;
  o.query_stride = VICINAL_CONTIGUOUS;
  return o;
}

KernelSum read_kernels(const vicinal_options& o, std::int64_t d) {
  if (o.kernels == nullptr) return Kernel{};
  if (o.kernels_count < 1 || o.kernels_count > 4096)
    refuse("kernels_count must be 1 to 4096, got " + std::to_string(o.kernels_count));
  const std::size_t stride = o.kernels->struct_size;  // one size for the whole array
  check_struct_size<vicinal_kernel>("kernel", stride);
  KernelSum sum{std::vector<Term>{}};
  for (std::int64_t i = 0; i < o.kernels_count; ++i) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(o.kernels);
    const auto* given =
        reinterpret_cast<const vicinal_kernel*>(bytes + static_cast<std::size_t>(i) * stride);
    if (given->struct_size != stride)
      refuse("all kernels must have the same struct_size", VICINAL_ERROR_STRUCT_SIZE);
    const vicinal_kernel k = read_struct("kernel", given, default_kernel());
    const auto term = static_cast<std::int32_t>(sum.terms.size());
    if (k.term != term && k.term != term - 1)
      refuse("term must count from 0 in rising order, got " + std::to_string(k.term));
    if (k.term == term) sum.terms.emplace_back();
    sum.terms.back().factors.push_back(read_kernel(k));
    read_components(k, d, sum.terms.back().factors.back());
    sum.terms.back().coefficient *= k.coefficient;
  }
  return sum;
}

vicinal_options read_options(const vicinal_options* given) {
  if (given == nullptr) return default_options();
  return read_struct("options", given, default_options());
}

template <class T>
View<T> matrix(const char* name, T* data, std::int64_t rows, std::int64_t columns,
               std::int64_t stride) {
  static std::remove_const_t<T> nothing{};
  check_count(name, rows);
  check_count(name, columns);
  if (stride == VICINAL_CONTIGUOUS) stride = columns;
  if (rows > most_rows)
    refuse(std::string(name) + " must have at most 2^40 rows, got " + std::to_string(rows));
  if (rows == 0) return {&nothing, 0, columns, stride};
  if (data == nullptr && columns > 0)
    refuse(std::string(name) + " must not be NULL", VICINAL_ERROR_NULL_POINTER);
  std::int64_t reach = 0, bytes = 0;
  if (__builtin_mul_overflow(rows, stride < 0 ? -stride : stride, &reach) ||
      __builtin_add_overflow(reach, columns, &reach) ||
      __builtin_mul_overflow(reach, static_cast<std::int64_t>(sizeof(T)), &bytes))
    refuse(std::string(name) + " of " + std::to_string(rows) + " rows and " +
           std::to_string(columns) + " columns, stride " + std::to_string(stride) +
           ", is beyond the address space");
  return {data == nullptr ? &nothing : data, rows, columns, stride};
}

template <class T>
Options<T> call_options(const vicinal_options& o, std::int64_t m, std::int64_t n) {
  if (o.empty < VICINAL_EMPTY_NAN || o.empty > VICINAL_EMPTY_VALUE)
    refuse("empty must be one of vicinal_empty, got " + std::to_string(o.empty));
  check_offset("key_offset", o.key_offset);
  check_offset("query_offset", o.query_offset);
  Options<T> options;
  options.weights = array("n", static_cast<const T*>(o.weights), n);
  options.log_weights = array("n", static_cast<const T*>(o.log_weights), n);
  // The engine reads a mask byte by byte, so that a byte other than 0 and 1 is no trap.
  options.mask = pairs("mask", reinterpret_cast<const bool*>(o.mask), o.mask_row_stride,
                       o.mask_column_stride, m, n);
  options.bias =
      pairs("bias", static_cast<const T*>(o.bias), o.bias_row_stride, o.bias_column_stride, m, n);
  options.self_indices = array("m", o.self_indices, m);
  options.exclude_self = o.exclude_self != 0;
  options.key_offset = o.key_offset;
  options.empty = static_cast<Empty>(o.empty);
  options.empty_value = o.empty_value;
  options.tol = o.tol;
  if (o.index != nullptr) options.index = &index_of<T>(o.index);
  options.neighbors = set_of<T>(o.neighbors);
  options.query_offset = o.query_offset;
  options.key_bandwidths = array("n", static_cast<const T*>(o.key_bandwidths), n);
  options.query_bandwidths = array("m", static_cast<const T*>(o.query_bandwidths), m);
  read_callbacks(o, options);
  return options;
}

vicinal_search_options read_search(const vicinal_search_options* given) {
  if (given == nullptr) return default_search_options();
  return read_struct("search_options", given, default_search_options());
}

SearchOptions call_search(const vicinal_search_options& o, std::int64_t m) {
  SearchOptions options;
  options.exclude_self = o.exclude_self != 0;
  options.self_indices = array("m", o.self_indices, m);
  read_callbacks(o, options);
  return options;
}

template <class T>
Statistics<T> read_statistics(const vicinal_statistics& s, std::int64_t m, std::int64_t n,
                              std::int64_t p) {
  check_count("k", s.k);
  if (s.k > std::numeric_limits<std::int32_t>::max()) refuse("k is too large");
  const auto rows = [&](const char* name, auto* data, std::int64_t columns) {
    return data == nullptr ? View<std::remove_pointer_t<decltype(data)>>{}
                           : matrix(name, data, m, columns);
  };
  const auto numbers = [](void* data) { return static_cast<T*>(data); };
  const auto column = [&](const char* name, auto* data) {
    const auto view = rows(name, data, 1);
    return std::span(view.data, static_cast<std::size_t>(view.rows));
  };
  if (p > 0 && p > std::numeric_limits<std::int64_t>::max() / p) refuse("p is too large");
  Statistics<T> out;
  out.mean = rows("mean", numbers(s.mean), p);
  out.log_mass = column("log_mass", numbers(s.log_mass));
  out.ess = column("ess", numbers(s.ess));
  out.count = column("count", s.count);
  out.variance = rows("variance", numbers(s.variance), p);
  out.covariance = rows("covariance", numbers(s.covariance), p * p);
  out.self_weight = column("self_weight", numbers(s.self_weight));
  out.top_k_indices = rows("top_k_indices", s.top_k_indices, s.k);
  out.top_k_weights = rows("top_k_weights", numbers(s.top_k_weights), s.k);
  out.weights = rows("weights", numbers(s.weights), n);
  out.normalize_weights = s.normalize_weights != 0;
  return out;
}

#define VICINAL_INSTANTIATE(T)                                                                    \
  template View<const T> matrix(const char*, const T*, std::int64_t, std::int64_t, std::int64_t); \
  template View<T> matrix(const char*, T*, std::int64_t, std::int64_t, std::int64_t);             \
  template Options<T> call_options(const vicinal_options&, std::int64_t, std::int64_t);           \
  template Statistics<T> read_statistics(const vicinal_statistics&, std::int64_t, std::int64_t,   \
                                         std::int64_t);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)
template View<const std::int64_t> matrix(const char*, const std::int64_t*, std::int64_t,
                                         std::int64_t, std::int64_t);
template View<std::int8_t> matrix(const char*, std::int8_t*, std::int64_t, std::int64_t,
                                  std::int64_t);
template View<std::int64_t> matrix(const char*, std::int64_t*, std::int64_t, std::int64_t,
                                   std::int64_t);
template View<const std::uint8_t> matrix(const char*, const std::uint8_t*, std::int64_t,
                                         std::int64_t, std::int64_t);

}  // namespace vicinal::c
