// One table per working type, for the instruction set that this file is compiled for. Nothing else
// leaves the object, and nothing runs when it is loaded: an initialiser would use instructions that
// the machine may not have.
#include "table.hpp"

#include "candidates.hpp"
#include "folds.hpp"
#include "gradient.hpp"
#include "gradient_rows.hpp"
#include "list_sums.hpp"
#include "mean_rows.hpp"
#include "moments.hpp"
#include "pack.hpp"
#include "pairs.hpp"
#include "patches.hpp"
#include "product.hpp"
#include "rules.hpp"
#include "scaled.hpp"
#include "select.hpp"
#include "softmax.hpp"

#ifndef VICINAL_ISA
#error "define VICINAL_ISA: baseline, v3, v4 or neon"
#endif

namespace vicinal::kernels {
namespace {

template <class P, class T>
constexpr void enter(Table<T>& t, Shape shape) {
  const int i = static_cast<int>(shape);
  t.weigh[i] = weigh<P, T>;
  t.log_weigh[i] = log_weigh<P, T>;
  t.has_factor[i] = P::has_factor;
  t.weigh_slopes[i] = weigh_slopes<P, T>;
}

template <class Norm, class T>
constexpr void enter(Table<T>& t, TriangularNorm norm) {
  auto& run = t.run_rules[static_cast<int>(norm)];
  run[static_cast<int>(RuleSum::add)] = run_rules<T, Norm, RuleSum::add>;
  run[static_cast<int>(RuleSum::maximum)] = run_rules<T, Norm, RuleSum::maximum>;
}

template <class T>
void exp2_array(const T* x, T* out, std::int64_t count) {
  constexpr int W = Pack<T>::width;
  const T least = sizeof(T) == 4 ? T(-126) : T(-1022);
  for (std::int64_t i = 0; i < count; i += W) {
    alignas(VICINAL_VECTOR_BYTES) T lane[W] = {};
    const std::int64_t n = count - i < W ? count - i : W;
    for (std::int64_t k = 0; k < n; ++k) lane[k] = x[i + k];
    exp2(Pack<T>::load(lane), least).store(lane);
    for (std::int64_t k = 0; k < n; ++k) out[i + k] = lane[k];
  }
}

template <class T>
constexpr Table<T> make() {
  Table<T> t{};
  t.lanes = Pack<T>::width;
  const auto score_of = [&](Similarity s) -> auto& { return t.score[static_cast<int>(s)]; };
  score_of(Similarity::squared) = score<T, Squared>;
  score_of(Similarity::squared_weighted) = score<T, SquaredWeighted>;
  score_of(Similarity::expanded) = score_expanded<T>;
  score_of(Similarity::dot) = score<T, Dot, 1>;
  score_of(Similarity::manhattan) = score<T, Manhattan>;
  score_of(Similarity::chebyshev) = score<T, Chebyshev>;
  score_of(Similarity::haversine) = score_haversine<T>;
  score_of(Similarity::category) = score<T, Category>;
  score_of(Similarity::scaled_squared) = score_scaled<T, SquaredWeighted>;
  score_of(Similarity::scaled_manhattan) = score_scaled<T, Manhattan>;
  score_of(Similarity::scaled_chebyshev) = score_scaled<T, Chebyshev>;

  const auto pairs_of = [&](Similarity s) -> auto& { return t.score_pairs[static_cast<int>(s)]; };
  pairs_of(Similarity::squared) = score_pairs<T, Squared>;
  pairs_of(Similarity::squared_weighted) = score_pairs<T, SquaredWeighted>;
  pairs_of(Similarity::expanded) = score_pairs_directly<T>;
  pairs_of(Similarity::dot) = score_pairs<T, Dot>;
  pairs_of(Similarity::manhattan) = score_pairs<T, Manhattan>;
  pairs_of(Similarity::chebyshev) = score_pairs<T, Chebyshev>;
  pairs_of(Similarity::haversine) = score_pairs_haversine<T>;
  pairs_of(Similarity::category) = score_pairs<T, Category>;
  pairs_of(Similarity::scaled_squared) = score_scaled_pairs<T, SquaredWeighted>;
  pairs_of(Similarity::scaled_manhattan) = score_scaled_pairs<T, Manhattan>;
  pairs_of(Similarity::scaled_chebyshev) = score_scaled_pairs<T, Chebyshev>;

  enter<Gaussian>(t, Shape::gaussian);
  enter<Laplace>(t, Shape::exponential);
  enter<Matern<3>>(t, Shape::matern32);
  enter<Matern<5>>(t, Shape::matern52);
  enter<Logistic>(t, Shape::logistic);
  enter<RationalHalfPower>(t, Shape::rational_half_power);
  enter<Rational>(t, Shape::rational);
  enter<PowerOfOneMinus>(t, Shape::power_of_one_minus);
  enter<Tricube>(t, Shape::tricube);
  enter<Triangular>(t, Shape::triangular);
  enter<Cosine>(t, Shape::cosine);
  enter<Uniform>(t, Shape::uniform);
  enter<WendlandC2>(t, Shape::wendland_c2);
  enter<Constant>(t, Shape::constant);
  enter<Linear>(t, Shape::linear);
  enter<Softcap>(t, Shape::softcap);
  enter<Polynomial<false>>(t, Shape::polynomial);
  enter<Polynomial<true>>(t, Shape::rectified_polynomial);
  enter<Sigmoid>(t, Shape::sigmoid);
  enter<Coincidence>(t, Shape::coincidence);
  enter<Tabulated>(t, Shape::table);
  enter<LogTable>(t, Shape::log_table);
  enter<Function>(t, Shape::function);

  const auto pull_of = [&](Similarity s) -> auto& { return t.pull[static_cast<int>(s)]; };
  pull_of(Similarity::squared) = pull<T, PullOfSquare>;
  pull_of(Similarity::squared_weighted) = pull<T, PullOfSquare>;
  pull_of(Similarity::manhattan) = pull<T, PullOfSize>;
  pull_of(Similarity::chebyshev) = pull_widest<T, false>;
  pull_of(Similarity::haversine) = pull_haversine<T>;
  pull_of(Similarity::scaled_squared) = pull_scaled<T, true>;
  pull_of(Similarity::scaled_manhattan) = pull_scaled<T, false>;
  pull_of(Similarity::scaled_chebyshev) = pull_widest<T, true>;
  t.product = product<T>;
  t.weigh_differences = weigh_differences<T>;
  t.times_distance = times_distance<T>;
  t.times_lanes = times_lanes<T>;
  t.add_rows = add_rows<T>;
  t.reduce_keys = reduce_keys<T>;
  t.scale_gradient = scale_gradient<T>;
  t.add_wide = add_wide<T>;
  t.add_scaled = add_scaled<T>;
  t.write_scaled = write_scaled<T, T>;
  t.write_wide = write_scaled<double, T>;

  t.candidates = candidates<T>;
  t.inner_candidates = inner_candidates<T>;
  t.suspects = suspects<T>;
  t.multiply = multiply<T>;
  t.square_half = square_half<T>;
  t.scale_lanes = scale_lanes<T>;
  t.scale_rows = scale_rows<T>;
  t.accumulate = accumulate<T>;
  t.add = add<T>;
  t.weigh_with_prior = weigh_with_prior<T>;
  t.drop_absent = drop_absent<T>;
  t.drop_below = drop_below<T>;
  t.add_prior = add_prior<T>;
  t.add_bias = add_bias<T>;
  t.distances = distances<T>;
  t.row_peaks = row_peaks<T>;
  t.exponentiate = exponentiate<T>;
  t.softmax = softmax<T>;
  t.run_peak = run_peak<T>;
  t.run_peaks = run_peaks<T>;
  t.exponentiate_runs = exponentiate_runs<T>;
  t.all_finite = all_finite<T>;
  t.gather_keys = gather_keys<T>;
  t.spread_query = spread_query<T>;
  t.magnitude = magnitude<T>;
  t.reduce_lanes = reduce_lanes<T>;
  t.reduce_rows = reduce_rows<T>;
  t.reduce_header = reduce_header<T>;
  t.reduce_single = reduce_single<T>;
  t.sum_run = sum_run<T>;
  t.sum_run_values = sum_run_values<T>;
  t.mean_runs = mean_runs<T>;
  t.mean_rows = mean_rows<T>;
  t.moments = moments<T>;
  t.close_lanes = close_lanes<T>;
  t.rescale = rescale<T>;
  t.squares = squares<T>;
  t.limit_of = limit_of<T>;
  t.bits_below = bits_below<T>;
  t.drop_bits = drop_bits<T>;
  t.transpose = transpose_rows<T>;
  t.tile_center = tile_center<T>;
  t.center_tile = center_tile<T>;
  t.tile_norms = tile_norms<T>;
  t.center_queries = center_queries<T>;
  t.copy_values = copy_values<T>;
  t.column_peak = column_peak<T>;
  t.fold = fold<T>;
  t.quotients = quotients<T>;
  t.shares = shares<T>;
  t.exp2 = exp2_array<T>;

  const auto finish_of = [&](Activation a) -> auto& { return t.finish[static_cast<int>(a)]; };
  finish_of(Activation::none) = finish<T, Identity>;
  finish_of(Activation::relu) = finish<T, Relu>;
  finish_of(Activation::gelu) = finish<T, Gelu>;
  finish_of(Activation::gelu_tanh) = finish<T, GeluTanh>;
  finish_of(Activation::silu) = finish<T, Silu>;
  t.product_columns = product_columns<T>;
  t.row_products = row_products<T>;
  t.layer_norm = layer_norm<T>;
  t.sum_squares = sum_squares<T>;
  t.weigh_patches = weigh_patches<T>;
  t.add_pixels = add_pixels<T>;

  if constexpr (sizeof(T) == sizeof(double)) {
    t.list_projections = list_projections<T>;
    t.list_products = list_products<T>;
    t.list_combination = list_combination<T>;
    t.list_logits = list_logits<T>;
  }

  enter<ProductNorm>(t, TriangularNorm::product);
  enter<MinimumNorm>(t, TriangularNorm::minimum);
  enter<LukasiewiczNorm>(t, TriangularNorm::lukasiewicz);
  return t;
}

}  // namespace

// The only exported names: table_<isa>_f32 and table_<isa>_f64.
#define VICINAL_JOIN_(a, b, c) a##b##c
#define VICINAL_JOIN(a, b, c) VICINAL_JOIN_(a, b, c)
extern const Table<float> VICINAL_JOIN(table_, VICINAL_ISA, _f32);
extern const Table<double> VICINAL_JOIN(table_, VICINAL_ISA, _f64);
constinit const Table<float> VICINAL_JOIN(table_, VICINAL_ISA, _f32) = make<float>();
constinit const Table<double> VICINAL_JOIN(table_, VICINAL_ISA, _f64) = make<double>();

}  // namespace vicinal::kernels
