// From the versioned structures of vicinal.h to the arguments of the C++ functions.
//
// What is checked here is what C can get wrong and C++ cannot: sizes of structures, null pointers,
// negative lengths, numbers that are not in an enumeration. The rules of a kernel are the door's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "vicinal/neighbors.hpp"
#include "vicinal/partial.hpp"
#include "vicinal/vicinal.h"

namespace vicinal::c {

// An error that already knows its status.
struct Failure : std::runtime_error {
  vicinal_status status;
  Failure(vicinal_status s, const std::string& message) : std::runtime_error(message), status(s) {}
};

[[noreturn]] inline void refuse(const std::string& message,
                                vicinal_status status = VICINAL_ERROR_INVALID_ARGUMENT) {
  throw Failure(status, message);
}

// Longer structures are from no version of this library: the size was never set.
inline constexpr std::size_t largest_struct = 4096;

template <class S>
void check_struct_size(const char* name, std::size_t size) {
  if (size >= sizeof(std::size_t) && size <= largest_struct && size % sizeof(void*) == 0) return;
  refuse(std::string(name) + ".struct_size must be that of the structure (" +
             std::to_string(sizeof(S)) + " in this version), got " + std::to_string(size) +
             "; call its _init function first",
         VICINAL_ERROR_STRUCT_SIZE);
}

// The fields that both sides know are copied over `defaults`.
template <class S>
S read_struct(const char* name, const S* given, S defaults) {
  const std::size_t size = given->struct_size;
  check_struct_size<S>(name, size);
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof(S); i < size; ++i)
    if (bytes[i] != 0)
      refuse(std::string(name) + " sets a field that this version does not know; update vicinal",
             VICINAL_ERROR_STRUCT_SIZE);
  std::memcpy(&defaults, given, std::min(size, sizeof(S)));
  defaults.struct_size = sizeof(S);
  return defaults;
}

// Writes the part of `value` that the caller's structure has room for, and zeros beyond ours.
template <class S>
void write_struct(const char* name, S* out, std::size_t size, S value) {
  if (out == nullptr) refuse(std::string(name) + " must not be NULL", VICINAL_ERROR_NULL_POINTER);
  check_struct_size<S>(name, size);
  std::memset(static_cast<void*>(out), 0, size);
  value.struct_size = size;
  std::memcpy(static_cast<void*>(out), &value, std::min(size, sizeof(S)));
}

vicinal_kernel default_kernel();
vicinal_options default_options();
vicinal_statistics default_statistics();
vicinal_search_options default_search_options();

// `d` is the number of features of the points.
KernelSum read_kernels(const vicinal_options& options, std::int64_t d);
vicinal_options read_options(const vicinal_options* options);

// rows × columns elements at a stride, all of them inside what a pointer can reach. No rows: a
// pointer to nothing, so that an empty matrix is never taken for an absent one.
template <class T>
View<T> matrix(const char* name, T* data, std::int64_t rows, std::int64_t columns,
               std::int64_t stride = VICINAL_CONTIGUOUS);

// Everything of the options but kernel and strides, for m queries and n keys.
template <class T>
Options<T> call_options(const vicinal_options& options, std::int64_t m, std::int64_t n);

// For m queries; NULL takes every default. The stride of the queries stays in the structure.
vicinal_search_options read_search(const vicinal_search_options* options);
SearchOptions call_search(const vicinal_search_options& options, std::int64_t m);

template <class T>
Statistics<T> read_statistics(const vicinal_statistics& statistics, std::int64_t m, std::int64_t n,
                              std::int64_t p);

}  // namespace vicinal::c
