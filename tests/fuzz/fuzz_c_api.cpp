// libFuzzer against the C ABI: whatever the structures and numbers say, a call ends with a status
// of the table, writes nowhere but into its outputs (address sanitizer; every buffer has its exact
// size), and gives the same bits again with another number of threads.
#include "hostile_sets.hpp"

using namespace hostile;

namespace {

double bump(double u) { return 1 / (1 + u); }
double wild(double u) { return u > 1 ? -u : std::numeric_limits<double>::quiet_NaN(); }

// The buffers behind the pointers of one call.
template <class T>
struct Call {
  std::int64_t m, n, d, p, k;
  std::vector<T> queries, keys, values, weights, bias, mean, log_mass, ess, variance, covariance,
      self_weight, top_weights, shares;
  std::vector<double> bandwidths, components;
  std::vector<std::int64_t> columns, own, counts, top;
  std::vector<std::uint8_t> mask;
  std::vector<vicinal_kernel> kernels;
  std::vector<T> key_bandwidths, query_bandwidths;
  Sets<T> sets;
  vicinal_options o;
  vicinal_statistics s;
  std::uint32_t wanted;

  explicit Call(Provider& in) {
    m = count(in, 20), n = count(in, in.ConsumeBool() ? 20 : 300);
    d = count(in, in.ConsumeBool() ? 3 : 12), p = count(in, 5), k = count(in, 4);
    queries = numbers<T>(in, real(m) * real(d));
    keys = numbers<T>(in, real(n) * real(d));
    values = numbers<T>(in, real(n) * real(p));
    wanted = in.ConsumeIntegralInRange<std::uint32_t>(0, 35);
    set_kernels(in);
    set_options(in);
    set_statistics(in);
  }

