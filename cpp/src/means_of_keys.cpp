#include "means_of_keys.hpp"

#include <algorithm>
#include <cmath>

#include "check_item.hpp"
#include "door.hpp"
#include "lowering.hpp"
#include "query_order.hpp"
#include "results.hpp"

namespace vicinal {

template <class T>
MeansOfKeys<T>::MeansOfKeys(const View<const T>& keys, const KernelSum& kernel,
                            const MeanShiftOptions<T>& o, const KeyIndex<T>* index) {
  Options<T> options;
  options.tol = o.mass_tol;
  options.index = index;
  T none{};
  BatchItem<T> item;
  item.keys = item.values = keys;
  item.queries = {&none, 0, keys.columns};
  item.statistics.mean = {&none, 0, keys.columns};
  item.weights = o.weights;
  item.log_weights = o.log_weights;
  item.key_bandwidths = o.key_bandwidths;
  problem_ = open_door<T>(lower<T>(kernel, keys.columns), {&item, 1}, options);
  problem_.query_stride = problem_.mean_stride = keys.columns;
  for (std::int64_t i = 0; i < keys.rows; ++i)
    for (std::int64_t j = 0; j < keys.columns; ++j)
      if (!std::isfinite(keys.row(i)[j]) && is_present(problem_, problem_.entries[0], i))
        refuse("keys must be finite, got " + std::to_string(keys.row(i)[j]) + " in row " +
               std::to_string(i));
}

template <class T>
void MeansOfKeys<T>::prepare(int threads, Poll& poll) {
  if (prepared_) return;
  problem_.m = 1;  // pruning is for calls that have a query
  if (prunes(problem_) || falls_apart(problem_)) {
    planted_.emplace(problem_, problem_.entries[0], threads, poll);
    if (poll.stopped()) return planted_.reset();
    problem_.planted = &*planted_;
    problem_.ordered_queries = true;
    if (GaussianField<T>::serves(problem_)) field_.emplace(problem_, planted_->tree());
  }
  prepared_ = true;
}

template <class T>
std::vector<std::int64_t> MeansOfKeys<T>::order_of(const View<const T>& points, int threads,
                                                   Poll& poll) {
  if (!planted_) return {};
  Problem<T> call = problem_;
  call.m = points.rows;
  call.entries[0].queries = points.data;
  return order_of_queries(call, call.entries[0], planted_->tree().space, threads, poll);
}

template <class T>
Report MeansOfKeys<T>::run_directly(const T* points, std::int64_t rows, T* means, int threads,
                                    const Watch& watch) {
  problem_.m = rows;
  problem_.entries[0].queries = points;
  problem_.entries[0].mean = means;
  return vicinal::run<T>({&problem_, 1}, threads, watch,
                         [](const Problem<T>& problem, std::size_t e, Block<T>& block) {
                           return write_results(problem, problem.entries[e], block);
                         })[0];
}

template <class T>
Report MeansOfKeys<T>::run(const View<const T>& points, const View<T>& means, int threads,
                           const Watch& watch) {
  if (!field_) return run_directly(points.data, points.rows, means.data, threads, watch);
  Poll poll(watch, 1);
  std::vector<std::int64_t> left;
  const std::int64_t pairs = field_->run(points.data, points.rows, means.data, threads, poll, left);
  if (poll.stopped()) field_.emplace(problem_, planted_->tree());  // cells may be unfinished
  poll.finish();
  Report report;
  report.interrupted = poll.stopped();
  if (!report.interrupted && !left.empty()) {
    const std::int64_t d = points.columns;
    std::vector<T> places(left.size() * static_cast<std::size_t>(d)), found(places.size());
    for (std::size_t i = 0; i < left.size(); ++i)
      std::copy_n(points.row(left[i]), d, places.data() + static_cast<std::int64_t>(i) * d);
    report = run_directly(places.data(), std::ssize(left), found.data(), threads, watch);
    for (std::size_t i = 0; i < left.size(); ++i)
      std::copy_n(found.data() + static_cast<std::int64_t>(i) * d, d, means.row(left[i]));
  }
  report.pairs_visited += pairs;
  return report;
}

template class MeansOfKeys<float>;
template class MeansOfKeys<double>;

}  // namespace vicinal
