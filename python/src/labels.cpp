#include "labels.hpp"

#include <pybind11/stl.h>

#include "calls.hpp"
#include "neighbor_set.hpp"
#include "vicinal/label_propagation.hpp"

namespace {

vicinal::LabelWalk walk_of(const py::object& means, const py::object& masses) {
  vicinal::LabelWalk walk;
  walk.means = [&means](vicinal::View<const double> values, vicinal::View<double> out) {
    const py::gil_scoped_acquire gil;
    means(borrowed(values), borrowed(out));
    return true;
  };
  if (!masses.is_none()) walk.masses = vector_spans<const double>("masses", masses)[0];
  return walk;
}

py::tuple label_propagation(const py::array& labels, const py::array& shares,
                            const PyNeighborSet* graph, const py::object& means,
                            const py::object& masses, std::optional<double> alpha, bool balanced,
                            bool symmetric, const std::string& solver, double tol,
                            std::int64_t max_iter, int num_threads, const py::object& callback) {
  vicinal::LabelPropagationOptions options;
  options.alpha = alpha;
  options.balanced = balanced;
  options.symmetric = symmetric;
  options.solver = solver == "krylov"    ? vicinal::LabelSolver::krylov
                   : solver == "iterate" ? vicinal::LabelSolver::iterate
                                         : vicinal::LabelSolver::automatic;
  options.tol = tol;
  options.max_iter = max_iter;
  options.num_threads = num_threads;
  options.interrupted = ctrl_c;
  if (!callback.is_none())
    options.callback = [&callback](const vicinal::LabelRound& round) {
      const py::gil_scoped_acquire gil;
      return py::cast<bool>(
          py::bool_(callback(round.iteration, round.residual, borrowed(round.shares))));
    };
  const auto given = vector_spans<const std::int64_t>("labels", labels)[0];
  const auto out = matrix_views<double>("shares", shares)[0];
  const auto walk = walk_of(means, masses);
  vicinal::LabelPropagationReport report;
  {
    const py::gil_scoped_release release;
    report = graph == nullptr ? vicinal::label_propagation(walk, given, out, options)
                              : vicinal::label_propagation(graph->set, given, out, options);
  }
  return py::make_tuple(report.iterations, report.residual);
}

}  // namespace

void bind_labels(py::module_& m) {
  using namespace py::literals;
  const py::none none;
  m.def("label_propagation", &label_propagation, "labels"_a, "shares"_a, py::kw_only(),
        "graph"_a = none, "means"_a = none, "masses"_a = none, "alpha"_a = none,
        "balanced"_a = true, "symmetric"_a = false, "solver"_a = "auto", "tol"_a = 1e-4,
        "max_iter"_a = 1000, "num_threads"_a = 0, "callback"_a = none);
}
