// Sets of neighbors such as no caller should make, with the arrays that graphs borrow.
#pragma once

#include <list>

#include "hostile.hpp"

namespace hostile {

template <class T>
class Sets {
 public:
  Sets(const Sets&) = delete;
  Sets() = default;
  ~Sets() {
    for (vicinal_neighbors* set : made_) check(vicinal_neighbors_free(set) == VICINAL_OK);
  }

  // For calls of m queries and n keys; null where it was refused.
  const vicinal_neighbors* make(Provider& in, std::int64_t m, std::int64_t n, int depth = 0) {
    vicinal_neighbors* set = nullptr;
    const vicinal_status status = checked(create(in, m, n, depth, &set));
    check((status == VICINAL_OK) == (set != nullptr));
    if (set != nullptr) made_.push_back(set);
    return set;
  }

 private:
  using Ints = std::vector<std::int64_t>;

  vicinal_status create(Provider& in, std::int64_t m, std::int64_t n, int depth,
                        vicinal_neighbors** set) {
    switch (in.ConsumeIntegralInRange(0, depth < 4 ? 9 : 7)) {
      case 0:
        return vicinal_neighbors_nearest(count(in, 6), set);
      case 1:
        return vicinal_neighbors_within(number(in), set);
      case 2:
        return vicinal_neighbors_window(whole(in), whole(in), any(in), set);
      case 3:
        return vicinal_neighbors_window_on(count(in, 3), number(in), number(in), set);
      case 4: {
        const Ints of_queries = offsets(in, m), of_keys = offsets(in, n);
        return vicinal_neighbors_segments(of_queries.data(), of_keys.data(), 4, set);
      }
      case 5: {
        const std::int64_t block = count(in, 9), rows = blocks(m, block),
                           columns = blocks(n, block);
        std::vector<std::uint8_t> mask(static_cast<std::size_t>(rows * columns));
        for (auto& use : mask) use = in.ConsumeIntegral<std::uint8_t>() & 3;
        return vicinal_neighbors_blocks(mask.data(), rows, columns, VICINAL_CONTIGUOUS, block, set);
      }
      case 6: {
        const std::int64_t width = 1 + count(in, 3) % 4,
                           shape[] = {in.ConsumeBool() && width > 0 ? n / width : n, width},
                           reach[] = {count(in, 3), count(in, 3)};
        return vicinal_neighbors_image_patch(shape, reach, in.ConsumeBool() ? 1 : 2, set);
      }
      case 7:
        return create_graph(in, m, n, set);
      default: {
        const vicinal_neighbors *a = make(in, m, n, depth + 1), *b = make(in, m, n, depth + 1);
        return in.ConsumeBool() ? vicinal_neighbors_and(a, b, set)
                                : vicinal_neighbors_or(a, b, set);
      }
    }
  }

  vicinal_status create_graph(Provider& in, std::int64_t m, std::int64_t n,
                              vicinal_neighbors** set) {
    Ints& indptr = ints_.emplace_back(static_cast<std::size_t>(real(m) + 1));
    for (std::size_t i = 1; i < indptr.size(); ++i)
      indptr[i] = indptr[i - 1] + in.ConsumeIntegralInRange(0, 3);
    Ints& indices = ints_.emplace_back(static_cast<std::size_t>(indptr.back()));
    for (auto& key : indices) key = in.ConsumeIntegralInRange<std::int64_t>(0, real(n));
    if (in.ConsumeIntegral<std::uint8_t>() < 8) indptr.back() = any(in);
    const auto& edges = numbers_.emplace_back(numbers<T>(in, std::ssize(indices)));
    const std::int32_t data = in.ConsumeIntegralInRange(-1, 3);
    const T* given = data == 0 ? nullptr : edges.data();
    if constexpr (sizeof(T) == 4)
      return vicinal_neighbors_graph_f32(indptr.data(), real(m), indices.data(),
                                         std::ssize(indices), given, data, 1, set);
    else
      return vicinal_neighbors_graph_f64(indptr.data(), real(m), indices.data(),
                                         std::ssize(indices), given, data, 1, set);
  }

  static std::int64_t any(Provider& in) {
    return in.ConsumeBool() ? in.ConsumeIntegral<std::int8_t>()
                            : in.ConsumeIntegral<std::int64_t>();
  }
  static double whole(Provider& in) {
    return in.ConsumeBool() ? in.ConsumeIntegralInRange(0, 20) : number(in);
  }
  static std::int64_t blocks(std::int64_t rows, std::int64_t block) {
    return block > 0 ? real(rows) / block + (real(rows) % block != 0) : 0;
  }
  static Ints offsets(Provider& in, std::int64_t end) {
    const std::int64_t a = count(in, real(end)), b = count(in, real(end));
    return {0, a, b, end};
  }

  std::list<Ints> ints_;
  std::list<std::vector<T>> numbers_;
  std::vector<vicinal_neighbors*> made_;
};

}  // namespace hostile
