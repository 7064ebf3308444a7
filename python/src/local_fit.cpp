#include "local_fit.hpp"

#include "calls.hpp"
#include "vicinal/local_fit.hpp"

namespace {

vicinal::LleOptions lle_options(double reg, const std::string& ridge, int num_threads) {
  if (ridge != "trace" && ridge != "distance")
    throw std::invalid_argument("ridge must be 'trace' or 'distance', got '" + ridge + "'");
  vicinal::LleOptions options;
  options.reg = reg;
  options.ridge = ridge == "trace" ? vicinal::Ridge::trace : vicinal::Ridge::distance;
  options.num_threads = num_threads;
  watch(options, py::none());
  return options;
}

template <class T>
void affine_as(const py::array& queries, const py::array& keys, const py::array& neighbors,
               py::array& weights, const vicinal::LleOptions& options) {
  const auto q = matrix_views<const T>("queries", queries)[0];
  const auto x = matrix_views<const T>("keys", keys)[0];
  const auto rows = matrix_views<const std::int64_t>("neighbors", neighbors)[0];
  const auto w = matrix_views<T>("weights", weights)[0];
  const py::gil_scoped_release release;
  vicinal::lle_weights(q, x, rows, w, options);
}

template <class T>
void lists_as(const py::array& queries, const py::array& keys, const py::array& indptr,
              const py::array& indices, py::array& weights, const vicinal::LleOptions& options) {
  const auto q = matrix_views<const T>("queries", queries)[0];
  const auto x = matrix_views<const T>("keys", keys)[0];
  const auto begins = vector_spans<const std::int64_t>("indptr", indptr)[0];
  const auto rows = vector_spans<const std::int64_t>("indices", indices)[0];
  const auto w = vector_spans<T>("weights", weights)[0];
  const py::gil_scoped_release release;
  vicinal::lle_weights(q, x, begins, rows, w, options);
}

void affine_weights(const py::array& queries, const py::array& keys, const py::array& neighbors,
                    py::array weights, double reg, const std::string& ridge, int num_threads) {
  const auto call =
      py::isinstance<py::array_t<float>>(queries) ? affine_as<float> : affine_as<double>;
  call(queries, keys, neighbors, weights, lle_options(reg, ridge, num_threads));
}

void affine_lists(const py::array& queries, const py::array& keys, const py::array& indptr,
                  const py::array& indices, py::array weights, double reg, const std::string& ridge,
                  int num_threads) {
  const auto call =
      py::isinstance<py::array_t<float>>(queries) ? lists_as<float> : lists_as<double>;
  call(queries, keys, indptr, indices, weights, lle_options(reg, ridge, num_threads));
}

}  // namespace

void bind_local_fit(py::module_& m) {
  using namespace py::literals;
  m.def("affine_weights", &affine_weights, "queries"_a, "keys"_a, "neighbors"_a, "weights"_a,
        py::kw_only(), "reg"_a, "ridge"_a = "trace", "num_threads"_a = 0);
  m.def("affine_lists", &affine_lists, "queries"_a, "keys"_a, "indptr"_a, "indices"_a, "weights"_a,
        py::kw_only(), "reg"_a, "ridge"_a = "trace", "num_threads"_a = 0);
}
