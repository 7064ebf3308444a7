// Hopfield networks: updates of what still moves, until nothing does.
#include "vicinal/hopfield.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "floating_point.hpp"
#include "lowering.hpp"
#include "vicinal/local_mean.hpp"

namespace vicinal {
namespace {

template <class T>
void check(View<const T> queries, const HopfieldOutputs<T>& out, const HopfieldOptions<T>& o) {
  const auto fits = [&](std::size_t size, const char* name) {
    if (size != 0 && static_cast<std::int64_t>(size) != queries.rows)
      refuse(std::string(name) + " must have one element per query (" +
             std::to_string(queries.rows) + "), got " + std::to_string(size));
  };
  if (out.states.data != nullptr &&
      (out.states.rows != queries.rows || out.states.columns != queries.columns))
    refuse("states must have the shape of queries, " + std::to_string(queries.rows) + " x " +
           std::to_string(queries.columns) + ", got " + std::to_string(out.states.rows) + " x " +
           std::to_string(out.states.columns));
  fits(out.iterations.size(), "iterations");
  fits(out.residuals.size(), "residuals");
  if (!(o.tol >= 0 && std::isfinite(o.tol)))
    refuse("tol must be finite and at least 0, got " + std::to_string(o.tol));
  if (o.max_iter < 1) refuse("max_iter must be at least 1, got " + std::to_string(o.max_iter));
  if (o.nearest < 0)
    refuse("nearest must be at least 0 (all patterns), got " + std::to_string(o.nearest));
}

void check_kernel(const KernelSum& kernel) {
  for (const Term& term : kernel.terms)
    for (const Kernel& factor : term.factors)
      if (!takes_inner_product(factor.profile))
        refuse(
            "kernel must weigh by an inner product; take Profile::softmax or "
            "Profile::polynomial, or mean_shift for kernels of a distance");
}

template <class T>
double distance(const T* a, const T* b, std::int64_t d) {
  double sum = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    const double step = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += step * step;
  }
  return std::sqrt(sum);
}

template <class T>
class Retrieval {
 public:
  Retrieval(View<const T> queries, const HopfieldOutputs<T>& out, const HopfieldOptions<T>& o)
      : out_(out),
        options_(o),
        d_(queries.columns),
        moving_(static_cast<std::size_t>(queries.rows)) {
    std::iota(moving_.begin(), moving_.end(), 0);
    const auto size = static_cast<std::size_t>(queries.rows * d_);
    before_.resize(size);
    after_.resize(size);
    states_ = out.states;
    if (states_.data == nullptr) {
      own_.resize(size);
      states_ = {own_.data(), queries.rows, d_};
    }
    for (std::int64_t i = 0; i < queries.rows; ++i) std::copy_n(queries.row(i), d_, states_.row(i));
    std::fill(out.iterations.begin(), out.iterations.end(), 0);
    std::fill(out.residuals.begin(), out.residuals.end(), std::numeric_limits<double>::infinity());
  }

  HopfieldReport run(const HopfieldUpdate<T>& update) {
    HopfieldReport report;
    for (bool ends = false; !ends && !moving_.empty() && report.iterations < options_.max_iter;) {
      const std::int64_t rows = std::ssize(moving_);
      for (std::int64_t r = 0; r < rows; ++r)
        std::copy_n(states_.row(moving_[static_cast<std::size_t>(r)]), d_, before_.data() + r * d_);
      if (!update({before_.data(), rows, d_}, {after_.data(), rows, d_})) {
        report.interrupted = true;
        break;
      }
      const std::vector<std::int64_t> moved = moving_;
      const double longest = settle(++report.iterations);
      ends = options_.callback && options_.callback({report.iterations, longest, moved, states_});
    }
    report.moving = std::ssize(moving_);
    return report;
  }

 private:
  // Takes the new states over, and leaves in moving_ those whose step was long. A step to what is
  // no number is long.
  double settle(std::int64_t iteration) {
    double longest = 0;
    std::size_t kept = 0;
    for (std::size_t r = 0; r < moving_.size(); ++r) {
      const std::int64_t i = moving_[r], at = static_cast<std::int64_t>(r) * d_;
      const double length = distance(after_.data() + at, before_.data() + at, d_);
      std::copy_n(after_.data() + at, d_, states_.row(i));
      if (!out_.iterations.empty()) out_.iterations[static_cast<std::size_t>(i)] = iteration;
      if (!out_.residuals.empty()) out_.residuals[static_cast<std::size_t>(i)] = length;
      longest = !(length <= longest) ? length : longest;
      if (!(length <= options_.tol)) moving_[kept++] = i;
    }
    moving_.resize(kept);
    return longest;
  }

  const HopfieldOutputs<T>& out_;
  const HopfieldOptions<T>& options_;
  std::int64_t d_;
  View<T> states_;
  std::vector<std::int64_t> moving_;
  std::vector<T> before_, after_, own_;
};

template <class T>
HopfieldReport retrieve(const HopfieldUpdate<T>& update, View<const T> queries,
                        const HopfieldOutputs<T>& out, const HopfieldOptions<T>& o) {
  check(queries, out, o);
  if (!update) refuse("update must be a function");
  const DefaultFloatingPoint modes;
  return Retrieval<T>(queries, out, o).run(update);
}

template <class T>
HopfieldReport retrieve(View<const T> patterns, View<const T> queries, const KernelSum& kernel,
                        const HopfieldOutputs<T>& out, const HopfieldOptions<T>& o) {
  check(queries, out, o);
  check_kernel(kernel);
  Options<T> means{.weights = o.weights, .index = o.index, .empty = Empty::zero};
  if (o.nearest > 0) means.neighbors = nearest(o.nearest);
  means.num_threads = o.num_threads;
  means.interrupted = o.interrupted;
  return retrieve<T>(
      [&](View<const T> states, View<T> next) {
        return !local_mean(kernel, states, patterns, patterns, next, means).interrupted;
      },
      queries, out, o);
}

}  // namespace

HopfieldReport hopfield(View<const float> patterns, View<const float> queries,
                        const KernelSum& kernel, const HopfieldOutputs<float>& outputs,
                        const HopfieldOptions<float>& options) {
  return retrieve(patterns, queries, kernel, outputs, options);
}
HopfieldReport hopfield(View<const double> patterns, View<const double> queries,
                        const KernelSum& kernel, const HopfieldOutputs<double>& outputs,
                        const HopfieldOptions<double>& options) {
  return retrieve(patterns, queries, kernel, outputs, options);
}
HopfieldReport hopfield(const HopfieldUpdate<float>& update, View<const float> queries,
                        const HopfieldOutputs<float>& outputs,
                        const HopfieldOptions<float>& options) {
  return retrieve(update, queries, outputs, options);
}
HopfieldReport hopfield(const HopfieldUpdate<double>& update, View<const double> queries,
                        const HopfieldOutputs<double>& outputs,
                        const HopfieldOptions<double>& options) {
  return retrieve(update, queries, outputs, options);
}

}  // namespace vicinal
