#include "driver.hpp"

#include <algorithm>

#include "dense.hpp"
#include "floating_point.hpp"
#include "listed.hpp"
#include "parallel.hpp"
#include "pruned.hpp"

namespace vicinal {

namespace {

int thread_count(int asked) { return std::clamp(asked > 0 ? asked : max_threads(), 1, 1024); }

// How many problems from the first on share its scores, and the buffers that it needs.
template <class T>
std::size_t sharing(std::span<const Problem<T>> problems) {
  const Problem<T>& a = problems[0];
  const auto fits = [&](const Problem<T>& b) {
    return !listed(b) && !prunes(b) && share_scores(a.plan, b.plan) && a.k == b.k &&
           a.state_columns() == b.state_columns() &&
           (a.entries[0].weights_out == nullptr) == (b.entries[0].weights_out == nullptr);
  };
  std::size_t count = 1;
  while (count < problems.size() && fits(problems[count])) ++count;
  return count;
}

}  // namespace

template <class T>
std::vector<Report> run(std::span<const Problem<T>> problems, int num_threads, const Watch& watch,
                        const Sink<T>& sink) {
  const Problem<T>& first = problems[0];
  const double pairs = static_cast<double>(first.m) * static_cast<double>(first.n) *
                       static_cast<double>(first.entries.size());
  const DefaultFloatingPoint modes;
  Poll poll(watch, std::max(1.0, pairs * static_cast<double>(problems.size())));
  const int threads = thread_count(num_threads);
  std::vector<Report> reports(problems.size());  // beforehand: nothing may fail after the sink
  for (std::size_t i = 0; i < problems.size() && !poll.stopped();) {
    if (listed(problems[i])) {
      reports[i] = run_listed(problems[i], threads, poll, sink);
      ++i;
    } else if (prunes(problems[i])) {
      reports[i] = run_pruned(problems[i], threads, poll, sink);
      ++i;
    } else {
      const std::span rest = problems.subspan(i);
      i += run_dense(rest.subspan(0, sharing(rest)), threads, poll, sink,
                     std::span(reports).subspan(i));
    }
  }
  poll.finish();
  for (Report& report : reports) report.interrupted = poll.stopped();
  return reports;
}

template std::vector<Report> run(std::span<const Problem<float>>, int, const Watch&,
                                 const Sink<float>&);
template std::vector<Report> run(std::span<const Problem<double>>, int, const Watch&,
                                 const Sink<double>&);

}  // namespace vicinal
