#include "state.hpp"

#include <pybind11/stl.h>

#include <variant>

namespace {

vicinal::StateStatistics wanted_of(const std::vector<std::string>& names, int k) {
  vicinal::StateStatistics wanted;
  for (const std::string& name : names) {
    wanted.ess |= name == "ess";
    wanted.variance |= name == "variance";
    wanted.covariance |= name == "covariance";
    wanted.self_weight |= name == "self_weight";
    wanted.count |= name == "count";
    if (name.rfind("top_k", 0) == 0) wanted.top_k = k;
  }
  return wanted;
}

template <class T>
py::array_t<T> to_array(const std::vector<T>& numbers) {
  return py::array_t<T>(static_cast<py::ssize_t>(numbers.size()), numbers.data());
}

py::tuple pack(const vicinal::StateArrays& a) {
  return py::make_tuple(a.rows, a.columns, a.value_columns, a.top_k, to_array(a.reference),
                        to_array(a.hi), to_array(a.lo), to_array(a.center), to_array(a.count),
                        to_array(a.unit), to_array(a.top_index), to_array(a.top_rank),
                        to_array(a.top_sign), a.is_signed);
}

vicinal::StateArrays unpack(const py::tuple& t) {
  vicinal::StateArrays a;
  a.rows = t[0].cast<std::int64_t>(), a.columns = t[1].cast<std::int64_t>();
  a.value_columns = t[2].cast<std::int64_t>(), a.top_k = t[3].cast<std::int64_t>();
  a.reference = to_vector<double>(t[4]), a.hi = to_vector<double>(t[5]),
  a.lo = to_vector<double>(t[6]);
  a.center = to_vector<double>(t[7]), a.count = to_vector<std::int64_t>(t[8]);
  a.unit = to_vector<std::int64_t>(t[9]), a.top_index = to_vector<std::int64_t>(t[10]);
  a.top_rank = to_vector<double>(t[11]), a.top_sign = to_vector<double>(t[12]);
  a.is_signed = t[13].cast<bool>();
  return a;
}

template <class T>
vicinal::PartialState<T> make_state(const PyKernel& kernel, const py::array& queries,
                                    std::int64_t p, const vicinal::StateStatistics& wanted,
                                    bool exclude_self) {
  return {kernel.sum(), matrix_views<const T>("queries", queries), p, wanted, exclude_self};
}

// Where these keys and the queries stand in what a set of neighbors counts.
struct Place {
  const PyNeighborSet* neighbors;
  std::int64_t query_offset, key_offset;
};

class State {
 public:
  State(std::string dtype, py::object kernel, py::array queries, std::int64_t p,
        std::vector<std::string> statistics, int k, bool exclude_self)
      : dtype_(std::move(dtype)),
        kernel_(std::move(kernel)),
        queries_(queries.attr("copy")()),
        p_(p),
        statistics_(std::move(statistics)),
        k_(k),
        exclude_self_(exclude_self),
        state_(make()) {}

  void update(const KeyArguments& a, const Place& place, int num_threads,
              const py::object& progress) {
    std::visit([&](auto& state) { update_as(state, a, place, num_threads, progress); }, state_);
  }
  void merge(const State& other) {
    if (state_.index() != other.state_.index())
      throw py::type_error("states of different dtypes cannot be merged");
    pairs_ += other.pairs_;
    std::visit(
        [&](auto& state) {
          state.merge(std::get<std::remove_reference_t<decltype(state)>>(other.state_));
        },
        state_);
  }
  py::dict finish(const py::dict& outputs, const std::string& empty, double empty_value) const {
    return std::visit(
        [&](const auto& state) { return finish_as(state, outputs, empty, empty_value); }, state_);
  }
  py::tuple get_state() const {
    py::list arrays;
    std::visit(
        [&](const auto& state) {
          for (const auto& a : state.arrays()) arrays.append(pack(a));
        },
        state_);
    return py::make_tuple(dtype_, kernel_, queries_, p_, statistics_, k_, exclude_self_, arrays,
                          pairs_);
  }
  static State from_state(const py::tuple& t) {
    State state(t[0].cast<std::string>(), t[1], t[2], t[3].cast<std::int64_t>(),
                t[4].cast<std::vector<std::string>>(), t[5].cast<int>(), t[6].cast<bool>());
    std::vector<vicinal::StateArrays> arrays;
    for (const py::handle& item : t[7].cast<py::list>())
      arrays.push_back(unpack(item.cast<py::tuple>()));
    state.pairs_ = t[8].cast<std::int64_t>();
    if (!arrays.empty()) std::visit([&](auto& s) { s.restore(arrays); }, state.state_);
    return state;
  }

