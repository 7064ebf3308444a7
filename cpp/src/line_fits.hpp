// Local lines of one call: weighted moments of (x, y), a strip of queries at a time, and the fits
// that they determine.
#pragma once

#include <vector>

#include "squared_kernel.hpp"
#include "vicinal/local_fit.hpp"

namespace vicinal {

class LineFits {
 public:
  LineFits(const KernelSum& kernel, View<const double> queries, View<const double> keys,
           View<const double> values, const LinearFits& fits, double ridge,
           const Options<double>& options);
  LocalFitReport run();

 private:
  bool wants_errors() const { return fits_.standard_errors.data != nullptr; }
  void center();
  Options<double> options_of(std::int64_t first, std::int64_t count) const;
  Options<double> squared_options(const Options<double>& options, std::int64_t count);
  Report moments(std::int64_t first, std::int64_t count, FitMoments& moments);
  void own_points(std::int64_t first, std::int64_t count);

  const KernelSum& kernel_;
  View<const double> queries_, keys_, values_;
  const LinearFits& fits_;
  double ridge_;
  const Options<double>& given_;
  std::int64_t m_, n_, d_, p_, step_;
  SquaredKernel square_{KernelSum(std::vector<Term>{})};
  std::vector<double> squared_weights_, twice_log_weights_, twice_bias_;
  std::vector<std::int64_t> own_;
  std::vector<double> center_, stacked_;  // d; n × (d + p): x − center, then y
  // Of a strip:
  std::vector<double> places_, mean_, covariance_, log_mass_, own_points_, self_share_;
  std::vector<double> squared_mean_, squared_covariance_, squared_log_mass_;
};

}  // namespace vicinal
