// Workers that take the rows of an entry in turns, where no row waits for another.
#pragma once

#include <algorithm>
#include <atomic>

#include "parallel.hpp"
#include "poll.hpp"
#include "workspace.hpp"

namespace vicinal {

// Rows of a turn: whole groups, and eight turns for each worker, since some rows meet more keys
// than others.
template <class T>
std::int64_t rows_of_turn(const Problem<T>& problem, int threads) {
  constexpr std::int64_t group = kernels::group_rows<T>;
  return std::clamp<std::int64_t>(problem.m / (8 * threads) / group * group, group,
                                  block_rows(problem, 1));
}

// work(each_turn) is called once per worker, on its thread: it makes what the worker needs, and
// calls each_turn(f), which calls f(first row, number of rows) until no turn is left or the poll
// has stopped. An exception of a worker ends the call.
template <class Work>
void take_turns(std::int64_t m, std::int64_t rows, int threads, Poll& poll, const Work& work) {
  const std::int64_t turns = (m + rows - 1) / rows;
  std::atomic<std::int64_t> next{0};
  const auto each_turn = [&](const auto& take) {
    for (std::int64_t t = next++; t < turns && !poll.stopped(); t = next++)
      take(t * rows, std::min(rows, m - t * rows));
  };
  parallel(
      static_cast<int>(std::clamp<std::int64_t>(turns, 1, threads)),
      [&](int) {
        try {
          work(each_turn);
        } catch (...) {
          poll.fail();
        }
      },
      [&] { poll.look(); });
}

}  // namespace vicinal
