#include "scales.hpp"

#include <cmath>
#include <string>

#include "lowering.hpp"

namespace vicinal {

namespace {

// Scores are squared distances, but for inner products and the cosine of von Mises–Fisher. A
// bandwidth of 0 is the limit h → 0: only score 0 keeps a weight.
template <class T>
std::vector<T> scales_of(const FactorPlan<T>& f, std::span<const T> bandwidths, const char* whose) {
  std::vector<T> scales;
  scales.reserve(bandwidths.size());
  for (const T h : bandwidths) {
    if (!(h >= 0))
      refuse("bandwidth of " + std::string(whose) + " must be at least 0, got " +
             std::to_string(h));
    const double inverse = 1 / static_cast<double>(h), most = std::numeric_limits<T>::max();
    scales.push_back(static_cast<T>(std::min(f.squares() ? inverse * inverse : inverse, most)));
  }
  return scales;
}

}  // namespace

template <class T>
void read_bandwidths(const Problem<T>& problem, std::span<const T> of_keys,
                     std::span<const T> of_queries, Entry<T>& entry) {
  if (of_keys.empty() && of_queries.empty()) return;
  const Plan<T>& plan = problem.plan;
  if (plan.terms.size() != 1 || plan.terms[0].factors.size() != 1 ||
      plan.terms[0].factors[0].similarity == Similarity::category)
    refuse(
        "a bandwidth per key or query needs a kernel of one distance or score, not a product, "
        "sum or category kernel");
  const FactorPlan<T>& f = plan.terms[0].factors[0];
  entry.key_scales = scales_of(f, of_keys, "keys");
  entry.query_scales = scales_of(f, of_queries, "queries");
}

template <class T>
void scale_scores(const Step<T>& s, T* scores) noexcept {
  const Group<T>& g = s.w.group;
  if (!s.entry.key_scales.empty())
    s.table().scale_lanes(scores, s.w.chunk->key_scales.data() + std::int64_t(s.t) * tile_keys,
                          s.rows());
  if (s.entry.query_scales.empty()) return;
  T rows[max_group_rows];
  for (int r = 0; r < g.rows; ++r)
    rows[r] = s.entry.query_scales[static_cast<std::size_t>(g.index[r])];
  s.table().scale_rows(scores, rows, s.rows());
}

template <class T>
T scale_of_pair(const Entry<T>& entry, std::int64_t row, std::int64_t key) noexcept {
  const T a = entry.key_scales.empty() ? T(1) : entry.key_scales[static_cast<std::size_t>(key)];
  return entry.query_scales.empty() ? a : a * entry.query_scales[static_cast<std::size_t>(row)];
}

#define VICINAL_INSTANTIATE(T)                                                             \
  template void read_bandwidths(const Problem<T>&, std::span<const T>, std::span<const T>, \
                                Entry<T>&);                                                \
  template void scale_scores(const Step<T>&, T*) noexcept;                                 \
  template T scale_of_pair(const Entry<T>&, std::int64_t, std::int64_t) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
