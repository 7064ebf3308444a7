// libFuzzer against the gradients of the C ABI: whatever the structures and numbers say, a call
// ends with a status of the table, writes nowhere but into its outputs (address sanitizer; every
// buffer has its exact size), and gives the same bits again with another number of threads.
#include "hostile_inputs.hpp"

using namespace hostile;

namespace {

template <class T>
struct Call : Inputs<T> {
  std::vector<T> gradient, of_mass, mean, log_mass, to_queries, to_keys, to_values, to_weights,
      to_bias, to_key_bandwidths, to_query_bandwidths;
  std::vector<double> to_bandwidth;
  vicinal_gradients g;

  explicit Call(Provider& in) : Inputs<T>(in) {
    const std::int64_t m = real(this->m), n = real(this->n), d = real(this->d), p = real(this->p);
    vicinal_gradients_init(&g, sizeof g);
    const auto input = [&](std::vector<T>& array, std::int64_t size) -> const void* {
      array = numbers<T>(in, size);
      return in.ConsumeBool() ? array.data() : nullptr;
    };
    const auto output = [&](std::vector<T>& array, std::int64_t size) -> void* {
      array.resize(static_cast<std::size_t>(size));
      return in.ConsumeBool() ? array.data() : nullptr;
    };
    g.gradient = input(gradient, m * p);
    if (g.gradient == nullptr && in.ConsumeBool()) g.gradient = gradient.data();
    g.log_mass_gradient = input(of_mass, m);
    g.mean = input(mean, m * p), g.log_mass = input(log_mass, m);
    g.queries = output(to_queries, m * d), g.keys = output(to_keys, n * d);
    g.values = output(to_values, n * p), g.log_weights = output(to_weights, n);
    g.bias = output(to_bias, m * n);
    g.key_bandwidths = output(to_key_bandwidths, n);
    g.query_bandwidths = output(to_query_bandwidths, m);
    to_bandwidth.resize(in.ConsumeBool() ? 1 : static_cast<std::size_t>(d));
    g.bandwidth = in.ConsumeBool() ? to_bandwidth.data() : nullptr;
    g.bandwidths_count = std::ssize(to_bandwidth);
    if (in.ConsumeIntegral<std::uint8_t>() == 255) g.values = g.keys;
    set_size(in, g);
  }
};

vicinal_status run(Call<float>& c) {
  return checked(vicinal_local_mean_gradient_f32(&c.o, c.queries.data(), c.m, c.keys.data(), c.n,
                                                 c.d, c.values.data(), c.p, &c.g, nullptr));
}
vicinal_status run(Call<double>& c) {
  return checked(vicinal_local_mean_gradient_f64(&c.o, c.queries.data(), c.m, c.keys.data(), c.n,
                                                 c.d, c.values.data(), c.p, &c.g, nullptr));
}

template <class E>
bool same(const std::vector<E>& a, const std::vector<E>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(E)) == 0;
}

template <class T>
void repeat(Provider& in) {
  Call<T> c(in);
  if (run(c) != VICINAL_OK || c.o.struct_size < sizeof c.o) return;
  const auto queries = c.to_queries, keys = c.to_keys, values = c.to_values, weights = c.to_weights,
             bias = c.to_bias, of_keys = c.to_key_bandwidths, of_queries = c.to_query_bandwidths;
  const auto bandwidth = c.to_bandwidth;
  c.change_threads();
  check(run(c) == VICINAL_OK);
  check(same(queries, c.to_queries) && same(keys, c.to_keys) && same(values, c.to_values));
  check(same(weights, c.to_weights) && same(bias, c.to_bias) && same(bandwidth, c.to_bandwidth));
  check(same(of_keys, c.to_key_bandwidths) && same(of_queries, c.to_query_bandwidths));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Provider in(data, size);
  in.ConsumeBool() ? repeat<double>(in) : repeat<float>(in);
  return 0;
}
