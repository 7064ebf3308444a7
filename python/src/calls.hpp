// The arguments of a call, gathered into batches and options.
#pragma once

#include "arrays.hpp"
#include "kernel.hpp"
#include "vicinal/local_mean.hpp"

// Key-side arguments shared by run and State.update.
struct KeyArguments {
  py::object keys, values, weights, log_weights, bias, mask, self_indices;
  py::object key_bandwidths = py::none(), query_bandwidths = py::none();
};

template <class T>
void read_keys(const KeyArguments& a, std::vector<vicinal::BatchItem<T>>& items) {
  const auto each = [&](const auto& views, auto&& set) {
    if (views.size() != items.size()) throw std::invalid_argument("leading dimensions differ");
    for (std::size_t i = 0; i < items.size(); ++i) set(items[i], views[i]);
  };
  each(matrix_views<const T>("keys", a.keys), [](auto& item, const auto& v) { item.keys = v; });
  if (!a.values.is_none())
    each(matrix_views<const T>("values", a.values),
         [](auto& item, const auto& v) { item.values = v; });
  if (!a.weights.is_none())
    each(vector_spans<const T>("weights", a.weights),
         [](auto& item, const auto& v) { item.weights = v; });
  if (!a.log_weights.is_none())
    each(vector_spans<const T>("log_weights", a.log_weights),
         [](auto& item, const auto& v) { item.log_weights = v; });
  if (!a.bias.is_none())
    each(pair_views<T>("bias", a.bias), [](auto& item, const auto& v) { item.bias = v; });
  if (!a.mask.is_none())
    each(pair_views<bool>("mask", a.mask), [](auto& item, const auto& v) { item.mask = v; });
  if (!a.self_indices.is_none())
    each(vector_spans<const std::int64_t>("self_indices", a.self_indices),
         [](auto& item, const auto& v) { item.self_indices = v; });
  if (!a.key_bandwidths.is_none())
    each(vector_spans<const T>("key_bandwidths", a.key_bandwidths),
         [](auto& item, const auto& v) { item.key_bandwidths = v; });
  if (!a.query_bandwidths.is_none())
    each(vector_spans<const T>("query_bandwidths", a.query_bandwidths),
         [](auto& item, const auto& v) { item.query_bandwidths = v; });
}

// Where keys and values stand in pages: addresses of a page's first row, (…, pages), for both, the
// keys of each item, (…, 1), and the rows of a page. Who calls keeps the pages alive.
template <class T>
class PageTables {
 public:
  void read(const py::tuple& pages, std::vector<vicinal::BatchItem<T>>& items,
            vicinal::Options<T>& options) {
    options.page_rows = pages[3].cast<std::int64_t>();
    const py::array counts = pages[2];
    const auto lengths = vector_spans<const std::int64_t>("lengths", counts);
    const auto each = [&](const char* name, const py::array& addresses,
                          std::vector<const T*>& stored, auto view, auto table) {
      const auto spans = vector_spans<const std::uintptr_t>(name, addresses);
      if (spans.size() != items.size() || lengths.size() != items.size())
        throw std::invalid_argument("leading dimensions differ");
      for (const auto& span : spans)
        for (const std::uintptr_t at : span) stored.push_back(reinterpret_cast<const T*>(at));
      for (std::size_t i = 0, at = 0; i < spans.size(); at += spans[i++].size()) {
        auto& rows = items[i].*view;
        rows = {spans[i].empty() ? rows.data : stored[at], lengths[i][0], rows.columns};
        const auto used =
            static_cast<std::size_t>((rows.rows + options.page_rows - 1) / options.page_rows);
        items[i].*table = std::span(stored).subspan(at, std::min(used, spans[i].size()));
      }
    };
    using Item = vicinal::BatchItem<T>;
    each("key_pages", pages[0], keys_, &Item::keys, &Item::key_pages);
    each("value_pages", pages[1], values_, &Item::values, &Item::value_pages);
  }

 private:
  std::vector<const T*> keys_, values_;
};

// One Statistics per item from the dict of output arrays.
template <class T>
std::vector<vicinal::Statistics<T>> read_outputs(const py::dict& outputs, std::size_t items) {
  std::vector<vicinal::Statistics<T>> all(items);
  const auto each = [&](const char* name, auto&& views_of, auto member) {
    if (!outputs.contains(name)) return;
    const auto views = views_of(name, py::array(outputs[name]));
    if (views.size() != items)
      throw std::invalid_argument(std::string("outputs differ in leading dimensions: ") + name);
    for (std::size_t i = 0; i < items; ++i) all[i].*member = views[i];
  };
  const auto matrix = [](const char* n, const py::array& a) { return matrix_views<T>(n, a); };
  const auto vector = [](const char* n, const py::array& a) { return vector_spans<T>(n, a); };
  using S = vicinal::Statistics<T>;
  each("mean", matrix, &S::mean);
  each("variance", matrix, &S::variance);
  each("top_k_weights", matrix, &S::top_k_weights);
  each("weights", matrix, &S::weights);
  each("log_mass", vector, &S::log_mass);
  each("ess", vector, &S::ess);
  each("self_weight", vector, &S::self_weight);
  each(
      "count", [](const char* n, const py::array& a) { return vector_spans<std::int64_t>(n, a); },
      &S::count);
  each(
      "top_k_indices",
      [](const char* n, const py::array& a) { return matrix_views<std::int64_t>(n, a); },
      &S::top_k_indices);
  if (outputs.contains("covariance")) {  // (…, m, p, p) as m rows of p²
    py::array covariance = outputs["covariance"];
    std::vector<py::ssize_t> shape(covariance.shape(), covariance.shape() + covariance.ndim() - 1);
    shape.back() *= shape.back();
    each(
        "covariance",
        [&](const char* n, const py::array& a) {
          return matrix_views<T>(n, py::array(a).reshape(shape));
        },
        &S::covariance);
  }
  return all;
}

inline vicinal::Empty empty_policy(const std::string& name) {
  if (name == "nan" || name == "raise") return vicinal::Empty::nan;
  if (name == "zero") return vicinal::Empty::zero;
  if (name == "nearest") return vicinal::Empty::nearest;
  if (name == "value") return vicinal::Empty::value;
  throw std::invalid_argument("empty is not known: " + name);
}

// Ctrl-C and progress: both take the GIL, on the calling thread only.
inline bool ctrl_c() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  return false;
}

template <class Options>
void watch(Options& options, const py::object& progress) {
  options.interrupted = ctrl_c;
  if (!progress.is_none())
    options.progress = [&progress](double fraction) {
      const py::gil_scoped_acquire gil;
      progress(fraction);
    };
}

// What a call is told besides its arrays.
struct CallSettings {
  bool exclude_self;
  double tol;
  const std::string& empty;
  double empty_value;
  int num_threads;
  const py::object& progress;
};

template <class T>
vicinal::Options<T> options_of(const CallSettings& s) {
  vicinal::Options<T> options;
  options.exclude_self = s.exclude_self;
  options.tol = s.tol;
  options.empty = empty_policy(s.empty);
  options.empty_value = s.empty_value;
  options.num_threads = s.num_threads;
  watch(options, s.progress);
  return options;
}

inline py::dict report_of(const vicinal::Report& report) {
  py::dict d;
  d["empty_rows"] = report.empty_rows;
  d["pairs_visited"] = report.pairs_visited;
  return d;
}
