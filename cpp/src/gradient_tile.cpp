// One tile of pairs: the pull of every pair, and its sums both ways.
#include <algorithm>
#include <cmath>

#include "gates.hpp"
#include "gradient_step.hpp"

namespace vicinal {

using namespace kernels;

namespace {

template <class T>
void add_bias_gradient(const GradientStep<T>& step, const T* differences) {
  const GradientItem<T>& item = step.g.items[step.item];
  if (item.bias == nullptr) return;
  for (int r = 0; r < step.s.rows(); ++r) {
    T* out = item.bias + step.s.w.group.index[r] * item.bias_row_stride;
    for (int k = 0; k < step.s.lanes; ++k)
      out[step.s.entry.row_at(step.s.first + k) * item.bias_column_stride] +=
          differences[r * tile_keys + k];
  }
}

// Row sums of a tile, added to `sums`.
template <class T>
void add_row_sums(const GradientStep<T>& step, const T* tile, auto&& add) {
  const int lanes = step.table().lanes, width = header_columns * lanes;
  T sums[header_columns];
  std::fill_n(step.worker.header.data(), step.s.rows() * width, T(0));
  step.table().reduce_header(tile, step.worker.header.data(), false, step.s.rows(), all_panels);
  for (int r = 0; r < step.s.rows(); ++r) {
    step.table().close_lanes(step.worker.header.data() + std::int64_t(r) * width, 1, sums);
    add(r, sums[0]);
  }
}

// Σ t s, over the keys of a row and over the rows of a key.
template <class T>
void add_score_sums(const GradientStep<T>& step, std::size_t f, const T* pulls) {
  T* products = step.tile(difference_tile);
  step.table().product(pulls, step.scores(f), products, step.s.rows());
  add_row_sums(step, products, [&](int r, T sum) {
    step.worker.score_sums[r] += static_cast<double>(sum) * step.g.pulls[f].slope;
  });
  step.table().add_rows(products, step.key_sums(step.g.score_column), step.s.rows());
}

// From the pull on the score that the profile reads to that on the score of the pair.
template <class T>
void unscale_pulls(const GradientStep<T>& step, std::size_t f, T* pulls) {
  const Step<T>& s = step.s;
  const bool rooted = step.g.pulls[f].rooted;
  if (rooted) s.table().times_distance(pulls, step.scores(f), s.rows());
  const auto scale = [&](T x) { return rooted ? std::sqrt(x) : x; };
  if (!s.entry.key_scales.empty()) {
    const T* scales = s.w.chunk->key_scales.data() + std::int64_t(s.t) * tile_keys;
    alignas(64) T lanes[tile_keys];
    std::transform(scales, scales + tile_keys, lanes, scale);
    s.table().times_lanes(pulls, lanes, s.rows());
  }
  if (s.entry.query_scales.empty()) return;
  for (int r = 0; r < s.rows(); ++r) {
    const T x = scale(s.entry.query_scales[static_cast<std::size_t>(s.w.group.index[r])]);
    s.table().rescale(pulls + r * tile_keys, tile_keys, x);
  }
}

// Squared distances about the tile's center: ∂s/∂q = 2 (q Σt − Σ t x), ∂s/∂x = 2 (x Σt − Σ t q).
// Inner products: Σ t x and Σ t q.
template <class T>
void pull_matrix(const GradientStep<T>& step, std::size_t f, const T* pulls) {
  const Step<T>& s = step.s;
  const FactorPull<T>& pull = step.g.pulls[f];
  const FactorPlan<T>& plan = step.plan(f);
  const QueryPanels<T>& panels = s.w.factors[pull.term][pull.factor];
  GradientRows<T>& queries = step.worker.query_rows[f];
  if (plan.expanded()) {
    s.table().transpose(panels.centered.data(), query_lanes, plan.depth, s.rows(),
                        queries.own.data(), pull.stride, pull.stride);
    queries.at = queries.own.data();
    queries.stride = pull.stride;
  }
  const T* rows = queries.at;
  s.table().reduce_keys(pulls, rows, queries.stride, plan.depth, step.key_sums(pull.first),
                        s.rows(), s.scored);
  const T* direct = direct_rows(step.g, s.entry, step.chunk, s.t, f);
  const T* packed = step.chunk.rows[f].data() + std::int64_t(s.t) * tile_keys * pull.stride;
  const ValueTile<T> keys{direct != nullptr ? direct : packed,
                          plan.depth,
                          pull.stride,
                          direct != nullptr ? s.problem.key_stride : pull.stride,
                          {},
                          s.scored,
                          s.dropped_of(0)};
  T* sums = step.worker.query_sums[f].data();
  if (!plan.expanded()) return s.table().reduce_rows(pulls, keys, sums, pull.stride, s.rows());
  s.table().add_rows(pulls, step.key_sums(pull.first + plan.depth), s.rows());
  T* products = step.worker.row_sums.data();
  std::fill_n(products, s.rows() * pull.stride, T(0));
  s.table().reduce_rows(pulls, keys, products, pull.stride, s.rows());
  add_row_sums(step, pulls, [&](int r, T sum) {
    for (int j = r * pull.stride; j < r * pull.stride + plan.depth; ++j)
      sums[j] += rows[j] * sum - products[j];
  });
}

template <class T>
void pull_features(const GradientStep<T>& step, std::size_t f, const T* pulls) {
  const Step<T>& s = step.s;
  const FactorPull<T>& pull = step.g.pulls[f];
  const FactorPlan<T>& plan = step.plan(f);
  if (pull.matrix) return pull_matrix(step, f, pulls);
  PullArguments<T> a;
  a.queries = s.w.factors[pull.term][pull.factor].panel.data();
  a.keys = s.w.chunk->factors[pull.term][pull.factor].coordinates.data() +
           std::int64_t(s.t) * plan.depth * key_stride;
  a.depth = plan.depth;
  a.feature_weights = plan.feature_weights.data();
  a.pulls = pulls;
  a.query_sums = step.worker.query_sums[f].data();
  a.key_sums = step.key_sums(pull.first);
  s.table().pull[static_cast<int>(plan.similarity)](a, s.rows());
}

// t = ∂w/∂s · G · (y − m) / W of one factor.
template <class T>
void pull_factor(const GradientStep<T>& step, std::size_t f, T* differences) {
  const Step<T>& s = step.s;
  const FactorPull<T>& pull = step.g.pulls[f];
  const T coefficient = s.problem.plan.terms[pull.term].coefficient;
  const bool alone = step.g.pulls.size() == 1 && !step.g.scores;  // nothing else reads them
  T* pulls = alone && is_plain(step) ? differences : step.tile(pull_tile);
  if (is_plain(step)) {
    if (pulls != differences) std::copy_n(differences, s.rows() * tile_keys, pulls);
  } else {
    s.table().weigh_differences(s.logs(pull.term), step.tile(dot_tile), step.worker.offsets, pulls,
                                s.rows());
    if (coefficient != T(1))
      s.table().rescale(pulls, std::int64_t(s.rows()) * tile_keys, coefficient);
    times_factors(step, pull.term, f, pulls);
  }
  if (!pull.constant) s.table().product(pulls, step.slopes(f), pulls, s.rows());
  if (step.g.scores) add_score_sums(step, f, pulls);
  if (!step.g.queries && !step.g.keys && !step.g.of_features) return;
  unscale_pulls(step, f, pulls);
  pull_features(step, f, pulls);
}

template <class T>
void find_dots(const GradientStep<T>& step) {
  ScoreArguments<T> a;
  a.queries = step.worker.gradient_panel.data();
  a.keys = step.chunk.values.data() + std::int64_t(step.s.t) * step.g.p * key_stride;
  a.depth = static_cast<int>(step.g.p);
  a.scores = step.tile(dot_tile);
  a.panels = step.s.scored;
  a.dropped = step.s.dropped_of(0);
  step.table().score[static_cast<int>(Similarity::dot)](a, step.s.rows());
}

}  // namespace

template <class T>
void meet_gradient_tile(const GradientProblem<T>& g, std::size_t item, const Entry<T>& entry,
                        const GradientChunk<T>& chunk, int t, GradientWorker<T>& worker) noexcept {
  const Chunk<T>& keys = chunk.keys;
  const std::int64_t offset = std::int64_t(t) * tile_keys;
  const TileFlags flags = keys.flags[static_cast<std::size_t>(t)];
  const int lanes = std::min(tile_keys, keys.count - t * tile_keys);
  if (flags.empty) return;
  GradientStep<T> step{g,
                       item,
                       chunk,
                       worker,
                       {g.problem, entry, worker.w, t, lanes, keys.first + offset,
                        keys.prior.data() + offset, flags, worker.hits}};
  const Step<T>& s = step.s;
  if (!group_may_meet(g.problem, entry, worker.w.group, s.first, s.lanes)) return;
  find_dropped(s);
  step.s.scored = find_panels(g.problem, worker.w.group);
  if (worker.w.group.drops) step.s.dropped = worker.w.group.dropped;
  if (s.scored == 0) return;
  weigh_terms(step);
  const T* weights = total_weights(step);
  const int padded =
      static_cast<int>(g.p + s.table().lanes - 1) / s.table().lanes * s.table().lanes;
  if (g.values)
    s.table().reduce_keys(weights, worker.gradients.data(), padded, static_cast<int>(g.p),
                          step.key_sums(0), s.rows(), s.scored);
  if (!g.of_pairs()) return;
  find_dots(step);
  T* differences = step.tile(difference_tile);
  s.table().weigh_differences(weights, step.tile(dot_tile), worker.offsets, differences, s.rows());
  if (g.log_weights) s.table().add_rows(differences, step.key_sums(g.log_column), s.rows());
  add_bias_gradient(step, differences);
  if (!g.moves()) return;
  for (std::size_t f = 0; f < g.pulls.size(); ++f)
    if (step.moves(f)) pull_factor(step, f, differences);
}

template void meet_gradient_tile(const GradientProblem<float>&, std::size_t, const Entry<float>&,
                                 const GradientChunk<float>&, int, GradientWorker<float>&) noexcept;
template void meet_gradient_tile(const GradientProblem<double>&, std::size_t, const Entry<double>&,
                                 const GradientChunk<double>&, int,
                                 GradientWorker<double>&) noexcept;

}  // namespace vicinal
