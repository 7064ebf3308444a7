// Weights and slopes of a tile of pairs.
#include <algorithm>

#include "gradient_step.hpp"
#include "scales.hpp"
#include "weights.hpp"

namespace vicinal {

using namespace kernels;

namespace {

// Log2-weight, factor and slope of one factor; its scores stay where they are needed again.
template <class T>
void weigh_factor(const GradientStep<T>& step, std::size_t f, T* logs) {
  const FactorPull<T>& pull = step.g.pulls[f];
  const FactorPlan<T>& plan = step.plan(f);
  const int shape = static_cast<int>(step.shape(f)), rows = step.s.rows();
  const bool constant = pull.constant && !step.has_factor(f);
  const bool keeps = !constant || step.g.scores || pull.rooted;
  T* scores = keeps ? step.scores(f) : logs;
  score_factor(step.s, pull.term, pull.factor, scores);
  scale_scores(step.s, scores);
  if (!constant)
    return step.table().weigh_slopes[shape](scores, logs, step.factors(f), step.slopes(f), rows,
                                            plan.parameters);
  if (keeps) std::copy_n(scores, rows * tile_keys, logs);
  step.table().log_weigh[shape](logs, nullptr, rows, plan.parameters, step.s.scored);
}

}  // namespace

template <class T>
void weigh_terms(const GradientStep<T>& step) noexcept {
  const Step<T>& s = step.s;
  for (std::size_t f = 0; f < step.g.pulls.size(); ++f) {
    const FactorPull<T>& pull = step.g.pulls[f];
    T* logs = pull.factor == 0 ? s.logs(pull.term) : s.logs(s.terms());
    weigh_factor(step, f, logs);
    if (pull.factor > 0) s.table().add(s.logs(pull.term), logs, s.rows());
  }
  for (std::size_t i = 0; i < s.terms(); ++i) {
    const auto& factors = s.problem.plan.terms[i].factors;
    const bool counts = !s.hits || std::any_of(factors.begin(), factors.end(),
                                               [](const auto& f) { return f.hits; });
    if (!counts) std::fill_n(s.logs(i), s.rows() * tile_keys, none<T>);
    if (s.flags.prior) s.table().add_prior(s.logs(i), s.prior, s.rows());
    if (s.flags.absent) s.table().drop_absent(s.logs(i), s.prior, none<T>, s.rows());
    if (s.entry.bias) add_bias(s, i);
    s.drop(s.logs(i), none<T>);
    s.table().exponentiate(s.logs(i), nullptr, s.logs(i), step.worker.references, s.rows(),
                           all_panels);
  }
}

template <class T>
void times_factors(const GradientStep<T>& step, std::size_t term, std::size_t left_out,
                   T* tile) noexcept {
  for (std::size_t f = 0; f < step.g.pulls.size(); ++f)
    if (f != left_out && step.g.pulls[f].term == term && step.has_factor(f))
      step.table().product(tile, step.factors(f), tile, step.s.rows());
}

template <class T>
bool is_plain(const GradientStep<T>& step) noexcept {
  if (step.s.terms() > 1 || step.s.problem.plan.terms[0].coefficient != T(1)) return false;
  for (std::size_t f = 0; f < step.g.pulls.size(); ++f)
    if (step.has_factor(f)) return false;
  return true;
}

template <class T>
const T* total_weights(const GradientStep<T>& step) noexcept {
  const Step<T>& s = step.s;
  if (is_plain(step)) return s.logs(0);
  T* total = step.tile(weight_tile);
  std::fill_n(total, s.rows() * tile_keys, T(0));
  for (std::size_t i = 0; i < s.terms(); ++i) {
    T* term = step.tile(pull_tile);
    std::copy_n(s.logs(i), s.rows() * tile_keys, term);
    times_factors(step, i, step.g.pulls.size(), term);
    s.table().accumulate(total, term, s.problem.plan.terms[i].coefficient, s.rows());
  }
  return total;
}

#define VICINAL_INSTANTIATE(T)                                                                \
  template void weigh_terms(const GradientStep<T>&) noexcept;                                 \
  template void times_factors(const GradientStep<T>&, std::size_t, std::size_t, T*) noexcept; \
  template bool is_plain(const GradientStep<T>&) noexcept;                                    \
  template const T* total_weights(const GradientStep<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
