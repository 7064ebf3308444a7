// Small problems of every query, solved on its neighbors.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "vicinal/export.h"
#include "vicinal/local_mean.hpp"
#include "vicinal/view.hpp"

namespace vicinal {

// What `reg` is a share of. With squared distances d²ⱼ of the k neighbors and trace = Σ d²ⱼ:
//   trace     reg · trace on the whole diagonal (Roweis & Saul 2000; scikit-learn)
//   distance  reg · k · d²ⱼ for neighbor j: in total as much. Weights tend to 1 at a neighbor that
//             the query comes close to, and the neighbors that it coincides with share all weight.
enum class Ridge : std::int32_t { trace, distance };

struct LleOptions {
  double reg = 1e-3;  // finite, ≥ 0
  Ridge ridge = Ridge::trace;
  int num_threads = 0;                     // 0 = what OpenMP gives the calling thread
  std::function<bool()> interrupted{};     // polled by the calling thread; true stops the call
  std::function<void(double)> progress{};  // fraction done, called by the calling thread
};

// Weights of the neighbors of each query that sum to 1 and reproduce it best:
//
//   argmin ‖q − Σⱼ wⱼ xⱼ‖² + Σⱼ ridgeⱼ w²ⱼ,   Σⱼ wⱼ = 1   (Roweis & Saul 2000)
//
// neighbors: m × k rows of keys, −1 = none, whose weight is 0. Without any neighbor all weights are
// 0 (Report::empty_rows). Differences, Gram matrix and solve are in double. A query that meets NaN
// or an infinite coordinate, its own or a neighbor's, receives NaN. With reg = 0, a singular Gram
// matrix is regularised by 1e-10 of its trace.
VICINAL_EXPORT Report lle_weights(View<const float> queries, View<const float> keys,
                                  View<const std::int64_t> neighbors, View<float> weights,
                                  const LleOptions& options = {});
VICINAL_EXPORT Report lle_weights(View<const double> queries, View<const double> keys,
                                  View<const std::int64_t> neighbors, View<double> weights,
                                  const LleOptions& options = {});

// The same for lists of any length: those of query i stand from indptr[i] to indptr[i + 1].
VICINAL_EXPORT Report lle_weights(View<const float> queries, View<const float> keys,
                                  std::span<const std::int64_t> indptr,
                                  std::span<const std::int64_t> indices, std::span<float> weights,
                                  const LleOptions& options = {});
VICINAL_EXPORT Report lle_weights(View<const double> queries, View<const double> keys,
                                  std::span<const std::int64_t> indptr,
                                  std::span<const std::int64_t> indices, std::span<double> weights,
                                  const LleOptions& options = {});

// Statistics of m queries from which linear fits follow. local_stats computes them, in double, for
// the keys' own coordinates beside the values: n × (d + p) columns z = (x, y). An empty view is not
// given.
struct FitMoments {
  View<const double> queries{};          // m × d
  View<const double> mean{};             // m × (d + p)
  View<const double> covariance{};       // m × (d + p)²
  std::span<const double> log_mass{};    // m
  View<const double> self_points{};      // m × d: the own key, for self_weight
  std::span<const double> self_share{};  // m: Statistics::self_weight
  // For standard errors: the same of x alone under the squares of the weights.
  View<const double> squared_mean{}, squared_covariance{};  // m × d, m × d²
  std::span<const double> squared_log_mass{};               // m
};

// Every output is optional but fitted.
struct LinearFits {
  View<double> fitted{};            // m × p
  View<double> slopes{};            // m × (d · p), feature by feature
  View<double> standard_errors{};   // m × ((1 + d) · p): of fitted, then of the slopes
  std::span<double> self_weight{};  // m: ∂ fitted / ∂ y of the own key
  // m: how well the neighbors determine the fit, the smallest pivot between features of unit
  // variance over their trace; 0 where that was regularised, 1 where nothing was to be solved.
  std::span<double> pivots{};
};

// The line that minimises Σ w (y − a − bᵀ(x − q))² / Σ w + ridge · ‖b‖² at every query (Cleveland
// 1979): with the weighted covariance C of (x, y), b = (C_xx + ridge · I)⁻¹ C_xy and
// a = ȳ + bᵀ(q − x̄). Features are scaled to unit weighted variance first; where C_xx then is
// singular (a pivot under 1e-12 · trace, or under the rounding of the moments), 1e-10 · trace, or
// that rounding, is added; a constant feature has slope 0. The rounding is taken to be ε · x̄², so
// count coordinates from their mean over all keys. An empty query (log_mass −∞) keeps the mean of
// y, and slopes of 0.
//
// Standard errors are those of the sandwich σ² (XᵀWX)⁻¹ XᵀW²X (XᵀWX)⁻¹ with the local residual
// variance σ² = Σ w r² / tr(W − W X (XᵀWX)⁻¹ XᵀW) (Fan & Gijbels 1996, §4.3).
//
// Returns how many queries were regularised.
VICINAL_EXPORT std::int64_t fit_moments(const FitMoments& moments, const LinearFits& fits,
                                        double ridge = 0, int num_threads = 0);

// Keys and weights of m queries: those of query i stand from indptr[i] to indptr[i + 1]. Weights
// are not negative; their scale does not matter. local_stats makes such lists (WeightLists).
struct FitLists {
  std::span<const std::int64_t> indptr{};   // m + 1
  std::span<const std::int64_t> indices{};  // rows of keys
  std::span<const double> weights{};
};

// Polynomials in x − q up to a degree, whose monomials stand in order of their degree, then of
// their features (1, x₁, x₂, x₁², x₁x₂, x₂², …); or, with degree −1, columns that are given for
// queries and keys.
struct FitDesign {
  View<const double> queries{};  // m × d, or m × r
  View<const double> keys{};     // n × d, or n × r
  int degree = 1;
};

// What the sum over a query's list is of: squared residuals, or negative log likelihoods of values
// whose mean is μ = 1 / (1 + e^−η) (binomial, values from 0 to 1) or μ = e^η (poisson, values ≥ 0)
// of the linear predictor η, or |r| (q where the residual r > 0, else 1 − q) (quantile).
enum class Family : std::int32_t { gaussian, binomial, poisson, quantile };

// Every output is optional but fitted. r: columns of the design, or number of monomials.
struct ListFits {
  View<double> fitted{};            // m × p: the mean at the query (not η)
  View<double> coefficients{};      // m × (r · p), column by column: of η
  View<double> standard_errors{};   // m × (r · p): of the coefficients; not of quantiles
  std::span<double> self_weight{};  // m: ∂ fitted / ∂ y of the own key; p = 1 but for gaussian
  std::span<double> influence{};    // one per entry of the lists: ∂ fitted / ∂ y; likewise
};

struct ListFitOptions {
  Family family = Family::gaussian;
  double level = 0.5;                        // q of Family::quantile
  double ridge = 0;                          // penalty of coefficients, finite, ≥ 0
  std::span<const double> ridges{};          // m, instead: one per query
  std::span<const double> key_factors{};     // n: weights of keys besides those of the lists
  std::span<const std::int64_t> own_keys{};  // m: for self_weight; −1 = none
  int num_threads = 0;
};

// The coefficients that minimise Σ w (y − bᵀx)² / Σ w + ridge · ‖b‖², or twice a negative log
// likelihood in place of the square, at every query. The ridge leaves out the constant: that of a
// polynomial, or the first column of a design that is the same number for every key. Columns are
// centered beside a constant and scaled to unit weighted square. Where keys do not determine the
// fit (a pivot under 1e-12 · trace), 1e-10 · trace is added, and a column that is constant in the
// list has coefficient 0. Where a likelihood has no maximum (values that a plane separates, counts
// of 0 alone) the scaled coefficients get a penalty of 1e-6. A list without weight leaves NaN.
//
// Standard errors are those of A⁻¹ B A⁻¹ with A = Σ w v x xᵀ, B = Σ w² v x xᵀ; v is the variance of
// a value, for gaussian σ² as in fit_moments. Quantiles end at a duality gap of 1e-14 of the sum.
//
// Returns how many queries were regularised.
VICINAL_EXPORT std::int64_t fit_lists(const FitLists& lists, const FitDesign& design,
                                      View<const double> values, const ListFits& fits,
                                      const ListFitOptions& options = {});

struct LocalFitOptions {
  int degree = 1;    // lines, or 0: constants, which have no slopes and are local means
  double ridge = 0;  // penalty of the slopes, finite, ≥ 0
};

struct LocalFitReport {
  std::int64_t empty_rows = 0, pairs_visited = 0;
  std::int64_t regularized = 0;  // queries whose neighbors determine no line
  double edf = 0;                // Σ self_weight, if that was asked for
  bool interrupted = false;      // rows not reached are not written
};

// The fits above in one call, from a pass over the keys (lines: from a second one for standard
// errors), a strip of queries at a time: keys n × d, values n × p. `options` are those of
// local_mean; for lines the weights are not negative and tol is 0, because its bound is of means,
// and standard errors need one bandwidth for all and, within a radius, a kernel whose square is a
// kernel again. Those of a constant are σ² Σ w² / (Σ w)² with σ² = Σ w r² / (Σ w − Σ w² / Σ w).
VICINAL_EXPORT LocalFitReport local_fit(const KernelSum& kernel, View<const double> queries,
                                        View<const double> keys, View<const double> values,
                                        const LinearFits& fits, const LocalFitOptions& fit = {},
                                        const Options<double>& options = {});

}  // namespace vicinal
