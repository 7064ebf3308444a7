#include "label_steps.hpp"

#include <cmath>
#include <limits>

namespace vicinal {
namespace {

// Of the first square of a residual: below it rounding is all that is left.
constexpr double vanishing =
    std::numeric_limits<double>::epsilon() * std::numeric_limits<double>::epsilon();

template <class Work>
void each_entry(std::int64_t row, std::int64_t columns, Work&& work) {
  const auto first = static_cast<std::size_t>(row * columns);
  for (std::size_t k = first; k < first + static_cast<std::size_t>(columns); ++k) work(k);
}

double sum_of(const double* row, std::int64_t c) {
  double sum = 0;
  for (std::int64_t k = 0; k < c; ++k) sum += row[k];
  return sum;
}

double or_one(double total) { return total == 0 ? 1 : total; }

// The largest change of a share from row x to row x + r.
double change(const double* x, const double* r, std::int64_t c) {
  const double before = sum_of(x, c), from = or_one(before), to = or_one(before + sum_of(r, c));
  double worst = 0;
  for (std::int64_t k = 0; k < c; ++k)
    worst = larger(worst, std::abs((x[k] + r[k]) / to - x[k] / from));
  return worst;
}

double positive_or(double x, double otherwise) { return x > 0 ? x : otherwise; }

}  // namespace

LabelSteps::LabelSteps(const LabelWalk& walk, std::span<const std::int64_t> labels,
                       std::int64_t classes, const LabelPropagationOptions& options, int threads)
    : walk_(walk),
      labels_(labels),
      n_(static_cast<std::int64_t>(labels.size())),
      c_(classes),
      held_(!options.alpha),
      symmetric_(options.symmetric),
      scale_(labels.size(), options.alpha.value_or(1)),
      pull_(labels.size(), held_ ? 1 : 1 - *options.alpha),
      begin_(held_ ? 1 : 1 / (1 - *options.alpha)),
      blocks_(n_, c_, threads) {
  const bool balanced = !held_ && options.balanced;
  const auto arrivals = walk.arrivals.empty() || symmetric_ ? walk.masses : walk.arrivals;
  if (symmetric_) inner_.resize(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    // W is symmetric in inner products that weigh rows by M; rows without any weight stand alone.
    if (symmetric_) inner_[i] = positive_or(walk.masses[i], 1);
    if (!balanced) continue;
    const double column = positive_or(arrivals[i], 1);
    scale_[i] *= symmetric_ ? 1 : walk.masses[i] / column;
    pull_[i] /= std::sqrt(column);
  }
}

RowsOfShares LabelSteps::start(bool solve) const {
  RowsOfShares x(static_cast<std::size_t>(n_ * c_));
  for (std::int64_t i = 0; i < n_; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (labels_[at] >= 0)
      x[static_cast<std::size_t>(i * c_ + labels_[at])] = pull_[at] * (solve ? 1 : begin_);
  }
  return x;
}

void LabelSteps::average(const RowsOfShares& x, RowsOfShares& means) {
  ++count_;
  if (!walk_.means({x.data(), n_, c_}, {means.data(), n_, c_})) stopped_ = true;
}

// From the local mean of a row to Lx + b there.
void LabelSteps::apply(std::int64_t i, double* mean) const {
  const auto at = static_cast<std::size_t>(i);
  const double kept = keeps(i) ? 0 : scale_[at];
  for (std::int64_t k = 0; k < c_; ++k) mean[k] *= kept;
  if (labels_[at] >= 0) mean[labels_[at]] += pull_[at];
}

double LabelSteps::step(const RowsOfShares& now, RowsOfShares& next) {
  average(now, next);
  return blocks_
      .over([&](std::int64_t i, RowSums& sums) {
        const double* x = now.data() + i * c_;
        double* y = next.data() + i * c_;
        apply(i, y);
        const double total = sum_of(y, c_), from = or_one(sum_of(x, c_)), to = or_one(total);
        for (std::int64_t k = 0; k < c_; ++k)
          sums.largest = larger(sums.largest, std::abs(y[k] / to - x[k] / from));
        if (held_ && total != 0)
          for (std::int64_t k = 0; k < c_; ++k) y[k] /= total;
      })
      .largest;
}

void LabelSteps::write_shares(const RowsOfShares& x, View<double> shares) {
  const double least = walk_.is_signed ? -std::numeric_limits<double>::infinity() : 0;
  blocks_.over([&](std::int64_t i, RowSums&) {
    double* row = shares.row(i);
    for (std::int64_t k = 0; k < c_; ++k)
      row[k] = larger(least, x[static_cast<std::size_t>(i * c_ + k)]);
    const double total = or_one(sum_of(row, c_));
    for (std::int64_t k = 0; k < c_; ++k) row[k] /= total;
  });
}

// r = Lx + b − x; returns its square.
double LabelSteps::gap(const RowsOfShares& x, RowsOfShares& r) {
  average(x, r);
  return blocks_
      .over([&](std::int64_t i, RowSums& sums) {
        double* row = r.data() + i * c_;
        apply(i, row);
        double square = 0;
        for (std::int64_t k = 0; k < c_; ++k) {
          row[k] -= x[static_cast<std::size_t>(i * c_ + k)];
          square += row[k] * row[k];
        }
        sums.first += weight(i) * square;
      })
      .first;
}

// v = p − Lp; returns ⟨v, other⟩ and ⟨v, v⟩.
RowSums LabelSteps::lose(const RowsOfShares& p, RowsOfShares& v, const RowsOfShares& other) {
  average(p, v);
  return blocks_.over([&](std::int64_t i, RowSums& sums) {
    const double *from = p.data() + i * c_, *with = other.data() + i * c_;
    double* row = v.data() + i * c_;
    const double scale = keeps(i) ? 0 : scale_[static_cast<std::size_t>(i)];
    double product = 0, square = 0;
    for (std::int64_t k = 0; k < c_; ++k) {
      row[k] = from[k] - scale * row[k];
      product += row[k] * with[k];
      square += row[k] * row[k];
    }
    sums.first += weight(i) * product;
    sums.second += weight(i) * square;
  });
}

void LabelSteps::solve(RowsOfShares& x, double tol, std::int64_t budget) {
  if (symmetric_)
    conjugate_gradients(x, tol, budget);
  else
    stabilized_gradients(x, tol, budget);
  const auto size = [&](std::int64_t i, RowSums& sums) {
    for (std::int64_t k = 0; k < c_; ++k)
      sums.largest = larger(sums.largest, std::abs(x[static_cast<std::size_t>(i * c_ + k)]));
  };
  const double worst = blocks_.over(size).largest;
  if (!std::isfinite(worst)) x = start(false);  // the solver broke down
}

// Hestenes & Stiefel, 1952, with inner products in which L is symmetric.
void LabelSteps::conjugate_gradients(RowsOfShares& x, double tol, std::int64_t budget) {
  RowsOfShares r(x.size()), v(x.size());
  double square = gap(x, r);
  RowsOfShares p = r;
  const double least = square * vanishing;
  for (std::int64_t spent = 1; spent < budget && square > least && !stopped_; ++spent) {
    const double along = square / lose(p, v, p).first;
    const RowSums sums = blocks_.over([&](std::int64_t i, RowSums& s) {
      double dot = 0;
      each_entry(i, c_, [&](std::size_t k) {
        x[k] += along * p[k];
        r[k] -= along * v[k];
        dot += r[k] * r[k];
      });
      s.first += weight(i) * dot;
      s.largest = larger(s.largest, change(x.data() + i * c_, r.data() + i * c_, c_));
    });
    if (sums.largest <= tol) return;
    const double turn = sums.first / square;
    square = sums.first;
    blocks_.over([&](std::int64_t i, RowSums&) {
      each_entry(i, c_, [&](std::size_t k) { p[k] = r[k] + turn * p[k]; });
    });
  }
}

// BiCGSTAB: van der Vorst, 1992.
void LabelSteps::stabilized_gradients(RowsOfShares& x, double tol, std::int64_t budget) {
  RowsOfShares r(x.size()), v(x.size()), t(x.size());
  double rho = gap(x, r), square = rho;
  const RowsOfShares shadow = r;
  RowsOfShares p = r;
  const double least = square * vanishing;
  for (std::int64_t spent = 1; spent + 1 < budget && square > least && !stopped_; spent += 2) {
    const double along = rho / lose(p, v, shadow).first;
    blocks_.over([&](std::int64_t i, RowSums&) {
      each_entry(i, c_, [&](std::size_t k) { r[k] -= along * v[k]; });
    });
    const RowSums fit = lose(r, t, r);
    const double across = fit.second == 0 ? 0 : fit.first / fit.second;
    const RowSums sums = blocks_.over([&](std::int64_t i, RowSums& s) {
      double dot = 0, own = 0;
      each_entry(i, c_, [&](std::size_t k) {
        x[k] += along * p[k] + across * r[k];
        r[k] -= across * t[k];
        dot += r[k] * shadow[k];
        own += r[k] * r[k];
      });
      s.add({dot, own, change(x.data() + i * c_, r.data() + i * c_, c_)});
    });
    if (sums.largest <= tol) return;
    square = sums.second;
    const double turn = sums.first / rho * (along / across);
    rho = sums.first;
    if (!std::isfinite(turn)) return;
    blocks_.over([&](std::int64_t i, RowSums&) {
      each_entry(i, c_, [&](std::size_t k) { p[k] = r[k] + turn * (p[k] - across * v[k]); });
    });
  }
}

}  // namespace vicinal
