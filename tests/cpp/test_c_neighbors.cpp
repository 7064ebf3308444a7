// Sets of neighbors and bandwidths of keys and queries through the C ABI: the bits of C++, and
// nothing of them for programs that were built before.
#include <doctest/doctest.h>

#include <cstddef>

#include "c_set_call.hpp"
#include "vicinal/partial.hpp"

using namespace vicinal;
using namespace c_caller;
using sample::infinity, sample::Ints, sample::rows, sample::sets;

namespace {

template <class T>
std::vector<T> between(std::int64_t n, double low, double high, unsigned seed) {
  sample::Numbers numbers(seed);
  std::vector<T> all(static_cast<std::size_t>(n));
  for (T& x : all) x = static_cast<T>(numbers.uniform(low, high));
  return all;
}

template <class T, class Update, class Finish, class Create>
sample::Matrix<T> streamed(Call<T>& c, Create create, Update update, Finish finish) {
  vicinal_state* state = nullptr;
  sample::Matrix<T> means(rows, 2);
  vicinal_statistics s = statistics();
  s.mean = means.data.data();
  REQUIRE(create(&c.o, c.points.queries.data.data(), rows, 2, 2, 0, 0, &state) == VICINAL_OK);
  for (const auto& [first, n] : {std::pair{0, 70}, {70, 141}, {211, 89}}) {
    c.o.key_offset = first;
    REQUIRE_MESSAGE(
        update(state, &c.o, c.points.keys.row(first), n, c.points.values.row(first)) == VICINAL_OK,
        std::string(vicinal_last_error()));
  }
  REQUIRE(finish(state, &c.o, &s, nullptr) == VICINAL_OK);
  vicinal_state_free(state);
  return means;
}

// vicinal_options as it was before `neighbors`: what a program built then passes.
constexpr std::size_t older_size = offsetof(vicinal_options, neighbors);
static_assert(older_size == offsetof(vicinal_options, index) + sizeof(void*));

}  // namespace

TEST_CASE_TEMPLATE("every set gives the bits of C++", T, float, double) {
  Call<T> c;
  for (const auto& [name, set] : sets().cases)
    for (const int threads : {1, 2}) {
      CAPTURE(name);
      const Set made = set_of(set);
      c.o.neighbors = made.get(), c.o.num_threads = threads;
      c.check_equals({.neighbors = set});
    }
}

TEST_CASE_TEMPLATE("graphs of distances and of weights", T, float, double) {
  Call<T> c;
  const Ints &indptr = sets().indptr, &indices = sets().indices;
  const auto far = between<T>(std::ssize(indices), 0, 2, 3),
             weights = between<T>(std::ssize(indices), -1, 3, 4);
  const std::span<const T> distances(far), numbers(weights);
  const NeighborSet by_distance =
      graph(indptr, indices, distances, EdgeData::distance) & window(150, infinity) & nearest(5);
  const Set first = set_of(by_distance);
  c.o.neighbors = first.get();
  c.check_equals({.neighbors = by_distance});
  const NeighborSet known = graph(indptr, indices, numbers, EdgeData::weight);
  const Set second = set_of(known);
  c.o.neighbors = second.get(), c.k.profile = VICINAL_CONSTANT;
  c.check_equals({.neighbors = known}, Kernel{.profile = Profile::constant, .bandwidth = 0.8});
}

TEST_CASE_TEMPLATE("bandwidths of keys and of queries", T, float, double) {
  Call<T> c;
  const auto of_keys = between<T>(rows, 0.2, 2, 5), of_queries = between<T>(rows, 0.5, 3, 6);
  const Set near = set_of(window(40, 40));
  for (const int which : {1, 2, 3, 7}) {
    Options<T> options;
    c.o.key_bandwidths = c.o.query_bandwidths = nullptr, c.o.neighbors = nullptr;
    if (which & 1) options.key_bandwidths = of_keys, c.o.key_bandwidths = of_keys.data();
    if (which & 2) options.query_bandwidths = of_queries, c.o.query_bandwidths = of_queries.data();
    if (which & 4) options.neighbors = window(40, 40), c.o.neighbors = near.get();
    c.check_equals(options);
  }
}