 private:
  using Either = std::variant<vicinal::PartialState<float>, vicinal::PartialState<double>>;

  Either make() const {
    const auto& kernel = kernel_.cast<const PyKernel&>();
    const auto wanted = wanted_of(statistics_, k_);
    if (dtype_ == "float32") return make_state<float>(kernel, queries_, p_, wanted, exclude_self_);
    if (dtype_ == "float64") return make_state<double>(kernel, queries_, p_, wanted, exclude_self_);
    throw py::type_error("dtype must be float32 or float64, got " + dtype_);
  }

  template <class T>
  void update_as(vicinal::PartialState<T>& state, const KeyArguments& a, const Place& place,
                 int num_threads, const py::object& progress) {
    std::vector<vicinal::BatchItem<T>> items(item_offsets(queries_, 2).size());
    read_keys(a, items);
    vicinal::Options<T> options;
    options.key_offset = place.key_offset;
    options.query_offset = place.query_offset;
    if (place.neighbors != nullptr) options.neighbors = place.neighbors->set;
    options.num_threads = num_threads;
    watch(options, progress);
    vicinal::Report report;
    {
      const py::gil_scoped_release release;
      report = state.update(items, options);
    }
    pairs_ += report.pairs_visited;
  }

  template <class T>
  py::dict finish_as(const vicinal::PartialState<T>& state, const py::dict& outputs,
                     const std::string& empty, double empty_value) const {
    const auto statistics = read_outputs<T>(outputs, item_offsets(queries_, 2).size());
    vicinal::Report report = state.finish(statistics, empty_policy(empty), empty_value);
    report.pairs_visited = pairs_;
    return report_of(report);
  }

  std::string dtype_;
  py::object kernel_;
  py::array queries_;
  std::int64_t p_;
  std::vector<std::string> statistics_;
  int k_;
  bool exclude_self_;
  std::int64_t pairs_ = 0;  // visited so far
  Either state_;
};

}  // namespace

void bind_state(py::module_& m) {
  using namespace py::literals;
  py::class_<State>(m, "State")
      .def(py::init<std::string, py::object, py::array, std::int64_t, std::vector<std::string>, int,
                    bool>(),
           "dtype"_a, "kernel"_a, "queries"_a, "p"_a, "statistics"_a, "k"_a = 0,
           "exclude_self"_a = false)
      .def(
          "update",
          [](State& s, py::object keys, py::object values, py::object weights,
             py::object log_weights, py::object bias, py::object mask, py::object self_indices,
             py::object key_bandwidths, py::object query_bandwidths, const PyNeighborSet* neighbors,
             std::int64_t query_offset, std::int64_t key_offset, int num_threads,
             py::object progress) {
            s.update({keys, values, weights, log_weights, bias, mask, self_indices, key_bandwidths,
                      query_bandwidths},
                     {neighbors, query_offset, key_offset}, num_threads, progress);
          },
          "keys"_a, "values"_a = py::none(), py::kw_only(), "weights"_a = py::none(),
          "log_weights"_a = py::none(), "bias"_a = py::none(), "mask"_a = py::none(),
          "self_indices"_a = py::none(), "key_bandwidths"_a = py::none(),
          "query_bandwidths"_a = py::none(), "neighbors"_a = py::none(), "query_offset"_a = 0,
          "key_offset"_a = 0, "num_threads"_a = 0, "progress"_a = py::none())
      .def("merge", &State::merge, "other"_a)
      .def("finish", &State::finish, "outputs"_a, "empty"_a = "nan",
           "empty_value"_a = std::numeric_limits<double>::quiet_NaN())
      .def(py::pickle([](const State& s) { return s.get_state(); },
                      [](const py::tuple& t) { return State::from_state(t); }));
}
