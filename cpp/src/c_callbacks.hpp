// Threads and callbacks of a call, from any structure of vicinal.h that has them.
#pragma once

#include "c_structs.hpp"

namespace vicinal::c {

// A callback in C++ might throw: that must look like nothing else.
template <class Call>
auto shielded(Call&& call) {
  try {
    return call();
  } catch (...) {
    refuse("a callback threw an exception", VICINAL_ERROR_INTERNAL);
  }
}

template <class Given, class Call>
void read_callbacks(const Given& given, Call& call) {
  if (given.num_threads < 0 || given.num_threads > 4096)
    refuse("num_threads must be 0 (automatic) to 4096, got " + std::to_string(given.num_threads));
  call.num_threads = static_cast<int>(given.num_threads);
  if (given.interrupted != nullptr)
    call.interrupted = [f = given.interrupted, c = given.context] {
      return shielded([&] { return f(c) != 0; });
    };
  if (given.progress != nullptr)
    call.progress = [f = given.progress, c = given.context](double x) {
      shielded([&] { f(x, c); });
    };
}

}  // namespace vicinal::c
