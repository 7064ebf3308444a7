// The inputs of one local mean, such as no caller should pass, and the buffers behind its pointers.
#pragma once

#include "hostile_sets.hpp"

namespace hostile {

inline double bump(double u) { return 1 / (1 + u); }
inline double wild(double u) { return u > 1 ? -u : std::numeric_limits<double>::quiet_NaN(); }

template <class T>
struct Inputs {
  std::int64_t m, n, d, p;
  std::vector<T> queries, keys, values, weights, bias, key_bandwidths, query_bandwidths;
  std::vector<double> bandwidths, components;
  std::vector<std::int64_t> columns, own;
  std::vector<std::uint8_t> mask;
  std::vector<vicinal_kernel> kernels;
  Sets<T> sets;
  vicinal_options o;

  explicit Inputs(Provider& in) {
    m = count(in, 20), n = count(in, in.ConsumeBool() ? 20 : 300);
    d = count(in, in.ConsumeBool() ? 3 : 12), p = count(in, 5);
    queries = numbers<T>(in, real(m) * real(d));
    keys = numbers<T>(in, real(n) * real(d));
    values = numbers<T>(in, real(n) * real(p));
    set_kernels(in);
    set_options(in);
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
  void change_threads() { o.num_threads = o.num_threads == 1 ? 2 : 1; }
};

}  // namespace hostile
