// libFuzzer against mean shift, weights of locally linear embedding and local fits in C: whatever
// the structures and numbers say, a call ends with a status of the table, writes nowhere but into
// its outputs, and gives the same bits again with another number of threads.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "hostile_sets.hpp"

using namespace hostile;

namespace {

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

void set_kernel(Provider& in, vicinal_kernel& kernel, const std::vector<double>& bandwidths) {
  vicinal_kernel_init(&kernel, sizeof kernel);
  kernel.profile = in.ConsumeIntegralInRange(0, 23);  // not a function: it might take any time
  kernel.metric = in.ConsumeBool() ? in.ConsumeIntegralInRange(-1, 10) : VICINAL_AUTOMATIC;
  kernel.bandwidth = in.ConsumeBool() ? number(in) : 1;
  kernel.shape = in.ConsumeBool() ? number(in) : 1.5;
  kernel.coefficient = in.ConsumeIntegral<std::uint8_t>() > 239 ? number(in) : 1;
  if (in.ConsumeIntegralInRange(0, 3) == 3) {
    kernel.bandwidths = bandwidths.data();
    kernel.bandwidths_count = std::ssize(bandwidths);
  }
  set_size(in, kernel);
}

// Points, kernel and options of a call; queries are the seeds of mean shift.
template <class T>
struct Call {
  std::int64_t m, n, d;
  std::vector<T> queries, keys, weights, key_bandwidths;
  std::vector<double> bandwidths;
  std::vector<std::int64_t> own;
  vicinal_kernel kernel;
  vicinal_options o;
  Sets<T> sets;

  explicit Call(Provider& in)
      : m(count(in, 12)), n(count(in, in.ConsumeBool() ? 20 : 300)), d(count(in, 4)) {
    queries = numbers<T>(in, real(m) * real(d));
    keys = numbers<T>(in, real(n) * real(d));
    if (!in.ConsumeBool()) settle(queries), settle(keys);
    bandwidths = numbers<double>(in, in.ConsumeBool() ? real(d) : 2);
    set_kernel(in, kernel, bandwidths);
    vicinal_options_init(&o, sizeof o);
    o.kernels = &kernel, o.kernels_count = 1;
    weights = numbers<T>(in, real(n));
    if (in.ConsumeIntegralInRange(0, 3) == 3)
      (in.ConsumeBool() ? o.weights : o.log_weights) = weights.data();
    key_bandwidths = numbers<T>(in, real(n));
    if (in.ConsumeIntegralInRange(0, 3) == 3) o.key_bandwidths = key_bandwidths.data();
    o.tol = in.ConsumeIntegralInRange(0, 3) == 3 ? number(in) : 0;
    o.num_threads = 2 - in.ConsumeIntegralInRange(0, 3);
  }
  // Only what is finite goes past the door of mean shift.
  static void settle(std::vector<T>& points) {
    for (T& x : points)
      if (!std::isfinite(x)) x = 0;
  }
  void set_pairs(Provider& in) {
    own.resize(static_cast<std::size_t>(real(m)));
    for (auto& i : own) i = in.ConsumeBool() ? 1 : in.ConsumeIntegral<std::int64_t>();
    if (in.ConsumeBool()) o.self_indices = own.data();
    o.exclude_self = in.ConsumeBool();
    o.empty = in.ConsumeIntegralInRange(0, 4);
    if (in.ConsumeBool()) o.neighbors = sets.make(in, m, n);
  }
  // True where the call is to be made again, by another number of threads.
  bool again(vicinal_status status) {
    if (status != VICINAL_OK) return false;
    o.num_threads = o.num_threads == 1 ? 2 : 1;
    return true;
  }
};

vicinal_status shift(const Call<float>& c, const vicinal_mean_shift_options& a,
                     const vicinal_ascents& to) {
  return checked(vicinal_mean_shift_f32(&c.o, &a, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                        &to, nullptr));
}
vicinal_status shift(const Call<double>& c, const vicinal_mean_shift_options& a,
                     const vicinal_ascents& to) {
  return checked(vicinal_mean_shift_f64(&c.o, &a, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                        &to, nullptr));
}

template <class T>
void ascend(Provider& in) {
  Call<T> c(in);
  vicinal_mean_shift_options a;
  vicinal_mean_shift_options_init(&a, sizeof a);
  a.alpha = in.ConsumeBool() ? number(in) : 1;
  a.tol = in.ConsumeBool() ? number(in) : 1e-3;
  a.max_iter = 30 - in.ConsumeIntegralInRange(0, 31);
  a.capture_radius = in.ConsumeBool() ? number(in) : 0;
  a.modes_count = in.ConsumeBool() ? count(in, 3) : 0;
  std::vector<T> modes = numbers<T>(in, real(a.modes_count) * real(c.d));
  a.modes = modes.data();
  set_size(in, a);
  const auto rows = static_cast<std::size_t>(real(c.m));
  std::vector<T> ends(rows * static_cast<std::size_t>(real(c.d))), before(ends);
  std::vector<std::int64_t> iterations(rows), mode(rows);
  std::vector<std::int8_t> status(rows);
  vicinal_ascents to;
  vicinal_ascents_init(&to, sizeof to);
  to.ends = ends.data(), to.before = before.data(), to.iterations = iterations.data();
  to.mode = mode.data(), to.status = status.data();
  set_size(in, to);
  if (!c.again(shift(c, a, to))) return;
  const auto first = std::tuple(ends, before, iterations, mode, status);
  check(shift(c, a, to) == VICINAL_OK);
  check(same(std::get<0>(first), ends) && same(std::get<1>(first), before));
  check(std::tie(iterations, mode, status) ==
        std::tie(std::get<2>(first), std::get<3>(first), std::get<4>(first)));
}

vicinal_status weigh(const Call<float>& c, const vicinal_lle_options& o,
                     const std::vector<std::int64_t>& rows, std::int64_t k, std::vector<float>& w) {
  return checked(vicinal_lle_weights_f32(&o, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                         rows.data(), k, w.data(), nullptr));
}
vicinal_status weigh(const Call<double>& c, const vicinal_lle_options& o,
                     const std::vector<std::int64_t>& rows, std::int64_t k,
                     std::vector<double>& w) {
  return checked(vicinal_lle_weights_f64(&o, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                         rows.data(), k, w.data(), nullptr));
}

// Weights of neighbors: 0 where there are none, NaN, or a sum of 1.
template <class T>
void check_sums(const std::vector<T>& weights, std::int64_t m, std::int64_t k) {
  for (std::int64_t i = 0; i < m; ++i) {
    double sum = 0, size = 0;
    for (std::int64_t j = 0; j < k; ++j) {
      const double w = weights[static_cast<std::size_t>(i * k + j)];
      sum += w, size += std::abs(w);
    }
    check(size == 0 || !std::isfinite(size) || std::abs(sum - 1) <= 1e-3 * size);
  }
}

template <class T>
void embed(Provider& in) {
  Call<T> c(in);
  const std::int64_t k = count(in, 9);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(real(c.m) * real(k)));
  const bool sound = !in.ConsumeBool();
  for (auto& row : rows)
    row = sound ? in.ConsumeIntegralInRange<std::int64_t>(-1,
                                                          std::max<std::int64_t>(real(c.n), 1) - 1)
                : in.ConsumeIntegral<std::int64_t>();
  vicinal_lle_options o;
  vicinal_lle_options_init(&o, sizeof o);
  o.reg = in.ConsumeBool() ? number(in) : 1e-3;
  o.ridge = 1 - in.ConsumeIntegralInRange(0, 2);
  o.num_threads = c.o.num_threads;
  set_size(in, o);
  std::vector<T> weights(rows.size());
  if (weigh(c, o, rows, k, weights) != VICINAL_OK) return;
  check_sums(weights, real(c.m), real(k));
  const std::vector<T> first = weights;
  o.num_threads = o.num_threads == 1 ? 2 : 1;
  check(weigh(c, o, rows, k, weights) == VICINAL_OK);
  check(same(first, weights));
}

