#include "ascents.hpp"

#include <atomic>
#include <bit>
#include <cstring>
#include <numeric>

#include "parallel.hpp"

namespace vicinal {

namespace {

// Of the bits of a row; words of the type are mixed one by one (Steele, Lea & Flood 2014: the
// finalizer of splitmix64).
template <class T>
std::uint64_t hash_of(const T* row, std::int64_t d) {
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::uint64_t hash = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    hash = (hash ^ std::bit_cast<Word>(row[j])) + 0x9e3779b97f4a7c15;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    hash ^= hash >> 31;
  }
  return hash;
}

}  // namespace

template <class T>
Ascents<T>::Ascents(const View<const T>& seeds, const MeanShiftOutputs<T>& outputs,
                    const MeanShiftOptions<T>& options, int threads)
    : d_(seeds.columns),
      outputs_(outputs),
      options_(options),
      threads_(threads),
      balls_(options.modes, options.capture_radius) {
  const auto rows = static_cast<std::size_t>(seeds.rows);
  positions_.resize(rows * static_cast<std::size_t>(d_));
  for (std::int64_t i = 0; i < seeds.rows; ++i) std::copy_n(seeds.row(i), d_, position(i));
  seeds_.resize(rows);
  std::iota(seeds_.begin(), seeds_.end(), std::int64_t{0});
  leader_ = seeds_;
  fates_.resize(rows);
  modes_.assign(rows, -1);
  own_ends_.resize(positions_.size());
  own_before_.resize(outputs.before.data == nullptr ? 0 : positions_.size());
  means_ = positions_;
  own_iterations_.resize(rows);
  own_modes_.resize(rows);
  own_status_.resize(rows);
}

template <class T>
void Ascents<T>::reorder(const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> seeds(seeds_.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::copy_n(position(order[i]), d_, means_.data() + static_cast<std::int64_t>(i) * d_);
    seeds[i] = seeds_[static_cast<std::size_t>(order[i])];
  }
  positions_.swap(means_);
  seeds_.swap(seeds);
}

template <class T>
void Ascents<T>::keep(std::int64_t from, std::int64_t to) {
  if (from == to) return;
  std::copy_n(position(from), d_, position(to));
  std::copy_n(means_.data() + from * d_, d_, means_.data() + to * d_);
  seeds_[static_cast<std::size_t>(to)] = seeds_[static_cast<std::size_t>(from)];
}

template <class T>
void Ascents<T>::cut(std::int64_t rows) {
  seeds_.resize(static_cast<std::size_t>(rows));
}

template <class T>
void Ascents<T>::settle(std::int64_t i, AscentStatus status, std::int64_t iteration) {
  const auto seed = static_cast<std::size_t>(seeds_[static_cast<std::size_t>(i)]);
  std::copy_n(position(i), d_, own_ends_.data() + static_cast<std::int64_t>(seed) * d_);
  if (!own_before_.empty())
    std::copy_n(means_.data() + i * d_, d_,
                own_before_.data() + static_cast<std::int64_t>(seed) * d_);
  own_iterations_[seed] = iteration;
  own_status_[seed] = static_cast<std::int8_t>(status);
  own_modes_[seed] = status == AscentStatus::captured ? modes_[static_cast<std::size_t>(i)] : -1;
}

// Moves one position and sets its fate; returns how far.
template <class T>
double Ascents<T>::step(std::int64_t i) {
  T* q = position(i);
  T* mean = means_.data() + i * d_;
  Fate& fate = fates_[static_cast<std::size_t>(i)];
  if (std::isnan(mean[0])) {
    fate = strays;
    std::copy_n(q, d_, mean);
    return 0;
  }
  double square = 0;
  for (std::int64_t j = 0; j < d_; ++j) {
    const double from = static_cast<double>(q[j]), to = static_cast<double>(mean[j]);
    std::swap(q[j], mean[j]);
    if (options_.alpha != 1) q[j] = static_cast<T>(from + options_.alpha * (to - from));
    const double moved = static_cast<double>(q[j]) - from;
    square += moved * moved;
  }
  const double length = std::sqrt(square);
  fate = length <= options_.tol ? converges : moves;
  if (!balls_.empty()) {
    std::int64_t& mode = modes_[static_cast<std::size_t>(i)];
    mode = balls_.mode_of(q);
    if (mode >= 0) fate = is_caught;
  }
  return length;
}

