// No output of a call may overlap an input of it, or another output.
#pragma once

#include "vicinal/local_mean.hpp"

namespace vicinal::c {

// Throws std::invalid_argument that names both.
template <class T>
void check_overlap(const BatchItem<T>& item);

}  // namespace vicinal::c
