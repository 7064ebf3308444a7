// Label propagation: the labels of a few rows spread to all by repeated local means.
//
//   held     P ← m(P), rows with a label keep it              (Zhu & Ghahramani 2002)
//   pulled   P ← α S P + (1 − α) Y,  S = D^−½ W D^−½           (Zhou et al. 2004)
//
// m is the local mean with weights W among the rows themselves, D holds the sums of the columns of
// W, Y is 1 where a row has a label. What is returned are shares: rows of P scaled to sum to 1, or
// 0 where no label comes. No bit depends on the threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "vicinal/export.h"
#include "vicinal/neighbor_set.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

enum class LabelSolver : std::int32_t {
  automatic,  // krylov where labels are held or alpha ≥ 0.9
  iterate,    // one step after the other
  krylov      // solves for the fixed point, then steps: conjugate gradients or BiCGSTAB
};

// After every step.
struct LabelRound {
  std::int64_t iteration;  // local means of all rows so far
  double residual;         // largest change of a share
  View<const double> shares;
};

struct LabelPropagationOptions {
  std::optional<double> alpha{};  // between 0 and 1; none: labels are held
  bool balanced = true;           // of pulled labels: S, else W with rows that sum to 1
  bool symmetric = false;         // W = Wᵀ, which is not checked: conjugate gradients
  LabelSolver solver = LabelSolver::automatic;
  double tol = 1e-4;                                  // largest change of a share in the last step
  std::int64_t max_iter = 1000;                       // most local means of all rows
  int num_threads = 0;                                // 0 = what OpenMP gives
  std::function<bool()> interrupted{};                // true stops the call
  std::function<bool(const LabelRound&)> callback{};  // true ends the call after this step
};

struct LabelPropagationReport {
  std::int64_t iterations = 0;  // local means of all rows
  double residual = 0;          // largest change of a share in the last step
  bool interrupted = false;
};

// Who passes labels to whom, where weights are not stored: any local mean of rows among themselves.
struct LabelWalk {
  // Writes Σ_j W_ij y_j / Σ_j W_ij, 0 where a row has no weight; false stops the call.
  std::function<bool(View<const double> values, View<double> means)> means{};
  // Sums of the rows and of the columns of W, up to one factor; `balanced` and `symmetric` need
  // them. Without arrivals they are the masses.
  std::span<const double> masses{}, arrivals{};
  bool is_signed = false;  // some weight is negative, and shares may be
};

// labels[i] is the class of row i, −1 if it has none; `shares` has one column per class. `graph` is
// a graph of weights in double.
VICINAL_EXPORT LabelPropagationReport
label_propagation(const NeighborSet& graph, std::span<const std::int64_t> labels,
                  View<double> shares, const LabelPropagationOptions& options = {});
VICINAL_EXPORT LabelPropagationReport
label_propagation(const LabelWalk& walk, std::span<const std::int64_t> labels, View<double> shares,
                  const LabelPropagationOptions& options = {});

}  // namespace vicinal