TEST_CASE_TEMPLATE("query_offset and key_offset say where rows stand", T, float, double) {
  Call<T> c;
  const Set set = set_of(window(30, 10));
  c.o.neighbors = set.get();
  REQUIRE(c.run() == VICINAL_OK);
  const auto whole = c.out.mean;
  sample::Matrix<T> part(100, 2);
  c.o.query_offset = 120, c.o.key_offset = 60;  // rows 120 … 219 see keys 90 … 229
  REQUIRE(Api<T>::local_mean(&c.o, c.points.queries.row(120), 100, c.points.keys.row(60), 200, 2,
                             c.points.values.row(60), 2, part.data.data()) == VICINAL_OK);
  for (std::int64_t i = 0; i < 100; ++i)
    for (std::int64_t j = 0; j < 2; ++j)
      CHECK(std::abs(part.row(i)[j] - whole.row(120 + i)[j]) <= (sizeof(T) == 4 ? 1e-5 : 1e-13));
}

TEST_CASE("states meet sets in pieces") {
  Call<float> single;
  Call<double> twice;
  const auto f = between<float>(rows, 0.5, 3, 6);
  const auto d = between<double>(rows, 0.5, 3, 6);
  for (const auto& [name, set] : sets().cases) {
    if (naive::finds_nearest(set)) continue;
    CAPTURE(name);
    const Set made = set_of(set);
    single.o.neighbors = twice.o.neighbors = made.get();
    single.o.query_bandwidths = f.data(), twice.o.query_bandwidths = d.data();
    const auto a = streamed(single, vicinal_state_create_f32, vicinal_state_update_f32,
                            vicinal_state_finish_f32);
    const auto b = streamed(twice, vicinal_state_create_f64, vicinal_state_update_f64,
                            vicinal_state_finish_f64);
    const auto c =
        single.points.mean(Kernel{.bandwidth = 0.8}, {.query_bandwidths = f, .neighbors = set});
    const auto e =
        twice.points.mean(Kernel{.bandwidth = 0.8}, {.query_bandwidths = d, .neighbors = set});
    for (std::size_t i = 0; i < e.data.size(); ++i) {
      REQUIRE(sample::close(a.data[i], naive::Real(c.data[i])));
      REQUIRE(sample::close(b.data[i], naive::Real(e.data[i])));
    }
  }
}

TEST_CASE("a set outlives what it was joined of, and serves several calls") {
  Call<double> c;
  vicinal_neighbors* joined = nullptr;
  {
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(sample::edges * sample::edges), 200);
    mask[3] = 0;
    const Set a = set_from(vicinal_neighbors_blocks, mask.data(), sample::edges, sample::edges,
                           VICINAL_CONTIGUOUS, sample::edge);
    Ints offsets{0, 100, rows};
    const Set b =
        set_from(vicinal_neighbors_segments, offsets.data(), offsets.data(), std::ssize(offsets));
    REQUIRE(vicinal_neighbors_and(a.get(), b.get(), &joined) == VICINAL_OK);
    std::fill(mask.begin(), mask.end(), std::uint8_t{0});
    std::fill(offsets.begin(), offsets.end(), 7);
  }
  const Set owner(joined);
  std::array<bool, sample::edges * sample::edges> used;
  used.fill(true);
  used[3] = false;
  const Ints offsets{0, 100, rows};
  c.o.neighbors = joined;
  for (int i = 0; i < 2; ++i)
    c.check_equals({.neighbors = blocks({used.data(), sample::edges, sample::edges}, sample::edge) &
                                 segments(offsets, offsets)});
}

TEST_CASE("a program that was built before neighbors") {
  Call<double> c;
  alignas(vicinal_options) unsigned char bytes[sizeof(vicinal_options)];
  std::memset(bytes, 0xff, sizeof bytes);
  auto* given = reinterpret_cast<vicinal_options*>(bytes);
  REQUIRE(vicinal_options_init(given, older_size) == VICINAL_OK);
  for (std::size_t i = older_size; i < sizeof bytes; ++i) CHECK(bytes[i] == 0xff);
  given->kernels = &c.k, given->kernels_count = 1;
  sample::Matrix<double> means(rows, 2);
  REQUIRE(vicinal_local_mean_f64(given, c.points.queries.data.data(), rows,
                                 c.points.keys.data.data(), rows, 2, c.points.values.data.data(), 2,
                                 means.data.data()) == VICINAL_OK);
  CHECK(sample::same_bits(means, c.points.mean(Kernel{.bandwidth = 0.8})));
}
