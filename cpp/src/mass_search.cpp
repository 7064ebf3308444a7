#include "mass_search.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "plan.hpp"

namespace vicinal {

using namespace kernels;

namespace {

constexpr double largest = std::numeric_limits<double>::max(),
                 infinity = std::numeric_limits<double>::infinity();
constexpr double short_of = 1e-12;       // of a sum of weights that is as good as reached
constexpr double rounding = 1e-9;        // of a sum over all keys
constexpr std::int64_t few_keys = 1024;  // are all looked at: no sample
constexpr double deviations = 2;         // of a sample, that a bracket is wide to either side

// The sample and the bracket, n / √s keys, cost alike at s ~ n^(2/3).
int size_of_sample(std::int64_t n) {
  if (n <= few_keys) return 0;
  return select_lanes * static_cast<int>(std::ceil(std::pow(double(n), 2.0 / 3) / select_lanes));
}

// Bounds of the computed squares of all points in a box, from the same sums: rounding is monotone.
template <class T>
void bounds_of(const double* q, const Box<T>& box, int depth, double& least, double& most) {
  least = most = 0;
  for (int j = 0; j < depth; ++j) {
    const double below = q[j] - static_cast<double>(box.low[j]),
                 above = q[j] - static_cast<double>(box.high[j]),
                 gap = std::max(std::max(-below, above), 0.0), reach = std::max(below, -above);
    least += gap * gap;
    most += reach * reach;
  }
}

}  // namespace

template <class T>
MassedKeys<T>::MassedKeys(const KeyTree<T>& keys, View<const T> rows,
                          std::span<const double> weights)
    : keys_(keys) {
  const auto n = static_cast<std::int64_t>(keys.order.size());
  const auto row = [&](std::int64_t position) {
    return keys.order[static_cast<std::size_t>(position)];
  };
  before_.reserve(static_cast<std::size_t>(n) + 1);
  before_.push_back(0);
  double sum = 0, lost = 0;  // Neumaier's
  for (std::int64_t i = 0; i < n; ++i) {
    if (!weights.empty()) weights_.push_back(weights[static_cast<std::size_t>(row(i))]);
    const double w = weight(i), next = sum + w;
    lost += sum >= w ? (sum - next) + w : (w - next) + sum;
    sum = next;
    before_.push_back(sum + lost);
  }
  const int d = depth();
  leaves_.resize(keys.tree.leaves * tile_keys * d);
  for (std::int64_t i = 0; i < keys.tree.leaves * tile_keys; ++i) {
    double* out = leaves_.data() + i / tile_keys * d * tile_keys + i % tile_keys;
    for (int j = 0; j < d; ++j)
      out[j * tile_keys] = i < n ? static_cast<double>(rows.row(row(i))[j]) : infinity;
  }
  sample_size_ = size_of_sample(n);
  sample_.resize(static_cast<std::int64_t>(sample_size_) * d);
  std::int64_t at = 0;
  for (int s = 0; s < sample_size_; ++s) {
    const double place = (s + 0.5) * total() / sample_size_;
    while (at < n - 1 && before_[static_cast<std::size_t>(at + 1)] <= place) ++at;
    for (int j = 0; j < d; ++j)
      sample_[static_cast<std::int64_t>(j) * sample_size_ + s] =
          leaf(at / tile_keys)[j * tile_keys + at % tile_keys];
  }
}

template <class T>
MassSearch<T>::MassSearch(const MassedKeys<T>& keys, double mass)
    : keys_(keys), mass_(mass), reached_(mass * (1 - short_of)) {
  scores_.resize(std::max(tile_keys, keys.sample_size()));
}

template <class T>
void MassSearch<T>::run(const double* queries, int count, double* squares) {
  std::uint32_t open = 0;
  for (int r = 0; r < count; ++r) {
    Query& query = queries_[static_cast<std::size_t>(r)];
    query.point = queries + r * keys_.depth();
    bracket(query);
    open |= std::uint32_t{1} << r;
  }
  while (open != 0) {
    for (std::uint32_t left = open; left != 0; left &= left - 1) {
      Query& query = queries_[static_cast<std::size_t>(std::countr_zero(left))];
      query.below = 0;
      query.near.clear();
    }
    descend({0, 0, keys_.tree().tree.leaves}, open);
    for (std::uint32_t left = open; left != 0; left &= left - 1) {
      const int r = std::countr_zero(left);
      if (settle(queries_[static_cast<std::size_t>(r)], squares[r]))
        open &= ~(std::uint32_t{1} << r);
    }
  }
}

template <class T>
void MassSearch<T>::bracket(Query& query) {
  const int size = keys_.sample_size();
  query.low = 0;
  query.high = largest;
  if (size == 0) return;
  table<double>().squares(query.point, keys_.sample(), size, keys_.depth(), size, scores_.data());
  const double share = std::min(1.0, mass_ / keys_.total()), middle = share * size,
               wide = 2 + deviations * std::sqrt(middle * (1 - share));
  const auto slack = static_cast<int>(wide / 8);
  const auto limit = [&](double k) {
    return table<double>().limit_of(scores_.data(), size, static_cast<int>(k),
                                    static_cast<int>(k) + slack);
  };
  if (middle - wide >= 1 + slack) query.low = limit(middle - wide - slack);
  if (middle + wide + 1 <= size) query.high = std::min(limit(middle + wide + 1), largest);
  query.low = std::min(query.low, query.high);
}

template <class T>
void MassSearch<T>::descend(const TreeNode& node, std::uint32_t open) {
  const KeyTree<T>& keys = keys_.tree();
  const std::int64_t first = node.first * tile_keys,
                     end = std::min(first + node.leaves * tile_keys, keys.tree.points);
  for (std::uint32_t left = open; left != 0; left &= left - 1) {
    const std::uint32_t bit = left & -left;
    Query& query = queries_[static_cast<std::size_t>(std::countr_zero(left))];
    double least, most;
    bounds_of(query.point, keys.box(node.index), keys_.depth(), least, most);
    if (most < query.low) query.below += keys_.mass(first, end);
    if (most < query.low || least > query.high)
      open &= ~bit;
    else if (node.leaf())
      visit(query, node.first);
  }
  if (open == 0 || node.leaf()) return;
  descend(node.left(), open);
  descend(node.right(), open);
}

template <class T>
void MassSearch<T>::visit(Query& query, std::int64_t leaf) {
  const Table<double>& functions = table<double>();
  functions.squares(query.point, keys_.leaf(leaf), tile_keys, keys_.depth(), tile_keys,
                    scores_.data());
  std::uint64_t within[tile_keys / select_lanes], nearer[tile_keys / select_lanes] = {};
  functions.bits_below(scores_.data(), tile_keys, query.high, within);
  if (query.low > 0)
    functions.bits_below(scores_.data(), tile_keys, std::nextafter(query.low, 0.0), nearer);
  const std::int64_t first = leaf * tile_keys;
  for (int i = 0; i < tile_keys / select_lanes; ++i) {
    const auto each = [&](std::uint64_t bits, auto&& take) {
      for (; bits != 0; bits &= bits - 1) take(i * select_lanes + std::countr_zero(bits));
    };
    if (keys_.weighted())
      each(nearer[i], [&](int lane) { query.below += keys_.weight(first + lane); });
    else
      query.below += std::popcount(nearer[i]);
    each(within[i] & ~nearer[i],
         [&](int lane) { query.near.push_back({scores_[lane], keys_.weight(first + lane)}); });
  }
  pairs_ += tile_keys;
}

// The answer if it lies in the bracket; else where to look next.
template <class T>
bool MassSearch<T>::settle(Query& query, double& square) {
  double listed = 0;
  for (const Near& near : query.near) listed += near.weight;
  if (query.below >= reached_) {
    query.high = std::nextafter(query.low, 0.0);
    query.low = 0;
    return false;
  }
  if (query.below + listed >= reached_) {
    square = last_of(query.near, reached_ - query.below);
    return true;
  }
  square = infinity;
  if (query.high == largest) {  // all keys are counted, by sums of many roundings
    if (keys_.total() >= reached_ && query.below + listed >= reached_ * (1 - rounding))
      for (const Near& near : query.near)
        if (square == infinity || near.square > square) square = near.square;
    return true;
  }
  query.low = std::nextafter(query.high, infinity);
  query.high = largest;
  return false;
}

// The k-th smallest square: two limits, counted in registers, leave a few to be sorted.
template <class T>
double MassSearch<T>::square_of(const std::vector<Near>& near, int k) {
  constexpr int close = 16;
  const auto count = static_cast<int>(near.size());
  const int padded = (count + select_lanes - 1) / select_lanes * select_lanes;
  if (room_ < padded) squares_.resize(room_ = 2 * padded);
  double* squares = squares_.data();
  for (int i = 0; i < count; ++i) squares[i] = near[static_cast<std::size_t>(i)].square;
  std::fill(squares + count, squares + padded, infinity);
  const auto limit = [&](int least, int most) {
    return table<double>().limit_of(squares, padded, least, most);
  };
  const double high = limit(k, k + close), low = k > close ? limit(k - close, k - 1) : -1;
  int below = 0, kept = 0;
  for (int i = 0; i < padded; i += select_lanes) {
    std::uint64_t within, nearer;
    table<double>().bits_below(squares + i, select_lanes, high, &within);
    table<double>().bits_below(squares + i, select_lanes, low, &nearer);
    below += std::popcount(nearer);
    for (std::uint64_t bits = within & ~nearer; bits != 0; bits &= bits - 1)
      squares[kept++] = squares[i + std::countr_zero(bits)];
  }
  if (below >= k) {  // equal squares, which no limit divides
    for (int i = 0; i < count; ++i) squares[i] = near[static_cast<std::size_t>(i)].square;
    below = 0;
    kept = count;
  }
  std::nth_element(squares, squares + (k - below - 1), squares + kept);
  return squares[k - below - 1];
}

// The square at which the nearest have this mass, which all of them have.
template <class T>
double MassSearch<T>::last_of(std::vector<Near>& near, double mass) {
  if (!keys_.weighted()) return square_of(near, static_cast<int>(std::ceil(mass)));
  std::sort(near.begin(), near.end());
  double sum = 0;
  for (const Near& one : near) {
    sum += one.weight;
    if (sum >= mass) return one.square;
  }
  return near.back().square;
}

template class MassedKeys<float>;
template class MassedKeys<double>;
template class MassSearch<float>;
template class MassSearch<double>;

}  // namespace vicinal
