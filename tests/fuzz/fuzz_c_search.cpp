// libFuzzer against the search of the C ABI: whatever keys, metric, numbers and structures say,
// neighbors come in order and with the same bits for another number of threads, and a local mean
// has the same bits with the index and without.
#include <algorithm>

#include "hostile.hpp"

using namespace hostile;

namespace {

template <class T>
constexpr auto create = vicinal_index_create_f32;
template <>
constexpr auto create<double> = vicinal_index_create_f64;
template <class T>
constexpr auto find_nearest = vicinal_knn_f32;
template <>
constexpr auto find_nearest<double> = vicinal_knn_f64;
template <class T>
constexpr auto find_within = vicinal_radius_neighbors_f32;
template <>
constexpr auto find_within<double> = vicinal_radius_neighbors_f64;
template <class T>
constexpr auto get = vicinal_neighbor_lists_get_f32;
template <>
constexpr auto get<double> = vicinal_neighbor_lists_get_f64;
template <class T>
constexpr auto local_mean = vicinal_local_mean_f32;
template <>
constexpr auto local_mean<double> = vicinal_local_mean_f64;

template <class T>
struct Call {
  std::int64_t m, n, d, k;
  double radius;
  std::vector<T> keys, queries, distances;
  std::vector<double> components;
  std::vector<std::int64_t> own, indices;
  vicinal_kernel kernel;
  vicinal_options o;
  vicinal_search_options s;

  explicit Call(Provider& in) {
    const bool enough_for_a_tree = in.ConsumeIntegralInRange(0, 63) == 0;
    m = count(in, 30), n = enough_for_a_tree ? 5000 : count(in, in.ConsumeBool() ? 20 : 700);
    d = count(in, in.ConsumeBool() ? 3 : 12), k = count(in, in.ConsumeBool() ? 4 : 400);
    radius = number(in);
    keys = numbers<T>(in, real(n) * real(d));
    queries = numbers<T>(in, real(m) * real(d));
    distances.resize(static_cast<std::size_t>(real(m) * real(k)));
    indices.resize(distances.size());
    set_kernel(in);
    vicinal_options_init(&o, sizeof o);
    o.kernels = &kernel, o.kernels_count = in.ConsumeIntegral<std::uint8_t>() == 0 ? 0 : 1;
    o.num_threads = in.ConsumeIntegralInRange(-1, 3);
    o.tol = in.ConsumeBool() ? 0 : number(in);
    set_size(in, o);
    set_search(in);
  }

  void set_kernel(Provider& in) {
    vicinal_kernel_init(&kernel, sizeof kernel);
    kernel.profile = in.ConsumeIntegralInRange(0, 18);
    kernel.metric = in.ConsumeIntegralInRange(-1, 10);
    kernel.bandwidth = in.ConsumeBool() ? 1 : number(in);
    kernel.shape = 1.5;
    kernel.scale = in.ConsumeBool() ? 1 : number(in);
    components = numbers<double>(in, 24);
    kernel.components = components.data();
    kernel.components_rows = real(d) > 0 ? 24 / real(d) : 0;
    set_size(in, kernel);
  }
  void set_search(Provider& in) {
    vicinal_search_options_init(&s, sizeof s);
    own.resize(static_cast<std::size_t>(real(m)));
    for (auto& i : own) i = in.ConsumeBool() ? 1 : in.ConsumeIntegral<std::int64_t>();
    if (in.ConsumeBool()) s.self_indices = own.data();
    s.exclude_self = in.ConsumeBool();
    s.num_threads = in.ConsumeIntegralInRange(-1, 3);
    set_size(in, s);
  }
  void change_threads() { s.num_threads = s.num_threads == 1 ? 2 : 1; }
};

template <class T>
void check_sorted(const T* distances, const std::int64_t* rows, std::int64_t count,
                  std::int64_t n) {
  for (std::int64_t j = 0; j < count; ++j) {
    check(rows[j] >= -1 && rows[j] < n);
    if (j == 0 || rows[j] < 0) continue;
    check(rows[j - 1] >= 0 && distances[j] >= distances[j - 1]);
  }
}

template <class T>
void run_nearest(Call<T>& c, const vicinal_index* index) {
  const auto run = [&] {
    return checked(find_nearest<T>(index, &c.s, c.queries.data(), c.m, c.k, c.distances.data(),
                                   c.indices.data(), nullptr));
  };
  if (run() != VICINAL_OK) return;
  for (std::int64_t i = 0; i < c.m; ++i)
    check_sorted(c.distances.data() + i * c.k, c.indices.data() + i * c.k, c.k, c.n);
  const auto first = c.indices;
  c.change_threads();
  check(run() == VICINAL_OK);
  check(first == c.indices);
}

template <class T>
void run_within(Call<T>& c, const vicinal_index* index) {
  vicinal_neighbor_lists* lists = nullptr;
  const vicinal_status status =
      checked(find_within<T>(index, &c.s, c.queries.data(), c.m, c.radius, &lists, nullptr));
  check((status == VICINAL_OK) == (lists != nullptr));
  if (lists == nullptr) return;
  std::int64_t m = 0;
  const std::int64_t *indptr = nullptr, *indices = nullptr;
  const T* distances = nullptr;
  check(get<T>(lists, &m, &indptr, &indices, &distances) == VICINAL_OK);
  check(m == c.m && indptr[0] == 0);
  for (std::int64_t i = 0; i < m; ++i) {
    const std::int64_t count = indptr[i + 1] - indptr[i];
    check(count >= 0 && count <= c.n);
    check_sorted(distances + indptr[i], indices + indptr[i], count, c.n);
    check(std::find(indices + indptr[i], indices + indptr[i + 1], -1) == indices + indptr[i + 1]);
  }
  check(vicinal_neighbor_lists_free(lists) == VICINAL_OK);
}

template <class T>
void run_means(Call<T>& c, const vicinal_index* index) {
  const std::vector<T> values(static_cast<std::size_t>(c.n), T(2));
  std::vector<T> plain(static_cast<std::size_t>(real(c.m))), indexed(plain);
  const auto run = [&](std::vector<T>& means) {
    return checked(local_mean<T>(&c.o, c.queries.data(), c.m, c.keys.data(), c.n, c.d,
                                 values.data(), 1, means.data()));
  };
  c.o.index = nullptr;
  const vicinal_status status = run(plain);
  c.o.index = index;
  check(run(indexed) == status);
  if (status == VICINAL_OK && !plain.empty())
    check(std::memcmp(plain.data(), indexed.data(), plain.size() * sizeof(T)) == 0);
}

template <class T>
void run(Provider& in) {
  Call<T> c(in);
  vicinal_index* index = nullptr;
  const vicinal_status status = checked(create<T>(&c.o, c.keys.data(), c.n, c.d, &index));
  check((status == VICINAL_OK) == (index != nullptr));
  if (index != nullptr) {
    run_nearest(c, index);
    run_within(c, index);
    run_means(c, index);
  }
  check(vicinal_index_free(index) == VICINAL_OK);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Provider in(data, size);
  in.ConsumeBool() ? run<double>(in) : run<float>(in);
  return 0;
}
