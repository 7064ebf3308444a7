// Calls whose rows meet every key: the loop over blocks of rows and chunks of keys, in parallel
// over whichever there is more of.
#pragma once

#include "driver.hpp"
#include "poll.hpp"

namespace vicinal {

// `problems` share the scores of their pairs. Fills a report for each that was run and returns
// their number: all of them, or, where few rows make the workers share the chunks, the first.
template <class T>
std::size_t run_dense(std::span<const Problem<T>> problems, int most_threads, Poll& poll,
                      const Sink<T>& sink, std::span<Report> reports);

}  // namespace vicinal
