#include "hopfield.hpp"

#include "calls.hpp"
#include "vicinal/hopfield.hpp"

namespace {

struct Recalled {
  const py::array &states, &iterations, &residuals;
};

template <class T>
void recall_as(const py::object& update, const py::array& queries, const Recalled& out, double tol,
               std::int64_t max_iter, const py::object& callback) {
  vicinal::HopfieldOptions<T> options;
  options.tol = tol;
  options.max_iter = max_iter;
  if (!callback.is_none())
    options.callback = [&](const vicinal::HopfieldRound<T>& round) {
      const py::array_t<std::int64_t> moved(static_cast<py::ssize_t>(round.moved.size()),
                                            round.moved.data());
      return py::cast<bool>(py::bool_(callback(round.iteration, round.longest_step, moved)));
    };
  const vicinal::HopfieldUpdate<T> step = [&](vicinal::View<const T> states,
                                              vicinal::View<T> next) {
    update(borrowed(states), borrowed(next));
    return true;
  };
  vicinal::hopfield(step, matrix_views<const T>("queries", queries)[0],
                    {.states = matrix_views<T>("states", out.states)[0],
                     .iterations = vector_spans<std::int64_t>("iterations", out.iterations)[0],
                     .residuals = vector_spans<double>("residuals", out.residuals)[0]},
                    options);
}

// The GIL is kept: the update is Python's, and what it calls lets it go.
void recall(const py::object& update, const py::array& queries, const py::array& states,
            const py::array& iterations, const py::array& residuals, double tol,
            std::int64_t max_iter, const py::object& callback) {
  const auto call =
      py::isinstance<py::array_t<float>>(queries) ? recall_as<float> : recall_as<double>;
  call(update, queries, {states, iterations, residuals}, tol, max_iter, callback);
}

}  // namespace

void bind_hopfield(py::module_& m) {
  using namespace py::literals;
  m.def("hopfield", &recall, "update"_a, "queries"_a, py::kw_only(), "states"_a, "iterations"_a,
        "residuals"_a, "tol"_a, "max_iter"_a, "callback"_a = py::none());
}
