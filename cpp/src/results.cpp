#include "results.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "nearest.hpp"
#include "rows.hpp"

namespace vicinal {

using kernels::header_columns;
using kernels::tile_keys;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

template <class T>
struct Row {
  const Problem<T>& problem;
  const Entry<T>& entry;
  Block<T>& block;
  std::int64_t slot;

  const RowState<T>& state() const { return block.state; }
  std::int64_t index() const { return block.row(slot); }
  double sum(std::int64_t c) const { return state().sum(slot, c); }
  double mass() const { return sum(0); }
};

// Value of column c, given the empty policy; "nearest" was found before.
template <class T>
void write_mean(const Row<T>& row, bool empty, double fill, std::int64_t nearest) {
  T* out = row.entry.mean + row.index() * row.problem.mean_stride;
  const std::int64_t p = row.problem.p;
  if (nearest >= 0) {
    std::copy_n(value_row(row.problem, row.entry, nearest), p, out);
    return;
  }
  if (empty) {
    std::fill_n(out, p, static_cast<T>(fill));
    return;
  }
  const double* hi = row.state().hi.data() + row.slot * row.state().columns + header_columns;
  const double* lo = row.state().lo.data() + row.slot * row.state().columns + header_columns;
  row.problem.table->quotients(hi, lo, static_cast<int>(p), row.mass(), out);
  if (!row.state().has_units(row.slot)) return;
  for (std::int64_t c = 0; c < p; ++c)
    out[c] = static_cast<T>(
        std::ldexp(row.sum(header_columns + c) / row.mass(), row.state().unit_of(row.slot, c)));
}

// Second central moment of columns (a, b): (Σ w z z′)/W − (Σ w z)(Σ w z′)/W², all in double about
// the same center.
template <class T>
double central_moment(const Row<T>& row, std::int64_t a, std::int64_t b, std::int64_t pair) {
  const std::int64_t base = row.problem.linear_columns();
  const double mass = row.sum(base), za = row.sum(base + 1 + a) / mass,
               zb = row.sum(base + 1 + b) / mass;
  const double moment = row.sum(base + 1 + row.problem.p + pair) / mass - za * zb;
  // rounding makes no negative square of a row without negative weights
  const bool square = a == b && !row.problem.plan.is_signed;
  return square ? std::max(moment, moment != moment ? moment : 0.0) : moment;
}

template <class T>
bool finite_mean(const Row<T>& row, std::int64_t c) {
  return std::isfinite(row.sum(header_columns + c));
}

template <class T>
void write_moments(const Row<T>& row, bool empty, double fill) {
  const std::int64_t p = row.problem.p;
  const auto value = [&](std::int64_t a, std::int64_t b, std::int64_t pair) {
    if (empty) return static_cast<T>(fill);
    if (!finite_mean(row, a) || !finite_mean(row, b)) return static_cast<T>(nan_value);
    return static_cast<T>(central_moment(row, a, b, pair));
  };
  const auto pair_of = [&](std::int64_t a, std::int64_t b) {
    if (!row.problem.covariance) return a;
    return a * p - a * (a - 1) / 2 + (b - a);
  };
  if (row.entry.variance != nullptr)
    for (std::int64_t a = 0; a < p; ++a)
      row.entry.variance[row.index() * row.problem.variance_stride + a] =
          value(a, a, pair_of(a, a));
  if (row.entry.covariance == nullptr) return;
  T* out = row.entry.covariance + row.index() * row.problem.covariance_stride;
  for (std::int64_t a = 0; a < p; ++a)
    for (std::int64_t b = a; b < p; ++b)
      out[a * p + b] = out[b * p + a] = value(a, b, pair_of(a, b));
}

template <class T>
void write_top(const Row<T>& row, bool empty) {
  const std::int64_t k = row.problem.k, at = row.slot * k;
  std::int64_t* indices = row.entry.top_indices + row.index() * row.problem.top_indices_stride;
  T* weights = row.entry.top_weights + row.index() * row.problem.top_weights_stride;
  const double reference = row.state().reference[static_cast<std::size_t>(row.slot)];
  for (std::int64_t i = 0; i < k; ++i) {
    const auto j = static_cast<std::size_t>(at + i);
    indices[i] = empty ? -1 : row.state().top_index[j];
    const double log = static_cast<double>(row.state().top_rank[j]);
    const double scaled =
        std::exp2(std::isinf(reference) ? log : log - reference);  // ranks of hits stand alone
    weights[i] =
        indices[i] < 0 ? T(0) : static_cast<T>(row.state().top_sign[j] * scaled / row.mass());
  }
}

// Tiles were written against their own references; a common factor per tile makes them shares, or
// plain weights.
template <class T>
void write_weights(const Row<T>& row, bool empty, std::int64_t nearest) {
  const Problem<T>& problem = row.problem;
  T* out = row.entry.weights_out + row.index() * problem.weights_stride;
  const std::int64_t tiles = (problem.n + tile_keys - 1) / tile_keys;
  const double plain = std::exp2(row.entry.prior_shift) * std::exp(problem.plan.log_constant);
  if (empty) {
    const bool poison = problem.normalize_weights && problem.empty == Empty::nan;
    std::fill_n(out, problem.n, static_cast<T>(poison ? nan_value : 0.0));
    if (nearest >= 0 && problem.normalize_weights) out[nearest] = 1;
    return;
  }
  const double reference = row.state().reference[static_cast<std::size_t>(row.slot)];
  for (std::int64_t t = 0; t < tiles; ++t) {
    const double of_tile = static_cast<double>(row.block.weight_references[row.slot * tiles + t]);
    const double base =
        std::isinf(reference) ? 0.0 : reference;  // hits and limits: sums stand alone
    double factor = problem.normalize_weights ? power_of_two(of_tile - base) / row.mass()
                                              : std::exp2(of_tile) * plain;
    if (std::isinf(of_tile) && of_tile < 0)
      factor = 1;  // nothing was seen yet: the tile is all zeros
    const std::int64_t end = std::min((t + 1) * tile_keys, problem.n);
    for (std::int64_t i = t * tile_keys; i < end; ++i)
      out[i] = out[i] == 0 ? T(0) : static_cast<T>(static_cast<double>(out[i]) * factor);
  }
}

// The same for weights that were kept one by one, by key.
template <class T>
void settle_kept(const Row<T>& row, bool empty, std::int64_t nearest) {
  auto& kept = row.block.kept[static_cast<std::size_t>(row.slot)];
  if (empty) {
    row.block.clear(row.slot);
    if (nearest >= 0 && row.problem.normalize_weights)
      row.block.keep(row.slot, nearest, T(1), T(0));
  } else {
    const double plain = std::exp2(row.entry.prior_shift) * std::exp(row.problem.plan.log_constant);
    const double reference = row.state().reference[static_cast<std::size_t>(row.slot)],
                 base = std::isinf(reference) ? 0.0 : reference;
    for (Kept<T>& k : kept) {
      const double of_key = static_cast<double>(k.reference);
      const double factor = row.problem.normalize_weights ? power_of_two(of_key - base) / row.mass()
                                                          : std::exp2(of_key) * plain;
      k.weight = static_cast<T>(static_cast<double>(k.weight) * factor);
    }
    std::sort(kept.begin(), kept.end(),
              [](const Kept<T>& a, const Kept<T>& b) { return a.key < b.key; });
  }
}

// Rows that have lists see no tiles: a dense row is what was kept, and zeros.
template <class T>
void scatter_kept(const Row<T>& row, bool empty) {
  T* out = row.entry.weights_out + row.index() * row.problem.weights_stride;
  const bool poison = empty && row.problem.normalize_weights && row.problem.empty == Empty::nan;
  std::fill_n(out, row.problem.n, static_cast<T>(poison ? nan_value : 0.0));
  for (const Kept<T>& k : row.block.kept[static_cast<std::size_t>(row.slot)])
    out[k.key] += k.weight;
}

template <class T>
void write_scalars(const Row<T>& row, bool empty) {
  const std::int64_t i = row.index();
  const Entry<T>& e = row.entry;
  const double mass = row.mass(),
               reference = row.state().reference[static_cast<std::size_t>(row.slot)];
  if (e.log_mass != nullptr && empty) e.log_mass[i] = -std::numeric_limits<T>::infinity();
  if (e.log_mass != nullptr && !empty) write_log_mass(row.problem, e, i, mass, reference);
  if (e.ess != nullptr) {
    const double ess = row.problem.plan.is_signed ? row.sum(2) * row.sum(2) / row.sum(3)
                                                  : mass * mass / row.sum(3);
    e.ess[i] = static_cast<T>(empty ? 0.0 : ess);
  }
  if (e.self_weight != nullptr) e.self_weight[i] = static_cast<T>(empty ? 0.0 : row.sum(1) / mass);
  if (e.count != nullptr) e.count[i] = row.state().count[static_cast<std::size_t>(row.slot)];
}

template <class T>
void write_nan(const Row<T>& row) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const Entry<T>& e = row.entry;
  const Problem<T>& problem = row.problem;
  const std::int64_t i = row.index(), p = problem.p;
  if (e.mean != nullptr) std::fill_n(e.mean + i * problem.mean_stride, p, nan);
  if (e.variance != nullptr) std::fill_n(e.variance + i * problem.variance_stride, p, nan);
  if (e.covariance != nullptr)
    std::fill_n(e.covariance + i * problem.covariance_stride, p * p, nan);
  if (e.log_mass != nullptr) e.log_mass[i] = nan;
  if (e.ess != nullptr) e.ess[i] = nan;
  if (e.self_weight != nullptr) e.self_weight[i] = nan;
  if (e.count != nullptr) e.count[i] = 0;
  if (e.weights_out != nullptr)
    std::fill_n(e.weights_out + i * problem.weights_stride, problem.n, nan);
  if (e.top_indices == nullptr) return;
  std::fill_n(e.top_indices + i * problem.top_indices_stride, problem.k, std::int64_t{-1});
  std::fill_n(e.top_weights + i * problem.top_weights_stride, problem.k, nan);
}

}  // namespace

