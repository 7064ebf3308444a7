// KeyIndex: keys prepared once, searched by many calls.
#pragma once

#include <variant>

#include "calls.hpp"
#include "vicinal/neighbors.hpp"

// An index in either dtype, with the keys that it borrows kept alive.
class PyIndex {
 public:
  PyIndex(py::array keys, const PyKernel& metric, int num_threads);

  // The index of this dtype, null if it is of the other.
  template <class T>
  const vicinal::KeyIndex<T>* get() const {
    return std::get_if<vicinal::KeyIndex<T>>(&index_);
  }
  py::array_t<std::int64_t> order() const;
  py::dict knn(const py::array& queries, py::array distances, py::array indices,
               const py::object& self_indices, bool exclude_self, int num_threads,
               const py::object& progress) const;
  py::dict kth_distances(const py::array& queries, double mass, const py::object& weights,
                         py::array distances, int num_threads, const py::object& progress) const;
  py::tuple radius_neighbors(const py::array& queries, double radius,
                             const py::object& self_indices, bool exclude_self, int num_threads,
                             const py::object& progress) const;

 private:
  using Any = std::variant<vicinal::KeyIndex<float>, vicinal::KeyIndex<double>>;
  py::array keys_;
  Any index_;
};

void bind_index(py::module_& m);
