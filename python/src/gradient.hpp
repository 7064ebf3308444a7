// Gradients of local means.
#pragma once

#include <pybind11/pybind11.h>

void bind_gradient(pybind11::module_& m);
