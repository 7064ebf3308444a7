// The handle of prepared keys: an index of either floating type.
#pragma once

#include <variant>

#include "c_call.hpp"

struct vicinal_index {
  std::variant<vicinal::KeyIndex<float>, vicinal::KeyIndex<double>> typed;
};

namespace vicinal::c {

template <class T>
const KeyIndex<T>& index_of(const vicinal_index* index) {
  return held<T, KeyIndex<T>>("index", index);
}

}  // namespace vicinal::c