  void set_kernel(Provider& in, vicinal_kernel& kernel) {
    vicinal_kernel_init(&kernel, sizeof kernel);
    kernel.profile = in.ConsumeIntegralInRange(-1, 25);
    kernel.metric = in.ConsumeIntegralInRange(-1, 10);
    kernel.bandwidth = in.ConsumeBool() ? 1 : number(in);
    kernel.shape = in.ConsumeBool() ? 1.5 : number(in);
    kernel.offset = number(in);
    kernel.scale = in.ConsumeBool() ? 1 : number(in);
    kernel.rectified = in.ConsumeBool();
    kernel.coefficient = in.ConsumeBool() ? 1 : number(in);
    kernel.function = in.ConsumeBool() ? bump : in.ConsumeBool() ? wild : nullptr;
    if (in.ConsumeBool()) {
      kernel.columns = columns.data();
      kernel.columns_count = static_cast<std::int64_t>(columns.size());
    }
    if (in.ConsumeBool()) {
      kernel.bandwidths = bandwidths.data();
      kernel.bandwidths_count = static_cast<std::int64_t>(bandwidths.size());
    }
    const auto width =
        kernel.columns != nullptr && kernel.columns_count > 0 ? kernel.columns_count : real(d);
    if (width > 0) {
      kernel.components = components.data();
      kernel.components_rows = static_cast<std::int64_t>(components.size()) / width;
    }
    set_size(in, kernel);
  }
  void set_kernels(Provider& in) {
    columns.resize(in.ConsumeIntegralInRange<std::size_t>(0, 3));
    for (auto& c : columns) c = in.ConsumeIntegralInRange<std::int64_t>(-1, 12);
    bandwidths = numbers<double>(in, in.ConsumeBool() ? real(d) : 2);
    components = numbers<double>(in, 24);
    kernels.resize(in.ConsumeIntegralInRange<std::size_t>(1, 3));
    std::int32_t term = 0;
    for (vicinal_kernel& kernel : kernels) {
      set_kernel(in, kernel);
      kernel.term = term;
      term += in.ConsumeIntegralInRange(0, 8) == 0 ? 2 : in.ConsumeBool();
    }
  }
  void set_options(Provider& in) {
    vicinal_options_init(&o, sizeof o);
    o.kernels = kernels.data(), o.kernels_count = static_cast<std::int64_t>(kernels.size());
    weights = numbers<T>(in, real(n));
    if (in.ConsumeBool()) (in.ConsumeBool() ? o.weights : o.log_weights) = weights.data();
    mask.assign(static_cast<std::size_t>(real(m) * real(n)), in.ConsumeIntegral<std::uint8_t>());
    for (std::size_t i = 0; i < mask.size(); i += 3) mask[i] = 0;
    if (in.ConsumeBool()) o.mask = mask.data();
    bias = numbers<T>(in, real(m) * real(n));
    if (in.ConsumeBool()) o.bias = bias.data();
    own.resize(static_cast<std::size_t>(real(m)));
    for (auto& i : own) i = in.ConsumeBool() ? 1 : in.ConsumeIntegral<std::int64_t>();
    if (in.ConsumeBool()) o.self_indices = own.data();
    o.key_offset = in.ConsumeBool() ? 0 : in.ConsumeIntegral<std::int64_t>();
    o.exclude_self = in.ConsumeBool();
    o.empty = in.ConsumeIntegralInRange(-1, 4);
    o.empty_value = number(in);
    o.num_threads = in.ConsumeIntegralInRange(-1, 3);
    o.tol = in.ConsumeBool() ? 0 : number(in);
    set_neighbors(in);
    set_size(in, o);
  }
  void set_neighbors(Provider& in) {
    if (in.ConsumeBool()) o.neighbors = sets.make(in, m, n);
    o.query_offset = in.ConsumeIntegral<std::uint8_t>() > 16 ? 0 : in.ConsumeIntegral<int>();
    key_bandwidths = numbers<T>(in, real(n));
    query_bandwidths = numbers<T>(in, real(m));
    if (in.ConsumeIntegralInRange(0, 3) == 0) o.key_bandwidths = key_bandwidths.data();
    if (in.ConsumeIntegralInRange(0, 3) == 0) o.query_bandwidths = query_bandwidths.data();
  }
  void set_statistics(Provider& in) {
    const auto rows = [&](auto& array, std::int64_t width) -> auto* {
      array.resize(static_cast<std::size_t>(real(m) * width));
      return in.ConsumeBool() ? array.data() : nullptr;
    };
    vicinal_statistics_init(&s, sizeof s);
    s.mean = rows(mean, real(p)), s.log_mass = rows(log_mass, 1), s.ess = rows(ess, 1);
    s.count = rows(counts, 1), s.variance = rows(variance, real(p));
    s.covariance = rows(covariance, real(p) * real(p)), s.self_weight = rows(self_weight, 1);
    s.k = k, s.top_k_indices = rows(top, real(k)), s.top_k_weights = rows(top_weights, real(k));
    s.weights = rows(shares, real(n));
    s.normalize_weights = in.ConsumeBool();
    set_size(in, s);
  }
};

constexpr auto create = vicinal_state_create_f32;
constexpr auto update = vicinal_state_update_f32;
constexpr auto finish = vicinal_state_finish_f32;

vicinal_status run(Call<float>& c) {
  return checked(vicinal_local_stats_f32(&c.o, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                         c.values.data(), c.p, &c.s, nullptr));
}
vicinal_status run(Call<double>& c) {
  return checked(vicinal_local_stats_f64(&c.o, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                         c.values.data(), c.p, &c.s, nullptr));
}

template <class T>
void repeat(Call<T>& c) {
  if (run(c) != VICINAL_OK || c.o.struct_size < sizeof c.o) return;
  const auto mean = c.mean;
  c.o.num_threads = c.o.num_threads == 1 ? 2 : 1;
  check(run(c) == VICINAL_OK);
  check(mean.empty() || std::memcmp(mean.data(), c.mean.data(), mean.size() * sizeof(T)) == 0);
}

void accumulate(Call<float>& c) {
  vicinal_state *state = nullptr, *other = nullptr;
  for (vicinal_state** made : {&state, &other})
    checked(create(&c.o, c.queries.data(), c.m, c.d, c.p, c.wanted, c.k, made));
  if (state != nullptr) {
    checked(update(state, &c.o, c.keys.data(), c.n, c.values.data()));
    checked(update(state, &c.o, c.keys.data(), c.n, c.values.data()));
    checked(update(other, &c.o, c.keys.data(), c.n, c.values.data()));
    checked(vicinal_state_merge(state, other));
    c.s.weights = nullptr;
    checked(finish(state, &c.o, &c.s, nullptr));
  }
  vicinal_state_free(state);
  vicinal_state_free(other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Provider in(data, size);
  const int what = in.ConsumeIntegralInRange(0, 2);
  if (what == 0) {
    Call<double> call(in);
    repeat(call);
  } else {
    Call<float> call(in);
    what == 1 ? repeat(call) : accumulate(call);
  }
  return 0;
}
