// PartialState with the queries it borrows kept alive, in either dtype, picklable.
#pragma once

#include "calls.hpp"
#include "neighbor_set.hpp"
#include "vicinal/partial.hpp"

void bind_state(py::module_& m);
