// Hopfield networks: a state is replaced by the local mean of the stored patterns there, q ← m(q),
// until a step is short (Ramsauer et al. 2020; with one step, attention).
//
// A retrieval is a function of its query, the patterns and the options alone: neither the other
// queries nor the threads change a bit of it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "vicinal/export.h"
#include "vicinal/kernel.hpp"
#include "vicinal/neighbors.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

// One row or element per query; an empty view or span is not written.
template <class T>
struct HopfieldOutputs {
  View<T> states{};                      // m × d: where the updates ended
  std::span<std::int64_t> iterations{};  // m: updates taken
  std::span<double> residuals{};         // m: length of the last update
};

// After every update of the states that still move.
template <class T>
struct HopfieldRound {
  std::int64_t iteration;               // from 1
  double longest_step;                  // of this update, in units of the data
  std::span<const std::int64_t> moved;  // the queries that were updated
  View<const T> states;                 // m × d, of all queries
};

template <class T>
struct HopfieldOptions {
  double tol = 1e-4;                                        // longest last update
  std::int64_t max_iter = 100;                              // most updates
  std::span<const T> weights{};                             // n: how often a pattern is stored
  std::int64_t nearest = 0;                                 // patterns of an update, 0 = all
  const KeyIndex<T>* index = nullptr;                       // of the patterns, for `nearest`
  int num_threads = 0;                                      // 0 = what OpenMP gives
  std::function<bool()> interrupted{};                      // true stops the call
  std::function<bool(const HopfieldRound<T>&)> callback{};  // true ends the call after this update
};

struct HopfieldReport {
  std::int64_t iterations = 0;  // most of all queries
  std::int64_t moving = 0;      // queries whose last update was longer than tol
  bool interrupted = false;
};

// Writes the next states, row by row a function of the states; false stops the call.
template <class T>
using HopfieldUpdate = std::function<bool(View<const T> states, View<T> next)>;

// `kernel` weighs by an inner product: softmax with the temperature 1 / β, or a polynomial. States
// in which no pattern weighs become 0.
VICINAL_EXPORT HopfieldReport hopfield(View<const float> patterns, View<const float> queries,
                                       const KernelSum& kernel,
                                       const HopfieldOutputs<float>& outputs,
                                       const HopfieldOptions<float>& options = {});
VICINAL_EXPORT HopfieldReport hopfield(View<const double> patterns, View<const double> queries,
                                       const KernelSum& kernel,
                                       const HopfieldOutputs<double>& outputs,
                                       const HopfieldOptions<double>& options = {});
// The same loop around any update: `weights`, `nearest`, `index` and `interrupted` are its affair.
VICINAL_EXPORT HopfieldReport hopfield(const HopfieldUpdate<float>& update,
                                       View<const float> queries,
                                       const HopfieldOutputs<float>& outputs,
                                       const HopfieldOptions<float>& options = {});
VICINAL_EXPORT HopfieldReport hopfield(const HopfieldUpdate<double>& update,
                                       View<const double> queries,
                                       const HopfieldOutputs<double>& outputs,
                                       const HopfieldOptions<double>& options = {});

}  // namespace vicinal
