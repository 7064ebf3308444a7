// Borrowed two-dimensional views. A view owns nothing and copies nothing.
#pragma once

#include <cstdint>

namespace vicinal {

// rows × columns elements; the elements of a row are contiguous, `stride` elements lie between row
// starts. A stride of 0 repeats one row, a negative one walks backwards.
template <class T>
struct View {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;

  constexpr View() = default;
  constexpr View(T* first, std::int64_t m, std::int64_t n)
      : data(first), rows(m), columns(n), stride(n) {}
  constexpr View(T* first, std::int64_t m, std::int64_t n, std::int64_t row_stride)
      : data(first), rows(m), columns(n), stride(row_stride) {}
  template <class U>
    requires(!__is_same(U, T) && requires(U* u) { static_cast<T*>(u); })
  constexpr View(const View<U>& other)  // View<float> → View<const float>
      : data(other.data), rows(other.rows), columns(other.columns), stride(other.stride) {}

  constexpr T* row(std::int64_t i) const { return data + i * stride; }
};

// rows × columns elements at any two strides: masks and biases that are broadcast.
template <class T>
struct PairView {
  const T* data = nullptr;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;

  constexpr explicit operator bool() const { return data != nullptr; }
  constexpr const T* row(std::int64_t i) const { return data + i * row_stride; }
};

}  // namespace vicinal
