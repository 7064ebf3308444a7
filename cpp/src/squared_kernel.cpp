#include "squared_kernel.hpp"

#include <algorithm>
#include <numbers>

#include "lowering.hpp"

namespace vicinal {

namespace {

// The bandwidth of the square, over that of the kernel; 0 where the square is another profile.
double shrinkage(Profile profile) {
  if (profile == Profile::gaussian) return 1 / std::numbers::sqrt2;
  if (profile == Profile::laplace) return 0.5;
  return 0;
}

void add_square(Kernel factor, bool keeps_bandwidths, Term& term, SquaredKernel& square) {
  const double shrunk = shrinkage(factor.profile);
  if (factor.profile == Profile::epanechnikov) {
    factor.profile = Profile::biweight;
  } else if (shrunk > 0 && factor.bandwidths.empty()) {
    factor.bandwidth *= shrunk;
  } else if (shrunk > 0 && !keeps_bandwidths) {
    auto& own = square.bandwidths.emplace_back(factor.bandwidths.begin(), factor.bandwidths.end());
    for (double& h : own) h *= shrunk;
    factor.bandwidths = own;
  } else if (factor.profile != Profile::uniform && factor.profile != Profile::constant) {
    term.factors.push_back(factor);
  }
  term.factors.push_back(factor);
}

bool weighs(const NeighborSet& set) { return set.data == EdgeData::weight; }
bool is_ball(const NeighborSet& set) { return set.kind == NeighborSet::Kind::radius; }

bool is_single(const KernelSum& kernel) {
  return kernel.terms.size() == 1 && kernel.terms[0].factors.size() == 1;
}

}  // namespace

bool has(const NeighborSet& set, bool (*property)(const NeighborSet&)) {
  return property(set) || std::any_of(set.parts.begin(), set.parts.end(),
                                      [&](const NeighborSet& part) { return has(part, property); });
}

bool has_scaled_keys(const KernelSum& kernel) {
  return std::any_of(kernel.terms.begin(), kernel.terms.end(), [](const Term& term) {
    return std::any_of(term.factors.begin(), term.factors.end(),
                       [](const Kernel& factor) { return factor.scaled_keys; });
  });
}

SquaredKernel squared(const KernelSum& kernel, bool keeps_bandwidths) {
  SquaredKernel square{KernelSum(std::vector<Term>{})};
  for (const Term& a : kernel.terms)
    for (const Term& b : kernel.terms) {
      Term term{a.coefficient * b.coefficient, {}};
      if (&a == &b) {
        for (const Kernel& factor : a.factors) add_square(factor, keeps_bandwidths, term, square);
      } else {
        term.factors = a.factors;
        term.factors.insert(term.factors.end(), b.factors.begin(), b.factors.end());
      }
      square.sum.terms.push_back(std::move(term));
    }
  return square;
}

SquaredKernel squared_for(const KernelSum& kernel, const Options<double>& o) {
  if (has(o.neighbors, weighs))
    refuse(
        "standard_errors need a kernel, but the numbers of the graph are the weights; give them "
        "as EdgeData::distance");
  if (!o.key_bandwidths.empty() || !o.query_bandwidths.empty() || has_scaled_keys(kernel))
    refuse(
        "standard_errors need one bandwidth for all, got bandwidths of keys or queries; ask for "
        "the fit alone");
  const bool ball = has(o.neighbors, is_ball);
  SquaredKernel square = squared(kernel, ball);
  if (ball && is_single(kernel) && !is_single(square.sum))
    refuse(
        "standard_errors within a radius are not available for this kernel, whose square is no "
        "kernel; give the neighbors as radius_neighbors found them");
  return square;
}

}  // namespace vicinal
