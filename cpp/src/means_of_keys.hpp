// The local means of any points over the same keys, whose values are the keys themselves: what does
// not depend on the points is made once.
#pragma once

#include <optional>

#include "driver.hpp"
#include "gaussian_field.hpp"
#include "pruned.hpp"
#include "vicinal/mean_shift.hpp"

namespace vicinal {

template <class T>
class MeansOfKeys {
 public:
  // Checks keys, kernel and priors; `o`: weights, log_weights, key_bandwidths and mass_tol. All
  // that views borrow must outlive the means.
  MeansOfKeys(const View<const T>& keys, const KernelSum& kernel, const MeanShiftOptions<T>& o,
              const KeyIndex<T>* index);
  MeansOfKeys(const MeansOfKeys&) = delete;
  MeansOfKeys& operator=(const MeansOfKeys&) = delete;

  // Plants the tree, where there is to be one. Unfinished once the poll has stopped.
  void prepare(int threads, Poll& poll);
  // An order of points in which near ones stand together; empty: any serves.
  std::vector<std::int64_t> order_of(const View<const T>& points, int threads, Poll& poll);
  // Fills `means`, NaN where no key has a weight. Near points stand together.
  Report run(const View<const T>& points, const View<T>& means, int threads, const Watch& watch);

 private:
  Report run_directly(const T* points, std::int64_t rows, T* means, int threads,
                      const Watch& watch);

  Problem<T> problem_;
  std::optional<PlantedKeys<T>> planted_;
  std::optional<GaussianField<T>> field_;
  bool prepared_ = false;
};

}  // namespace vicinal
