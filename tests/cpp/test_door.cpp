// The door: whatever does not fit is refused with a message that names it, before anything is
// written.
#include <doctest/doctest.h>

#include <climits>
#include <functional>
#include <stdexcept>
#include <string>

#include "sample.hpp"
#include "vicinal/partial.hpp"

using namespace vicinal;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// The call must throw std::invalid_argument with every one of the words.
void refused(const std::function<void()>& call, std::initializer_list<const char*> words) {
  try {
    call();
    FAIL_CHECK("not refused: " << std::string(*words.begin()));
  } catch (const std::invalid_argument& error) {
    for (const char* word : words)
      CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos,
                    std::string(word) << " is not in: " << std::string(error.what()));
  } catch (const std::exception& error) {
    FAIL_CHECK("another exception: " << std::string(error.what()));
  }
}

struct Call {
  sample::Points<float> points{4, 6, 3, 2};
  sample::Matrix<float> out{4, 2};
  std::vector<float> row = std::vector<float>(4);
  std::vector<std::int64_t> whole = std::vector<std::int64_t>(4);

  View<const float> queries() { return std::as_const(points.queries).view(); }
  View<const float> keys() { return std::as_const(points.keys).view(); }
  View<const float> values() { return std::as_const(points.values).view(); }

  void kernel(const KernelSum& kernel, std::initializer_list<const char*> words) {
    refused([&] { local_mean(kernel, queries(), keys(), values(), out.view()); }, words);
  }
  void options(const Options<float>& options, std::initializer_list<const char*> words) {
    refused([&] { local_mean(Kernel{}, queries(), keys(), values(), out.view(), options); }, words);
  }
  void statistics(const Statistics<float>& statistics, std::initializer_list<const char*> words) {
    refused([&] { local_stats(Kernel{}, queries(), keys(), values(), statistics); }, words);
  }
};

}  // namespace

TEST_CASE("shapes") {
  Call c;
  const auto call = [&](View<const float> q, View<const float> x, View<const float> y,
                        View<float> o) { return [=] { local_mean(Kernel{}, q, x, y, o); }; };
  const float* at = c.points.keys.data.data();
  const auto q = c.queries(), x = c.keys(), y = c.values();
  const auto out = c.out.view();
  refused(call({at, 4, 2}, x, y, out), {"queries", "keys", "features", "2", "3"});
  refused(call(q, {at, 6, 0}, y, out), {"keys", "feature"});
  refused(call(q, x, {at, 5, 2}, out), {"values", "6", "5"});
  refused(call(q, x, y, {c.out.data.data(), 3, 2}), {"mean", "(4, 2)", "(3, 2)"});
  refused(call(q, x, y, {c.out.data.data(), 4, 1}), {"mean", "(4, 2)", "(4, 1)"});
  refused(call(q, x, {}, out), {"values"});
}

TEST_CASE("views that cannot be") {
  Call c;
  const float* at = c.points.keys.data.data();
  const auto call = [&](View<const float> q, View<const float> x) {
    return [&c, q, x] { local_mean(Kernel{}, q, x, c.values(), c.out.view()); };
  };
  refused(call({nullptr, 4, 3}, c.keys()), {"queries"});
  refused(call(c.queries(), {nullptr, 6, 3}), {"keys"});
  refused(call({at, -4, 3}, c.keys()), {"queries", "-4"});
  refused(call(c.queries(), {at, -6, 3}), {"keys", "-6"});
  refused(call(c.queries(), {at, 6, -3}), {"keys", "-3"});
  refused([&] { local_stats(Kernel{}, c.queries(), c.keys(), {c.values().data, 6, -2}, {}); },
          {"values", "-2"});
  // More features or columns than an int of tile arithmetic holds.
  const std::int64_t many = std::int64_t{INT_MAX} + 2;
  refused([&] { local_stats(Kernel{}, {at, 0, many}, {at, 0, many}, {}, {}); }, {"features"});
  refused([&] { local_stats(Kernel{}, {at, 0, 3}, {at, 0, 3}, {at, 0, many}, {}); }, {"values"});
}

