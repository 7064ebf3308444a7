// Arbitrary bytes as arguments of the C ABI: counts, kernels, strides and coordinates within the
// documented types. Nothing may crash, and a refusal must say why.
#include <vicinal/vicinal.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

struct Reader {
  const std::uint8_t* data;
  std::size_t left;

  template <class T>
  T take() {
    T out{};
    const std::size_t n = left < sizeof(T) ? left : sizeof(T);
    std::memcpy(&out, data, n);
    data += n;
    left -= n;
    return out;
  }
  int below(int bound) { return take<std::uint8_t>() % bound; }
  // Mostly ordinary numbers, sometimes any bit pattern.
  double number() { return below(4) ? take<std::int8_t>() / 8.0 : take<double>(); }
  float coordinate() { return below(8) ? take<std::int8_t>() / 8.0f : take<float>(); }
  std::vector<float> coordinates(std::int64_t count) {
    std::vector<float> out(static_cast<std::size_t>(count));
    for (float& x : out) x = coordinate();
    return out;
  }
};

void expect(vicinal_status status) {
  if (status != VICINAL_OK && *vicinal_last_error() == '\0') std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in{data, size};
  const int m = in.below(9), n = in.below(40), d = in.below(12), p = in.below(4);
  const int split = n ? in.below(n) : 0;

  vicinal_kernel kernels[2];
  std::int64_t columns[4];
  double bandwidths[4];
  for (vicinal_kernel& kernel : kernels) {
    vicinal_kernel_init(&kernel, sizeof kernel);
    kernel.profile = in.below(26);
    kernel.metric = in.below(4) ? 0 : in.below(11);
    kernel.bandwidth = in.number();
    kernel.shape = in.below(2) ? in.below(5) : in.number();
    kernel.offset = in.number();
    kernel.rectified = in.below(2);
    kernel.term = in.below(3);
    kernel.coefficient = in.number();
    if (kernel.profile == VICINAL_FUNCTION) kernel.function = [](double u) { return 1 / (1 + u); };
    if (in.below(3) == 0) {
      kernel.columns = columns;
      kernel.columns_count = in.below(5);
    }
    if (in.below(3) == 0) {
      kernel.bandwidths = bandwidths;
      kernel.bandwidths_count = in.below(5);
    }
  }
  for (std::int64_t& column : columns) column = in.below(16) - 2;
  for (double& bandwidth : bandwidths) bandwidth = in.number();

  const auto queries = in.coordinates(m * d), keys = in.coordinates(n * d);
  const auto values = in.coordinates(n * p), weights = in.coordinates(n), bias = in.coordinates(n);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(n));
  for (auto& used : mask) used = in.below(2);

  vicinal_options options;
  vicinal_options_init(&options, sizeof options);
  options.kernels = kernels;
  options.kernels_count = in.below(3);
  if (in.below(2)) options.weights = weights.data();
  if (in.below(3) == 0) options.log_weights = bias.data();
  if (in.below(2)) {
    options.mask = mask.data();
    options.mask_row_stride = 0;
  }
  if (in.below(3) == 0) {
    options.bias = bias.data();
    options.bias_row_stride = 0;
  }
  options.exclude_self = in.below(2);
  options.empty = in.below(5);
  options.num_threads = in.below(3);

  const int k = in.below(4);
  const std::size_t rows = static_cast<std::size_t>(m);
  const std::size_t cells = rows * static_cast<std::size_t>(p);
  std::vector<float> mean(cells), variance(cells), covariance(cells * p), log_mass(rows), ess(rows);
  std::vector<float> self_weight(rows), top_k_weights(rows * k);
  std::vector<std::int64_t> count(rows), top_k_indices(rows * k);
  vicinal_statistics statistics;
  vicinal_statistics_init(&statistics, sizeof statistics);
  statistics.log_mass = log_mass.data();
  statistics.ess = ess.data();
  statistics.count = count.data();
  if (p) statistics.mean = mean.data();
  if (p && in.below(2)) statistics.variance = variance.data();
  if (p && in.below(2)) statistics.covariance = covariance.data();
  if (in.below(2)) statistics.self_weight = self_weight.data();
  if (k) {
    statistics.k = k;
    statistics.top_k_indices = top_k_indices.data();
    statistics.top_k_weights = top_k_weights.data();
  }

  expect(vicinal_local_stats_f32(&options, queries.data(), m, keys.data(), n, d, values.data(), p,
                                 &statistics, nullptr));

  vicinal_state* state = nullptr;
  const vicinal_status created =
      vicinal_state_create_f32(&options, queries.data(), m, d, p, in.below(32), k, &state);
  expect(created);
  if (created != VICINAL_OK) return 0;
  expect(vicinal_state_update_f32(state, &options, keys.data(), split, values.data()));
  expect(vicinal_state_finish_f32(state, &options, &statistics, nullptr));
  vicinal_state_free(state);
  return 0;
}
