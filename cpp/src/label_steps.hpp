// A step of label propagation, x ← Lx + b, and the Krylov solvers of its fixed point.
//
// With labels held L is m on rows without a label, and b is what those with one pass on. Pulled
// labels are F = αSF + (1 − α)Y, S = D^−½ W D^−½ = D^−½ (M m) D^−½ with M the sums of the rows; for
// x = D^−½ F that is x = α (M / D) m(x) + (1 − α) D^−½ Y: nothing is to be scaled before the mean,
// and the shares of x are those of F.
#pragma once

#include <vector>

#include "row_blocks.hpp"
#include "vicinal/label_propagation.hpp"

namespace vicinal {

using RowsOfShares = std::vector<double>;  // n × classes

class LabelSteps {
 public:
  LabelSteps(const LabelWalk& walk, std::span<const std::int64_t> labels, std::int64_t classes,
             const LabelPropagationOptions& options, int threads);

  std::int64_t count() const { return count_; }  // local means so far
  bool stopped() const { return stopped_; }

  // Where steps begin, or the solvers.
  RowsOfShares start(bool solve) const;
  // Takes a step and returns the largest change of a share.
  double step(const RowsOfShares& now, RowsOfShares& next);
  void write_shares(const RowsOfShares& x, View<double> shares);
  // From x towards the fixed point: until a step would change no share by more than tol, rounding
  // lets it come no closer, or `budget` local means are spent.
  void solve(RowsOfShares& x, double tol, std::int64_t budget);

 private:
  bool keeps(std::int64_t i) const { return held_ && labels_[static_cast<std::size_t>(i)] >= 0; }
  double weight(std::int64_t i) const {
    return inner_.empty() ? 1.0 : inner_[static_cast<std::size_t>(i)];
  }
  void average(const RowsOfShares& x, RowsOfShares& means);
  void apply(std::int64_t i, double* mean) const;
  double gap(const RowsOfShares& x, RowsOfShares& r);
  RowSums lose(const RowsOfShares& p, RowsOfShares& v, const RowsOfShares& other);
  void conjugate_gradients(RowsOfShares& x, double tol, std::int64_t budget);
  void stabilized_gradients(RowsOfShares& x, double tol, std::int64_t budget);

  const LabelWalk& walk_;
  std::span<const std::int64_t> labels_;
  std::int64_t n_, c_;
  bool held_, symmetric_;
  std::vector<double> scale_, pull_, inner_;  // per row; what x is compared to in inner products
  double begin_ = 1;                          // times pull: where steps begin
  RowBlocks blocks_;
  std::int64_t count_ = 0;
  bool stopped_ = false;
};

}  // namespace vicinal