TEST_CASE("kernels") {
  Call c;
  for (const double h : {0.0, -1.0, not_a_number, -infinity})
    c.kernel(Kernel{.bandwidth = h}, {"bandwidth"});
  const double two[] = {1, 2}, zero[] = {1, 0, 2};
  c.kernel(Kernel{.bandwidths = two}, {"bandwidth", "3", "2"});
  c.kernel(Kernel{.bandwidths = zero}, {"bandwidth", "0"});
  const std::int64_t high[] = {0, 3}, low[] = {-1};
  c.kernel(Kernel{.columns = high}, {"columns", "3"});
  c.kernel(Kernel{.columns = low}, {"columns", "-1"});
  c.kernel(Kernel{.profile = Profile::matern, .shape = 1}, {"shape", "0.5, 1.5 or 2.5"});
  for (const double degree : {0.0, -2.0, 1.5, not_a_number, infinity})
    c.kernel(Kernel{.profile = Profile::polynomial, .shape = degree}, {"degree"});
  for (const Profile profile :
       {Profile::student_t, Profile::rational_quadratic, Profile::inverse_distance})
    for (const double shape : {0.0, -1.0, not_a_number, infinity})
      c.kernel(Kernel{.profile = profile, .shape = shape}, {"shape"});
  for (const double cap : {-1.0, not_a_number})
    c.kernel(Kernel{.profile = Profile::softmax, .shape = cap}, {"softcap"});
  c.kernel(Kernel{.profile = Profile::polynomial, .shape = 2, .offset = not_a_number}, {"offset"});
  c.kernel(Kernel{.profile = Profile::sigmoid, .offset = infinity}, {"offset"});
  c.kernel(Kernel{.profile = Profile::function}, {"function"});
  c.kernel(Kernel{.profile = Profile::table}, {"table"});
  for (const Profile profile : {Profile::inverse_distance, Profile::polynomial, Profile::sigmoid})
    c.kernel(Kernel{.profile = profile, .bandwidth = infinity, .shape = 2}, {"bandwidth", "inf"});
}

TEST_CASE("metrics") {
  Call c;
  c.kernel(Kernel{.metric = Metric::haversine}, {"haversine", "two columns"});
  c.kernel(Kernel{.metric = Metric::dot}, {"dot"});
  c.kernel(Kernel{.metric = Metric::category}, {"metric"});
  c.kernel(Kernel{.profile = Profile::softmax, .metric = Metric::manhattan}, {"metric"});
  c.kernel(Kernel{.metric = Metric::mahalanobis}, {"components"});
  const double numbers[] = {1, 2, 3, not_a_number};
  c.kernel(Kernel{.metric = Metric::mahalanobis, .components = {numbers, 0, 3}}, {"components"});
  c.kernel(Kernel{.metric = Metric::mahalanobis, .components = {numbers, 2, 2}}, {"components"});
  c.kernel(Kernel{.metric = Metric::mahalanobis, .components = {numbers + 1, 1, 3}},
           {"components"});
  const std::int64_t two[] = {0, 1};
  for (const double scale : {0.0, -1.0, not_a_number, infinity})
    c.kernel(Kernel{.metric = Metric::great_circle, .scale = scale, .columns = two}, {"scale"});
}

TEST_CASE("categories") {
  Call c;
  const auto aitchison = [](double h, double levels) {
    return Kernel{.profile = Profile::aitchison_aitken, .bandwidth = h, .shape = levels};
  };
  c.kernel(aitchison(0.3, 1), {"levels"});
  c.kernel(aitchison(0.3, not_a_number), {"levels"});
  c.kernel(aitchison(0.8, 4), {"bandwidth", "levels", "0.8"});
  c.kernel(aitchison(-0.1, 4), {"bandwidth"});
  for (const double h : {1.0, -0.1, not_a_number, infinity})
    c.kernel(Kernel{.profile = Profile::wang_van_ryzin, .bandwidth = h}, {"bandwidth"});
}

TEST_CASE("sums") {
  Call c;
  c.kernel(KernelSum(std::vector<Term>{}), {"terms"});
  c.kernel(KernelSum(std::vector<Term>(65, Term{1, {Kernel{}}})), {"terms", "64"});
  c.kernel(KernelSum({Term{1, {}}}), {"factor"});
  for (const double coefficient : {not_a_number, infinity})
    c.kernel(KernelSum({Term{coefficient, {Kernel{}}}}), {"coefficient"});
}

TEST_CASE("options") {
  Call c;
  const std::vector<float> six(6, 1), five(5, 1);
  const std::vector<std::int64_t> three(3, 0);
  c.options({.weights = five}, {"weights", "6", "5"});
  c.options({.log_weights = five}, {"log_weights", "6", "5"});
  c.options({.weights = six, .log_weights = six}, {"weights", "log_weights"});
  for (const float bad : {float(not_a_number), float(infinity), -1.0f}) {
    auto weights = six;
    weights[3] = bad;
    c.options({.weights = weights}, {"weights"});
    if (bad != -1.0f) c.options({.log_weights = weights}, {"log_weights"});
  }
  c.options({.self_indices = three}, {"self_indices", "4", "3"});
  c.options({.exclude_self = true}, {"self_indices", "4", "6"});
  c.options({.key_offset = -1}, {"key_offset"});
}

