// A tile of weights → the chunk's sums: Σw, Σwy, second moments.
#pragma once

#include "step.hpp"

namespace vicinal {

template <class T>
void reduce(const Step<T>& step) noexcept;

}  // namespace vicinal
