// Sums over fuzzy rules.
#pragma once

#include <pybind11/pybind11.h>

void bind_rules(pybind11::module_& m);
