#include "mean_shift.hpp"

#include "vicinal/mean_shift.hpp"

namespace {

// What calls of one landscape share, and the arrays that it borrows.
struct PyMemory {
  py::object borrowed = py::none();  // outlives the memories
  std::unique_ptr<vicinal::MeanShiftMemory<float>> single;
  std::unique_ptr<vicinal::MeanShiftMemory<double>> twofold;
  std::int64_t walked = 0, pairs_visited = 0;  // of all calls

  template <class T>
  vicinal::MeanShiftMemory<T>* get() {
    if constexpr (std::is_same_v<T, float>)
      return single.get();
    else
      return twofold.get();
  }
  // Of the first call's; later ones bring the same numbers.
  template <class T>
  void take(const py::object& arguments) {
    if (!borrowed.is_none()) return;
    borrowed = arguments;
    if constexpr (std::is_same_v<T, float>)
      single = std::make_unique<vicinal::MeanShiftMemory<float>>();
    else
      twofold = std::make_unique<vicinal::MeanShiftMemory<double>>();
  }
};

struct Ascent {
  double alpha, tol;
  std::int64_t max_iter;
  double mass_tol;
  const py::object &weights, &log_weights, &key_bandwidths, &modes;
  double capture_radius;
  int num_threads;
  const py::object& callback;
  PyMemory* memory;
};

template <class T>
vicinal::MeanShiftOptions<T> options_of(const Ascent& a) {
  vicinal::MeanShiftOptions<T> options;
  options.alpha = a.alpha;
  options.tol = a.tol;
  options.max_iter = a.max_iter;
  options.mass_tol = a.mass_tol;
  options.capture_radius = a.capture_radius;
  options.num_threads = a.num_threads;
  const auto read = [](const char* name, const py::object& numbers) {
    return numbers.is_none() ? std::span<const T>{} : vector_spans<const T>(name, numbers)[0];
  };
  options.weights = read("weights", a.weights);
  options.log_weights = read("log_weights", a.log_weights);
  options.key_bandwidths = read("key_bandwidths", a.key_bandwidths);
  if (!a.modes.is_none()) options.modes = matrix_views<const T>("modes", a.modes)[0];
  if (a.memory != nullptr) options.memory = a.memory->get<T>();
  options.interrupted = [] {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    return false;
  };
  if (!a.callback.is_none())
    options.callback = [&callback = a.callback](const vicinal::MeanShiftRound<T>& round) {
      const py::gil_scoped_acquire gil;
      return py::cast<bool>(
          py::bool_(callback(round.iteration, round.longest_step, round.pairs_visited)));
    };
  return options;
}

template <class T>
py::dict shift_as(const PyKernel& kernel, const py::array& seeds, const py::array& keys,
                  const py::dict& outputs, const PyIndex* index, const Ascent& ascent) {
  if (ascent.memory != nullptr)
    ascent.memory->take<T>(py::make_tuple(py::cast(kernel, py::return_value_policy::reference),
                                          keys, ascent.weights, ascent.log_weights,
                                          ascent.key_bandwidths,
                                          py::cast(index, py::return_value_policy::reference)));
  const vicinal::MeanShiftOptions<T> options = options_of<T>(ascent);
  const auto points = matrix_views<const T>("seeds", seeds),
             places = matrix_views<const T>("keys", keys);
  if (points.size() != 1 || places.size() != 1)
    throw std::invalid_argument("seeds and keys must not have leading dimensions");
  const vicinal::MeanShiftOutputs<T> out{
      .ends = matrix_views<T>("ends", outputs["ends"])[0],
      .iterations = vector_spans<std::int64_t>("n_iter", outputs["n_iter"])[0],
      .status = vector_spans<std::int8_t>("status", outputs["status"])[0],
      .mode = vector_spans<std::int64_t>("mode", outputs["mode"])[0],
      .before = matrix_views<T>("before", outputs["before"])[0]};
  const vicinal::KeyIndex<T>* prepared = index == nullptr ? nullptr : index->get<T>();
  vicinal::MeanShiftReport report;
  {
    const py::gil_scoped_release release;
    report = prepared == nullptr
                 ? vicinal::mean_shift(places[0], points[0], kernel.sum(), out, options)
                 : vicinal::mean_shift(*prepared, points[0], kernel.sum(), out, options);
  }
  if (ascent.memory != nullptr) {
    ascent.memory->walked += report.walked;
    ascent.memory->pairs_visited += report.pairs_visited;
  }
  py::dict told;
  told["iterations"] = report.iterations;
  told["walked"] = report.walked;
  told["pairs_visited"] = report.pairs_visited;
  return told;
}

py::dict shift(const PyKernel& kernel, py::array seeds, py::array keys, py::dict outputs,
               double alpha, double tol, std::int64_t max_iter, double mass_tol, py::object weights,
               py::object log_weights, py::object key_bandwidths, const PyIndex* index,
               py::object modes, double capture_radius, int num_threads, py::object callback,
               PyMemory* memory) {
  const auto call = py::isinstance<py::array_t<float>>(keys) ? shift_as<float> : shift_as<double>;
  return call(kernel, seeds, keys, outputs, index,
              {alpha, tol, max_iter, mass_tol, weights, log_weights, key_bandwidths, modes,
               capture_radius, num_threads, callback, memory});
}

}  // namespace

void bind_mean_shift(py::module_& m) {
  using namespace py::literals;
  const py::none none;
  py::class_<PyMemory>(m, "MeanShiftMemory")
      .def(py::init())
      .def_readonly("walked", &PyMemory::walked)
      .def_readonly("pairs_visited", &PyMemory::pairs_visited)
      // A copy starts with nothing in mind.
      .def(py::pickle([](const PyMemory&) { return py::make_tuple(); },
                      [](const py::tuple&) { return std::make_unique<PyMemory>(); }));
  m.def("mean_shift", &shift, "kernel"_a, "seeds"_a, "keys"_a, py::kw_only(), "outputs"_a,
        "alpha"_a = 1.0, "tol"_a, "max_iter"_a, "mass_tol"_a = 0.0, "weights"_a = none,
        "log_weights"_a = none, "key_bandwidths"_a = none, "index"_a = py::none(), "modes"_a = none,
        "capture_radius"_a = 0.0, "num_threads"_a = 0, "callback"_a = none,
        "memory"_a = py::none());
}
