#include "schedule.hpp"

#include <algorithm>

#include "workspace.hpp"

namespace vicinal {

using namespace kernels;

template <class T>
std::int64_t chunk_count(const Problem<T>& problem) {
  const std::int64_t keys = chunk_keys(problem);
  return (problem.n + keys - 1) / keys;
}

namespace {

// Rows of a block of the first mask of blocks; 0: there is none.
template <class T>
std::int64_t mask_block(const Problem<T>& problem) {
  if (problem.neighborhood == nullptr) return 0;
  for (const NeighborSet* gate : problem.neighborhood->gates)
    if (gate->kind == NeighborSet::Kind::blocks) return gate->block;
  return 0;
}

// Blocks of rows are whole blocks of a mask; under a window they meet the fewest chunks when their
// ends are those of chunks. 0: they may end anywhere.
template <class T>
std::int64_t whole_rows(const Problem<T>& problem) {
  if (problem.neighborhood == nullptr) return 0;
  const std::int64_t block = mask_block(problem);
  const auto is_window = [](const NeighborSet* gate) {
    return gate->kind == NeighborSet::Kind::window;
  };
  const auto& gates = problem.neighborhood->gates;
  return block > 0 || std::none_of(gates.begin(), gates.end(), is_window) ? block
                                                                          : chunk_keys(problem);
}

}  // namespace

template <class T>
Groups groups_of(const Problem<T>& problem, std::int64_t rows) {
  const std::int64_t block = mask_block(problem), most = group_rows<T>;
  if (block == 0 || block > rows) return {rows, most, most};
  if (block <= most) return {rows, most / block * block, most / block * block};
  const std::int64_t parts = (block + most - 1) / most, even = (block + parts - 1) / parts,
                     unit = most / 4;  // register blocks that are full
  return {rows, block, (even + unit - 1) / unit * unit};
}

template <class T>
bool needs_no_state(const Problem<T>& problem) {
  const Plan<T>& plan = problem.plan;
  return !plan.bounded && !plan.decaying && !plan.is_signed && !plan.hits &&
         wants_means_and_masses(problem, problem.entries[0]);
}

// A call this small is over before a second thread has woken up.
template <class T>
int worthwhile_threads(const Problem<T>& problem, std::size_t kernels, int threads) {
  const double pairs = static_cast<double>(problem.m) * static_cast<double>(problem.n) *
                       static_cast<double>(problem.entries.size() * kernels);
  const double work = pairs * static_cast<double>(problem.d + problem.p + 10);
  return static_cast<int>(std::clamp(work / 5e5, 1.0, static_cast<double>(threads)));
}

template <class T>
Schedule schedule(const Problem<T>& problem, std::size_t kernels, int threads) {
  Schedule s;
  const std::int64_t entries = static_cast<std::int64_t>(problem.entries.size()),
                     most = block_rows(problem, kernels);
  const auto share = [](std::int64_t rows, std::int64_t parts) {  // in whole groups
    return (rows + parts * group_rows<T> - 1) / (parts * group_rows<T>)*group_rows<T>;
  };
  s.rows = std::clamp<std::int64_t>(share(problem.m * entries, 4 * threads),
                                    std::min<std::int64_t>(4 * group_rows<T>, most), most);
  s.blocks = (problem.m + s.rows - 1) / s.rows;
  s.rows = share(problem.m, s.blocks);  // all of one size
  if (const std::int64_t whole = whole_rows(problem); whole > 0 && whole <= s.rows) {
    s.rows = s.rows / whole * whole;
    s.blocks = (problem.m + s.rows - 1) / s.rows;
  }
  // Blocks alone pack all keys once each; a team packs them once for all, if there are chunks
  // enough to share. Blocks are the better share when there are many of full size.
  const std::int64_t chunks = chunk_count(problem), full = (problem.m + most - 1) / most;
  const bool idle = s.blocks * entries < threads && chunks > 1;
  const bool repeated = full * entries < 2 * threads && chunks >= 8 * threads;
  const bool ranked = problem.k > 0 || problem.lists_weights;  // kept key by key, not by chunks
  s.team = threads > 1 && !ranked && (idle || repeated);
  if (s.team) {
    s.rows = std::min(most, problem.m);
    s.blocks = (problem.m + s.rows - 1) / s.rows;
  }
  return s;
}

#define VICINAL_INSTANTIATE(T)                                          \
  template std::int64_t chunk_count(const Problem<T>&);                 \
  template Groups groups_of(const Problem<T>&, std::int64_t);           \
  template bool needs_no_state(const Problem<T>&);                      \
  template int worthwhile_threads(const Problem<T>&, std::size_t, int); \
  template Schedule schedule(const Problem<T>&, std::size_t, int);
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
