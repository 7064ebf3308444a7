// What every function of the C ABI shares: no exception passes, and points become an item.
#pragma once

#include <new>
#include <variant>

#include "c_structs.hpp"

namespace vicinal::c {

// Keeps the message for vicinal_last_error() of this thread and returns the status.
vicinal_status fail(vicinal_status status, const char* message) noexcept;

template <class Work>
vicinal_status guarded(Work&& work) noexcept {
  try {
    work();
    return VICINAL_OK;
  } catch (const Failure& error) {
    return fail(error.status, error.what());
  } catch (const std::invalid_argument& error) {
    return fail(VICINAL_ERROR_INVALID_ARGUMENT, error.what());
  } catch (const std::bad_alloc&) {
    return fail(VICINAL_ERROR_OUT_OF_MEMORY, "out of memory");
  } catch (const std::length_error&) {
    return fail(VICINAL_ERROR_OUT_OF_MEMORY, "an array would be larger than memory can be");
  } catch (const std::logic_error& error) {  // of a state whose update was cut short
    return fail(VICINAL_ERROR_SPOILED_STATE, error.what());
  } catch (const std::exception& error) {
    return fail(VICINAL_ERROR_INTERNAL, error.what());
  } catch (...) {
    return fail(VICINAL_ERROR_INTERNAL, "an exception of unknown type");
  }
}

template <class P>
P* needed(const char* name, P* pointer) {
  if (pointer == nullptr)
    refuse(std::string(name) + " must not be NULL", VICINAL_ERROR_NULL_POINTER);
  return pointer;
}

// What a handle that was created for either floating type holds for T.
template <class T, class Held, class Handle>
auto& held(const char* name, Handle* handle) {
  auto* found = std::get_if<Held>(&needed(name, handle)->typed);
  if (found == nullptr)
    refuse(
        std::string(name) + (sizeof(T) == 4 ? " was created with _f64, and this is an _f32 call"
                                            : " was created with _f32, and this is an _f64 call"),
        VICINAL_ERROR_WRONG_TYPE);
  return *found;
}

inline void check_interrupted(const Report& report) {
  if (report.interrupted)
    refuse("the interrupted callback stopped the call", VICINAL_ERROR_INTERRUPTED);
}

// Before the work, so that no finished work is lost to a wrong size.
inline void check_report(const vicinal_report* report) {
  if (report != nullptr) check_struct_size<vicinal_report>("report", report->struct_size);
}

inline void tell(vicinal_report* out, const Report& report) {
  if (out != nullptr)
    write_struct("report", out, out->struct_size,
                 vicinal_report{0, report.empty_rows, report.pairs_visited});
}

template <class T>
struct Points {
  const T* queries;
  std::int64_t m;
  const T* keys;
  std::int64_t n, d;
  const T* values;
  std::int64_t p;
};

template <class T>
void set_keys(BatchItem<T>& item, const vicinal_options& o, const Points<T>& x) {
  item.keys = matrix("keys", x.keys, x.n, x.d, o.key_stride);
  if (x.values != nullptr || x.p != 0)
    item.values = matrix("values", x.values, x.n, x.p, o.value_stride);
}

template <class T>
void set_call(BatchItem<T>& item, const Options<T>& options) {
  item.weights = options.weights;
  item.log_weights = options.log_weights;
  item.mask = options.mask;
  item.bias = options.bias;
  item.self_indices = options.self_indices;
  item.key_bandwidths = options.key_bandwidths;
  item.query_bandwidths = options.query_bandwidths;
}

}  // namespace vicinal::c
