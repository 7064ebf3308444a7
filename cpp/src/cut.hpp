// tol > 0: under which weight a key of a row is left out.
//
// A row's cut is log w(nearest) − log(n / tol), n its candidates: what is left out is at most tol
// of the weight of the nearest key, so at most tol of the row's mass. The nearest key is exact and
// unique, so the cut is a property of the row alone. (Its own weight may be below the row's largest
// where priors differ: the cut is then lower than it had to be, and the promise holds all the
// more.)
#pragma once

#include <optional>

#include "search.hpp"

namespace vicinal {

// Kernels of one decaying factor; a mask or bias leaves nothing out.
template <class T>
bool may_cut(const Problem<T>& problem);

// Some row may leave out much: one that stands on a key leaves out those at half the diagonal of
// the keys' box. Else the rows in its middle see all keys, the others most, and a tree is for
// nothing, as it is for heavy tails unless tol is large. A function of the keys, the kernel and
// tol.
template <class T>
bool cuts_much(const Problem<T>& problem);

// The score beyond which the kernel's log2-weight is under a cut, or somewhat more.
template <class T>
class CutReach {
 public:
  explicit CutReach(const Problem<T>& problem);
  double of(T cut) const;

 private:
  // 256 scores from 2^low to 2^high, evenly in the exponent, and their log2-weights.
  struct Scan {
    double low, step;
    alignas(64) T logs[kernels::tile_keys];

    void fill(const Problem<T>& problem, double from, double to);
    int first_beyond(T cut) const;
  };

  const Problem<T>& problem_;
  Scan all_;  // over the type's range
};

// Sets the cuts of a block's listed rows. One per worker.
template <class T>
class CutFinder {
 public:
  CutFinder(const Problem<T>& problem, const Entry<T>& entry, const PackedKeys<T>& packed);
  void run(Block<T>& block, Poll& poll);

 private:
  const Problem<T>& problem_;
  const Entry<T>& entry_;
  std::optional<GroupSearch<T>> search_;
};

}  // namespace vicinal
