// numpy arrays ↔ views: a call's arrays share their leading dimensions, which become the items of a
// batch.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "vicinal/local_mean.hpp"

namespace py = pybind11;

// Any numbers → a vector.
template <class T>
std::vector<T> to_vector(const py::handle& numbers) {
  const auto a = py::array_t<T, py::array::c_style | py::array::forcecast>::ensure(numbers);
  if (!a) throw py::error_already_set();
  return {a.data(), a.data() + a.size()};
}

// Element offsets of every item of the leading dimensions, in C order.
inline std::vector<std::int64_t> item_offsets(const py::array& a, int trailing) {
  std::vector<std::int64_t> offsets{0};
  for (py::ssize_t axis = 0; axis < a.ndim() - trailing; ++axis) {
    std::vector<std::int64_t> next;
    next.reserve(offsets.size() * static_cast<std::size_t>(a.shape(axis)));
    for (const std::int64_t base : offsets)
      for (py::ssize_t i = 0; i < a.shape(axis); ++i)
        next.push_back(base + i * (a.strides(axis) / a.itemsize()));
    offsets = std::move(next);
  }
  return offsets;
}

template <class T>
void check_array(const char* name, const py::array& a, int trailing, bool unit_last) {
  if (!py::isinstance<py::array_t<T>>(a))
    throw py::type_error(std::string(name) + " has dtype " +
                         py::str(a.dtype()).cast<std::string>() +
                         ", which differs from the call's");
  if (a.ndim() < trailing)
    throw std::invalid_argument(std::string(name) + " has too few dimensions");
  if (unit_last && a.shape(a.ndim() - 1) > 1 && a.strides(a.ndim() - 1) != a.itemsize())
    throw std::invalid_argument(std::string(name) + " must have contiguous rows");
}

// (…, rows, columns) → one view per item.
template <class T>
std::vector<vicinal::View<T>> matrix_views(const char* name, const py::array& a) {
  using Element = std::remove_const_t<T>;
  check_array<Element>(name, a, 2, true);
  const py::ssize_t rows = a.ndim() - 2;
  T* data;
  if constexpr (std::is_const_v<T>)
    data = static_cast<T*>(a.data());
  else
    data = static_cast<T*>(const_cast<py::array&>(a).mutable_data());
  std::vector<vicinal::View<T>> views;
  for (const std::int64_t offset : item_offsets(a, 2))
    views.push_back(
        {data + offset, a.shape(rows), a.shape(rows + 1), a.strides(rows) / a.itemsize()});
  return views;
}

// (…, size) → one span per item.
template <class T>
std::vector<std::span<T>> vector_spans(const char* name, const py::array& a) {
  using Element = std::remove_const_t<T>;
  check_array<Element>(name, a, 1, true);
  T* data;
  if constexpr (std::is_const_v<T>)
    data = static_cast<T*>(a.data());
  else
    data = static_cast<T*>(const_cast<py::array&>(a).mutable_data());
  std::vector<std::span<T>> spans;
  for (const std::int64_t offset : item_offsets(a, 1))
    spans.push_back({data + offset, static_cast<std::size_t>(a.shape(a.ndim() - 1))});
  return spans;
}

// (…, m, n) at any strides → one pair view per item.
template <class T>
std::vector<vicinal::PairView<T>> pair_views(const char* name, const py::array& a) {
  check_array<T>(name, a, 2, false);
  const T* data = static_cast<const T*>(a.data());
  std::vector<vicinal::PairView<T>> views;
  for (const std::int64_t offset : item_offsets(a, 2))
    views.push_back({data + offset, a.strides(a.ndim() - 2) / a.itemsize(),
                     a.strides(a.ndim() - 1) / a.itemsize()});
  return views;
}

// A view as an array that borrows it, for as long as a Python function looks at it.
template <class T>
py::array borrowed(const vicinal::View<T>& view) {
  using Element = std::remove_const_t<T>;
  const auto size = static_cast<py::ssize_t>(sizeof(T));
  py::array_t<Element> array({view.rows, view.columns}, {view.stride * size, size}, view.data,
                             py::none());
  if (std::is_const_v<T>) array.attr("flags").attr("writeable") = false;
  return array;
}

// Memory of a finished vector, given to numpy without a copy.
template <class T>
py::array_t<T> give(std::vector<T>&& numbers) {
  auto* kept = new std::vector<T>(std::move(numbers));
  const py::capsule owner(kept, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return py::array_t<T>(static_cast<py::ssize_t>(kept->size()), kept->data(), owner);
}
