// vicinal._core: a table of contents. Arrays in, arrays out; no mathematics.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "calls.hpp"
#include "gradient.hpp"
#include "hopfield.hpp"
#include "images.hpp"
#include "index.hpp"
#include "labels.hpp"
#include "linear.hpp"
#include "local_fit.hpp"
#include "mean_shift.hpp"
#include "neighbor_set.hpp"
#include "rules.hpp"
#include "state.hpp"
#include "vicinal/config.hpp"
#include "vicinal/probe.hpp"
#include "vicinal/version.hpp"

using namespace py::literals;

namespace {

struct RunSettings {
  bool normalize;
  const PyIndex* index;
  const PyNeighborSet* neighbors;
  std::int64_t query_offset;
  bool lists;  // weights as lists
  const py::object& pages;
};

template <class T>
py::dict run_as(const PyKernel& kernel, const py::array& queries, const KeyArguments& keys,
                const py::dict& outputs, const RunSettings& run, const CallSettings& settings) {
  const auto views = matrix_views<const T>("queries", queries);
  const auto statistics = read_outputs<T>(outputs, views.size());
  std::vector<vicinal::BatchItem<T>> items(views.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].queries = views[i];
    items[i].statistics = statistics[i];
    items[i].statistics.normalize_weights = run.normalize;
  }
  vicinal::WeightLists<T> lists;
  if (run.lists && !items.empty()) items[0].statistics.weight_lists = &lists;
  read_keys(keys, items);
  vicinal::Options<T> options = options_of<T>(settings);
  if (run.index != nullptr) options.index = run.index->get<T>();
  if (run.neighbors != nullptr) options.neighbors = run.neighbors->set;
  options.query_offset = run.query_offset;
  PageTables<T> pages;
  if (!run.pages.is_none()) pages.read(run.pages, items, options);
  vicinal::Report report;
  {
    const py::gil_scoped_release release;
    report = vicinal::local_stats(kernel.sum(), items, options);
  }
  py::dict result = report_of(report);
  if (run.lists) {
    result["indptr"] = give(std::move(lists.indptr));
    result["indices"] = give(std::move(lists.indices));
    result["weights"] = give(std::move(lists.weights));
  }
  return result;
}

py::dict run(const PyKernel& kernel, py::array queries, py::object keys, py::object values,
             py::object weights, py::object log_weights, py::object bias, py::object mask,
             py::object self_indices, bool exclude_self, py::dict outputs,
             int /*k: the outputs tell*/, bool normalize, const PyIndex* index,
             const PyNeighborSet* neighbors, std::int64_t query_offset, bool lists,
             py::object key_bandwidths, py::object query_bandwidths, double tol,
             const std::string& empty, double empty_value, int num_threads, py::object progress,
             py::object pages) {
  const KeyArguments arguments{keys, values,       weights,        log_weights,     bias,
                               mask, self_indices, key_bandwidths, query_bandwidths};
  const auto call = py::isinstance<py::array_t<float>>(queries) ? run_as<float> : run_as<double>;
  return call(kernel, queries, arguments, outputs,
              {normalize, index, neighbors, query_offset, lists, pages},
              {exclude_self, tol, empty, empty_value, num_threads, progress});
}

template <class T>
py::list run_each_as(const std::vector<const PyKernel*>& kernels, const py::array& queries,
                     const KeyArguments& keys, const py::list& outputs, const PyIndex* index,
                     const PyNeighborSet* neighbors, const CallSettings& settings) {
  const auto views = matrix_views<const T>("queries", queries);
  std::vector<vicinal::BatchItem<T>> items(views.size());
  read_keys(keys, items);
  if (items.size() != 1) throw std::invalid_argument("queries must not have leading dimensions");
  std::vector<vicinal::KernelSum> sums;
  for (const PyKernel* kernel : kernels) sums.push_back(kernel->sum());
  std::vector<vicinal::Statistics<T>> statistics;
  for (const py::handle& one : outputs)
    statistics.push_back(read_outputs<T>(one.cast<py::dict>(), 1)[0]);
  vicinal::Options<T> options = options_of<T>(settings);
  if (index != nullptr) options.index = index->get<T>();
  if (neighbors != nullptr) options.neighbors = neighbors->set;
  options.weights = items[0].weights;
  options.self_indices = items[0].self_indices;
  std::vector<vicinal::Report> reports;
  {
    const py::gil_scoped_release release;
    reports =
        vicinal::local_stats(sums, views[0], items[0].keys, items[0].values, statistics, options);
  }
  py::list result;
  for (const vicinal::Report& report : reports) result.append(report_of(report));
  return result;
}

py::list run_each(const std::vector<const PyKernel*>& kernels, py::array queries, py::object keys,
                  py::object values, py::object weights, py::object self_indices, bool exclude_self,
                  py::list outputs, const PyIndex* index, const PyNeighborSet* neighbors,
                  double tol, const std::string& empty, double empty_value, int num_threads,
                  py::object progress) {
  const py::none none;
  const KeyArguments arguments{keys, values, weights, none, none, none, self_indices};
  const auto call =
      py::isinstance<py::array_t<float>>(queries) ? run_each_as<float> : run_each_as<double>;
  return call(kernels, queries, arguments, outputs, index, neighbors,
              {exclude_self, tol, empty, empty_value, num_threads, progress});
}

