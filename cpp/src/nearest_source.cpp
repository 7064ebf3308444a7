#include "nearest_source.hpp"

#include "searched_sets.hpp"

namespace vicinal {

template <class T>
NearestSource<T>::NearestSource(const Problem<T>& problem, const Entry<T>& entry, int threads,
                                Poll& poll) {
  const Plan<T>& metric = problem.neighborhood->metric;
  const bool serves = index_serves(problem, entry);
  if (serves) {
    problem_ = problem_of(*problem.index);
    packed_ = &packed_of(*problem.index);
  } else {
    problem_.plan = metric.terms.empty() ? problem.plan : metric;
    problem_.table = problem.table;
    problem_.n = problem.n;
    problem_.d = problem.d;
    problem_.key_stride = problem.key_stride;
    problem_.weight_stride = problem.weight_stride;
    problem_.entries.resize(1);
  }
  problem_.m = problem.m;
  problem_.query_stride = problem.query_stride;
  problem_.key_offset = problem.key_offset;  // own keys are counted from it
  problem_.exclude_self = problem.exclude_self;
  problem_.needs_self = problem.needs_self;
  Entry<T>& own = problem_.entries[0];
  own.queries = entry.queries;
  own.self_indices = entry.self_indices;
  if (serves) return;
  own.keys = entry.keys;
  own.weights = entry.weights;
  own.log_weights = entry.log_weights;
  own.origin = entry.origin;
  own.prior_shift = entry.prior_shift;
  own.prior_peak = entry.prior_peak;
  own.present = entry.present;
  plant(problem_, own, threads, poll, planted_);
  follow(planted_, own);
  if (metric.terms.empty()) return;
  planted_keys_ = std::make_unique<PackedKeys<T>>(planted_);
  planted_keys_->allocate(problem_);
  if (!poll.stopped()) planted_keys_->draw_sketch(problem_, own, threads, poll);
  packed_ = planted_keys_.get();
}

template class NearestSource<float>;
template class NearestSource<double>;

}  // namespace vicinal
