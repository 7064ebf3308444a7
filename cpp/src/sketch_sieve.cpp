#include "sketch_sieve.hpp"

#include <algorithm>
#include <bit>

namespace vicinal {

using namespace kernels;

namespace {

// The space has the coordinates that the factor scores, but for the factor's scale.
template <class T>
bool sees(const BoxSpace<T>& space, const FactorPlan<T>& f) {
  if (space.factor == nullptr) return f.plain;
  return f.unit && space.factor->unit;
}

}  // namespace

template <class T>
SketchSieve<T>::SketchSieve(const FactorPlan<T>& f, const PackedKeys<T>& packed)
    : keys_(packed.keys()) {
  const Sketch<T>& sketch = packed.sketch();
  if (sketch.depth() == 0 || !f.expanded() || !sees(keys_.space, f)) return;
  sketch_ = &sketch;
  const double scale = sketch.scale() / (f.plain ? static_cast<double>(f.coordinate_scale) : 1.0);
  unit_ = scale * scale;
  panel_.resize(std::int64_t{sketch.depth()} * query_lanes);
  norms_.resize(query_lanes);
  row_.resize(static_cast<std::size_t>(keys_.space.depth));
}

// Lanes past the last row repeat it.
template <class T>
void SketchSieve<T>::open(const Entry<T>& entry, const Group<T>& group) {
  rows_ = group.rows;
  const int depth = sketch_->depth();
  std::vector<float> at(static_cast<std::size_t>(depth));
  for (int r = 0; r < query_lanes; ++r) {
    if (r < rows_) {
      keys_.space.row(group.query_rows[r], entry.origin.data(), row_.data());
      sketch_->project(row_.data(), at.data());
    }
    double square = 0;
    for (int i = 0; i < depth; ++i) {
      const float x = at[static_cast<std::size_t>(i)];
      panel_[i * query_lanes + r] = x;
      square += static_cast<double>(x) * static_cast<double>(x);
    }
    norms_[r] = static_cast<float>(square);
  }
}

template <class T>
std::int64_t SketchSieve<T>::find(std::int64_t leaf, std::int64_t keys, const T* limits,
                                  LaneBits* near) {
  // Room for the roundings of the limit, and for squares that underflow.
  constexpr double room = 1 + 8 * static_cast<double>(std::numeric_limits<float>::epsilon()),
                   least = 1e-30;
  float bounds[max_group_rows];
  for (int r = 0; r < rows_; ++r)
    bounds[r] = static_cast<float>(static_cast<double>(limits[r]) * unit_ * room + least);
  ScoreArguments<float> a;
  a.queries = panel_.data();
  a.keys = sketch_->panel(leaf);
  a.depth = sketch_->depth();
  a.query_norms = norms_.data();
  a.key_norms = sketch_->norms(leaf);
  table<float>().suspects(a, bounds, sketch_slack(a.depth), near->data(), rows_);
  std::int64_t count = 0;
  for (int r = 0; r < rows_; ++r)
    for (std::size_t i = 0; i < near[r].size(); ++i) {
      const std::int64_t lanes = std::clamp<std::int64_t>(keys - 64 * std::int64_t(i), 0, 64);
      if (lanes < 64) near[r][i] &= (std::uint64_t{1} << lanes) - 1;
      if (near[r][i] != 0) count += std::popcount(near[r][i]);
    }
  return count;
}

template class SketchSieve<float>;
template class SketchSieve<double>;

}  // namespace vicinal
