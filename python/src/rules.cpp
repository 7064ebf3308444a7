#include "rules.hpp"

#include "arrays.hpp"
#include "vicinal/rules.hpp"

namespace {

void sum_rules(const py::array& steps, std::int64_t registers, int norm, const py::array& degrees,
               const py::array& offsets, const py::array& columns, const py::array& weights,
               py::array out, bool maximum, int num_threads) {
  const vicinal::RuleProgram program{matrix_views<const std::int32_t>("steps", steps).at(0),
                                     registers, static_cast<vicinal::TriangularNorm>(norm)};
  const vicinal::RuleConclusions conclusions{
      vector_spans<const std::int64_t>("offsets", offsets).at(0),
      vector_spans<const std::int32_t>("columns", columns).at(0),
      vector_spans<const double>("weights", weights).at(0)};
  const auto rows = matrix_views<const double>("degrees", degrees).at(0);
  const auto sums = matrix_views<double>("out", out).at(0);
  vicinal::RuleOptions options;
  options.sum = maximum ? vicinal::RuleSum::maximum : vicinal::RuleSum::add;
  options.num_threads = num_threads;
  options.interrupted = [] {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    return false;
  };
  const py::gil_scoped_release release;
  vicinal::rule_sums(program, rows, conclusions, sums, options);
}

}  // namespace

void bind_rules(py::module_& m) {
  using namespace py::literals;
  m.def("rule_sums", &sum_rules, "steps"_a, "registers"_a, "norm"_a, "degrees"_a, "offsets"_a,
        "columns"_a, "weights"_a, "out"_a, py::kw_only(), "maximum"_a = false, "num_threads"_a = 0);
}
