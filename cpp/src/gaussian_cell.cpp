#include "gaussian_cell.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include "priors.hpp"

namespace vicinal {

using namespace kernels;

namespace {

constexpr std::int64_t fewest_keys = 16;  // in a cell that has a series: it costs many single means
constexpr int most_degree_of_series = most_degree - 1;

// exp(z) less its Taylor polynomial of degree p is at most this for |z| ≤ most.
double remainder(int p, double most) {
  double term = 1;
  for (int k = 1; k <= p + 1; ++k) term *= most / k;
  const double ratio = most / (p + 2);
  return term * (ratio < 1 ? std::min(std::exp(most), 1 / (1 - ratio)) : std::exp(most));
}

// Keys of this weight, all farther than g ≥ ρ bandwidths from the center, have at most this.
double far_mass(double weight, double g, double rho, double shift) {
  return weight * std::exp(-g * g / 2 + rho * (g + shift));
}
// And the distance beyond which they have at most `share`.
double reach_of(double weight, double share, double rho, double shift) {
  const double room = 2 * (std::log(weight / share) + rho * shift);
  return rho + std::sqrt(std::max(rho * rho + room, 0.0));
}

// Of degree p on average, about: y normal and ρ|y| of this spread in each feature.
double mean_remainder(int depth, int p, double spread) {
  const double half = 0.5 * depth;
  return std::exp((p + 1) * std::log(std::numbers::sqrt2 * spread) +
                  std::lgamma(half + 0.5 * (p + 1)) - std::lgamma(half) - std::lgamma(p + 2.0));
}
int likely_degree(int depth, double spread, double share) {
  int p = 2;
  while (p < most_degree_of_series && mean_remainder(depth, p, spread) >= share) p += 2;
  return p;
}

double length(const std::array<double, 3>& x) {
  return std::sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
}

}  // namespace

double side_of_cells(int depth, double tol) {
  constexpr double least = 0.25;  // smaller ones hold too few keys
  double side = 1;
  while (side > least &&
         mean_remainder(depth, most_degree_of_series, side / 2 * std::sqrt(depth)) > tol / 32)
    side *= 0.8;
  return side;
}

template <class T>
GaussianKeys<T>::GaussianKeys(const Problem<T>& problem, const KeyTree<T>& keys)
    : keys_(keys), depth_(static_cast<int>(problem.d)) {
  const FactorPlan<T>& f = problem.plan.terms[0].factors[0];
  inverse_h_ = f.inverse_bandwidth * static_cast<double>(f.coordinate_scale);
  const Entry<T>& entry = problem.entries[0];
  leaves_.resize(static_cast<std::size_t>(keys.tree.leaves));
  coordinates_.resize(leaves_.size() * static_cast<std::size_t>(depth_) * tile_keys);
  weights_.resize(leaves_.size() * tile_keys);
  for (std::int64_t at = 0; at < keys.tree.points; ++at) {
    const std::int64_t row = keys.order[static_cast<std::size_t>(at)], leaf = at / tile_keys;
    weights_[static_cast<std::size_t>(at)] =
        std::exp2(static_cast<double>(log_prior(problem, entry, row)));
    for (int j = 0; j < depth_; ++j)
      coordinates_[static_cast<std::size_t>((leaf * depth_ + j) * tile_keys + at % tile_keys)] =
          entry.keys[row * problem.key_stride + j];
  }
  for (std::int64_t number = 0; number < keys.tree.leaves; ++number) {
    Leaf& leaf = leaves_[static_cast<std::size_t>(number)];
    const double* w = weights(number);
    for (int k = 0; k < tile_keys; ++k) leaf.weight += w[k];
    weight_ += leaf.weight;
    for (int j = 0; j < depth_; ++j) {
      const T* x = coordinates(number, j);
      double& mean = leaf.centroid[static_cast<std::size_t>(j)];
      for (int k = 0; k < tile_keys; ++k) mean += w[k] * static_cast<double>(x[k]) / leaf.weight;
      for (int k = 0; k < tile_keys; ++k) {
        const double gap = static_cast<double>(x[k]) - mean;
        leaf.spread += w[k] * gap * gap / leaf.weight;
      }
    }
  }
}

template <class T>
CellMaker<T>::CellMaker(const GaussianKeys<T>& keys, const MonomialTable& monomials, double side,
                        double tol)
    : keys_(keys),
      monomials_(monomials),
      side_(side),
      rho_(side / 2 * std::sqrt(keys.depth()) * (1 + 1e-9)),
      tol_(tol) {
  lanes_.resize(monomials_[most_degree].count * table<double>().lanes);
}

template <class T>
double CellMaker<T>::square_gap(const GaussianCell& cell, std::int64_t node) const {
  const Box<T> box = keys_.tree().box(node);
  double square = 0;
  for (int j = 0; j < keys_.depth(); ++j) {
    const double at = cell.center[static_cast<std::size_t>(j)],
                 gap = std::max(std::max(static_cast<double>(box.low[j]) - at,
                                         at - static_cast<double>(box.high[j])),
                                0.0);
    square += gap * gap;
  }
  return square * keys_.inverse_h() * keys_.inverse_h() * (1 - 1e-12);
}

template <class T>
void CellMaker<T>::collect(const GaussianCell& cell, double reach) {
  near_.clear();
  const auto visit = [&](const TreeNode& node, const auto& self) -> void {
    const double square = square_gap(cell, node.index);
    if (square > reach * reach) return;
    if (node.leaf()) return near_.push_back({node.first, square});
    self(node.left(), self);
    self(node.right(), self);
  };
  visit({0, 0, keys_.tree().tree.leaves}, visit);
}

// The weight of the keys in the cell; false: they are too few.
template <class T>
bool CellMaker<T>::take_own(const GaussianCell& cell) {
  collect(cell, rho_);
  std::int64_t count = 0;
  own_ = 0;
  for (const Near& near : near_)
    for (int k = 0; k < tile_keys; ++k) {
      const double weight = keys_.weights(near.leaf)[k];
      bool inside = weight > 0;
      for (int j = 0; j < keys_.depth(); ++j)
        inside &= std::abs(static_cast<double>(keys_.coordinates(near.leaf, j)[k]) -
                           cell.center[static_cast<std::size_t>(j)]) *
                      keys_.inverse_h() <=
                  side_ / 2;
      count += inside;
      own_ += inside ? weight : 0;
    }
  return count >= fewest_keys;
}

// At least this is Σ w exp(−|v|²/2) of a leaf (Jensen).
template <class T>
double CellMaker<T>::leaf_mass(const GaussianCell& cell, std::int64_t number) const {
  const auto& leaf = keys_.leaf(number);
  double square = leaf.spread;
  for (std::size_t j = 0; j < 3; ++j) {
    const double gap = leaf.centroid[j] - cell.center[j];
    square += gap * gap;
  }
  return leaf.weight * std::exp(-square * keys_.inverse_h() * keys_.inverse_h() / 2);
}

// Shift, degree, and what may be left out, by what whole leaves weigh.
template <class T>
bool CellMaker<T>::estimate(GaussianCell& cell) {
  const double part = tol_ / 8;
  scope_ = reach_of(keys_.weight(), part / 8 * own_ * std::exp(-rho_ * rho_ / 2), rho_, 1);
  collect(cell, scope_);
  double mass = 0;
  known_ = 0;
  cell.shift = {};
  for (const Near& near : near_) {
    const auto& leaf = keys_.leaf(near.leaf);
    const double weight = leaf_mass(cell, near.leaf);
    mass += weight;
    known_ += leaf.weight;
    for (std::size_t j = 0; j < 3; ++j)
      cell.shift[j] += weight * (leaf.centroid[j] - cell.center[j]) * keys_.inverse_h();
  }
  if (!(mass > 0)) return false;
  for (double& x : cell.shift) x /= mass;
  // The nearest leaves first: those at the end that weigh least are left out.
  std::sort(near_.begin(), near_.end(), [](const Near& a, const Near& b) {
    return std::tie(a.square, a.leaf) < std::tie(b.square, b.leaf);
  });
  share_ = part * mass;
  double square = 0;  // mean of |y|², by whole leaves
  for (const Near& near : near_) {
    const auto& leaf = keys_.leaf(near.leaf);
    double gap = leaf.spread * keys_.inverse_h() * keys_.inverse_h();
    for (std::size_t j = 0; j < 3; ++j) {
      const double y = (leaf.centroid[j] - cell.center[j]) * keys_.inverse_h() - cell.shift[j];
      gap += y * y;
    }
    square += leaf_mass(cell, near.leaf) * gap / mass;
  }
  cell.degree = likely_degree(
      keys_.depth(), rho_ * std::sqrt(std::min(square, 1.0 * keys_.depth()) / keys_.depth()),
      tol_ / 4);
  return true;
}

template <class T>
void CellMaker<T>::add_leaf(const GaussianCell& cell, std::int64_t leaf) {
  std::fill_n(squares_, tile_keys, 0.0);
  std::fill_n(weights_, tile_keys, 0.0);
  for (int j = 0; j < keys_.depth(); ++j) {
    const T* x = keys_.coordinates(leaf, j);
    double* y = features_ + j * tile_keys;
    const double c = cell.center[static_cast<std::size_t>(j)],
                 b = cell.shift[static_cast<std::size_t>(j)], inverse_h = keys_.inverse_h();
    for (int k = 0; k < tile_keys; ++k) {
      const double v = (static_cast<double>(x[k]) - c) * inverse_h;
      y[k] = v - b;
      weights_[k] -= v * v * (std::numbers::log2e / 2);
      squares_[k] += y[k] * y[k];
    }
  }
  const Table<double>& functions = table<double>();
  functions.exp2(weights_, weights_, tile_keys);
  for (int k = 0; k < tile_keys; ++k) weights_[k] *= keys_.weights(leaf)[k];
  for (int k = 0; k < tile_keys; ++k) {
    if (squares_[k] < bins * bin)
      histogram_[static_cast<std::size_t>(squares_[k] / bin)] += weights_[k];
    else if (weights_[k] > 0)  // else it may be beside an infinite factor
      beyond_ += weights_[k] * std::exp(rho_ * std::sqrt(squares_[k]));
  }
  functions.moments(
      {weights_, features_, keys_.depth(), tile_keys, cell.degree + 1, lanes_.data()});
}

template <class T>
void CellMaker<T>::sum(GaussianCell& cell) {
  const int columns = monomials_[cell.degree + 1].count;
  std::fill_n(lanes_.data(), columns * table<double>().lanes, 0.0);
  histogram_.fill(0);
  beyond_ = 0;
  far_ = far_mass(keys_.weight() - known_, scope_, rho_, length(cell.shift));
  std::size_t count = near_.size();
  for (; count > 0; --count) {
    const Near& last = near_[count - 1];
    const double gap = std::max(std::sqrt(last.square), rho_),
                 mass = far_mass(keys_.leaf(last.leaf).weight, gap, rho_, length(cell.shift));
    if (last.square < rho_ * rho_ || far_ + mass > share_) break;
    far_ += mass;
  }
  for (std::size_t i = 0; i < count; ++i) add_leaf(cell, near_[i].leaf);
  met_ += static_cast<std::int64_t>(count) * tile_keys;
  cell.sums.resize(static_cast<std::size_t>(columns));
  table<double>().close_lanes(lanes_.data(), columns, cell.sums.data());
}

template <class T>
bool CellMaker<T>::keeps_to_tol(const GaussianCell& cell) {
  const Monomials& m = monomials_[cell.degree + 1];
  std::array<double, 3> mean{cell.sums[1] / cell.sums[0], 0, 0};
  for (int j = 0; j + 1 < keys_.depth(); ++j)
    mean[static_cast<std::size_t>(j) + 1] =
        cell.sums[static_cast<std::size_t>(m.rows[0].next[static_cast<std::size_t>(j)])] /
        cell.sums[0];
  const double allowed = tol_ / 2 * cell.sums[0] * std::exp(-rho_ * length(mean));
  double cut_off = beyond_;
  for (int i = 0; i < bins; ++i) {
    const double mass = histogram_[static_cast<std::size_t>(i)];
    if (mass > 0) cut_off += mass * remainder(cell.degree, rho_ * std::sqrt((i + 1) * bin));
  }
  return far_ + cut_off <= allowed;
}

template <class T>
std::int64_t CellMaker<T>::run(GaussianCell& cell) {
  met_ = 0;
  if (!take_own(cell) || !estimate(cell)) return cell.degree = 0, 0;
  for (; cell.degree <= most_degree_of_series; cell.degree += 2) {
    sum(cell);
    if (keeps_to_tol(cell)) return met_;
    share_ /= 4;
  }
  cell.degree = 0;
  cell.sums.clear();
  return met_;
}

template <class T>
void mean_in_cell(const GaussianCell& cell, const Monomials& monomials, int depth, double inverse_h,
                  const T* point, T* mean) noexcept {
  double powers[3][most_degree + 1];  // u^k / k!, the last feature's in the last
  for (int j = 0; j < 3; ++j) {
    double* p = powers[j];
    std::fill_n(p, most_degree + 1, 0.0);
    p[0] = 1;
  }
  for (int j = 0; j < depth; ++j) {
    double* p = powers[j == depth - 1 ? 2 : j];
    const double u =
        (static_cast<double>(point[j]) - cell.center[static_cast<std::size_t>(j)]) * inverse_h;
    for (int k = 1; k <= cell.degree; ++k) p[k] = p[k - 1] * u / k;
  }
  double mass = 0, sums[3] = {};
  for (const MonomialRow& row : monomials.rows) {
    const double* s = cell.sums.data();
    const double outer = powers[0][row.exponents[0]] * powers[1][row.exponents[1]];
    double here = 0, first = 0, second = 0, last = 0;
    for (int k = 0; k + 1 < row.length; ++k) {
      const double t = powers[2][k];
      here += t * s[row.at + k];
      last += t * s[row.at + k + 1];
      first += t * s[row.next[0] + k];
      second += t * s[row.next[1] + k];
    }
    mass += outer * here;
    sums[depth - 1] += outer * last;
    if (depth > 1) sums[0] += outer * first;
    if (depth > 2) sums[1] += outer * second;
  }
  for (int j = 0; j < depth; ++j)
    mean[j] =
        static_cast<T>(cell.center[static_cast<std::size_t>(j)] +
                       (cell.shift[static_cast<std::size_t>(j)] + sums[j] / mass) / inverse_h);
}

#define VICINAL_INSTANTIATE(T)                                                             \
  template class GaussianKeys<T>;                                                          \
  template class CellMaker<T>;                                                             \
  template void mean_in_cell(const GaussianCell&, const Monomials&, int, double, const T*, \
                             T*) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
