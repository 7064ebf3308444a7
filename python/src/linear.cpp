#include "linear.hpp"

#include <memory>
#include <variant>

#include "arrays.hpp"
#include "vicinal/linear.hpp"

namespace {

template <class T>
std::span<const T> column_or_none(const char* name, const py::object& column) {
  return column.is_none() ? std::span<const T>{} : vector_spans<const T>(name, column)[0];
}
template <class T>
vicinal::View<T> matrix(const char* name, const py::array& a) {
  const auto views = matrix_views<T>(name, a);
  if (views.size() != 1)
    throw std::invalid_argument(std::string(name) + " must not have leading dimensions");
  return views[0];
}

template <class T>
vicinal::PackedLinear<T> pack(const py::array& weight, const py::object& bias) {
  return vicinal::PackedLinear<T>(matrix<const T>("weight", weight),
                                  column_or_none<T>("bias", bias));
}

class PyLinear {
 public:
  PyLinear(const py::array& weight, const py::object& bias)
      : map_(py::isinstance<py::array_t<float>>(weight) ? Any(pack<float>(weight, bias))
                                                        : Any(pack<double>(weight, bias))) {}

  void run(const py::array& x, py::array out, int activation, const py::object& residual,
           int num_threads) const {
    std::visit(
        [&]<class T>(const vicinal::PackedLinear<T>& map) {
          vicinal::LinearOptions<T> options;
          options.activation = static_cast<vicinal::Activation>(activation);
          options.num_threads = num_threads;
          if (!residual.is_none()) options.residual = matrix<const T>("residual", residual);
          options.interrupted = [] {
            const py::gil_scoped_acquire gil;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            return false;
          };
          const auto rows = matrix<const T>("x", x);
          const auto result = matrix<T>("out", out);
          const py::gil_scoped_release release;
          vicinal::linear(rows, map, result, options);
        },
        map_);
  }

 private:
  using Any = std::variant<vicinal::PackedLinear<float>, vicinal::PackedLinear<double>>;
  Any map_;
};

template <class T>
void normalize_as(const py::array& x, const py::object& gain, const py::object& bias,
                  double epsilon, const py::array& out, int num_threads) {
  const auto rows = matrix<const T>("x", x);
  const auto result = matrix<T>("out", out);
  const auto scales = column_or_none<T>("gain", gain), shifts = column_or_none<T>("bias", bias);
  const py::gil_scoped_release release;
  vicinal::layer_norm(rows, scales, shifts, epsilon, result, num_threads);
}

void normalize(const py::array& x, const py::object& gain, const py::object& bias, double epsilon,
               py::array out, int num_threads) {
  const auto call =
      py::isinstance<py::array_t<float>>(x) ? normalize_as<float> : normalize_as<double>;
  call(x, gain, bias, epsilon, out, num_threads);
}

}  // namespace

void bind_linear(py::module_& m) {
  using namespace py::literals;
  py::class_<PyLinear>(m, "Linear")
      .def(py::init<const py::array&, const py::object&>(), "weight"_a, "bias"_a = py::none())
      .def("run", &PyLinear::run, "x"_a, "out"_a, py::kw_only(), "activation"_a = 0,
           "residual"_a = py::none(), "num_threads"_a = 0);
  m.def("layer_norm", &normalize, "x"_a, "gain"_a, "bias"_a, "epsilon"_a, "out"_a, py::kw_only(),
        "num_threads"_a = 0);
}
