// Mean shift: through the door once, then round after round of local means of what still moves.
#include "vicinal/mean_shift.hpp"

#include <memory>
#include <mutex>
#include <string>

#include "ascents.hpp"
#include "check_item.hpp"
#include "floating_point.hpp"
#include "lowering.hpp"
#include "means_of_keys.hpp"
#include "parallel.hpp"
#include "vicinal/tabulate.hpp"

namespace vicinal {

template <class T>
struct MeanShiftMemory<T>::Contents {
  std::mutex in_use;
  std::unique_ptr<MeansOfKeys<T>> means;
};
template <class T>
MeanShiftMemory<T>::MeanShiftMemory() : contents_(std::make_unique<Contents>()) {}
template <class T>
MeanShiftMemory<T>::~MeanShiftMemory() = default;
template class MeanShiftMemory<float>;
template class MeanShiftMemory<double>;

namespace {

// A step leads to a mean of coordinates, and lies among the keys: pairs are weighed by a distance
// of coordinates, and nothing weighs less than 0.
void check_kernel(const KernelSum& kernel) {
  for (const Term& term : kernel.terms) {
    if (term.coefficient < 0)
      refuse("mean shift needs weights that are not negative, got a kernel with the coefficient " +
             std::to_string(term.coefficient));
    for (const Kernel& k : term.factors) {
      const Metric metric = metric_of(k);
      if (metric != Metric::euclidean && metric != Metric::manhattan &&
          metric != Metric::chebyshev && metric != Metric::mahalanobis)
        refuse(
            "mean shift needs a kernel of the euclidean, manhattan, chebyshev or mahalanobis "
            "distance, because its steps are means of coordinates; bring other data into such "
            "coordinates");
      if (k.scaled_keys)
        refuse("mean shift takes one bandwidth per key, not one per key and feature");
      if (k.table != nullptr && k.table->is_signed())
        refuse("mean shift needs weights that are not negative, and the given profile has some");
    }
  }
}

void check_number(const char* name, double x, double least, bool open = false) {
  if (std::isfinite(x) && (open ? x > least : x >= least)) return;
  refuse(std::string(name) + " must be finite and " + (open ? "above " : "at least ") +
         std::to_string(static_cast<int>(least)) + ", got " + std::to_string(x));
}

template <class T>
void check_finite(const char* name, const View<const T>& points, auto&& matters) {
  for (std::int64_t i = 0; i < points.rows; ++i)
    for (std::int64_t j = 0; j < points.columns; ++j)
      if (!std::isfinite(points.row(i)[j]) && matters(i))
        refuse(std::string(name) + " must be finite, got " + std::to_string(points.row(i)[j]) +
               " in row " + std::to_string(i));
}

template <class T>
void check_options(const View<const T>& keys, const View<const T>& seeds,
                   const MeanShiftOutputs<T>& out, const MeanShiftOptions<T>& o) {
  check_source("seeds", seeds, "features");
  if (seeds.columns != keys.columns)
    refuse("seeds and keys must have the same number of features, got " +
           std::to_string(seeds.columns) + " and " + std::to_string(keys.columns));
  check_number("alpha", o.alpha, 0, true);
  if (!(o.tol >= 0)) refuse("tol must be at least 0, got " + std::to_string(o.tol));
  check_number("capture_radius", o.capture_radius, 0);
  if (!(o.mass_tol >= 0 && o.mass_tol < 1))
    refuse("mass_tol must be at least 0 and below 1, got " + std::to_string(o.mass_tol));
  if (o.max_iter < 0) refuse("max_iter must not be negative, got " + std::to_string(o.max_iter));
  check_source("modes", o.modes, "features");
  if (o.modes.rows > 0 && o.modes.columns != keys.columns)
    refuse("modes and keys must have the same number of features, got " +
           std::to_string(o.modes.columns) + " and " + std::to_string(keys.columns));
  const auto fits = [&](const char* name, auto size) {
    if (size != 0 && static_cast<std::int64_t>(size) != seeds.rows)
      refuse(std::string(name) + " must have one row per seed (" + std::to_string(seeds.rows) +
             "), got " + std::to_string(size));
  };
  if (out.ends.data != nullptr && out.ends.columns != seeds.columns)
    refuse("ends must have " + std::to_string(seeds.columns) + " columns, got " +
           std::to_string(out.ends.columns));
  fits("ends", out.ends.rows);
  if (out.before.data != nullptr && out.before.columns != seeds.columns)
    refuse("before must have " + std::to_string(seeds.columns) + " columns, got " +
           std::to_string(out.before.columns));
  if (out.before.data != nullptr) fits("before", out.before.rows);
  fits("iterations", out.iterations.size());
  fits("status", out.status.size());
  fits("mode", out.mode.size());
  const auto always = [](std::int64_t) { return true; };
  check_finite("seeds", seeds, always);
  check_finite("modes", o.modes, always);
}

// The memory's means, made by the first call; or means of this call alone.
template <class T>
class Lease {
 public:
  Lease(MeanShiftMemory<T>* memory, const auto& make) {
    if (memory != nullptr) lock_ = std::unique_lock(memory->contents().in_use, std::try_to_lock);
    std::unique_ptr<MeansOfKeys<T>>& kept = lock_ ? memory->contents().means : own_;
    if (!kept) kept = make();
    means_ = kept.get();
  }
  MeansOfKeys<T>& means() { return *means_; }

