// Sets of neighbors of C++ made again through the C ABI.
#pragma once

#include "c_caller.hpp"
#include "vicinal/neighbor_set.hpp"

namespace c_caller {

struct FreeSet {
  void operator()(vicinal_neighbors* set) const { vicinal_neighbors_free(set); }
};
using Set = std::unique_ptr<vicinal_neighbors, FreeSet>;

template <class Create, class... Arguments>
Set set_from(Create create, Arguments... arguments) {
  vicinal_neighbors* set = nullptr;
  REQUIRE_MESSAGE(create(arguments..., &set) == VICINAL_OK, std::string(vicinal_last_error()));
  REQUIRE(set != nullptr);
  return Set(set);
}

inline Set set_of(const vicinal::NeighborSet& s) {
  using Kind = vicinal::NeighborSet::Kind;
  const auto data = static_cast<std::int32_t>(s.data);
  const auto join = [&](auto create) {
    const Set a = set_of(s.parts[0]), b = set_of(s.parts[1]);
    return set_from(create, a.get(), b.get());
  };
  switch (s.kind) {
    case Kind::nearest:
      return set_from(vicinal_neighbors_nearest, s.k);
    case Kind::radius:
      return set_from(vicinal_neighbors_within, s.radius);
    case Kind::window:
      return set_from(vicinal_neighbors_window, s.before, s.after, s.offset);
    case Kind::column_window:
      return set_from(vicinal_neighbors_window_on, s.column, s.before, s.after);
    case Kind::segments:
      return set_from(vicinal_neighbors_segments_window, s.query_offsets.data(),
                      s.key_offsets.data(), std::ssize(s.key_offsets), s.before, s.after, s.offset,
                      std::int32_t{s.at_end});
    case Kind::blocks:
      return set_from(vicinal_neighbors_blocks, reinterpret_cast<const std::uint8_t*>(s.mask.data),
                      s.mask.rows, s.mask.columns, s.mask.stride, s.block);
    case Kind::grid:
      return set_from(vicinal_neighbors_image_patch, s.shape.data(), s.reach.data(),
                      std::ssize(s.shape));
    case Kind::graph:
      if (!s.edges_f64.empty())
        return set_from(vicinal_neighbors_graph_f64, s.indptr.data(), std::ssize(s.indptr) - 1,
                        s.indices.data(), std::ssize(s.indices), s.edges_f64.data(), data, 1);
      return set_from(vicinal_neighbors_graph_f32, s.indptr.data(), std::ssize(s.indptr) - 1,
                      s.indices.data(), std::ssize(s.indices),
                      s.edges_f32.empty() ? nullptr : s.edges_f32.data(), data, 1);
    case Kind::both:
      return join(vicinal_neighbors_and);
    default:
      REQUIRE(s.kind == Kind::either);
      return join(vicinal_neighbors_or);
  }
}

}  // namespace c_caller
