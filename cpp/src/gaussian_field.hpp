// Local means of the keys under a Gaussian, at any number of points of up to three features: the
// cells of a grid that hold keys enough have a series each, made when a point first comes there. A
// cell is a function of keys, weights, kernel and tol alone, so no point's mean depends on others.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "gaussian_cell.hpp"
#include "poll.hpp"

namespace vicinal {

template <class T>
class GaussianField {
 public:
  // One Gaussian of the Euclidean distance, tol > 0, up to three features.
  static bool serves(const Problem<T>& problem);

  // Of the one entry, whose keys are its values. The tree is of its keys, and outlives the field.
  GaussianField(const Problem<T>& problem, const KeyTree<T>& keys);

  // Writes the means of points in cells that have a series, and lists the rows of the others.
  // Returns how many keys new cells have met. Unfinished once the poll has stopped.
  std::int64_t run(const T* points, std::int64_t rows, T* means, int threads, Poll& poll,
                   std::vector<std::int64_t>& left);

 private:
  using Place = std::array<std::int64_t, 3>;  // of a cell in the grid
  struct Hash {
    std::size_t operator()(const Place& place) const noexcept;
  };

  bool find_place(const T* point, Place& place) const noexcept;
  std::int64_t number_of(const Place& place, std::vector<std::int64_t>& fresh);

  GaussianKeys<T> keys_;
  MonomialTable monomials_;
  double tol_, side_;  // side of a cell, in bandwidths
  std::vector<GaussianCell> cells_;
  std::unordered_map<Place, std::int64_t, Hash> numbers_;
  std::vector<std::int64_t> cell_of_row_;
};

}  // namespace vicinal
