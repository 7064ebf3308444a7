// The passes over the keys that a block of rows needs: which rows go, and how their weights are
// kept in range.
#pragma once

#include "poll.hpp"
#include "results.hpp"
#include "workspace.hpp"

namespace vicinal {

// Lists every row that has a result and clears its state; the first pass is chosen.
template <class T>
void open_block(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block,
                std::int64_t first, std::int64_t rows);

// Rows of vanishing mass go again, from nothing, with their own peak.
template <class T>
void list_again(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block);

// Rows that hit a key of infinite weight go again: coincident keys share all of it, by their other
// factors and priors.
template <class T>
void list_hits(Block<T>& block);

// Sums and ranks of hits stand alone, at an infinite reference.
template <class T>
void close_hits(Block<T>& block);

// Listed rows without a weight although there are candidates take the limit h → 0.
template <class T>
void resolve_limits(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block, Poll& poll,
                    auto&& choice_of) {
  if (!problem.plan.decaying || !problem.take_limits) return;
  for (const std::int64_t i : block.todo) {
    if (poll.stopped()) return;
    const bool hit = block.state.reference[static_cast<std::size_t>(i)] ==
                     std::numeric_limits<double>::infinity();
    if (!hit && block.state.sum(i, 2) == 0)
      take_limit(problem, entry, block, i, choice_of(block.row(i)));
    poll.look();
  }
}

// What is left after the first pass; run_pass() takes the listed rows over all their keys, and
// choice_of(row) says which these are.
template <class T>
void finish_block(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block, Poll& poll,
                  auto&& run_pass, auto&& choice_of) {
  if (block.mode == Reference::fixed && !poll.stopped()) {
    list_again(problem, entry, block);
    if (!block.todo.empty()) run_pass();
  }
  resolve_limits(problem, entry, block, poll, choice_of);
  if (!problem.plan.hits || poll.stopped()) return;
  list_hits(block);
  if (block.todo.empty()) return;
  run_pass();
  close_hits(block);
}

template <class T>
void finish_block(const Problem<T>& problem, const Entry<T>& entry, Block<T>& block, Poll& poll,
                  auto&& run_pass) {
  finish_block(problem, entry, block, poll, run_pass, [](std::int64_t) { return Choice<T>{}; });
}

}  // namespace vicinal
