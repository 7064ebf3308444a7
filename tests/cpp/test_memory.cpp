// Out of memory: when the k-th allocation fails, for every k, std::bad_alloc comes out, nothing is
// left behind, and the next call gives the right answer.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "sample.hpp"
#include "vicinal/partial.hpp"
#include "vicinal/tabulate.hpp"
#include "vicinal/vicinal.h"

namespace {

std::atomic<long> allocations{0}, alive{0}, fail_at{-1};

void* allocate(std::size_t size, std::size_t alignment) {
  if (allocations++ == fail_at) throw std::bad_alloc();
  ++alive;
  void* p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void release(void* p) {
  if (p != nullptr) --alive;
  std::free(p);
}

}  // namespace

void* operator new(std::size_t n) { return allocate(n, alignof(std::max_align_t)); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate(n, std::size_t(a)); }
void operator delete(void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }

using namespace vicinal;

namespace {

// Calls `work` with its first allocation failing, then its second, until it succeeds. `failed` says
// whether memory ran out, as an exception or as a status.
template <class Work>
long fail_everywhere(Work&& work) {
  work();  // what is allocated once and kept
  long k = 0;
  for (bool failed = true; failed; ++k) {
    const long before = alive;
    allocations = 0;
    fail_at = k;
    try {
      failed = work();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    fail_at = -1;
    if (alive != before) FAIL("allocation " << k << ": " << alive - before << " not freed");
    if (k > 10000) FAIL("no end");
  }
  MESSAGE((k - 1), " allocations failed in turn");
  return k;
}

bool ran_out(vicinal_status status) {
  CHECK((status == VICINAL_OK || status == VICINAL_ERROR_OUT_OF_MEMORY));
  return status != VICINAL_OK;
}

const Kernel kernel{.bandwidth = 0.5};

}  // namespace

TEST_CASE_TEMPLATE("local means, one thread and two, few rows and many", T, float, double) {
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{5, 9000}, {300, 200}})
    for (const int threads : {1, 2}) {
      const sample::Points<T> points(m, n, 12, 3);
      const auto expected = points.mean(kernel);
      sample::Matrix<T> means(m, 3);
      CHECK(fail_everywhere([&] {
              points.mean(kernel, means, {.num_threads = threads});
              return false;
            }) > 10);
      CHECK(sample::same_bits(means, expected));
    }
}

TEST_CASE("every statistic of a composed kernel") {
  const sample::Points<float> points(20, 300, 3, 2);
  const std::int64_t columns[] = {2, 0};
  const Kernel chosen{.profile = Profile::laplace, .columns = columns};
  const KernelSum sum({Term{1, {kernel, chosen}}, Term{0.5, {chosen}}});
  sample::Outputs<float> out(20, 300, 2, 0);
  auto statistics = out.all();
  statistics.self_weight = {};
  statistics.top_k_indices = {}, statistics.top_k_weights = {};
  fail_everywhere([&] {
    local_stats(sum, points.queries.view(), points.keys.view(), points.values.view(), statistics);
    return false;
  });
}

TEST_CASE("building a state, updating, merging, finishing") {
  const sample::Points<double> points(20, 600, 3, 2);
  const StateStatistics wanted{.ess = true, .covariance = true, .count = true, .top_k = 3};
  sample::Outputs<double> out(20, 0, 2, 3);
  auto statistics = out.all();
  statistics.self_weight = {}, statistics.weights = {}, statistics.variance = {};
  fail_everywhere([&] {
    PartialState<double> state(kernel, {points.queries.view()}, 2, wanted);
    auto other = PartialState<double>(kernel, {points.queries.view()}, 2, wanted);
    const BatchItem<double> item{.keys = points.keys.view(), .values = points.values.view()};
    state.update({&item, 1}, {.num_threads = 2});
    other.update({&item, 1}, {.key_offset = 600});
    state.merge(other);
    state.finish({&statistics, 1});
    return false;
  });
}

