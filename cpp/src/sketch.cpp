#include "sketch.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "parallel.hpp"
#include "principal_axes.hpp"

namespace vicinal {

using namespace kernels;

namespace {

constexpr std::int64_t least_keys = 8192,  // a search of fewer is over before
    samples = 512, sampled_queries = 16;
constexpr int depths[] = {8, 16, 32};  // tried, up to a quarter of the features
constexpr int features_per_axis = 4;
constexpr double most_passing = 1.0 / 32;  // of sampled pairs

double squared_distance(const double* a, const double* b, int depth) {
  double sum = 0;
  for (int j = 0; j < depth; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

void subtract_mean(std::vector<double>& rows, std::int64_t count, std::vector<double>& mean) {
  const std::size_t d = mean.size();
  for (std::size_t i = 0; i < rows.size(); ++i) mean[i % d] += rows[i] / static_cast<double>(count);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] -= mean[i % d];
}

// Rows by the leading coordinates, count × axes.number.
std::vector<double> projected(const std::vector<double>& rows, std::int64_t count, int d,
                              const Axes& axes) {
  const auto number = static_cast<std::size_t>(axes.number);
  std::vector<double> out(static_cast<std::size_t>(count) * number);
  for (std::size_t r = 0; r < static_cast<std::size_t>(count); ++r)
    for (std::size_t j = 0; j < static_cast<std::size_t>(d); ++j)
      for (std::size_t i = 0; i < number; ++i)
        out[r * number + i] +=
            rows[r * static_cast<std::size_t>(d) + j] * axes.axes[j * number + i];
  return out;
}

}  // namespace

// The least depth by which few sampled pairs are as near as the nearest are.
template <class T>
void Sketch<T>::choose(const std::vector<double>& sample, std::int64_t count, int d) {
  const Axes found =
      principal_axes(sample, d, std::min(d / features_per_axis, depths[std::size(depths) - 1]));
  const std::vector<double> near = projected(sample, count, d, found);
  const double* at = near.data();
  std::int64_t passing[std::size(depths)] = {};
  for (std::int64_t q = 0; q < sampled_queries; ++q) {
    const std::int64_t own = q * count / sampled_queries;
    double least = std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < count; ++i)
      if (i != own)
        least =
            std::min(least, squared_distance(sample.data() + own * d, sample.data() + i * d, d));
    for (std::size_t c = 0; c < std::size(depths); ++c)
      for (std::int64_t i = 0; i < count && depths[c] <= found.number; ++i)
        passing[c] +=
            squared_distance(at + own * found.number, at + i * found.number, depths[c]) <= least;
  }
  const auto most =
      static_cast<std::int64_t>(most_passing * static_cast<double>(count * sampled_queries));
  for (std::size_t c = 0; c < std::size(depths) && depth_ == 0; ++c)
    if (depths[c] <= found.number && passing[c] <= most) depth_ = depths[c];
  for (int j = 0; j < d && depth_ > 0; ++j) {
    const double* axes = found.axes.data() + std::ptrdiff_t{j} * found.number;
    axes_.insert(axes_.end(), axes, axes + depth_);
  }
  double reach = 0;
  for (const double y : near) reach = std::max(reach, std::abs(y));
  if (!(reach > 0) || !std::isfinite(reach)) depth_ = 0;
  if (depth_ > 0) scale_ = std::exp2(-std::ilogb(reach));
}

template <class T>
void Sketch<T>::draw(const Problem<T>& problem, const Entry<T>& entry, const BoxSpace<T>& space,
                     int threads, Poll& poll) {
  const std::int64_t keys = entry.positions;
  const int d = space.depth;
  const FactorPlan<T>& factor = problem.plan.terms[0].factors[0];
  if (keys < least_keys || d < features_per_axis * depths[0] || !factor.expanded()) return;
  const auto row_at = [&](std::int64_t position, T* out) {
    space.row(entry.keys + entry.row_at(position) * problem.key_stride, entry.origin.data(), out);
  };
  std::vector<T> row(static_cast<std::size_t>(d));
  std::vector<double> sample;
  for (std::int64_t i = 0; i < samples; ++i) {
    row_at(i * keys / samples, row.data());
    sample.insert(sample.end(), row.begin(), row.end());
  }
  center_.assign(row.size(), 0.0);
  subtract_mean(sample, samples, center_);
  choose(sample, samples, d);
  if (depth_ == 0) return;
  const std::int64_t leaves = (keys + tile_keys - 1) / tile_keys;
  panels_.resize(leaves * depth_ * key_stride);
  norms_.resize(leaves * tile_keys);
  std::atomic<std::int64_t> next{0};
  parallel(
      static_cast<int>(std::min<std::int64_t>(threads, leaves)),
      [&](int) {
        try {
          std::vector<T> rows(static_cast<std::size_t>(d) * tile_keys);
          for (std::int64_t leaf = next++; leaf < leaves && !poll.stopped(); leaf = next++) {
            const std::int64_t first = leaf * tile_keys,
                               count = std::min<std::int64_t>(tile_keys, keys - first);
            for (std::int64_t k = 0; k < count; ++k) row_at(first + k, rows.data() + k * d);
            draw_leaf(leaf, count, rows.data());
            poll.look();
          }
        } catch (...) {
          poll.fail();
        }
      },
      [&] { poll.look(); });
}

// Lanes without a key are at the center, and as if far from it.
template <class T>
void Sketch<T>::draw_leaf(std::int64_t leaf, std::int64_t count, const T* rows) {
  float* panel = panels_.data() + leaf * depth_ * key_stride;
  float* norms = norms_.data() + leaf * tile_keys;
  std::fill_n(panel, std::int64_t{depth_} * key_stride, 0.0F);
  std::fill_n(norms, tile_keys, std::numeric_limits<float>::max());
  float at[depths[std::size(depths) - 1]];
  for (std::int64_t k = 0; k < count; ++k) {
    project(rows + k * static_cast<std::int64_t>(center_.size()), at);
    double square = 0;
    for (int i = 0; i < depth_; ++i) {
      panel[i * key_stride + k] = at[i];
      square += static_cast<double>(at[i]) * static_cast<double>(at[i]);
    }
    norms[k] = static_cast<float>(square);
  }
}

template <class T>
void Sketch<T>::project(const T* row, float* out) const {
  double sums[depths[std::size(depths) - 1]] = {};
  const double* axis = axes_.data();
  for (std::size_t j = 0; j < center_.size(); ++j, axis += depth_) {
    const double x = static_cast<double>(row[j]) - center_[j];
    for (int i = 0; i < depth_; ++i) sums[i] += x * axis[i];
  }
  for (int i = 0; i < depth_; ++i) out[i] = static_cast<float>(sums[i] * scale_);
}

template class Sketch<float>;
template class Sketch<double>;

}  // namespace vicinal
