#include "vicinal/partial.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

#include "door.hpp"
#include "driver.hpp"
#include "floating_point.hpp"
#include "results.hpp"
#include "rows.hpp"

namespace vicinal {

template <class T>
struct PartialState<T>::Impl {
  Plan<T> plan;
  SetMetric<T> metric;
  std::vector<View<const T>> queries;
  std::int64_t value_columns = 0;
  StateStatistics wanted;
  bool exclude_self = false;
  std::vector<RowState<T>> states;           // one per item
  std::vector<std::vector<double>> centers;  // of each one's moments, from its first keys
  bool is_signed = false;                    // weights of a graph were
  bool incomplete = false;                   // an update was stopped halfway

  Impl(const KernelSum& kernel, std::int64_t d)
      : plan(lower<T>(kernel, d)), metric(kernel, plan, d) {}
  // From the center of item e to another one of its moments.
  std::vector<double> shift_from(std::size_t e, const std::vector<double>& other) const {
    std::vector<double> shift(other);
    for (std::size_t c = 0; c < shift.size(); ++c) shift[c] -= centers[e][c];
    return shift;
  }
  void check_complete() const {
    if (incomplete)
      throw std::logic_error(
          "an update of this state was interrupted, so some rows lack keys; start again");
  }
  // Sized and empty, or as they were.
  std::vector<RowState<T>> opened(const Problem<T>& problem) const {
    std::vector<RowState<T>> fresh(queries.size());
    for (RowState<T>& state : fresh) {
      state.resize(problem, queries[0].rows);
      for (std::int64_t i = 0; i < state.rows; ++i) state.clear(i);
    }
    return fresh;
  }
};

namespace {

// Stand-ins for outputs: only their presence is read while keys are added.
template <class T>
struct Placeholders {
  std::vector<T> numbers;
  std::vector<std::int64_t> whole;
  Placeholders(std::int64_t m, std::int64_t k)
      : numbers(static_cast<std::size_t>(m)), whole(static_cast<std::size_t>(m)), top(k) {}
  std::int64_t top;

  Statistics<T> request(const StateStatistics& wanted, std::int64_t m, std::int64_t p) {
    Statistics<T> s;
    if (wanted.ess) s.ess = numbers;
    if (wanted.self_weight) s.self_weight = numbers;
    if (wanted.count) s.count = whole;
    if (wanted.variance) s.variance = {numbers.data(), m, p};
    if (wanted.covariance) s.covariance = {numbers.data(), m, p * p};
    if (wanted.top_k > 0) {
      s.top_k_indices = {whole.data(), m, wanted.top_k};
      s.top_k_weights = {numbers.data(), m, wanted.top_k};
    }
    return s;
  }
};

template <class T>
void check_wanted(const Statistics<T>& asked, const StateStatistics& wanted) {
  const auto refuse = [](const char* name) {
    throw std::invalid_argument(std::string(name) + " was not asked for when the state was made");
  };
  if (!asked.ess.empty() && !wanted.ess) refuse("ess");
  if (!asked.self_weight.empty() && !wanted.self_weight) refuse("self_weight");
  if (!asked.count.empty() && !wanted.count) refuse("count");
  if (asked.variance.data != nullptr && !wanted.variance && !wanted.covariance) refuse("variance");
  if (asked.covariance.data != nullptr && !wanted.covariance) refuse("covariance");
  if (asked.top_k_indices.data != nullptr && asked.top_k_indices.columns != wanted.top_k)
    refuse("top_k of this size");
  if (asked.weights.data != nullptr) refuse("weights");
}

}  // namespace

template <class T>
PartialState<T>::PartialState(const KernelSum& kernel, std::vector<View<const T>> queries,
                              std::int64_t value_columns, const StateStatistics& statistics,
                              bool exclude_self) {
  if (queries.empty()) throw std::invalid_argument("queries must hold at least one item");
  const auto check = [](const char* name, std::int64_t columns) {
    if (columns < 0 || columns > most_columns)
      throw std::invalid_argument(std::string(name) + " must be 0 to " +
                                  std::to_string(most_columns) + ", got " +
                                  std::to_string(columns));
  };
  check("value_columns", value_columns);
  check("top_k", statistics.top_k);
  impl_ = std::make_unique<Impl>(kernel, queries[0].columns);
  Impl& s = *impl_;
  s.queries = std::move(queries);
  s.value_columns = value_columns;
  s.wanted = statistics;
  s.exclude_self = exclude_self;
}

template <class T>
PartialState<T>::~PartialState() = default;
template <class T>
PartialState<T>::PartialState(PartialState&&) noexcept = default;

template <class T>
Report PartialState<T>::update(std::span<const BatchItem<T>> batch, const Options<T>& options) {
  const DefaultFloatingPoint modes;
  Impl& s = *impl_;
  s.check_complete();
  if (batch.size() != s.queries.size())
    throw std::invalid_argument("batch must have one item per item of queries");
  const std::int64_t m = s.queries[0].rows;
  Placeholders<T> stand_ins(m, s.wanted.top_k);
  std::vector<BatchItem<T>> items(batch.begin(), batch.end());
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].queries = s.queries[i];
    items[i].statistics = stand_ins.request(s.wanted, m, s.value_columns);
  }
  Options<T> opened = options;
  opened.exclude_self = s.exclude_self;
  Problem<T> problem = open_door<T>(s.plan, items, opened, &s.metric, true);
  if (problem.p != s.value_columns)
    throw std::invalid_argument("values must have " + std::to_string(s.value_columns) +
                                " columns, got " + std::to_string(problem.p));
  s.is_signed |= problem.plan.is_signed;
  problem.keeps_states = true;
  problem.take_limits = false;  // the nearest key may be in another piece
  if (s.states.empty()) s.states = s.opened(problem);
  if (m == 0 || problem.n == 0) return {};
  s.centers.resize(problem.entries.size());
  std::vector<std::vector<double>> shifts;
  for (std::size_t e = 0; e < problem.entries.size(); ++e) {
    if (s.centers[e].empty()) s.centers[e] = problem.entries[e].value_center;
    shifts.push_back(s.shift_from(e, problem.entries[e].value_center));
  }
  std::atomic<bool> touched{false};
  const auto take = [&](const Problem<T>&, std::size_t e, Block<T>& block) {
    touched = true;
    const double prior = problem.entries[e].prior_shift;
    RowState<T>& piece = block.state;
    for (std::int64_t i = 0; i < block.rows; ++i) {
      piece.reference[static_cast<std::size_t>(i)] += prior;
      for (std::int64_t t = i * piece.k; t < (i + 1) * piece.k; ++t)
        piece.top_rank[static_cast<std::size_t>(t)] += static_cast<T>(prior);
      piece.shift_moments(i, shifts[e], problem.covariance);
      merge_row(s.states[e], block.row(i), piece, i);
    }
    return std::int64_t{0};
  };
  try {
    const Report report = run<T>({&problem, 1}, options.num_threads,
                                 {options.interrupted, options.progress}, take)[0];
    s.incomplete = report.interrupted && touched;
    return report;
  } catch (...) {
    s.incomplete = touched;
    throw;
  }
}

