// Keys and values in pages have the bits of the same rows in one piece, whatever a page holds.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

#include "every_kernel.hpp"

using namespace vicinal;

namespace {

constexpr std::int64_t n = 1100, p = 3, k = 4;

// The rows of a matrix in pages that stand in memory from the last to the first.
template <class T>
struct Pages {
  std::vector<T> memory;
  std::vector<const T*> first;

  Pages(const sample::Matrix<T>& rows, std::int64_t page) {
    const std::int64_t count = (rows.rows + page - 1) / page, size = page * rows.columns;
    memory.assign(static_cast<std::size_t>(count * size), std::numeric_limits<T>::quiet_NaN());
    for (std::int64_t i = 0; i < count; ++i) {
      T* at = memory.data() + (count - 1 - i) * size;
      std::copy(rows.row(i * page), rows.row(std::min((i + 1) * page, rows.rows)), at);
      first.push_back(at);
    }
  }
};

template <class T>
sample::Outputs<T> stats(const KernelSum& kernel, const sample::Points<T>& points,
                         Options<T> options, std::int64_t page) {
  const std::int64_t m = points.queries.rows;
  sample::Outputs<T> out(m, points.keys.rows, points.values.columns, k);
  const Pages<T> keys(points.keys, std::max<std::int64_t>(page, 1)),
      values(points.values, std::max<std::int64_t>(page, 1));
  const std::vector<std::int64_t> own(static_cast<std::size_t>(m), 3);
  BatchItem<T> item{.queries = points.queries.view(),
                    .keys = points.keys.view(),
                    .values = points.values.view(),
                    .statistics = out.all(),
                    .self_indices = own};
  if (page > 0) {
    item.keys.data = keys.first[0];
    item.values.data = values.first[0];
    item.key_pages = keys.first;
    item.value_pages = values.first;
    options.page_rows = page;
  }
  local_stats(kernel, std::span<const BatchItem<T>>(&item, 1), options);
  return out;
}

template <class T>
void check_pages(const KernelSum& kernel, const sample::Points<T>& points,
                 const Options<T>& options = {}) {
  const auto whole = stats(kernel, points, options, 0);
  for (const std::int64_t page : {1, 60, 256, 300, 512, 2000}) {
    CAPTURE(page);
    CHECK(stats(kernel, points, options, page) == whole);
  }
}

bool is_compact(Profile profile) {
  static const std::set<Profile> compact = {
      Profile::epanechnikov, Profile::biweight, Profile::triweight, Profile::tricube,
      Profile::triangular,   Profile::cosine,   Profile::uniform,   Profile::wendland_c2};
  return compact.contains(profile);
}

template <class T>
std::string refusal(const KernelSum& kernel, const Options<T>& options, std::int64_t page = 256) {
  try {
    stats(kernel, sample::Points<T>(2, n, 2, p), options, page);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE_TEMPLATE("pages have the bits of one piece, every kernel", T, float, double) {
  for (const auto& cases : {every::distance_cases(), every::similarity_cases()})
    for (const every::Case& c : cases) {
      CAPTURE(c.name);
      if (is_compact(c.kernel.profile)) continue;
      check_pages<T>(c.kernel, {2, 600, c.d, p});
    }
}

TEST_CASE_TEMPLATE("one query, many, wide values and windows", T, float, double) {
  const Kernel softmax{.profile = Profile::softmax, .bandwidth = 8};
  for (const std::int64_t m : {1, 40})
    for (const std::int64_t columns : {1, 64}) {
      const sample::Points<T> points(m, n, 64, columns);
      check_pages<T>(softmax, points);
      check_pages<T>(softmax, points, {.neighbors = window(300, 5), .query_offset = n - m});
    }
}

TEST_CASE_TEMPLATE("the special rows of pages", T, float, double) {
  sample::Points<T> points(5, n, 2, p);
  points.keys.row(700)[1] = std::numeric_limits<T>::infinity();
  points.values.row(701)[2] = std::numeric_limits<T>::quiet_NaN();
  points.values.row(5)[0] = std::numeric_limits<T>::max();
  check_pages<T>(Kernel{.bandwidth = 0.5}, points);
  check_pages<T>(Kernel{.bandwidth = 1e-300}, points);  // the limit of the nearest keys
  check_pages<T>(Kernel{.profile = Profile::softmax}, points);
  const Kernel none{.profile = Profile::polynomial, .shape = 1, .rectified = true};
  for (sample::Matrix<T>* side : {&points.queries, &points.keys})  // q·x < 0: no key has a weight
    for (T& x : side->data) x = side == &points.queries ? T(-1) : std::abs(x);
  check_pages<T>(none, points, {.empty = Empty::nearest});
}

TEST_CASE_TEMPLATE("items in pages have keys of several numbers", T, float, double) {
  const std::vector<std::int64_t> lengths = {n, 0, 5, 256, 900};
  const sample::Points<T> points(2, n, 16, 64);
  const Pages<T> keys(points.keys, 60), values(points.values, 60);
  for (const Kernel& kernel : {Kernel{.profile = Profile::softmax, .bandwidth = 4},
                               Kernel{.profile = Profile::laplace, .bandwidth = 3}}) {
    std::vector<BatchItem<T>> items;
    std::vector<sample::Matrix<T>> means(lengths.size(), {2, 64});
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const auto pages = static_cast<std::size_t>((lengths[i] + 59) / 60);
      items.push_back({.queries = points.queries.view(),
                       .keys = {keys.first[0], lengths[i], 16},
                       .values = {values.first[0], lengths[i], 64},
                       .statistics = {.mean = means[i].view()},
                       .key_pages = std::span(keys.first).subspan(0, pages),
                       .value_pages = std::span(values.first).subspan(0, pages)});
    }
    Options<T> options{.page_rows = 60, .empty = Empty::zero, .num_threads = 2};
    const Report report = local_stats(kernel, std::span<const BatchItem<T>>(items), options);
    CHECK(report.pairs_visited == 2 * (n + 5 + 256 + 900));
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      sample::Matrix<T> alone(2, 64);
      local_mean(kernel, points.queries.view(), {points.keys.data.data(), lengths[i], 16},
                 {points.values.data.data(), lengths[i], 64}, alone.view(), {.empty = Empty::zero});
      CHECK(sample::same_bits(means[i], alone));
    }
  }
}

TEST_CASE("what needs keys in one piece refuses pages") {
  const std::string rule = "keys in pages are met in order";
  CHECK(refusal<double>(Kernel{.profile = Profile::uniform}, {}).starts_with(rule));
  CHECK(refusal<double>(Kernel{}, {.tol = 1e-3}).starts_with(rule));
  CHECK(refusal<double>(Kernel{}, {.neighbors = nearest(3)}).starts_with(rule));
  CHECK(refusal<double>(Kernel{}, {}, -1).empty());
  Options<double> negative;
  negative.page_rows = -1;
  CHECK(refusal<double>(Kernel{}, negative, 0) == "page_rows must be at least 0, got -1");
  Options<double> without;
  without.page_rows = 256;
  CHECK(refusal<double>(Kernel{}, without, 0) == "key_pages must have 5 rows, got 0");
}
