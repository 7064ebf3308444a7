// Small problems of every query.
#pragma once

#include <pybind11/pybind11.h>

void bind_local_fit(pybind11::module_& m);
