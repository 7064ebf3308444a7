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

// One item per leading index: arrays by the names of FitMoments and LinearFits.
std::int64_t fit_moments(const py::dict& moments, const py::dict& fits, double ridge,
                         int num_threads) {
  std::vector<vicinal::FitMoments> given;
  std::vector<vicinal::LinearFits> wanted;
  const auto each = [](const py::dict& arrays, auto& items, const char* name, auto&& views_of,
                       auto member) {
    if (!arrays.contains(name)) return;
    const auto views = views_of(name, py::array(arrays[name]));
    items.resize(views.size());
    for (std::size_t i = 0; i < views.size(); ++i) items[i].*member = views[i];
  };
  const auto input = [](const char* n, const py::array& a) {
    return matrix_views<const double>(n, a);
  };
  const auto inputs = [](const char* n, const py::array& a) {
    return vector_spans<const double>(n, a);
  };
  const auto output = [](const char* n, const py::array& a) { return matrix_views<double>(n, a); };
  using M = vicinal::FitMoments;
  using F = vicinal::LinearFits;
  each(moments, given, "queries", input, &M::queries);
  each(moments, given, "mean", input, &M::mean);
  each(moments, given, "covariance", input, &M::covariance);
  each(moments, given, "log_mass", inputs, &M::log_mass);
  each(moments, given, "self_points", input, &M::self_points);
  each(moments, given, "self_share", inputs, &M::self_share);
  each(moments, given, "squared_mean", input, &M::squared_mean);
  each(moments, given, "squared_covariance", input, &M::squared_covariance);
  each(moments, given, "squared_log_mass", inputs, &M::squared_log_mass);
  each(fits, wanted, "fitted", output, &F::fitted);
  each(fits, wanted, "slopes", output, &F::slopes);
  each(fits, wanted, "standard_errors", output, &F::standard_errors);
  const auto outputs = [](const char* n, const py::array& a) { return vector_spans<double>(n, a); };
  each(fits, wanted, "self_weight", outputs, &F::self_weight);
  each(fits, wanted, "pivots", outputs, &F::pivots);
  if (given.size() != wanted.size()) throw std::invalid_argument("leading dimensions differ");
  std::int64_t regularised = 0;
  const py::gil_scoped_release release;
  for (std::size_t i = 0; i < given.size(); ++i)
    regularised += vicinal::fit_moments(given[i], wanted[i], ridge, num_threads);
  return regularised;
}

vicinal::View<const double> only_matrix(const char* name, const py::array& a) {
  const auto views = matrix_views<const double>(name, a);
  if (views.size() != 1)
    throw std::invalid_argument(std::string(name) + " must not have leading dimensions");
  return views[0];
}

template <class T>
std::span<T> column_or_none(const py::dict& arrays, const char* name) {
  if (!arrays.contains(name)) return {};
  return vector_spans<T>(name, py::array(arrays[name]))[0];
}

vicinal::Family family_of(const std::string& name) {
  if (name == "gaussian") return vicinal::Family::gaussian;
  if (name == "binomial") return vicinal::Family::binomial;
  if (name == "poisson") return vicinal::Family::poisson;
  if (name == "quantile") return vicinal::Family::quantile;
  throw std::invalid_argument("family is not known: " + name);
}

// Arrays by the names of FitLists and FitDesign, ListFits and ListFitOptions.
std::int64_t fit_lists(const py::dict& given, const py::dict& fits, int degree,
                       const std::string& family, double level, double ridge, int num_threads) {
  const auto matrix = [&given](const char* name) {
    return only_matrix(name, py::array(given[name]));
  };
  const auto output = [&fits](const char* name) {
    return fits.contains(name) ? matrix_views<double>(name, py::array(fits[name]))[0]
                               : vicinal::View<double>{};
  };
  const vicinal::FitLists lists{.indptr = column_or_none<const std::int64_t>(given, "indptr"),
                                .indices = column_or_none<const std::int64_t>(given, "indices"),
                                .weights = column_or_none<const double>(given, "weights")};
  const vicinal::FitDesign design{matrix("queries"), matrix("keys"), degree};
  const auto values = matrix("values");
  const vicinal::ListFits wanted{.fitted = output("fitted"),
                                 .coefficients = output("coefficients"),
                                 .standard_errors = output("standard_errors"),
                                 .self_weight = column_or_none<double>(fits, "self_weight"),
                                 .influence = column_or_none<double>(fits, "influence")};
  const vicinal::ListFitOptions options{
      .family = family_of(family),
      .level = level,
      .ridge = ridge,
      .ridges = column_or_none<const double>(given, "ridges"),
      .key_factors = column_or_none<const double>(given, "key_factors"),
      .own_keys = column_or_none<const std::int64_t>(given, "own_keys"),
      .num_threads = num_threads};
  const py::gil_scoped_release release;
  return vicinal::fit_lists(lists, design, values, wanted, options);
}

}  // namespace

void bind_local_fit(py::module_& m) {
  using namespace py::literals;
  m.def("affine_weights", &affine_weights, "queries"_a, "keys"_a, "neighbors"_a, "weights"_a,
        py::kw_only(), "reg"_a, "ridge"_a = "trace", "num_threads"_a = 0);
  m.def("affine_lists", &affine_lists, "queries"_a, "keys"_a, "indptr"_a, "indices"_a, "weights"_a,
        py::kw_only(), "reg"_a, "ridge"_a = "trace", "num_threads"_a = 0);
  m.def("fit_lists", &fit_lists, "given"_a, "fits"_a, py::kw_only(), "degree"_a,
        "family"_a = "gaussian", "level"_a = 0.5, "ridge"_a = 0.0, "num_threads"_a = 0);
  m.def("fit_moments", &fit_moments, "moments"_a, "fits"_a, py::kw_only(), "ridge"_a = 0.0,
        "num_threads"_a = 0);
}
