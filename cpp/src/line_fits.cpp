#include "line_fits.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "lowering.hpp"
#include "moment_fit.hpp"

namespace vicinal {

namespace {

constexpr std::int64_t numbers_of_strip = 1 << 20;  // covariances, or pairs with a bias

std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

template <class T>
View<T> strip_of(const View<T>& view, std::int64_t first, std::int64_t count) {
  return view.data == nullptr ? view : View<T>{view.row(first), count, view.columns, view.stride};
}

template <class T>
PairView<T> strip_of(PairView<T> pairs, std::int64_t first) {
  if (pairs) pairs.data = pairs.row(first);
  return pairs;
}

template <class T>
std::span<T> strip_of(std::span<T> column, std::int64_t first, std::int64_t count) {
  return column.empty() ? column : column.subspan(size_of(first), size_of(count));
}

// Strips are cut from it before the engine sees it.
template <class T>
void check_column(const char* name, std::span<const T> column, std::int64_t rows) {
  if (column.empty() || column.size() == size_of(rows)) return;
  refuse(std::string(name) + " must have one element per query (" + std::to_string(rows) +
         "), got " + std::to_string(column.size()));
}

bool weighs_below_zero(const NeighborSet& set) {
  return set.data == EdgeData::weight && std::any_of(set.edges_f64.begin(), set.edges_f64.end(),
                                                     [](double weight) { return weight < 0; });
}

}  // namespace

LineFits::LineFits(const KernelSum& kernel, View<const double> queries, View<const double> keys,
                   View<const double> values, const LinearFits& fits, double ridge,
                   const Options<double>& options)
    : kernel_(kernel),
      queries_(queries),
      keys_(keys),
      values_(values),
      fits_(fits),
      ridge_(ridge),
      given_(options),
      m_(queries.rows),
      n_(keys.rows),
      d_(has_scaled_keys(kernel) ? keys.columns / 2 : keys.columns),
      p_(values.columns) {
  check_fits(fits, m_, d_, p_);
  check_column("self_indices", options.self_indices, m_);
  check_column("query_bandwidths", options.query_bandwidths, m_);
  if (options.tol != 0)
    refuse("tol must be 0 for lines, because its bound is of means, got " +
           std::to_string(options.tol));
  if (lower<double>(kernel, keys.columns).is_signed || has(options.neighbors, weighs_below_zero))
    refuse(
        "degree 1 needs weights that are not negative: of others there is no least sum of "
        "squares; take another kernel, or degree 0");
  if (wants_errors()) square_ = squared_for(kernel, options);
  std::int64_t most = numbers_of_strip / ((d_ + p_) * (d_ + p_));
  if (wants_errors() && options.bias)
    most = std::min(most, numbers_of_strip / std::max<std::int64_t>(n_, 1));
  step_ = std::max<std::int64_t>(most, 1);
  if (options.self_indices.empty() && m_ == n_ &&
      (options.exclude_self || !fits.self_weight.empty())) {
    own_.resize(size_of(m_));
    std::iota(own_.begin(), own_.end(), std::int64_t{0});
  }
  center();
}

// The rounding of second moments grows with the squared distance from their center.
void LineFits::center() {
  center_.resize(size_of(d_));
  stacked_.resize(size_of(n_) * size_of(d_ + p_));
  for (std::int64_t f = 0; f < d_; ++f) {
    double sum = 0;
    std::int64_t count = 0;
    for (std::int64_t j = 0; j < n_; ++j)
      if (const double x = keys_.row(j)[f]; std::isfinite(x)) sum += x, ++count;
    const double mean = sum / static_cast<double>(count);
    center_[size_of(f)] = std::isfinite(mean) ? mean : 0;
  }
  for (std::int64_t j = 0; j < n_; ++j) {
    double* row = stacked_.data() + j * (d_ + p_);
    for (std::int64_t f = 0; f < d_; ++f) row[f] = keys_.row(j)[f] - center_[size_of(f)];
    std::copy_n(values_.row(j), p_, row + d_);
  }
}

Options<double> LineFits::options_of(std::int64_t first, std::int64_t count) const {
  Options<double> o = given_;
  const auto own = own_.empty() ? given_.self_indices : std::span<const std::int64_t>(own_);
  o.self_indices = strip_of(own, first, count);
  o.query_bandwidths = strip_of(given_.query_bandwidths, first, count);
  o.mask = strip_of(given_.mask, first);
  o.bias = strip_of(given_.bias, first);
  o.query_offset += first;
  const double halves = wants_errors() ? 2 : 1, m = static_cast<double>(m_);
  if (given_.progress)
    o.progress = [this, first, count, halves, m](double done) {
      given_.progress((static_cast<double>(first) + static_cast<double>(count) * done / halves) /
                      m);
    };
  return o;
}

// Prior weights squared; `o` are the options of the strip.
Options<double> LineFits::squared_options(const Options<double>& strip, std::int64_t count) {
  Options<double> o = strip;
  const auto mapped = [](std::span<const double> from, std::vector<double>& to, auto&& map) {
    if (to.empty()) std::transform(from.begin(), from.end(), std::back_inserter(to), map);
    return std::span<const double>(to);
  };
  o.weights = mapped(strip.weights, squared_weights_, [](double w) { return w * w; });
  o.log_weights = mapped(strip.log_weights, twice_log_weights_, [](double w) { return 2 * w; });
  if (strip.bias) {
    twice_bias_.resize(size_of(count) * size_of(n_));
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < n_; ++j)
        twice_bias_[size_of(i * n_ + j)] = 2 * strip.bias.row(i)[j * strip.bias.column_stride];
    o.bias = {twice_bias_.data(), n_, 1};
  }
  if (strip.progress) o.progress = [done = strip.progress](double share) { done(1 + share); };
  return o;
}