template <class T>
double Ascents<T>::step_all() {
  constexpr std::int64_t share = 4096;  // rows that a worker takes at a time
  const std::int64_t shares = (moving() + share - 1) / share;
  const int team = static_cast<int>(std::clamp<std::int64_t>(shares, 1, threads_));
  std::vector<double> longest(static_cast<std::size_t>(team));
  std::atomic<std::int64_t> next{0};
  parallel(
      team,
      [&](int worker) {
        double most = 0;
        for (std::int64_t s = next++; s < shares; s = next++)
          for (std::int64_t i = s * share; i < std::min((s + 1) * share, moving()); ++i)
            most = std::max(most, step(i));
        longest[static_cast<std::size_t>(worker)] = most;
      },
      [] {});
  return *std::max_element(longest.begin(), longest.end());
}

template <class T>
void Ascents<T>::capture_seeds() {
  if (balls_.empty()) return;
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < moving(); ++i) {
    modes_[static_cast<std::size_t>(i)] = balls_.mode_of(position(i));
    if (modes_[static_cast<std::size_t>(i)] >= 0)
      settle(i, AscentStatus::captured, 0);
    else
      keep(i, kept++);
  }
  cut(kept);
}

template <class T>
double Ascents<T>::advance(std::int64_t iteration) {
  const double longest = step_all();
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < moving(); ++i) switch (fates_[static_cast<std::size_t>(i)]) {
      case moves:
        keep(i, kept++);
        break;
      case converges:
        settle(i, AscentStatus::converged, iteration);
        break;
      case strays:  // the step was not taken
        settle(i, AscentStatus::orphan, iteration - 1);
        break;
      case is_caught:
        settle(i, AscentStatus::captured, iteration);
        break;
    }
  cut(kept);
  return longest;
}

template <class T>
void Ascents<T>::share() {
  const std::size_t places = std::bit_ceil(2 * static_cast<std::size_t>(moving()) + 1);
  table_.assign(places, -1);
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < moving(); ++i) {
    std::size_t place = hash_of(position(i), d_) & (places - 1);
    const auto differs = [&](std::int64_t other) {
      return std::memcmp(position(other), position(i), static_cast<std::size_t>(d_) * sizeof(T));
    };
    while (table_[place] >= 0 && differs(table_[place])) place = (place + 1) & (places - 1);
    if (table_[place] >= 0) {
      leader_[static_cast<std::size_t>(seeds_[static_cast<std::size_t>(i)])] =
          seeds_[static_cast<std::size_t>(table_[place])];
      continue;
    }
    keep(i, kept);
    table_[place] = kept++;
  }
  cut(kept);
}

template <class T>
void Ascents<T>::write(std::int64_t iteration, AscentStatus moving_status) {
  for (std::int64_t i = 0; i < moving(); ++i) settle(i, moving_status, iteration);
  const auto copy = [&](const std::vector<T>& from, std::size_t at, const View<T>& to,
                        std::int64_t row) {
    if (to.data != nullptr)
      std::copy_n(from.data() + static_cast<std::int64_t>(at) * d_, d_, to.row(row));
  };
  for (std::size_t seed = 0; seed < leader_.size(); ++seed) {
    auto& at = leader_[seed];
    while (leader_[static_cast<std::size_t>(at)] != at) at = leader_[static_cast<std::size_t>(at)];
    const auto own = static_cast<std::size_t>(at);
    copy(own_ends_, own, outputs_.ends, static_cast<std::int64_t>(seed));
    copy(own_before_, own, outputs_.before, static_cast<std::int64_t>(seed));
    if (!outputs_.iterations.empty()) outputs_.iterations[seed] = own_iterations_[own];
    if (!outputs_.status.empty()) outputs_.status[seed] = own_status_[own];
    if (!outputs_.mode.empty()) outputs_.mode[seed] = own_modes_[own];
  }
}

template <class T>
void Ascents<T>::close(std::int64_t iteration, MeanShiftReport& report) {
  write(iteration, AscentStatus::exhausted);
  for (const std::int64_t leader : leader_) {
    const auto own = static_cast<std::size_t>(leader);
    const auto status = static_cast<AscentStatus>(own_status_[own]);
    report.iterations = std::max(report.iterations, own_iterations_[own]);
    report.exhausted += status == AscentStatus::exhausted;
    report.orphans += status == AscentStatus::orphan;
    report.captured += status == AscentStatus::captured;
  }
}

template class Ascents<float>;
template class Ascents<double>;

}  // namespace vicinal
