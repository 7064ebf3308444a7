// NeighborSet: which keys a query sees, with the arrays that it borrows.
#pragma once

#include "arrays.hpp"
#include "vicinal/neighbor_set.hpp"

struct PyNeighborSet {
  vicinal::NeighborSet set;
  std::vector<py::object> owners;  // of indptr, indices, numbers, offsets, masks
};

void bind_neighbor_set(py::module_& m);