void LineFits::own_points(std::int64_t first, std::int64_t count) {
  const auto own = own_.empty() ? given_.self_indices : std::span<const std::int64_t>(own_);
  own_points_.assign(size_of(count * d_), 0.0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t key = own.empty() ? -1 : own[size_of(first + i)] - given_.key_offset;
    if (key >= 0 && key < n_)  // without an own key its share is 0
      std::copy_n(stacked_.data() + key * (d_ + p_), d_, own_points_.data() + i * d_);
  }
}

Report LineFits::moments(std::int64_t first, std::int64_t count, FitMoments& moments) {
  const std::int64_t c = d_ + p_;
  const View<const double> queries = strip_of(queries_, first, count);
  const auto matrix = [count](std::vector<double>& numbers, std::int64_t columns) {
    numbers.resize(size_of(count * columns));
    return View<double>{numbers.data(), count, columns};
  };
  const auto column = [count](std::vector<double>& numbers) {
    numbers.resize(size_of(count));
    return std::span<double>(numbers);
  };
  const Options<double> options = options_of(first, count);
  Statistics<double> s{.mean = matrix(mean_, c),
                       .log_mass = column(log_mass_),
                       .covariance = matrix(covariance_, c * c)};
  if (!fits_.self_weight.empty()) s.self_weight = column(self_share_);
  Report report = local_stats(kernel_, queries, keys_, {stacked_.data(), n_, c}, s, options);
  if (report.interrupted) return report;
  const View<double> places = matrix(places_, d_);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t f = 0; f < d_; ++f)
      places.row(i)[f] = queries.row(i)[f] - center_[size_of(f)];
  moments = {.queries = places, .mean = s.mean, .covariance = s.covariance, .log_mass = s.log_mass};
  if (!fits_.self_weight.empty()) {
    own_points(first, count);
    moments.self_points = matrix(own_points_, d_);
    moments.self_share = s.self_weight;
  }
  if (!wants_errors()) return report;
  const Statistics<double> squares{.mean = matrix(squared_mean_, d_),
                                   .log_mass = column(squared_log_mass_),
                                   .covariance = matrix(squared_covariance_, d_ * d_)};
  const Report second = local_stats(square_.sum, queries, keys_, {stacked_.data(), n_, d_, c},
                                    squares, squared_options(options, count));
  report.pairs_visited += second.pairs_visited;
  report.interrupted = second.interrupted;
  moments.squared_mean = squares.mean;
  moments.squared_covariance = squares.covariance;
  moments.squared_log_mass = squares.log_mass;
  return report;
}

LocalFitReport LineFits::run() {
  LocalFitReport told;
  std::int64_t first = 0;
  do {  // without queries once all the same: for its checks
    const std::int64_t count = std::min(step_, m_ - first);
    FitMoments strip;
    const Report report = moments(first, count, strip);
    told.empty_rows += report.empty_rows;
    told.pairs_visited += report.pairs_visited;
    told.interrupted = report.interrupted || (given_.interrupted && given_.interrupted());
    if (told.interrupted) break;
    told.regularized +=
        fit_moments(strip,
                    {.fitted = strip_of(fits_.fitted, first, count),
                     .slopes = strip_of(fits_.slopes, first, count),
                     .standard_errors = strip_of(fits_.standard_errors, first, count),
                     .self_weight = strip_of(fits_.self_weight, first, count),
                     .pivots = strip_of(fits_.pivots, first, count)},
                    ridge_, given_.num_threads);
    first += count;
  } while (first < m_);
  return told;
}

}  // namespace vicinal