 private:
  std::unique_lock<std::mutex> lock_;
  std::unique_ptr<MeansOfKeys<T>> own_;
  MeansOfKeys<T>* means_;
};

template <class T>
MeanShiftReport ascend(const View<const T>& keys, const View<const T>& seeds,
                       const KernelSum& kernel, const MeanShiftOutputs<T>& outputs,
                       const MeanShiftOptions<T>& o, const KeyIndex<T>* index = nullptr) {
  const DefaultFloatingPoint modes;
  check_kernel(kernel);
  check_source("keys", keys, "features");
  check_options(keys, seeds, outputs, o);
  const int threads = std::clamp(o.num_threads > 0 ? o.num_threads : max_threads(), 1, 1024);
  Ascents<T> ascents(seeds, outputs, o, threads);
  const Watch watch{o.interrupted, {}};
  Lease<T> lease(o.memory,
                 [&] { return std::make_unique<MeansOfKeys<T>>(keys, kernel, o, index); });
  MeansOfKeys<T>& means = lease.means();
  MeanShiftReport report;
  std::int64_t iteration = 0;
  ascents.capture_seeds();
  ascents.share();
  if (ascents.moving() > 0 && o.max_iter > 0) {
    Poll poll(watch, 1);
    means.prepare(threads, poll);
    const std::vector<std::int64_t> order = means.order_of(ascents.positions(), threads, poll);
    if (!poll.stopped() && !order.empty()) ascents.reorder(order);
    poll.finish();
  }
  while (iteration < o.max_iter && ascents.moving() > 0) {
    report.walked += ascents.moving();
    const Report round = means.run(ascents.positions(), ascents.means(), threads, watch);
    report.pairs_visited += round.pairs_visited;
    report.interrupted = round.interrupted;
    if (round.interrupted) break;
    const double longest = ascents.advance(++iteration);
    ascents.share();
    if (!o.callback) continue;
    ascents.write(iteration, AscentStatus::moving);
    if (o.callback(
            {iteration, longest, report.pairs_visited, ascents.positions(), ascents.seeds()}))
      break;
  }
  ascents.close(iteration, report);
  return report;
}

}  // namespace

#define VICINAL_MEAN_SHIFT(T)                                                                  \
  MeanShiftReport mean_shift(View<const T> keys, View<const T> seeds, const KernelSum& kernel, \
                             const MeanShiftOutputs<T>& outputs,                               \
                             const MeanShiftOptions<T>& options) {                             \
    return ascend<T>(keys, seeds, kernel, outputs, options);                                   \
  }                                                                                            \
  MeanShiftReport mean_shift(const KeyIndex<T>& keys, View<const T> seeds,                     \
                             const KernelSum& kernel, const MeanShiftOutputs<T>& outputs,      \
                             const MeanShiftOptions<T>& options) {                             \
    return ascend<T>(keys.keys(), seeds, kernel, outputs, options, &keys);                     \
  }
VICINAL_MEAN_SHIFT(float)
VICINAL_MEAN_SHIFT(double)

}  // namespace vicinal