template <class T>
void PartialState<T>::merge(const PartialState& other) {
  const DefaultFloatingPoint modes;
  Impl& s = *impl_;
  const Impl& o = *other.impl_;
  s.check_complete();
  o.check_complete();
  if (!(s.plan == o.plan) || !(s.wanted == o.wanted) || s.value_columns != o.value_columns ||
      s.exclude_self != o.exclude_self || s.queries.size() != o.queries.size() ||
      s.queries[0].rows != o.queries[0].rows)
    throw std::invalid_argument(
        "states to merge must be of the same queries, kernel, values and statistics");
  if (o.states.empty()) return;
  s.is_signed |= o.is_signed;
  std::vector<RowState<T>> pieces = o.states;
  if (s.states.empty()) {
    s.states = std::move(pieces);
    s.centers = o.centers;
    return;
  }
  std::vector<std::vector<double>> centers = o.centers;
  centers.resize(s.states.size());  // empty: no key was seen, or there are no moments
  s.centers.resize(s.states.size());
  for (std::size_t e = 0; e < s.states.size(); ++e) {
    if (s.centers[e].empty()) s.centers[e] = centers[e];
    const std::vector<double> shift = s.shift_from(e, centers[e]);
    for (std::int64_t i = 0; i < s.states[e].rows; ++i) {
      if (!shift.empty()) pieces[e].shift_moments(i, shift, s.wanted.covariance);
      merge_row(s.states[e], i, pieces[e], i);
    }
  }
}

