// A row's bits depend on the row, the keys and the kernel: not on threads, batches, blocks or
// paths.
#include <doctest/doctest.h>

#include "every_kernel.hpp"

using namespace vicinal;

namespace {

// A part of every statistic that one row of any batch has.
template <class T>
void stats(const KernelSum& kernel, const sample::Points<T>& points, sample::Outputs<T>& out,
           Options<T> options, std::span<const std::int64_t> own, bool top) {
  Statistics<T> statistics = out.all();
  if (!top) statistics.top_k_indices = {}, statistics.top_k_weights = {};
  options.self_indices = own;
  local_stats(kernel, points.queries.view(), points.keys.view(), points.values.view(), statistics,
              options);
}

template <class T>
std::vector<std::int64_t> own_of(std::int64_t m, std::int64_t n) {
  std::vector<std::int64_t> own(static_cast<std::size_t>(m));
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = static_cast<std::int64_t>(i * 7) % n;
  return own;
}

std::vector<every::Case> some_cases() {
  std::vector<every::Case> cases = every::similarity_cases();
  for (const every::Case& c : every::distance_cases())
    if (c.name.find("euclidean, d = 3") != std::string::npos || c.name.find("gaussian") == 0 ||
        c.name.find("triangular, columns") == 0)
      cases.push_back(c);
  return cases;
}

}  // namespace

TEST_CASE_TEMPLATE("any number of threads, on either path", T, float, double) {
  // 15 rows of 40,000 keys: up to ten threads share the chunks of one block. 2,000 rows of 300
  // keys: they share the blocks. With top_k asked for there is no sharing of chunks.
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{15, 40000}, {2000, 300}})
    for (const std::int64_t p : {1, 9})
      for (const bool top : {false, true}) {
        const sample::Points<T> points(m, n, 3, p);
        const auto own = own_of<T>(m, n);
        sample::Outputs<T> alone(m, n, p, 3), team(m, n, p, 3);
        const Kernel kernel{.bandwidth = 0.3};
        stats<T>(kernel, points, alone, {.num_threads = 1}, own, top);
        for (int threads = 2; threads <= 16; ++threads) {
          team = sample::Outputs<T>(m, n, p, 3);
          stats<T>(kernel, points, team, {.num_threads = threads}, own, top);
          CHECK_MESSAGE(team == alone, m, " rows, ", p, " columns, ", threads, " threads, top ",
                        top);
        }
      }
}

TEST_CASE_TEMPLATE("threads, every kernel", T, float, double) {
  for (const every::Case& c : some_cases()) {
    const auto points = every::points_for<T>(c, 26, 8400, 1);
    const auto alone = points.mean(c.kernel, {.num_threads = 1});
    for (const int threads : {2, 3, 7})
      CHECK_MESSAGE(sample::same_bits(points.mean(c.kernel, {.num_threads = threads}), alone),
                    c.name);
  }
}

TEST_CASE_TEMPLATE("one row alone, and any batch of rows", T, float, double) {
  for (const every::Case& c : some_cases()) {
    const auto points = every::points_for<T>(c, 61, 700, 3);
    const auto together = points.mean(c.kernel);
    auto part = points;
    for (const std::int64_t m : {1, 5, 6, 13, 25}) {
      part.queries = sample::Matrix<T>(m, c.d);
      for (std::int64_t first = 0; first + m <= 61; first += 12) {
        std::memcpy(part.queries.data.data(), points.queries.row(first),
                    part.queries.data.size() * sizeof(T));
        const auto means = part.mean(c.kernel);
        CHECK_MESSAGE(
            std::memcmp(means.data.data(), together.row(first), means.data.size() * sizeof(T)) == 0,
            c.name, ", rows ", first, " to ", first + m);
      }
    }
  }
}

TEST_CASE_TEMPLATE("rows in any order, far ones among near ones", T, float, double) {
  auto points = sample::Points<T>(97, 900, 3, 2);
  for (std::int64_t i = 0; i < 97; i += 3) points.queries.row(i)[0] += static_cast<T>(30 + i);
  points.queries.row(4)[1] = std::numeric_limits<T>::quiet_NaN();
  points.queries.row(5)[1] = std::numeric_limits<T>::infinity();
  const Kernel kernel{.bandwidth = 0.2};
  const auto means = points.mean(kernel);
  auto shuffled = points;
  const auto place = [](std::int64_t i) { return i * 40 % 97; };
  for (std::int64_t i = 0; i < 97; ++i)
    std::copy_n(points.queries.row(i), 3, shuffled.queries.row(place(i)));
  const auto moved = shuffled.mean(kernel);
  for (std::int64_t i = 0; i < 97; ++i)
    CHECK(std::memcmp(moved.row(place(i)), means.row(i), 2 * sizeof(T)) == 0);
}

TEST_CASE_TEMPLATE("a batch of problems and each alone", T, float, double) {
  const Kernel kernel{.profile = Profile::softmax, .bandwidth = 2};
  std::vector<sample::Points<T>> heads;
  for (unsigned head = 0; head < 5; ++head) heads.emplace_back(70, 600, 16, 16, 10 * head);
  for (const int threads : {1, 2, 5}) {
    std::vector<sample::Matrix<T>> means(5, sample::Matrix<T>(70, 16));
    std::vector<BatchItem<T>> batch;
    for (std::size_t i = 0; i < 5; ++i)
      batch.push_back({.queries = std::as_const(heads[i].queries).view(),
                       .keys = std::as_const(heads[i].keys).view(),
                       .values = std::as_const(heads[i].values).view(),
                       .statistics = {.mean = means[i].view()}});
    local_stats(kernel, std::span<const BatchItem<T>>(batch), {.num_threads = threads});
    for (std::size_t i = 0; i < 5; ++i)
      CHECK(sample::same_bits(means[i], heads[i].mean(kernel, {.num_threads = 1})));
  }
}

TEST_CASE_TEMPLATE("keys of weight 0 at the end change nothing", T, float, double) {
  const sample::Points<T> points(20, 4000, 12, 2);
  auto longer = sample::Points<T>(20, 4300, 12, 2);
  longer.queries = points.queries;
  std::copy(points.keys.data.begin(), points.keys.data.end(), longer.keys.data.begin());
  std::copy(points.values.data.begin(), points.values.data.end(), longer.values.data.begin());
  std::vector<T> weights(4300, 1), ones(4000, 1);
  std::fill(weights.begin() + 4000, weights.end(), T(0));
  const Kernel kernel{.bandwidth = 3};
  CHECK(sample::same_bits(points.mean(kernel, {.weights = ones}),
                          longer.mean(kernel, {.weights = weights})));
  CHECK(sample::same_bits(points.mean(kernel), points.mean(kernel, {.weights = ones})));
}
