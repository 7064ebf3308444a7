#include "gradient.hpp"

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "calls.hpp"
#include "neighbor_set.hpp"
#include "vicinal/gradient.hpp"

using namespace py::literals;

namespace {

struct GradientArrays {
  py::array gradient;
  py::object mean, log_mass, log_mass_gradient;
  py::dict outputs;
};

// (…, m, n) at any strides, to be added to.
template <class T>
void read_bias_output(const py::dict& outputs, std::vector<vicinal::GradientItem<T>>& items) {
  if (!outputs.contains("bias")) return;
  py::array array = outputs["bias"];
  check_array<T>("bias", array, 2, false);
  T* data = static_cast<T*>(array.mutable_data());
  const auto offsets = item_offsets(array, 2);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].bias = data + offsets[i];
    items[i].bias_row_stride = array.strides(array.ndim() - 2) / array.itemsize();
    items[i].bias_column_stride = array.strides(array.ndim() - 1) / array.itemsize();
  }
}

template <class T>
void read_gradient_arrays(const GradientArrays& a, std::vector<vicinal::GradientItem<T>>& items) {
  using Item = vicinal::GradientItem<T>;
  const auto each = [&](const char* name, const auto& views, auto member) {
    if (views.size() != items.size())
      throw std::invalid_argument(std::string("leading dimensions differ: ") + name);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].*member = views[i];
  };
  each("gradient", matrix_views<const T>("gradient", a.gradient), &Item::gradient);
  if (!a.mean.is_none()) each("mean", matrix_views<const T>("mean", a.mean), &Item::mean);
  if (!a.log_mass.is_none())
    each("log_mass", vector_spans<const T>("log_mass", a.log_mass), &Item::log_mass);
  if (!a.log_mass_gradient.is_none())
    each("log_mass_gradient", vector_spans<const T>("log_mass_gradient", a.log_mass_gradient),
         &Item::log_mass_gradient);
  const auto matrix = [&](const char* name, auto member) {
    if (a.outputs.contains(name))
      each(name, matrix_views<T>(name, py::array(a.outputs[name])), member);
  };
  const auto vector = [&](const char* name, auto member) {
    if (a.outputs.contains(name))
      each(name, vector_spans<T>(name, py::array(a.outputs[name])), member);
  };
  matrix("queries", &Item::queries);
  matrix("keys", &Item::keys);
  matrix("values", &Item::values);
  vector("log_weights", &Item::log_weights);
  vector("key_bandwidths", &Item::key_bandwidths);
  vector("query_bandwidths", &Item::query_bandwidths);
  if (a.outputs.contains("bandwidth"))
    each("bandwidth", vector_spans<double>("bandwidth", py::array(a.outputs["bandwidth"])),
         &Item::bandwidth);
  read_bias_output(a.outputs, items);
}

template <class T>
void gradient_as(const PyKernel& kernel, const py::array& queries, const KeyArguments& keys,
                 const GradientArrays& arrays, const PyNeighborSet* neighbors,
                 std::int64_t query_offset, const CallSettings& settings) {
  const auto views = matrix_views<const T>("queries", queries);
  std::vector<vicinal::BatchItem<T>> points(views.size());
  for (std::size_t i = 0; i < points.size(); ++i) points[i].queries = views[i];
  read_keys(keys, points);
  std::vector<vicinal::GradientItem<T>> items(points.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i].points = points[i];
  read_gradient_arrays(arrays, items);
  vicinal::Options<T> options = options_of<T>(settings);
  if (neighbors != nullptr) options.neighbors = neighbors->set;
  options.query_offset = query_offset;
  const py::gil_scoped_release release;
  vicinal::local_mean_gradient(kernel.sum(), items, options);
}

void gradient(const PyKernel& kernel, py::array queries, py::object keys, py::object values,
              py::array gradient, py::dict outputs, py::object mean, py::object log_mass,
              py::object log_mass_gradient, py::object weights, py::object log_weights,
              py::object bias, py::object mask, py::object self_indices, bool exclude_self,
              py::object key_bandwidths, py::object query_bandwidths,
              const PyNeighborSet* neighbors, std::int64_t query_offset, double tol,
              int num_threads, py::object progress) {
  const KeyArguments arguments{keys, values,       weights,        log_weights,     bias,
                               mask, self_indices, key_bandwidths, query_bandwidths};
  const std::string empty = "nan";
  const auto call =
      py::isinstance<py::array_t<float>>(queries) ? gradient_as<float> : gradient_as<double>;
  call(kernel, queries, arguments, {gradient, mean, log_mass, log_mass_gradient, outputs},
       neighbors, query_offset, {exclude_self, tol, empty, 0.0, num_threads, progress});
}

}  // namespace

void bind_gradient(py::module_& m) {
  const py::none none;
  m.def("gradient", &gradient, "kernel"_a, "queries"_a, "keys"_a, "values"_a, "gradient"_a,
        py::kw_only(), "outputs"_a, "mean"_a = none, "log_mass"_a = none,
        "log_mass_gradient"_a = none, "weights"_a = none, "log_weights"_a = none, "bias"_a = none,
        "mask"_a = none, "self_indices"_a = none, "exclude_self"_a = false,
        "key_bandwidths"_a = none, "query_bandwidths"_a = none, "neighbors"_a = py::none(),
        "query_offset"_a = 0, "tol"_a = 0.0, "num_threads"_a = 0, "progress"_a = none);
}
