// KeyIndex: keys prepared once, searched by many calls.
#pragma once

#include "calls.hpp"

void bind_index(py::module_& m);
