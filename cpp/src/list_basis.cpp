#include "list_basis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace vicinal {

namespace {

constexpr std::int64_t lanes = ListBasis::lanes;

double folded(const double* sums) noexcept {
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

// A column that is the same number for every key takes the part of an intercept.
std::int64_t constant_column(const FitDesign& design) {
  if (design.degree >= 0) return 0;
  for (std::int64_t a = 0; a < design.keys.columns; ++a) {
    std::int64_t j = 0;
    while (j < design.keys.rows && design.keys.row(j)[a] == design.keys.row(0)[a]) ++j;
    if (design.keys.rows > 0 && j == design.keys.rows && design.keys.row(0)[a] != 0) return a;
  }
  return -1;
}

std::int64_t longest(const FitLists& lists) {
  std::int64_t most = 0;
  for (std::size_t i = 0; i + 1 < lists.indptr.size(); ++i)
    most = std::max(most, lists.indptr[i + 1] - lists.indptr[i]);
  return (most + lanes - 1) / lanes * lanes;
}

}  // namespace

double dot(const double* a, const double* b, std::int64_t n) noexcept {
  double sums[lanes] = {};
  for (std::int64_t j = 0; j < n; j += lanes)
    for (std::int64_t l = 0; l < lanes; ++l) sums[l] += a[j + l] * b[j + l];
  return folded(sums);
}

double dot(const double* w, const double* a, const double* b, std::int64_t n) noexcept {
  double sums[lanes] = {};
  for (std::int64_t j = 0; j < n; j += lanes)
    for (std::int64_t l = 0; l < lanes; ++l) sums[l] += w[j + l] * a[j + l] * b[j + l];
  return folded(sums);
}

MonomialOrder::MonomialOrder(std::int64_t d, int degree) {
  if (degree < 0) return;
  variable.push_back(-1), factor.push_back(-1);
  for (std::int64_t first = 0, last = 1; degree > 0; --degree) {
    for (std::int64_t f = first; f < last; ++f)  // the variables of a monomial never fall
      for (std::int64_t v = std::max<std::int64_t>(variable[static_cast<std::size_t>(f)], 0); v < d;
           ++v)
        factor.push_back(f), variable.push_back(v);
    first = last, last = count();
  }
}

ListBasis::ListBasis(const FitLists& lists, const FitDesign& design, View<const double> values,
                     std::span<const double> key_factors)
    : lists_(lists),
      design_(design),
      values_(values),
      key_factors_(key_factors),
      order_(design.keys.columns, design.degree),
      r_(design.degree < 0 ? design.keys.columns : order_.count()),
      p_(values.columns),
      most_(longest(lists)),
      intercept_(constant_column(design)),
      weights_(at(most_)),
      basis_(at(most_ * r_)),
      values_local_(at(most_ * p_)),
      mean_(at(r_)),
      unit_(at(r_)),
      penalties_(at(r_)),
      query_(at(r_)) {}

bool ListBasis::fill(std::int64_t i, double ridge) noexcept {
  if (!gather(i)) return false;
  if (design_.degree < 0)
    gather_design(i);
  else
    gather_points(i);
  standardize(ridge);
  return true;
}

bool ListBasis::gather(std::int64_t i) noexcept {
  const std::int64_t begin = lists_.indptr[at(i)];
  count_ = lists_.indptr[at(i + 1)] - begin;
  padded_ = (count_ + lanes - 1) / lanes * lanes;
  rows_ = lists_.indices.subspan(at(begin), at(count_));
  std::copy_n(lists_.weights.data() + begin, count_, weights_.data());
  std::fill_n(weights_.data() + count_, padded_ - count_, 0.0);
  if (!key_factors_.empty())
    for (std::int64_t j = 0; j < count_; ++j) weights_[at(j)] *= key_factors_[at(rows_[at(j)])];
  double sums[lanes] = {};
  for (std::int64_t j = 0; j < padded_; ++j) sums[j % lanes] += weights_[at(j)];
  const double mass = folded(sums);
  if (!(mass > 0 && std::isfinite(mass))) return false;
  for (std::int64_t j = 0; j < count_; ++j) weights_[at(j)] /= mass;
  for (std::int64_t y = 0; y < p_; ++y) {
    double* column = values_local_.data() + y * most_;
    for (std::int64_t j = 0; j < count_; ++j) column[j] = values_.row(rows_[at(j)])[y];
    std::fill_n(column + count_, padded_ - count_, 0.0);
  }
  return true;
}

void ListBasis::gather_points(std::int64_t i) noexcept {
  const double* q = design_.queries.row(i);
  std::fill(query_.begin(), query_.end(), 0.0);
  query_[0] = 1;
  for (std::int64_t a = 0; a < r_; ++a) {
    double* column = writable(a);
    const std::int64_t v = order_.variable[at(a)], f = order_.factor[at(a)];
    if (v < 0)
      std::fill_n(column, count_, 1.0);
    else if (f == 0)
      for (std::int64_t j = 0; j < count_; ++j)
        column[j] = design_.keys.row(rows_[at(j)])[v] - q[v];
    else
      for (std::int64_t j = 0; j < count_; ++j) column[j] = writable(f)[j] * writable(1 + v)[j];
    std::fill_n(column + count_, padded_ - count_, 0.0);
  }
}

void ListBasis::gather_design(std::int64_t i) noexcept {
  std::copy_n(design_.queries.row(i), r_, query_.data());
  for (std::int64_t j = 0; j < count_; ++j) {
    const double* row = design_.keys.row(rows_[at(j)]);
    for (std::int64_t a = 0; a < r_; ++a) writable(a)[j] = row[a];
  }
  for (std::int64_t a = 0; a < r_; ++a) std::fill_n(writable(a) + count_, padded_ - count_, 0.0);
}

// x → (x − x̄) / s beside an intercept, x / s without one; the intercept is 1. Differences that are
// the rounding of the mean are no column.
void ListBasis::standardize(double ridge) noexcept {
  constexpr double epsilon = 16 * std::numeric_limits<double>::epsilon();
  for (std::int64_t a = 0; a < r_; ++a) {
    double* x = writable(a);
    const bool fixed = a == intercept_;
    mean_[at(a)] = fixed || intercept_ < 0 ? 0 : dot(weights_.data(), x, padded_);
    const double mean = mean_[at(a)];
    if (mean != 0)
      for (std::int64_t j = 0; j < count_; ++j) x[j] -= mean;
    const double own = fixed ? 0 : ridge;
    const double square = dot(weights_.data(), x, x, padded_) + own;
    const bool nothing = square <= epsilon * epsilon * mean * mean;
    unit_[at(a)] = fixed ? 1 / x[0] : nothing ? 0 : 1 / std::sqrt(square);
    penalties_[at(a)] = own * unit_[at(a)] * unit_[at(a)];
    const double unit = unit_[at(a)];
    for (std::int64_t j = 0; j < count_; ++j) x[j] *= unit;
    query_[at(a)] = (query_[at(a)] - mean) * unit;
  }
}

void ListBasis::write(const double* c, double* out, std::int64_t stride) const noexcept {
  for (std::int64_t a = 0; a < r_; ++a) out[a * stride] = c[a] * unit_[at(a)];
  if (intercept_ < 0) return;
  double shift = 0;
  for (std::int64_t a = 0; a < r_; ++a) shift += out[a * stride] * mean_[at(a)];
  out[intercept_ * stride] = (c[intercept_] - shift) * unit_[at(intercept_)];
}

void ListBasis::functional(std::int64_t a, double* out) const noexcept {
  std::fill_n(out, r_, 0.0);
  out[a] = unit_[at(a)];
  if (a != intercept_) return;
  for (std::int64_t b = 0; b < r_; ++b)
    if (b != a) out[b] = -unit_[at(b)] * mean_[at(b)] * unit_[at(a)];
}

std::int64_t ListBasis::place_of(std::int64_t key) const noexcept {
  const auto place = std::find(rows_.begin(), rows_.end(), key);
  return place == rows_.end() ? -1 : place - rows_.begin();
}

}  // namespace vicinal