template <class T>
Report PartialState<T>::finish(std::span<const Statistics<T>> batch, Empty empty,
                               double empty_value) const {
  const Impl& s = *impl_;
  if (empty == Empty::nearest)
    throw std::invalid_argument(
        "empty=\"nearest\" needs all keys at once; an accumulator sees them in pieces");
  if (batch.size() != s.queries.size())
    throw std::invalid_argument("batch must have one item per item of queries");
  const DefaultFloatingPoint modes;
  s.check_complete();
  for (const Statistics<T>& asked : batch) check_wanted(asked, s.wanted);
  const std::int64_t m = s.queries[0].rows, d = s.queries[0].columns;
  std::vector<BatchItem<T>> items(batch.size());
  const T nothing{};
  const std::vector<std::int64_t> own(static_cast<std::size_t>(m), -1);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].queries = s.queries[i];
    items[i].keys = {&nothing, 0, d};
    items[i].values = {&nothing, 0, s.value_columns};
    items[i].statistics = batch[i];
    items[i].self_indices = own;
  }
  Options<T> options;
  options.empty = empty;
  options.empty_value = empty_value;
  Problem<T> problem = open_door<T>(s.plan, items, options);
  Report report;
  if (m == 0) return report;
  problem.plan.is_signed |= s.is_signed;
  problem.variance = s.wanted.variance;  // the columns that the state has
  problem.covariance = s.wanted.covariance;
  for (std::size_t e = 0; e < items.size(); ++e) {
    if (e < s.centers.size() && !s.centers[e].empty())
      problem.entries[e].value_center = s.centers[e];
    Block<T> block;
    allocate(block, problem, m);
    block.rows = m;
    for (std::int64_t i = 0; i < m; ++i) {
      block.state.clear(i);
      block.kind[static_cast<std::size_t>(i)] = classify_query(problem, s.queries[e].row(i));
    }
    if (!s.states.empty()) block.state = s.states[e];
    report.empty_rows += write_results(problem, problem.entries[e], block);
  }
  return report;
}

template <class T>
std::vector<StateArrays> PartialState<T>::arrays() const {
  std::vector<StateArrays> all;
  for (std::size_t e = 0; e < impl_->states.size(); ++e) {
    const RowState<T>& state = impl_->states[e];
    StateArrays a;
    a.rows = state.rows, a.columns = state.columns, a.value_columns = state.p, a.top_k = state.k;
    a.reference = state.reference;
    a.hi.assign(state.hi.begin(), state.hi.end());
    a.lo.assign(state.lo.begin(), state.lo.end());
    if (e < impl_->centers.size()) a.center = impl_->centers[e];
    a.is_signed = impl_->is_signed;
    a.count = state.count, a.top_index = state.top_index, a.top_sign = state.top_sign;
    a.top_rank.assign(state.top_rank.begin(), state.top_rank.end());
    a.unit.assign(state.unit.begin(), state.unit.end());
    all.push_back(std::move(a));
  }
  return all;
}

template <class T>
void PartialState<T>::restore(const std::vector<StateArrays>& arrays) {
  Impl& s = *impl_;
  s.states.clear();
  s.centers.clear();
  for (const StateArrays& a : arrays) {
    const auto n = static_cast<std::size_t>(a.rows),
               cells = n * static_cast<std::size_t>(a.columns);
    const auto top = n * static_cast<std::size_t>(a.top_k),
               units = n * static_cast<std::size_t>(a.value_columns);
    const std::int64_t p = s.value_columns;
    const std::int64_t pairs = s.wanted.covariance ? p * (p + 1) / 2 : s.wanted.variance ? p : 0;
    const std::int64_t expected = kernels::header_columns + p + (pairs > 0 ? 1 + p + pairs : 0);
    const bool center_fits =
        a.center.empty() || static_cast<std::int64_t>(a.center.size()) == (pairs > 0 ? p : 0);
    const bool fits = center_fits && a.columns == expected && a.top_k == s.wanted.top_k &&
                      a.rows == s.queries[0].rows && a.value_columns == s.value_columns &&
                      a.reference.size() == n && a.hi.size() == cells && a.lo.size() == cells &&
                      a.count.size() == n && a.top_rank.size() == top && a.top_sign.size() == top &&
                      a.top_index.size() == top && (a.unit.empty() || a.unit.size() == units);
    if (!fits || arrays.size() != s.queries.size())
      throw std::invalid_argument("the arrays do not fit the queries of this state");
    RowState<T> state;
    state.rows = a.rows, state.columns = a.columns, state.p = a.value_columns, state.k = a.top_k;
    state.reference = a.reference;
    state.hi.assign(a.hi.begin(), a.hi.end());
    state.lo.assign(a.lo.begin(), a.lo.end());
    state.count = a.count, state.top_index = a.top_index, state.top_sign = a.top_sign;
    for (const double x : a.top_rank) state.top_rank.push_back(static_cast<T>(x));
    if (sizeof(T) == 8) state.unit.assign(units, 0);
    for (std::size_t i = 0; i < a.unit.size() && sizeof(T) == 8; ++i)
      state.unit[i] = static_cast<int>(a.unit[i]);
    s.centers.push_back(a.center);
    s.is_signed |= a.is_signed;
    s.states.push_back(std::move(state));
  }
}

template class PartialState<float>;
template class PartialState<double>;

}  // namespace vicinal