void fit(Provider& in) {
  Call<double> c(in);
  c.set_pairs(in);
  const std::int64_t p = count(in, 3);
  const std::vector<double> values = numbers<double>(in, real(c.n) * real(p));
  vicinal_local_fit_options f;
  vicinal_local_fit_options_init(&f, sizeof f);
  f.degree = 1 - in.ConsumeIntegralInRange(0, 3);
  f.ridge = in.ConsumeBool() ? number(in) : 0;
  set_size(in, f);
  const auto room = [&](std::int64_t columns) {
    return std::vector<double>(static_cast<std::size_t>(real(c.m) * columns));
  };
  std::vector<double> fitted = room(real(p)), slopes = room(real(c.d) * real(p)),
                      errors = room((1 + real(c.d)) * real(p)), self_weight = room(1);
  std::int64_t regularized = 0;
  vicinal_fits to;
  vicinal_fits_init(&to, sizeof to);
  to.fitted = fitted.data(), to.regularized = &regularized;
  if (f.degree != 0) to.slopes = slopes.data();
  if (in.ConsumeBool()) to.standard_errors = errors.data();
  if (in.ConsumeBool()) to.self_weight = self_weight.data();
  set_size(in, to);
  const auto call = [&] {
    return checked(vicinal_local_fit_f64(&c.o, &f, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                         values.data(), p, &to, nullptr));
  };
  if (!c.again(call())) return;
  const auto first = std::tuple(fitted, slopes, errors, self_weight);
  check(call() == VICINAL_OK);
  check(same(std::get<0>(first), fitted) && same(std::get<1>(first), slopes));
  check(same(std::get<2>(first), errors) && same(std::get<3>(first), self_weight));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Provider in(data, size);
  switch (in.ConsumeIntegralInRange(0, 4)) {
    case 0:
      ascend<float>(in);
      break;
    case 1:
      ascend<double>(in);
      break;
    case 2:
      embed<float>(in);
      break;
    case 3:
      embed<double>(in);
      break;
    default:
      fit(in);
  }
  return 0;
}
