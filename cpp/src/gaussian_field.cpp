#include "gaussian_field.hpp"

#include <atomic>
#include <cmath>

#include "cut.hpp"
#include "team.hpp"

namespace vicinal {

using namespace kernels;

namespace {

constexpr std::int64_t rows_at_once = 4096;

}  // namespace

template <class T>
bool GaussianField<T>::serves(const Problem<T>& problem) {
  if (problem.d > 3 || !may_cut(problem)) return false;
  const FactorPlan<T>& f = problem.plan.terms[0].factors[0];
  const Entry<T>& entry = problem.entries[0];
  return f.plain && f.shape == Shape::gaussian && entry.key_scales.empty() &&
         entry.query_scales.empty();
}

template <class T>
std::size_t GaussianField<T>::Hash::operator()(const Place& place) const noexcept {
  std::uint64_t hash = 0;
  for (const std::int64_t at : place) {
    hash = (hash ^ static_cast<std::uint64_t>(at)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

template <class T>
GaussianField<T>::GaussianField(const Problem<T>& problem, const KeyTree<T>& keys)
    : keys_(problem, keys),
      monomials_(static_cast<int>(problem.d)),
      tol_(problem.tol),
      side_(side_of_cells(static_cast<int>(problem.d), problem.tol)) {}

// False: outside of the keys' box.
template <class T>
bool GaussianField<T>::find_place(const T* point, Place& place) const noexcept {
  const Box<T> box = keys_.tree().box(0);
  for (int j = 0; j < keys_.depth(); ++j) {
    if (!(point[j] >= box.low[j] && point[j] <= box.high[j])) return false;
    const double at = std::floor((static_cast<double>(point[j]) - static_cast<double>(box.low[j])) *
                                 keys_.inverse_h() / side_);
    if (at > 1e12) return false;  // cells so small are lost in the coordinates' rounding
    place[static_cast<std::size_t>(j)] = static_cast<std::int64_t>(at);
  }
  return true;
}

// A new cell is listed, to be made.
template <class T>
std::int64_t GaussianField<T>::number_of(const Place& place, std::vector<std::int64_t>& fresh) {
  const auto [known, is_new] = numbers_.try_emplace(place, std::ssize(cells_));
  if (is_new) {
    fresh.push_back(std::ssize(cells_));
    GaussianCell& cell = cells_.emplace_back();
    for (int j = 0; j < keys_.depth(); ++j) {
      const auto at = static_cast<std::size_t>(j);
      cell.center[at] = static_cast<double>(keys_.tree().box(0).low[j]) +
                        (static_cast<double>(place[at]) + 0.5) * side_ / keys_.inverse_h();
    }
  }
  return known->second;
}

template <class T>
std::int64_t GaussianField<T>::run(const T* points, std::int64_t rows, T* means, int threads,
                                   Poll& poll, std::vector<std::int64_t>& left) {
  const int depth = keys_.depth();
  std::vector<std::int64_t> fresh;
  cell_of_row_.resize(static_cast<std::size_t>(rows));
  Place place{}, last{-1, -1, -1};
  for (std::int64_t i = 0, number = -1; i < rows; ++i) {
    const bool inside = find_place(points + i * depth, place);
    if (inside && place != last) number = number_of(place, fresh), last = place;
    cell_of_row_[static_cast<std::size_t>(i)] = inside ? number : -1;
  }
  std::atomic<std::int64_t> met{0};
  take_turns(std::ssize(fresh), 1, threads, poll, [&](const auto& each_turn) {
    CellMaker<T> maker(keys_, monomials_, side_, tol_);
    each_turn([&](std::int64_t i, std::int64_t) {
      met += maker.run(cells_[static_cast<std::size_t>(fresh[static_cast<std::size_t>(i)])]);
      poll.look();
    });
  });
  const auto cell_of = [&](std::int64_t row) -> const GaussianCell* {
    const std::int64_t number = cell_of_row_[static_cast<std::size_t>(row)];
    if (number < 0) return nullptr;
    const GaussianCell& cell = cells_[static_cast<std::size_t>(number)];
    return cell.degree > 0 ? &cell : nullptr;
  };
  take_turns(rows, rows_at_once, threads, poll, [&](const auto& each_turn) {
    each_turn([&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = first; i < first + count; ++i)
        if (const GaussianCell* cell = cell_of(i))
          mean_in_cell(*cell, monomials_[cell->degree + 1], depth, keys_.inverse_h(),
                       points + i * depth, means + i * depth);
    });
  });
  for (std::int64_t i = 0; i < rows; ++i)
    if (cell_of(i) == nullptr) left.push_back(i);
  return met;
}

template class GaussianField<float>;
template class GaussianField<double>;

}  // namespace vicinal