vicinal::ProfileTable tabulate(const py::function& fn, double support,
                               const std::vector<double>& breakpoints, bool log, double tolerance) {
  const auto call = [&](std::span<const double> u, std::span<double> out) {
    py::array_t<double> points(static_cast<py::ssize_t>(u.size()));
    std::copy(u.begin(), u.end(), points.mutable_data());
    const auto weights =
        fn(points).cast<py::array_t<double, py::array::c_style | py::array::forcecast>>();
    if (weights.size() != points.size())
      throw std::invalid_argument("fn must return one weight per u: it got " +
                                  std::to_string(u.size()) + " and gave " +
                                  std::to_string(weights.size()));
    std::copy_n(weights.data(), u.size(), out.begin());
  };
  return vicinal::tabulate(
      call, {.support = support, .breakpoints = breakpoints, .log = log, .tolerance = tolerance});
}

template <class T>
py::array_t<T> exp2(const py::array_t<T, py::array::c_style>& x) {
  py::array_t<T> out(x.size());
  vicinal::probe_exp2(std::span<const T>(x.data(), static_cast<std::size_t>(x.size())),
                      std::span<T>(out.mutable_data(), static_cast<std::size_t>(x.size())));
  return out;
}

template <class T>
py::array_t<T> scores(const PyKernel& kernel, const py::array_t<T, py::array::c_style>& queries,
                      const py::array_t<T, py::array::c_style>& keys) {
  py::array_t<T> out({queries.shape(0), keys.shape(0)});
  vicinal::probe_scores(kernel.sum().terms.at(0).factors.at(0),
                        {queries.data(), queries.shape(0), queries.shape(1)},
                        {keys.data(), keys.shape(0), keys.shape(1)},
                        {out.mutable_data(), queries.shape(0), keys.shape(0)});
  return out;
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.attr("__version__") = VICINAL_VERSION;
  m.attr("compiler") = vicinal::compiler();
  m.attr("openmp") = vicinal::has_openmp();
  m.attr("few_keys") = vicinal::probe_few_keys();
  m.attr("few_features") = vicinal::probe_few_features();
  vicinal::isa_name();  // an unknown VICINAL_ISA is an error of the import
  m.def("isa", [] { return std::string(vicinal::isa_name()); });
  m.def("available_isas", &vicinal::available_isas);
  m.def("max_threads", &vicinal::default_threads);

  py::class_<PyKernel>(m, "Kernel")
      .def(py::init([](py::list terms) {
             auto kernel = std::make_unique<PyKernel>(terms);
             return kernel;
           }),
           "terms"_a)
      .def_property_readonly("is_searchable", &PyKernel::is_searchable)
      .def(py::pickle([](const PyKernel& kernel) { return kernel.terms(); },
                      [](const py::list& terms) { return std::make_unique<PyKernel>(terms); }));

  bind_images(m);
  bind_labels(m);
  bind_hopfield(m);
  bind_index(m);
  bind_linear(m);
  bind_local_fit(m);
  bind_neighbor_set(m);
  bind_rules(m);
  const py::none none;
  m.def("run", &run, "kernel"_a, "queries"_a, "keys"_a, "values"_a, py::kw_only(),
        "weights"_a = none, "log_weights"_a = none, "bias"_a = none, "mask"_a = none,
        "self_indices"_a = none, "exclude_self"_a = false, "outputs"_a, "k"_a = 0,
        "normalize"_a = true, "index"_a = py::none(), "neighbors"_a = py::none(),
        "query_offset"_a = 0, "lists"_a = false, "key_bandwidths"_a = none,
        "query_bandwidths"_a = none, "tol"_a = 0.0, "empty"_a = "nan",
        "empty_value"_a = std::numeric_limits<double>::quiet_NaN(), "num_threads"_a = 0,
        "progress"_a = none, "pages"_a = none);
  m.def("run_each", &run_each, "kernels"_a, "queries"_a, "keys"_a, "values"_a, py::kw_only(),
        "weights"_a = none, "self_indices"_a = none, "exclude_self"_a = false, "outputs"_a,
        "index"_a = py::none(), "neighbors"_a = py::none(), "tol"_a = 0.0, "empty"_a = "nan",
        "empty_value"_a = std::numeric_limits<double>::quiet_NaN(), "num_threads"_a = 0,
        "progress"_a = none);
  bind_state(m);
  bind_gradient(m);
  bind_mean_shift(m);

  py::class_<vicinal::ProfileTable>(m, "Table")
      .def_property_readonly("error", &vicinal::ProfileTable::error)
      .def_property_readonly("is_signed", &vicinal::ProfileTable::is_signed)
      .def_property_readonly("pieces", &vicinal::ProfileTable::pieces);
  m.def("tabulate", &tabulate, "fn"_a, "support"_a, "breakpoints"_a, "log"_a, "tolerance"_a);

  m.def("exp2", &exp2<float>, "array"_a.noconvert());
  m.def("exp2", &exp2<double>, "array"_a.noconvert());
  m.def("scores", &scores<float>, "kernel"_a, "queries"_a.noconvert(), "keys"_a.noconvert());
  m.def("scores", &scores<double>, "kernel"_a, "queries"_a.noconvert(), "keys"_a.noconvert());
}
