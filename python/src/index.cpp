#include "index.hpp"

namespace {

template <class T>
vicinal::KeyIndex<T> make_index(const py::array& keys, const PyKernel& metric, int num_threads) {
  const auto views = matrix_views<const T>("keys", keys);
  if (views.size() != 1) throw std::invalid_argument("keys must not have leading dimensions");
  const vicinal::Kernel kernel = metric.sum().terms.at(0).factors.at(0);
  vicinal::SearchOptions options;
  watch(options, py::none());
  const py::gil_scoped_release release;
  return vicinal::KeyIndex<T>(views[0], kernel, num_threads, options.interrupted);
}

template <class T>
vicinal::View<const T> read_queries(const py::array& queries) {
  const auto views = matrix_views<const T>("queries", queries);
  if (views.size() != 1) throw std::invalid_argument("queries must not have leading dimensions");
  return views[0];
}

vicinal::SearchOptions read_options(const py::object& self_indices, bool exclude_self,
                                    int num_threads, const py::object& progress) {
  vicinal::SearchOptions options;
  options.exclude_self = exclude_self;
  options.num_threads = num_threads;
  if (!self_indices.is_none())
    options.self_indices = vector_spans<const std::int64_t>("self_indices", self_indices)[0];
  watch(options, progress);
  return options;
}

}  // namespace

PyIndex::PyIndex(py::array keys, const PyKernel& metric, int num_threads)
    : keys_(std::move(keys)),
      index_(py::isinstance<py::array_t<float>>(keys_)
                 ? Any(make_index<float>(keys_, metric, num_threads))
                 : Any(make_index<double>(keys_, metric, num_threads))) {}

py::array_t<std::int64_t> PyIndex::order() const {
  return std::visit(
      [](const auto& index) {
        const auto order = index.order();
        return py::array_t<std::int64_t>(static_cast<py::ssize_t>(order.size()), order.data());
      },
      index_);
}

py::dict PyIndex::knn(const py::array& queries, py::array distances, py::array indices,
                      const py::object& self_indices, bool exclude_self, int num_threads,
                      const py::object& progress) const {
  return std::visit(
      [&]<class T>(const vicinal::KeyIndex<T>& index) {
        const auto options = read_options(self_indices, exclude_self, num_threads, progress);
        const auto q = read_queries<T>(queries);
        const auto found = matrix_views<T>("distances", distances)[0];
        const auto rows = matrix_views<std::int64_t>("indices", indices)[0];
        vicinal::Report report;
        {
          const py::gil_scoped_release release;
          report = vicinal::knn(index, q, found, rows, options);
        }
        return report_of(report);
      },
      index_);
}

py::tuple PyIndex::radius_neighbors(const py::array& queries, double radius,
                                    const py::object& self_indices, bool exclude_self,
                                    int num_threads, const py::object& progress) const {
  return std::visit(
      [&]<class T>(const vicinal::KeyIndex<T>& index) -> py::tuple {
        const auto options = read_options(self_indices, exclude_self, num_threads, progress);
        const auto q = read_queries<T>(queries);
        vicinal::NeighborLists<T> lists;
        {
          const py::gil_scoped_release release;
          lists = vicinal::radius_neighbors(index, q, radius, options);
        }
        return py::make_tuple(give(std::move(lists.distances)), give(std::move(lists.indices)),
                              give(std::move(lists.indptr)));
      },
      index_);
}

py::dict PyIndex::kth_distances(const py::array& queries, double mass, const py::object& weights,
                                py::array distances, int num_threads,
                                const py::object& progress) const {
  return std::visit(
      [&]<class T>(const vicinal::KeyIndex<T>& index) {
        const auto options = read_options(py::none(), false, num_threads, progress);
        const auto q = read_queries<T>(queries);
        const auto found = vector_spans<T>("distances", distances)[0];
        const auto masses = weights.is_none() ? std::span<const double>{}
                                              : vector_spans<const double>("weights", weights)[0];
        vicinal::Report report;
        {
          const py::gil_scoped_release release;
          report = vicinal::kth_distances(index, q, mass, masses, found, options);
        }
        return report_of(report);
      },
      index_);
}

void bind_index(py::module_& m) {
  using namespace py::literals;
  const py::none none;
  py::class_<PyIndex>(m, "KeyIndex")
      .def(py::init<py::array, const PyKernel&, int>(), "keys"_a, "metric"_a, "num_threads"_a = 0)
      .def_property_readonly("order", &PyIndex::order)
      .def("knn", &PyIndex::knn, "queries"_a, "distances"_a, "indices"_a, py::kw_only(),
           "self_indices"_a = none, "exclude_self"_a = false, "num_threads"_a = 0,
           "progress"_a = none)
      .def("kth_distances", &PyIndex::kth_distances, "queries"_a, "mass"_a, py::kw_only(),
           "weights"_a = none, "distances"_a, "num_threads"_a = 0, "progress"_a = none)
      .def("radius_neighbors", &PyIndex::radius_neighbors, "queries"_a, "radius"_a, py::kw_only(),
           "self_indices"_a = none, "exclude_self"_a = false, "num_threads"_a = 0,
           "progress"_a = none);
}