template <class T>
bool is_empty(const Plan<T>& plan, const RowState<T>& state, std::int64_t row) noexcept {
  const double mass = state.sum(row, 0);
  if (!plan.is_signed) return mass == 0;
  return std::abs(mass) <=
         64 * static_cast<double>(std::numeric_limits<T>::epsilon()) * state.sum(row, 2);
}

template <class T>
std::int64_t write_results(const Problem<T>& problem, const Entry<T>& entry,
                           Block<T>& block) noexcept {
  std::int64_t empty_rows = 0;
  for (std::int64_t slot = 0; slot < block.rows; ++slot) {
    auto& kind = block.kind[static_cast<std::size_t>(slot)];
    if (kind == written) continue;
    if (kind == stateless) {  // none of its keys was met
      block.clear(slot);
      kind = ordinary;
    }
    const Row<T> row{problem, entry, block, slot};
    if (block.kind[static_cast<std::size_t>(slot)] == has_nan) {
      write_nan(row);
      continue;
    }
    const bool empty = is_empty(problem.plan, block.state, slot);
    std::int64_t nearest = -1;
    double fill = nan_value;
    if (empty) {
      ++empty_rows;
      if (problem.empty == Empty::zero) fill = 0;
      if (problem.empty == Empty::value) fill = problem.empty_value;
      const bool found =
          !block.nearest.empty() && block.nearest[static_cast<std::size_t>(slot)] != unknown;
      if (found)
        nearest = block.nearest[static_cast<std::size_t>(slot)];
      else if (problem.empty == Empty::nearest &&
               block.kind[static_cast<std::size_t>(slot)] == ordinary)
        each_nearest(problem, entry, row.index(), false, [&](std::int64_t key) { nearest = key; });
    }
    if (entry.mean != nullptr) write_mean(row, empty, fill, nearest);
    if (problem.moment_columns() > 0) write_moments(row, empty, nearest >= 0 ? 0.0 : fill);
    if (problem.k > 0) write_top(row, empty);
    if (!block.kept.empty()) settle_kept(row, empty, nearest);
    if (entry.weights_out != nullptr)
      listed(problem) ? scatter_kept(row, empty) : write_weights(row, empty, nearest);
    if (entry.weight_rows != nullptr)
      entry.weight_rows[row.index()].swap(block.kept[static_cast<std::size_t>(slot)]);
    write_scalars(row, empty);
  }
  return empty_rows;
}

template <class T>
void write_log_mass(const Problem<T>& problem, const Entry<T>& entry, std::int64_t row, double mass,
                    double reference) noexcept {
  entry.log_mass[row] = static_cast<T>(std::log(std::abs(mass)) +
                                       (reference + entry.prior_shift) * std::numbers::ln2 +
                                       problem.plan.log_constant);
}

#define VICINAL_INSTANTIATE(T)                                                                 \
  template bool is_empty(const Plan<T>&, const RowState<T>&, std::int64_t) noexcept;           \
  template std::int64_t write_results(const Problem<T>&, const Entry<T>&, Block<T>&) noexcept; \
  template void write_log_mass(const Problem<T>&, const Entry<T>&, std::int64_t, double,       \
                               double) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
