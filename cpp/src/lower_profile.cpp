// Profile and the bandwidth that is left → a shape and its constants.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "lowering.hpp"
#include "vicinal/tabulate.hpp"

namespace vicinal {

namespace {

using kernels::Shape;

constexpr double log2_e = std::numbers::log2e;

template <class T>
void lower_rational(FactorPlan<T>& f, double offset, double scale, double exponent) {
  auto& p = f.parameters;
  p.offset = static_cast<T>(offset);
  p.scale = in_range<T>(scale);
  p.log_scale = static_cast<T>(std::log2(scale));
  p.exponent = static_cast<T>(exponent);
  const double halves = 2 * exponent;
  const bool whole = halves == std::floor(halves) && halves >= 1 && halves <= 8;
  f.shape = whole ? Shape::rational_half_power : Shape::rational;
  p.power = whole ? static_cast<int>(halves) : 0;
  const double flush = sizeof(T) == 4 ? 100 : 900;
  p.limit = in_range<T>(std::exp2(std::min(flush / exponent, sizeof(T) == 4 ? 120.0 : 1000.0)));
}

template <class T>
void lower_matern(const Kernel& k, double inverse, FactorPlan<T>& f) {
  auto& p = f.parameters;
  if (k.shape == 0.5) {
    f.shape = Shape::exponential;
    p.scale = in_range<T>(-log2_e * inverse);
  } else if (k.shape == 1.5 || k.shape == 2.5) {
    const double v = std::sqrt(2 * k.shape) * inverse;
    f.shape = k.shape == 1.5 ? Shape::matern32 : Shape::matern52;
    p.offset = in_range<T>(v);
    p.scale = in_range<T>(-log2_e * v);
  } else {
    refuse("shape of a Matérn kernel must be 0.5, 1.5 or 2.5, got " + std::to_string(k.shape));
  }
}

template <class T>
void lower_inner_product(const Kernel& k, double h, FactorPlan<T>& f, Plan<T>& plan) {
  auto& p = f.parameters;
  if (k.profile != Profile::sigmoid) plan.bounded = false;
  if (k.profile == Profile::softmax) {
    const bool capped = k.shape > 0;
    f.shape = capped ? Shape::softcap : Shape::linear;
    p.scale = in_range<T>(capped ? k.shape * log2_e : log2_e / h);
    p.offset = in_range<T>(capped ? 1 / (h * k.shape) : 0);
    return;
  }
  p.scale = in_range<T>(1 / h);
  p.offset = static_cast<T>(k.offset);
  if (k.profile == Profile::sigmoid) {
    f.shape = Shape::sigmoid;
    plan.is_signed = true;
    return;
  }
  if (!(k.shape > 0) || (k.shape != std::floor(k.shape)))
    refuse("degree of a polynomial kernel must be a positive whole number, got " +
           std::to_string(k.shape));
  f.shape = k.rectified ? Shape::rectified_polynomial : Shape::polynomial;
  p.exponent = static_cast<T>(k.shape);
  p.power = std::fmod(k.shape, 2) != 0 ? 1 : 2;
  plan.is_signed |= !k.rectified && p.power == 1;
}

template <class T>
void lower_user(const Kernel& k, double inverse, FactorPlan<T>& f, Plan<T>& plan) {
  f.parameters.scale = in_range<T>(inverse);
  if (k.profile == Profile::function) {
    if (k.function == nullptr) refuse("Profile::function needs Kernel::function");
    f.shape = Shape::function;
    f.parameters.function = k.function;
    plan.bounded = true;
    plan.is_signed = true;  // nothing is known of its sign
    return;
  }
  if (k.table == nullptr) refuse("Profile::table needs Kernel::table");
  f.shape = k.table->log() ? Shape::log_table : Shape::table;
  f.parameters.table = k.table->template view<T>();
  if (k.table->log()) plan.bounded = false;
  plan.is_signed |= k.table->is_signed();
}

}  // namespace

template <class T>
void lower_profile(const Kernel& k, double h, FactorPlan<T>& f, Plan<T>& plan) {
  auto& p = f.parameters;
  const double inverse = 1 / h, square = inverse * inverse;
  const auto exponential = [&](Shape shape, double scale) {
    f.shape = shape, p.scale = in_range<T>(scale);
  };
  const auto compact = [&](Shape shape, double scale, int power) {
    f.shape = shape, p.scale = in_range<T>(scale), p.power = power;
  };
  switch (k.profile) {
    case Profile::gaussian:
      return exponential(Shape::gaussian, -0.5 * log2_e * square);
    case Profile::laplace:
      return exponential(Shape::exponential, -log2_e * inverse);
    case Profile::logistic:
      return exponential(Shape::logistic, -log2_e * inverse);
    case Profile::cauchy:
      return lower_rational(f, 1, square, 1);
    case Profile::student_t:
      return lower_rational(f, 1, square / k.shape, (k.shape + 1) / 2);
    case Profile::rational_quadratic:
      return lower_rational(f, 1, square / (2 * k.shape), k.shape);
    case Profile::inverse_distance:
      return lower_rational(f, 0, square, k.shape / 2);
    case Profile::matern:
      return lower_matern(k, inverse, f);
    case Profile::epanechnikov:
      return compact(Shape::power_of_one_minus, square, 1);
    case Profile::biweight:
      return compact(Shape::power_of_one_minus, square, 2);
    case Profile::triweight:
      return compact(Shape::power_of_one_minus, square, 3);
    case Profile::tricube:
      return compact(Shape::tricube, square, 0);
    case Profile::triangular:
      return compact(Shape::triangular, square, 0);
    case Profile::cosine:
      return compact(Shape::cosine, square, 0);
    case Profile::uniform:
      return compact(Shape::uniform, h * h, 0);
    case Profile::wendland_c2:
      return compact(Shape::wendland_c2, square, 0);
    case Profile::constant:
      return compact(Shape::constant, 1, 0);
    case Profile::von_mises_fisher:
      f.log_constant = inverse;  // exp(cos/h) = exp(1/h) exp(−‖q̂ − x̂‖² / 2h)
      return exponential(Shape::gaussian, -0.5 * log2_e * inverse);
    case Profile::table:
    case Profile::function:
      return lower_user(k, inverse, f, plan);
    default:
      return lower_inner_product(k, h, f, plan);
  }
}

#define VICINAL_INSTANTIATE(T) \
  template void lower_profile(const Kernel&, double, FactorPlan<T>&, Plan<T>&);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
