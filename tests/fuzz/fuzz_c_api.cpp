// libFuzzer against the C ABI: whatever the structures and numbers say, a call ends with a status
// of the table, writes nowhere but into its outputs (address sanitizer; every buffer has its exact
// size), and gives the same bits again with another number of threads.
#include "hostile_inputs.hpp"

using namespace hostile;

namespace {

// The outputs too.
template <class T>
struct Call : Inputs<T> {
  std::int64_t k;
  std::vector<T> mean, log_mass, ess, variance, covariance, self_weight, top_weights, shares;
  std::vector<std::int64_t> counts, top;
  vicinal_statistics s;
  std::uint32_t wanted;

  explicit Call(Provider& in) : Inputs<T>(in) {
    k = count(in, 4);
    wanted = in.ConsumeIntegralInRange<std::uint32_t>(0, 35);
    set_statistics(in);
  }

  void set_statistics(Provider& in) {
    const auto rows = [&](auto& array, std::int64_t width) -> auto* {
      array.resize(static_cast<std::size_t>(real(this->m) * width));
      return in.ConsumeBool() ? array.data() : nullptr;
    };
    vicinal_statistics_init(&s, sizeof s);
    s.mean = rows(mean, real(this->p)), s.log_mass = rows(log_mass, 1), s.ess = rows(ess, 1);
    s.count = rows(counts, 1), s.variance = rows(variance, real(this->p));
    s.covariance = rows(covariance, real(this->p) * real(this->p)),
    s.self_weight = rows(self_weight, 1);
    s.k = k, s.top_k_indices = rows(top, real(k)), s.top_k_weights = rows(top_weights, real(k));
    s.weights = rows(shares, real(this->n));
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
  c.change_threads();
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