TEST_CASE("a state that ran out of memory is what it was") {
  const sample::Points<float> points(9, 500, 3, 2);
  const BatchItem<float> first{.keys = {points.keys.row(0), 200, 3},
                               .values = {points.values.row(0), 200, 2}};
  const BatchItem<float> second{.keys = {points.keys.row(200), 300, 3},
                                .values = {points.values.row(200), 300, 2}};
  const auto finish = [&](const PartialState<float>& state) {
    sample::Matrix<float> means(9, 2);
    const Statistics<float> statistics{.mean = means.view()};
    state.finish({&statistics, 1});
    return means;
  };
  // Each update fails at each of its allocations until it succeeds; the answer must not know.
  const auto stubborn = [&](PartialState<float>& state, const BatchItem<float>& item) {
    for (long k = 0;; ++k) {
      allocations = 0;
      fail_at = k;
      bool done = true;
      try {
        state.update({&item, 1});
      } catch (const std::bad_alloc&) {
        done = false;
      }
      fail_at = -1;
      if (done) return;
    }
  };
  PartialState<float> calm(kernel, {points.queries.view()}, 2, {}), tried(std::move(calm));
  PartialState<float> plain(kernel, {points.queries.view()}, 2, {});
  plain.update({&first, 1});
  plain.update({&second, 1});
  stubborn(tried, first);
  stubborn(tried, second);
  CHECK(sample::same_bits(finish(tried), finish(plain)));
}

TEST_CASE("the C ABI") {
  const sample::Points<float> points(20, 300, 3, 2);
  sample::Matrix<float> means(20, 2);
  const auto local_mean = [&] {
    return vicinal_local_mean_f32(nullptr, points.queries.data.data(), 20, points.keys.data.data(),
                                  300, 3, points.values.data.data(), 2, means.data.data());
  };
  fail_everywhere([&] { return ran_out(local_mean()); });
  fail_everywhere([&] {
    vicinal_state* state = nullptr;
    vicinal_status status = vicinal_state_create_f32(nullptr, points.queries.data.data(), 20, 3, 2,
                                                     VICINAL_WANT_ESS, 2, &state);
    CHECK((status == VICINAL_OK || state == nullptr));
    if (status == VICINAL_OK)
      status = vicinal_state_update_f32(state, nullptr, points.keys.data.data(), 300,
                                        points.values.data.data());
    vicinal_state_free(state);
    return ran_out(status);
  });
  CHECK(local_mean() == VICINAL_OK);
  CHECK(sample::same_bits(means, points.mean(Kernel{})));
}

TEST_CASE("an index, its searches and its local means through the C ABI") {
  const sample::Points<float> points(40, 6000, 2, 1);
  const auto *queries = points.queries.data.data(), *keys = points.keys.data.data();
  sample::Matrix<float> means(40, 1), distances(40, 5);
  sample::Matrix<std::int64_t> indices(40, 5);
  vicinal_options options;
  CHECK(vicinal_options_init(&options, sizeof options) == VICINAL_OK);
  options.tol = 1e-6, options.num_threads = 2;
  const auto create = [&](vicinal_index** index) {
    return vicinal_index_create_f32(nullptr, keys, 6000, 2, index);
  };
  const auto knn = [&](const vicinal_index* index) {
    return vicinal_knn_f32(index, nullptr, queries, 40, 5, distances.data.data(),
                           indices.data.data(), nullptr);
  };
  CHECK(fail_everywhere([&] {
          vicinal_index* index = nullptr;
          const vicinal_status status = create(&index);
          CHECK((status == VICINAL_OK) == (index != nullptr));
          vicinal_index_free(index);
          return ran_out(status);
        }) > 10);
  vicinal_index* index = nullptr;
  REQUIRE(create(&index) == VICINAL_OK);
  CHECK(fail_everywhere([&] { return ran_out(knn(index)); }) > 10);
  CHECK(fail_everywhere([&] {
          vicinal_neighbor_lists* lists = nullptr;
          const vicinal_status status =
              vicinal_radius_neighbors_f32(index, nullptr, queries, 40, 0.1, &lists, nullptr);
          CHECK((status == VICINAL_OK) == (lists != nullptr));
          vicinal_neighbor_lists_free(lists);
          return ran_out(status);
        }) > 10);
  options.index = index;
  CHECK(fail_everywhere([&] {
          return ran_out(vicinal_local_mean_f32(&options, queries, 40, keys, 6000, 2,
                                                points.values.data.data(), 1, means.data.data()));
        }) > 10);
  CHECK(sample::same_bits(means, points.mean(Kernel{}, {.tol = 1e-6})));
  const auto found = indices;
  CHECK(knn(index) == VICINAL_OK);
  CHECK(sample::same_bits(indices, found));
  vicinal_index_free(index);
}

TEST_CASE("refusals") {
  const sample::Points<float> points(2, 3, 1, 1);
  sample::Matrix<float> means(2, 1);
  fail_everywhere([&] {
    try {
      points.mean(Kernel{.bandwidth = -1}, means);
    } catch (const std::invalid_argument&) {
    }
    return false;
  });
}