TEST_CASE("statistics") {
  Call c;
  c.statistics({.log_mass = std::span(c.row).first(3)}, {"log_mass", "4", "3"});
  c.statistics({.ess = std::span(c.row).first(2)}, {"ess"});
  c.statistics({.count = std::span(c.whole).first(1)}, {"count"});
  c.statistics({.variance = {c.row.data(), 4, 1}}, {"variance", "(4, 2)", "(4, 1)"});
  c.statistics({.covariance = {c.row.data(), 4, 2}}, {"covariance", "(4, 4)", "(4, 2)"});
  c.statistics({.top_k_indices = {c.whole.data(), 4, 1}}, {"top_k_weights"});
  c.statistics({.top_k_indices = {c.whole.data(), 4, 1}, .top_k_weights = {c.row.data(), 4, 2}},
               {"top_k_weights"});
  c.statistics({.weights = {c.row.data(), 4, 4}}, {"weights", "(4, 6)", "(4, 4)"});
  sample::Points<float> wide(1, 2, 1, 100);
  sample::Matrix<float> covariance(1, 10000);
  refused(
      [&] {
        local_stats(Kernel{}, wide.queries.view(), wide.keys.view(), wide.values.view(),
                    {.covariance = covariance.view()});
      },
      {"covariance", "100", "4096"});
}

TEST_CASE("items of a batch") {
  Call c;
  sample::Matrix<float> gapped(4, 5);
  const BatchItem<float> good{c.queries(), c.keys(), c.values(), {.mean = c.out.view()}};
  const auto with = [&](auto&& change) {
    std::vector<BatchItem<float>> batch{good, good};
    change(batch[1]);
    return [batch] { local_stats(Kernel{}, std::span<const BatchItem<float>>(batch)); };
  };
  refused(with([&](auto& item) { item.queries.rows = 3; }), {"queries", "4", "3"});
  refused(with([&](auto& item) { item.keys.rows = 5; }), {"keys"});
  refused(with([&](auto& item) { item.queries.stride = 4; }), {"strides"});
  refused(with([&](auto& item) { item.values = {}; }), {"values"});
  refused(with([&](auto& item) { item.statistics.mean = {gapped.data.data(), 4, 2, 5}; }),
          {"same"});
  refused(with([&](auto& item) { item.statistics.mean = {}; }), {"same"});
  refused(with([&](auto& item) { item.statistics.ess = c.row; }), {"same"});
}

TEST_CASE("partial states") {
  Call c;
  const auto state = [&](const StateStatistics& wanted) {
    return PartialState<float>(Kernel{}, {c.queries()}, 2, wanted);
  };
  const auto add = [&](PartialState<float>& s, View<const float> values) {
    const BatchItem<float> item{.keys = c.keys(), .values = values};
    s.update({&item, 1});
  };
  auto bare = state({}), full = state({.ess = true, .covariance = true, .top_k = 2});
  refused([&] { PartialState<float>(Kernel{}, {}, 2, {}); }, {"queries"});
  refused([&] { PartialState<float>(Kernel{}, {c.queries()}, -1, {}); }, {"value_columns"});
  refused([&] { PartialState<float>(Kernel{}, {c.queries()}, std::int64_t{1} << 62, {}); },
          {"value_columns", "4194304"});
  refused([&] { PartialState<float>(Kernel{}, {c.queries()}, 1, {.top_k = 1 << 23}); },
          {"top_k", "4194304"});
  refused([&] { state({.top_k = -1}); }, {"top_k"});
  refused([&] { add(bare, {c.points.values.data.data(), 6, 1}); }, {"values", "2", "1"});
  refused([&] { bare.update({}); }, {"batch"});
  add(bare, c.values());
  add(full, c.values());
  const auto ask = [&](const Statistics<float>& s) { return [&bare, s] { bare.finish({&s, 1}); }; };
  refused(ask({.ess = c.row}), {"ess"});
  refused(ask({.count = c.whole}), {"count"});
  refused(ask({.variance = c.out.view()}), {"variance"});
  refused(ask({.self_weight = c.row}), {"self_weight"});
  sample::Matrix<float> shares(4, 1), all(4, 6);
  refused(ask({.top_k_indices = {c.whole.data(), 4, 1}, .top_k_weights = shares.view()}),
          {"top_k"});
  refused(ask({.weights = all.view()}), {"weights"});
  refused([&] { bare.finish({}); }, {"batch"});
  const Statistics<float> mean{.mean = c.out.view()};
  refused([&] { bare.finish({&mean, 1}, Empty::nearest); }, {"nearest"});
  refused([&] { bare.merge(full); }, {"merge"});
}

TEST_CASE("states of another shape or kernel do not merge") {
  // 4 value columns, and 1 with its variance, have as many sums.
  sample::Points<float> points(3, 5, 2, 4);
  const auto made = [&](const Kernel& kernel, std::int64_t p, bool variance) {
    PartialState<float> state(kernel, {points.queries.view()}, p, {.variance = variance});
    const BatchItem<float> item{.keys = points.keys.view(),
                                .values = {points.values.data.data(), 5, p}};
    state.update({&item, 1});
    return state;
  };
  auto four = made({}, 4, false);
  refused([&] { four.merge(made({}, 1, true)); }, {"merge"});
  refused([&] { four.merge(made({.bandwidth = 2}, 4, false)); }, {"kernel"});
}
