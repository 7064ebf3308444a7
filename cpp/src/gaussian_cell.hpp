// Local means of the keys under a Gaussian at every point of a cube, from one power series.
//
// About the cube's center c, in bandwidths h: u = (q − c)/h, v = (x − c)/h, and with b near the
// mean of v, y = v − b,
//   exp(−|u − v|²/2) = exp(u·b − |u|²/2) · exp(−|v|²/2) · exp(u·y).
// The first factor cancels in a mean. The last is replaced by its Taylor polynomial of even degree
// p, which is positive, so that the mean stays among the keys:
//   Σ_j w̃_j     = Σ_{|α| ≤ p} u^α/α! · S_α,
//   Σ_j w̃_j y_j = Σ_{|α| ≤ p} u^α/α! · S_{α + e},    S_α = Σ_j w_j exp(−|v_j|²/2) y_j^α
// (Greengard & Strain 1991; Yang, Duraiswami & Gumerov 2003). Keys far from the cube are left out.
//
// What both change is bounded for the whole cube by what has been summed: with |u| ≤ ρ,
//   Σ_j |w̃_j − w_j| ≤ Σ_near w_j exp(−|v_j|²/2) R_p(ρ|y_j|) + Σ_far w_j exp(−|v_j|²/2 + ρ|y_j|),
// R_p the remainder, against a mass that by Jensen's inequality is at least
//   Σ_near w_j exp(−|v_j|²/2) · exp(−ρ|ȳ|).
// Where the quotient is at most tol/2, a mean is off by at most tol of the keys' range.
#pragma once

#include <array>
#include <vector>

#include "monomials.hpp"
#include "prepared.hpp"

namespace vicinal {

// The keys as all cells meet them.
template <class T>
class GaussianKeys {
 public:
  // Weight, centroid and mean squared distance from it.
  struct Leaf {
    double weight = 0, spread = 0;
    std::array<double, 3> centroid{};
  };

  GaussianKeys(const Problem<T>& problem, const KeyTree<T>& keys);

  const KeyTree<T>& tree() const { return keys_; }
  int depth() const { return depth_; }
  double inverse_h() const { return inverse_h_; }
  double weight() const { return weight_; }  // of all keys
  const Leaf& leaf(std::int64_t number) const { return leaves_[static_cast<std::size_t>(number)]; }
  // kernels::tile_keys of them; those that fill up the last leaf weigh nothing.
  const T* coordinates(std::int64_t leaf, int feature) const {
    return coordinates_.data() + (leaf * depth_ + feature) * kernels::tile_keys;
  }
  const double* weights(std::int64_t leaf) const {
    return weights_.data() + leaf * kernels::tile_keys;
  }

 private:
  const KeyTree<T>& keys_;
  int depth_;
  double inverse_h_, weight_ = 0;
  std::vector<T> coordinates_;
  std::vector<double> weights_;
  std::vector<Leaf> leaves_;
};

// Of a cube, in bandwidths: at most 1, and so that a series of the highest degree keeps to tol with
// room to spare.
double side_of_cells(int depth, double tol);

struct GaussianCell {
  std::array<double, 3> center{};
  int degree = 0;  // of the series; 0: there is none
  std::array<double, 3> shift{};
  std::vector<double> sums;  // S_α, |α| ≤ degree + 1
};

// Makes the series of cells. One per worker.
template <class T>
class CellMaker {
 public:
  // `side`: of the cubes, in bandwidths; `tol`: of their means.
  CellMaker(const GaussianKeys<T>& keys, const MonomialTable& monomials, double side, double tol);

  // Gives the cell its series, unless it holds too few keys to be worth one, or none keeps to tol.
  // Returns the number of keys that were met.
  std::int64_t run(GaussianCell& cell);

 private:
  struct Near {
    std::int64_t leaf;
    double square;  // of its box's distance from the center, in bandwidths
  };

  double square_gap(const GaussianCell& cell, std::int64_t node) const;
  void collect(const GaussianCell& cell, double reach);
  bool take_own(const GaussianCell& cell);
  bool estimate(GaussianCell& cell);
  double leaf_mass(const GaussianCell& cell, std::int64_t leaf) const;
  void sum(GaussianCell& cell);
  void add_leaf(const GaussianCell& cell, std::int64_t leaf);
  bool keeps_to_tol(const GaussianCell& cell);

  static constexpr int bins = 256;
  static constexpr double bin = 0.25;  // of |y|²

  const GaussianKeys<T>& keys_;
  const MonomialTable& monomials_;
  double side_, rho_, tol_;
  std::vector<Near> near_;
  double own_ = 0;                // weight of the keys in the cell
  double scope_ = 0, known_ = 0;  // how far leaves are known, and what they weigh
  double share_ = 0, far_ = 0;    // the bound of what is left out: at most, and as it is
  std::int64_t met_ = 0;
  std::array<double, bins> histogram_{};  // of |y|²
  double beyond_ = 0;                     // of keys past its end, Σ w exp(−|v|²/2 + ρ|y|)
  Buffer<double> lanes_;
  alignas(64) double features_[3 * kernels::tile_keys], weights_[kernels::tile_keys],
      squares_[kernels::tile_keys];
};

// Of a point in a cell that has a series.
template <class T>
void mean_in_cell(const GaussianCell& cell, const Monomials& monomials, int depth, double inverse_h,
                  const T* point, T* mean) noexcept;

}  // namespace vicinal
