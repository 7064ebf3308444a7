// Mean shift over numpy arrays.
#pragma once

#include "index.hpp"

void bind_mean_shift(py::module_& m);
