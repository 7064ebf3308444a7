// Where the sums of a power series of up to three variables stand: monomial α after monomial, the
// last variable's exponent running fastest, in rows of the others' exponents.
#pragma once

#include <array>
#include <vector>

#include "kernels/table.hpp"

namespace vicinal {

// The exponents of a row but the last, where it starts, and where the rows start in which one of
// them is larger by one.
struct MonomialRow {
  std::array<int, 2> exponents{};
  int at = 0, length = 0;
  std::array<int, 2> next{};
};

// All monomials of `depth` variables up to a degree.
struct Monomials {
  std::vector<MonomialRow> rows;
  int count = 0;

  Monomials(int depth, int degree) {
    const int first = depth > 1 ? degree : 0;
    for (int a = 0; a <= first; ++a)
      for (int b = 0; b <= (depth > 2 ? degree - a : 0); ++b) {
        const int length = degree - a - b + 1;
        rows.push_back({{a, b}, count, length});
        count += length;
      }
    for (MonomialRow& row : rows)
      for (const MonomialRow& other : rows) {
        const auto [a, b] = other.exponents;
        if (a == row.exponents[0] + 1 && b == row.exponents[1]) row.next[0] = other.at;
        if (a == row.exponents[0] && b == row.exponents[1] + 1) row.next[1] = other.at;
      }
  }
};

// Of every degree up to kernels::most_degree.
class MonomialTable {
 public:
  explicit MonomialTable(int depth) {
    for (int degree = 0; degree <= kernels::most_degree; ++degree)
      tables_.emplace_back(depth, degree);
  }
  const Monomials& operator[](int degree) const {
    return tables_[static_cast<std::size_t>(degree)];
  }

 private:
  std::vector<Monomials> tables_;
};

}  // namespace vicinal
