// Sums over fuzzy rules against long double; bits of a row; refusals.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "sample.hpp"
#include "vicinal/rules.hpp"

using namespace vicinal;

namespace {

constexpr TriangularNorm norms[] = {TriangularNorm::product, TriangularNorm::minimum,
                                    TriangularNorm::lukasiewicz};

long double conjoined(TriangularNorm norm, long double a, long double b) {
  if (norm == TriangularNorm::product) return a * b;
  return norm == TriangularNorm::minimum ? std::min(a, b) : std::max(a + b - 1, 0.0L);
}

// Rule 0: (0 and 1); rule 1: not (0 and 1) or 2; rule 2: 0. Registers 3 … 5 are free.
struct Scene {
  std::vector<std::int32_t> steps{0, 3, 0, 1, 3, 0, 3, 3, 2, 4, 3, 3,
                                  1, 5, 4, 2, 3, 1, 5, 5, 3, 2, 0, 0};
  std::vector<std::int64_t> offsets{0, 2, 3, 5};
  std::vector<std::int32_t> columns{0, 1, 0, 1, 0};
  std::vector<double> weights{2, -1, 0.5, 3, 1};
  sample::Matrix<double> degrees;
  std::int64_t registers = 6;

  explicit Scene(std::int64_t m) : degrees(sample::normal<double>(3, m, 1)) {
    for (double& degree : degrees.data) degree = std::clamp(degree / 4 + 0.5, 0.0, 1.0);
  }
  sample::Matrix<double> run(TriangularNorm norm, RuleSum sum, int threads = 0,
                             std::int64_t first = 0) const {
    sample::Matrix<double> out(degrees.columns - first, 2);
    const View<const double> part{degrees.data.data() + first, 3, degrees.columns - first,
                                  degrees.columns};
    rule_sums({{steps.data(), 6, 4}, registers, norm}, part, {offsets, columns, weights},
              out.view(), {.sum = sum, .num_threads = threads});
    return out;
  }
  long double firing(TriangularNorm norm, int rule, std::int64_t i) const {
    const auto degree = [&](std::int64_t c) -> long double {
      return degrees.data[static_cast<std::size_t>(c * degrees.columns + i)];
    };
    if (rule == 2) return degree(0);
    const long double both = conjoined(norm, degree(0), degree(1));
    return rule == 0 ? both : 1 - conjoined(norm, both, 1 - degree(2));
  }
};

template <class Change>
void refused(const std::string& part, Change&& change) {
  Scene scene(4);
  change(scene);
  std::string message;
  try {
    scene.run(TriangularNorm::product, RuleSum::add);
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK_MESSAGE(message.find(part) != std::string::npos, message);
}

}  // namespace

TEST_CASE("sums and maxima of the three norms") {
  const Scene scene(131);
  for (const TriangularNorm norm : norms) {
    const auto sums = scene.run(norm, RuleSum::add), most = scene.run(norm, RuleSum::maximum);
    for (std::int64_t i = 0; i < 131; ++i) {
      long double sum[2] = {}, largest[2] = {};
      for (std::size_t rule = 0; rule < 3; ++rule)
        for (auto e = scene.offsets[rule]; e < scene.offsets[rule + 1]; ++e) {
          const auto at = static_cast<std::size_t>(e);
          const long double part =
              scene.firing(norm, static_cast<int>(rule), i) * scene.weights[at];
          sum[scene.columns[at]] += part;
          largest[scene.columns[at]] = std::max(largest[scene.columns[at]], part);
        }
      for (std::int64_t c = 0; c < 2; ++c) {
        CHECK(sums.view().row(i)[c] == doctest::Approx(double(sum[c])).epsilon(1e-15));
        CHECK(most.view().row(i)[c] == doctest::Approx(double(largest[c])).epsilon(1e-15));
      }
    }
  }
}

TEST_CASE("a row has the same bits in any batch and with any number of threads") {
  const Scene scene(200);
  for (const TriangularNorm norm : norms) {
    const auto whole = scene.run(norm, RuleSum::add, 1);
    CHECK(scene.run(norm, RuleSum::add, 3).data == whole.data);
    const auto part = scene.run(norm, RuleSum::add, 2, 77);
    CHECK(std::equal(part.data.begin(), part.data.end(), whole.data.begin() + 2 * 77));
  }
}

TEST_CASE("no rows, and refusals") {
  CHECK(Scene(0).run(TriangularNorm::product, RuleSum::add).data.empty());
  refused("steps has a wrong number in row 2", [](Scene& s) { s.steps[9] = 6; });
  refused("steps has a wrong number in row 0", [](Scene& s) { s.steps[2] = -1; });
  refused("steps has a wrong number in row 1", [](Scene& s) { s.steps[5] = 3; });
  refused("registers must be at least the 3", [](Scene& s) { s.registers = 2; });
  refused("columns must be from 0 to 1", [](Scene& s) { s.columns[3] = 2; });
  refused("offsets must not fall", [](Scene& s) { s.offsets[1] = 4; });
  refused("offsets must end", [](Scene& s) { s.offsets[3] = 4; });
}
