#include "neighbor_set.hpp"

#include <pybind11/stl.h>

#include <algorithm>

namespace {

using Integers = py::array_t<std::int64_t, py::array::c_style>;
using ShortIntegers = py::array_t<std::int32_t, py::array::c_style>;

template <class I>
std::span<const I> span_of(const py::array_t<I, py::array::c_style>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

PyNeighborSet segments(const Integers& query_offsets, const Integers& key_offsets, double before,
                       double after, std::int64_t offset, bool at_end) {
  return {vicinal::segments(span_of(query_offsets), span_of(key_offsets), before, after, offset,
                            at_end),
          {query_offsets, key_offsets}};
}

PyNeighborSet blocks(const py::array_t<bool, py::array::c_style>& mask, std::int64_t block) {
  return {vicinal::blocks({mask.data(), mask.shape(0), mask.shape(1)}, block), {mask}};
}

PyNeighborSet graph(const Integers& indptr, const py::array& indices, const py::object& edges,
                    const std::string& data, std::optional<bool> negative) {
  PyNeighborSet result{{}, {indptr, indices, edges}};
  if (py::isinstance<ShortIntegers>(indices))
    result.set = vicinal::graph(span_of(indptr), span_of(ShortIntegers(indices)));
  else
    result.set = vicinal::graph(span_of(indptr), span_of(indices.cast<Integers>()));
  result.set.negative = negative;
  result.set.check = false;  // the package has looked through its copy
  if (data == "distance") result.set.data = vicinal::EdgeData::distance;
  if (data == "weight") result.set.data = vicinal::EdgeData::weight;
  const auto read = [&]<class T>(std::span<const T>& into) {
    const auto numbers = edges.cast<py::array_t<T, py::array::c_style>>();
    into = {numbers.data(), static_cast<std::size_t>(numbers.size())};
    result.owners.push_back(numbers);
  };
  if (edges.is_none()) return result;
  if (py::isinstance<py::array_t<float>>(edges))
    read(result.set.edges_f32);
  else
    read(result.set.edges_f64);
  return result;
}

// Some part of it looks for keys by their distance.
bool finds_by_distance(const vicinal::NeighborSet& set) {
  using Kind = vicinal::NeighborSet::Kind;
  return set.kind == Kind::nearest || set.kind == Kind::radius ||
         std::any_of(set.parts.begin(), set.parts.end(), finds_by_distance);
}

template <class Join>
PyNeighborSet join(const PyNeighborSet& a, const PyNeighborSet& b, Join&& together) {
  PyNeighborSet result{together(a.set, b.set), a.owners};
  result.owners.insert(result.owners.end(), b.owners.begin(), b.owners.end());
  return result;
}

}  // namespace

void bind_neighbor_set(py::module_& m) {
  using namespace py::literals;
  const auto plain = [](vicinal::NeighborSet set) { return PyNeighborSet{std::move(set), {}}; };
  py::class_<PyNeighborSet>(m, "NeighborSet")
      .def_property_readonly("finds_by_distance",
                             [](const PyNeighborSet& s) { return finds_by_distance(s.set); })
      .def_static(
          "nearest", [=](std::int64_t k) { return plain(vicinal::nearest(k)); }, "k"_a)
      .def_static(
          "radius", [=](double r) { return plain(vicinal::within(r)); }, "radius"_a)
      .def_static(
          "window",
          [=](double before, double after, std::int64_t offset) {
            return plain(vicinal::window(before, after, offset));
          },
          "before"_a, "after"_a, "offset"_a)
      .def_static(
          "column_window",
          [=](std::int64_t column, double before, double after) {
            return plain(vicinal::window_on(column, before, after));
          },
          "column"_a, "before"_a, "after"_a)
      .def_static(
          "grid",
          [=](std::vector<std::int64_t> shape, std::vector<std::int64_t> reach) {
            return plain(vicinal::image_patch(std::move(shape), std::move(reach)));
          },
          "shape"_a, "reach"_a)
      .def_static("segments", &segments, "query_offsets"_a, "key_offsets"_a, "before"_a, "after"_a,
                  "offset"_a, "at_end"_a)
      .def_static("blocks", &blocks, "mask"_a, "block"_a)
      .def_static("graph", &graph, "indptr"_a, "indices"_a, "edges"_a, "data"_a, "negative"_a)
      .def_static(
          "both",
          [](const PyNeighborSet& a, const PyNeighborSet& b) {
            return join(a, b, [](auto x, auto y) { return std::move(x) & std::move(y); });
          },
          "a"_a, "b"_a)
      .def_static(
          "either",
          [](const PyNeighborSet& a, const PyNeighborSet& b) {
            return join(a, b, [](auto x, auto y) { return std::move(x) | std::move(y); });
          },
          "a"_a, "b"_a);
}
