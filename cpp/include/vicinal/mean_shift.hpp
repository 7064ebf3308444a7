// Mean shift: every seed climbs the density of the keys, q ← q + α (m(q) − q), m the local mean of
// the keys themselves (Fukunaga & Hostetler 1975; Cheng 1995; Comaniciu & Meer 2002).
//
// An ascent is a function of its seed, the keys and the options alone: neither the other seeds nor
// the threads change a bit of it. Positions that are equal bit for bit have the same future and are
// walked once.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "vicinal/export.h"
#include "vicinal/kernel.hpp"
#include "vicinal/neighbors.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

// Why an ascent ended.
enum class AscentStatus : std::int8_t {
  moving = -1,  // it did not, yet: seen by a callback alone
  converged,    // its last step was at most tol long
  exhausted,    // max_iter steps were taken, or the callback ended the call
  orphan,       // no key has a weight there: the point stays
  captured      // it came within capture_radius of one of the given modes
};

// One row or element per seed; an empty view or span is not written.
template <class T>
struct MeanShiftOutputs {
  View<T> ends{};                        // s × d
  std::span<std::int64_t> iterations{};  // s: steps taken
  std::span<std::int8_t> status{};       // s: AscentStatus
  std::span<std::int64_t> mode{};        // s: row of `modes` where captured, else −1
  View<T> before{};                      // s × d: where the last step began
};

// After every round of steps: where those that still move stand, each for all seeds that share it.
// The outputs hold the present state of all seeds.
template <class T>
struct MeanShiftRound {
  std::int64_t iteration;  // from 1
  double longest_step;     // of this round, in units of the data
  std::int64_t pairs_visited;
  View<const T> positions;
  std::span<const std::int64_t> seeds;  // a seed of each position
};

// What calls have in common that differ in seeds, modes and steps alone: the tree of the keys, and
// what has been computed of their density. All calls that are given one memory must have the same
// keys, kernel, priors and mass_tol, in the same places, which outlive it. It changes no result. A
// second call at the same time does without it.
template <class T>
class VICINAL_EXPORT MeanShiftMemory {
 public:
  MeanShiftMemory();
  ~MeanShiftMemory();
  MeanShiftMemory(const MeanShiftMemory&) = delete;
  MeanShiftMemory& operator=(const MeanShiftMemory&) = delete;

  struct Contents;
  Contents& contents() { return *contents_; }

 private:
  std::unique_ptr<Contents> contents_;
};

template <class T>
struct MeanShiftOptions {
  double alpha = 1;             // share of the way to the local mean, > 0
  double tol = 1e-3;            // length of the last step, in units of the data
  std::int64_t max_iter = 300;  // most steps of a seed
  // At most this share of a local mean's mass is left out or, under a Gaussian of up to three
  // features, is weighed otherwise: a mean is off by at most mass_tol of the keys' range.
  double mass_tol = 0;
  std::span<const T> weights{}, log_weights{};  // n prior weights, or their logarithms
  // n: u = distance / (kernel's bandwidth · that of the key).
  std::span<const T> key_bandwidths{};
  // An ascent ends where it comes within capture_radius, in units of the data and by differences in
  // double, of a mode: of the nearest, ties by row. Its seed counts as a place it came to.
  View<const T> modes{};
  double capture_radius = 0;
  MeanShiftMemory<T>* memory = nullptr;
  int num_threads = 0;                                       // 0 = what OpenMP gives
  std::function<bool()> interrupted{};                       // true stops the call
  std::function<bool(const MeanShiftRound<T>&)> callback{};  // true ends the call after this round
};

struct MeanShiftReport {
  std::int64_t iterations = 0;  // largest of all seeds
  std::int64_t exhausted = 0, orphans = 0, captured = 0;
  std::int64_t walked = 0;         // steps computed: those of seeds that share one count once
  std::int64_t pairs_visited = 0;  // of points and keys
  bool interrupted = false;        // what still moved is written as exhausted
};

// `kernel` weighs by a distance: Euclidean, Manhattan, Chebyshev or Mahalanobis, and is nowhere
// negative. Seeds and keys are finite, the latter where they have a weight.
VICINAL_EXPORT MeanShiftReport mean_shift(View<const float> keys, View<const float> seeds,
                                          const KernelSum& kernel,
                                          const MeanShiftOutputs<float>& outputs,
                                          const MeanShiftOptions<float>& options = {});
VICINAL_EXPORT MeanShiftReport mean_shift(View<const double> keys, View<const double> seeds,
                                          const KernelSum& kernel,
                                          const MeanShiftOutputs<double>& outputs,
                                          const MeanShiftOptions<double>& options = {});
// The same, to the bit, of keys whose tree is planted already.
VICINAL_EXPORT MeanShiftReport mean_shift(const KeyIndex<float>& keys, View<const float> seeds,
                                          const KernelSum& kernel,
                                          const MeanShiftOutputs<float>& outputs,
                                          const MeanShiftOptions<float>& options = {});
VICINAL_EXPORT MeanShiftReport mean_shift(const KeyIndex<double>& keys, View<const double> seeds,
                                          const KernelSum& kernel,
                                          const MeanShiftOutputs<double>& outputs,
                                          const MeanShiftOptions<double>& options = {});

}  // namespace vicinal
