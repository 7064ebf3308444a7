#include "kernel.hpp"

#include <stdexcept>
#include <string>
#include <unordered_map>

#include "arrays.hpp"

namespace py = pybind11;
using vicinal::Kernel;
using vicinal::Metric;
using vicinal::Profile;

namespace {

const std::unordered_map<std::string, Profile> profiles = {
    {"gaussian", Profile::gaussian},
    {"laplace", Profile::laplace},
    {"logistic", Profile::logistic},
    {"cauchy", Profile::cauchy},
    {"student_t", Profile::student_t},
    {"rational_quadratic", Profile::rational_quadratic},
    {"matern", Profile::matern},
    {"epanechnikov", Profile::epanechnikov},
    {"biweight", Profile::biweight},
    {"triweight", Profile::triweight},
    {"tricube", Profile::tricube},
    {"triangular", Profile::triangular},
    {"cosine", Profile::cosine},
    {"uniform", Profile::uniform},
    {"wendland_c2", Profile::wendland_c2},
    {"inverse_distance", Profile::inverse_distance},
    {"constant", Profile::constant},
    {"softmax", Profile::softmax},
    {"von_mises_fisher", Profile::von_mises_fisher},
    {"polynomial", Profile::polynomial},
    {"sigmoid", Profile::sigmoid},
    {"aitchison_aitken", Profile::aitchison_aitken},
    {"wang_van_ryzin", Profile::wang_van_ryzin},
    {"table", Profile::table},
    {"function", Profile::function},
};

const std::unordered_map<std::string, Metric> metrics = {
    {"euclidean", Metric::euclidean},
    {"manhattan", Metric::manhattan},
    {"chebyshev", Metric::chebyshev},
    {"haversine", Metric::haversine},
    {"great_circle", Metric::great_circle},
    {"mahalanobis", Metric::mahalanobis},
    {"dot", Metric::dot},
    {"cosine", Metric::cosine},
    {"category", Metric::category},
};

template <class E>
E look_up(const std::unordered_map<std::string, E>& names, const char* what,
          const std::string& name) {
  const auto found = names.find(name);
  if (found == names.end())
    throw std::invalid_argument(std::string(what) + " is not known: " + name);
  return found->second;
}

template <class V>
V get(const py::dict& d, const char* key, V fallback) {
  if (!d.contains(key) || d[key].is_none()) return fallback;
  return d[key].cast<V>();
}

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

}  // namespace

PyKernel::PyKernel(const py::list& terms) : terms_(terms), sum_(std::vector<vicinal::Term>{}) {
  for (const py::handle& item : terms) {
    const auto term = item.cast<py::tuple>();
    vicinal::Term lowered{term[0].cast<double>(), {}};
    for (const py::handle& factor : term[1].cast<py::sequence>())
      lowered.factors.push_back(factor_of(factor.cast<py::dict>()));
    sum_.terms.push_back(std::move(lowered));
  }
}

Kernel PyKernel::factor_of(const py::dict& d) {
  Kernel k;
  k.profile = look_up(profiles, "profile", d["profile"].cast<std::string>());
  k.metric = look_up(metrics, "metric", d["metric"].cast<std::string>());
  const auto h = d["bandwidth"].cast<Doubles>();
  if (h.size() == 1) {
    k.bandwidth = h.data()[0];
  } else {
    numbers_.emplace_back(h.data(), h.data() + h.size());
    k.bandwidths = numbers_.back();
  }
  if (d.contains("columns") && !d["columns"].is_none()) {
    columns_.push_back(to_vector<std::int64_t>(d["columns"]));
    k.columns = columns_.back();
  }
  if (d.contains("components") && !d["components"].is_none()) {
    const auto c = d["components"].cast<Doubles>();
    numbers_.emplace_back(c.data(), c.data() + c.size());
    k.components = {numbers_.back().data(), c.shape(0), c.shape(1)};
  }
  k.shape = get(d, "shape", 0.0);
  k.offset = get(d, "offset", 0.0);
  k.rectified = get(d, "rectified", false);
  k.scale = get(d, "scale", 1.0);
  k.scaled_keys = get(d, "scaled_keys", false);
  if (d.contains("table") && !d["table"].is_none())
    k.table = d["table"].cast<const vicinal::ProfileTable*>();
  if (const auto address = get<std::uintptr_t>(d, "function", 0); address != 0)
    k.function = reinterpret_cast<double (*)(double)>(address);
  return k;
}

bool PyKernel::is_searchable() const {
  if (sum_.terms.size() != 1 || sum_.terms[0].factors.size() != 1) return false;
  const vicinal::Kernel& k = sum_.terms[0].factors[0];
  return k.metric != vicinal::Metric::automatic && k.metric != vicinal::Metric::category &&
         k.bandwidths.size() < 2;
}
