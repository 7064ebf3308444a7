#include "group.hpp"

#include <bit>

#include "chunk.hpp"
#include "counts.hpp"
#include "fold.hpp"
#include "gates.hpp"
#include "results.hpp"
#include "rows.hpp"
#include "step.hpp"
#include "sums.hpp"
#include "weights.hpp"

namespace vicinal {

namespace {

template <class T>
void clear_group(const Problem<T>& problem, Group<T>& g, Reference mode) {
  const int lanes = problem.table->lanes;
  const std::int64_t width = problem.lane_values() ? problem.p * lanes : problem.padded_values();
  for (int r = 0; r < g.rows; ++r)
    std::fill_n(g.header_lanes.data() + std::int64_t(r) * header_columns * lanes,
                problem.header_lanes(), T(0));
  std::fill_n(g.lanes.data(), g.rows * width, T(0));
  if (problem.moment_columns() > 0)
    std::fill_n(g.moments.data(), g.rows * problem.moment_columns(), 0.0);
  std::fill_n(g.reference, g.rows, mode == Reference::fixed ? T(0) : none<T>);
  std::fill_n(g.own_weight, g.rows, T(0));
  std::fill_n(g.count, g.rows, std::int64_t{0});
}

template <class T>
Step<T> step_of(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) {
  const Chunk<T>& chunk = *w.chunk;
  const std::int64_t offset = std::int64_t(t) * tile_keys;
  return {problem,
          entry,
          w,
          t,
          std::min(tile_keys, chunk.count - t * tile_keys),
          chunk.first + offset,
          chunk.prior.data() + offset,
          chunk.flags[static_cast<std::size_t>(t)]};
}

// And the queries of the block that comes next, and where their means go.
template <class T>
void look_at_rows(const Problem<T>& problem, Workspace<T>& w) {
  const auto& [entry, first, count] = w.next_rows;
  const auto lines = [count](std::int64_t stride) {
    return count * stride * std::int64_t(sizeof(T)) / 64;
  };
  if (problem.query_stride == problem.d) {
    w.keys_ahead = {reinterpret_cast<const char*>(entry->queries + first * problem.d), 64};
    w.keys_left = lines(problem.d);
  }
  if (entry->mean != nullptr && problem.mean_stride == problem.p) {
    w.values_ahead = {reinterpret_cast<const char*>(entry->mean + first * problem.p), 64};
    w.values_left = lines(problem.p);
  }
}

// The tile functions of the next steps fetch the rows of the tile at this position, if there is
// one, before those of any other.
template <class T>
void look_ahead(const Problem<T>& problem, const Entry<T>& entry, std::int64_t position,
                Workspace<T>& w) {
  if (position < 0 || position >= entry.n || entry.order != nullptr) return;
  const auto from = [](const T* row) { return Ahead{reinterpret_cast<const char*>(row), 64}; };
  w.keys_ahead = from(key_row(problem, entry, position));
  if (problem.p > 0) w.values_ahead = from(value_row(problem, entry, position));
  w.keys_left = tile_keys * problem.key_stride * std::int64_t(sizeof(T)) / 64;
  w.values_left = tile_keys * problem.value_stride * std::int64_t(sizeof(T)) / 64;
}

// After a step over so many panels, whose functions ask for about a line per key of a panel, block
// of rows and pack of features or columns: the rest is left to the next.
template <class T>
void move_ahead(const Problem<T>& problem, int panels, Workspace<T>& w) {
  const std::int64_t blocks = (w.group.rows + 5) / 6,
                     columns = std::max<std::int64_t>(problem.padded_values() / panel_keys, 1);
  const auto move = [](Ahead& ahead, std::int64_t& left, std::int64_t lines) {
    left -= lines;
    ahead = left > 0 ? Ahead{ahead.at + 64 * lines, ahead.step} : Ahead{};
  };
  if (w.keys_ahead.at != nullptr) move(w.keys_ahead, w.keys_left, panels * blocks * problem.d);
  if (w.values_ahead.at != nullptr)
    move(w.values_ahead, w.values_left, panels * blocks * panel_keys * columns);
}

// Weights are added up and not read one by one.
template <class T>
bool only_sums(const Problem<T>& problem, const Entry<T>& entry) {
  const Plan<T>& plan = problem.plan;
  return entry.weights_out == nullptr && !problem.lists_weights && !problem.needs_self &&
         problem.k == 0 && problem.moment_columns() == 0 && !problem.lane_values() &&
         plan.terms.size() == 1 && plan.terms[0].coefficient == T(1);
}

// Returns how many panels it took.
template <class T>
int run_tile(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) {
  const Reference mode = w.block->mode;
  Step<T> s = step_of(problem, entry, t, w);
  s.hits = mode == Reference::hits;
  if (s.flags.empty && entry.weights_out == nullptr) return 0;
  find_dropped(s);
  s.scored = find_panels(problem, w.group);
  if (w.group.drops) s.dropped = w.group.dropped;
  if (only_sums(problem, entry)) {
    if (entry.count == nullptr) s.scored &= panels_of(s.lanes);
    s.summed = s.scored;
  }
  if (s.summed == 0) return 0;
  if (mode != Reference::fixed) {
    weigh_peak(s);
  } else {
    weigh_fixed(s);
    if (problem.cuts) s.table().drop_below(s.logs(0), w.group.least, T(0), s.rows());
    s.drop(s.logs(0), T(0));
    if (entry.count != nullptr) count_fixed(s);
  }
  if (problem.needs_self) take_own_weights(s);
  if (entry.weights_out != nullptr || problem.lists_weights) write_weights(s);
  reduce(s);
  return std::popcount(s.scored);
}

// A tile that all rows of the group drop as a whole is left out; asked-out weights need its zeros.
template <class T>
void meet_if_needed(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) {
  const std::int64_t first = w.chunk->first + std::int64_t(t) * tile_keys,
                     count =
                         std::min<std::int64_t>(tile_keys, w.chunk->first + w.chunk->count - first);
  if (entry.weights_out != nullptr || group_may_meet(problem, entry, w.group, first, count))
    move_ahead(problem, run_tile(problem, entry, t, w), w);
  else
    w.pairs_skipped += count * w.group.rows;
}

// The mean, and the log-mass, of a row whose keys all stand in this chunk, with the bits that they
// get by way of its state; the state is cleared for one that needs it.
template <class T>
bool write_mean(const Problem<T>& problem, const Entry<T>& entry, int r, T mass, const T* values,
                Workspace<T>& w) {
  const Group<T>& g = w.group;
  auto& kind = w.block->kind[static_cast<std::size_t>(g.slot[r])];
  if (kind != stateless) return false;
  const bool plain = !w.chunk->scaled && mass > 0 && mass <= std::numeric_limits<T>::max();
  if (!plain) {
    w.block->clear(g.slot[r]);
    kind = ordinary;
    return false;
  }
  problem.table->shares(values, static_cast<int>(problem.p), static_cast<double>(mass),
                        entry.mean + g.index[r] * problem.mean_stride);
  if (entry.log_mass != nullptr)
    write_log_mass(problem, entry, g.index[r], static_cast<double>(mass),
                   static_cast<double>(g.reference[r]));
  kind = written;
  return true;
}

}  // namespace

template <class T>
T* score_tile(const Problem<T>& problem, const Entry<T>& entry, int t, int first, int count,
              Workspace<T>& w) noexcept {
  const Step<T> s = step_of(problem, entry, t, w);
  score_rows(s, 0, 0, first, count, s.logs(0));
  return s.logs(0);
}

template <class T>
T* find_candidates(const Problem<T>& problem, const Entry<T>& entry, int t, const T* limits,
                   T slack, LaneBits* bits, Workspace<T>& w) noexcept {
  const Step<T> s = step_of(problem, entry, t, w);
  PairSource<T> source;
  const ScoreArguments<T> a = score_arguments(s, 0, 0, 0, s.logs(0), source);
  if (problem.plan.terms[0].factors[0].expanded())
    s.table().candidates(a, limits, slack, bits->data(), s.rows());
  else
    s.table().inner_candidates(a, limits, bits->data(), s.rows());
  return a.scores;
}

template <class T>
void take_rows(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
               Workspace<T>& w) noexcept {
  const Block<T>& block = *w.block;
  std::int64_t rows[max_group_rows];
  for (int r = 0; r < count; ++r) {
    w.group.slot[r] = block.todo[static_cast<std::size_t>(first + r)];
    rows[r] = block.row(w.group.slot[r]);
    if (problem.cuts) {
      w.group.cut[r] = block.cut[w.group.slot[r]];
      w.group.least[r] = std::exp2(w.group.cut[r]);
    }
  }
  pack_group(problem, entry, rows, count, w);
}

template <class T>
void open_group(const Problem<T>& problem, Workspace<T>& w) noexcept {
  clear_group(problem, w.group, w.block->mode);
}

template <class T>
void meet_tile(const Problem<T>& problem, const Entry<T>& entry, int t, Workspace<T>& w) noexcept {
  w.keys_ahead = w.values_ahead = {};
  run_tile(problem, entry, t, w);
}

template <class T>
void run_group(const Problem<T>& problem, const Entry<T>& entry, const Upcoming<T>& upcoming,
               Workspace<T>& w) noexcept {
  clear_group(problem, w.group, w.block->mode);
  for (int t = 0; t < w.chunk->tiles; ++t) {
    look_ahead(problem, upcoming.entry, upcoming.tile(t, w.chunk->tiles), w);
    if (upcoming.is_between(t, w.chunk->tiles)) look_at_rows(problem, w);
    meet_if_needed(problem, entry, t, w);
  }
}

template <class T>
bool stream_group(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                  Workspace<T>& w) noexcept {
  const std::int64_t end = std::min(first + chunk_keys(problem), entry.n);
  clear_group(problem, w.group, w.block->mode);
  open_tiles(w.own);
  for (std::int64_t at = first; at < end; at += tile_keys) {
    pack_tile(problem, entry, at, w.rows.data(), w.own);
    look_ahead(problem, entry, at + tile_keys, w);
    meet_if_needed(problem, entry, 0, w);
  }
  return close_tiles(w.own);
}

template <class T>
void fold_group(const Problem<T>& problem, const Entry<T>& entry, Workspace<T>& w) noexcept {
  Group<T>& g = w.group;
  RowState<T>& state = w.block->state;
  const auto& table = *problem.table;
  const std::int64_t p = problem.p, moments = problem.moment_columns();
  const std::int64_t width = problem.lane_values() ? p * table.lanes : problem.padded_values();
  T* sums = g.sums.data();
  T* columns = sums + header_columns;
  std::fill_n(sums, header_columns, T(0));
  for (int r = 0; r < g.rows; ++r) {
    table.close_lanes(g.header_lanes.data() + std::int64_t(r) * header_columns * table.lanes,
                      problem.full_header ? header_columns : 1, sums);
    T* values = problem.lane_values() ? columns : g.lanes.data() + r * width;
    if (problem.lane_values())
      table.close_lanes(g.lanes.data() + r * width, static_cast<int>(p), values);
    if (w.block->chunk > 0 && write_mean(problem, entry, r, sums[0], values, w)) continue;
    if (!problem.full_header) sums[2] = sums[0];
    sums[1] = g.own_weight[r];
    if (values != columns) std::copy_n(values, p, columns);
    state.count[static_cast<std::size_t>(g.slot[r])] += g.count[r];
    if (sums[2] == 0) continue;  // no weight in this chunk: not merged
    fold_row(problem,
             {sums, g.reference[r], w.chunk->scales.data(), w.chunk->extreme,
              moments > 0 ? g.moments.data() + r * moments : nullptr},
             state, g.slot[r], g);
  }
}

#define VICINAL_INSTANTIATE(T)                                                                 \
  template void take_rows(const Problem<T>&, const Entry<T>&, std::int64_t, int,               \
                          Workspace<T>&) noexcept;                                             \
  template void open_group(const Problem<T>&, Workspace<T>&) noexcept;                         \
  template void meet_tile(const Problem<T>&, const Entry<T>&, int, Workspace<T>&) noexcept;    \
  template T* score_tile(const Problem<T>&, const Entry<T>&, int, int, int,                    \
                         Workspace<T>&) noexcept;                                              \
  template T* find_candidates(const Problem<T>&, const Entry<T>&, int, const T*, T, LaneBits*, \
                              Workspace<T>&) noexcept;                                         \
  template void run_group(const Problem<T>&, const Entry<T>&, const Upcoming<T>&,              \
                          Workspace<T>&) noexcept;                                             \
  template bool stream_group(const Problem<T>&, const Entry<T>&, std::int64_t,                 \
                             Workspace<T>&) noexcept;                                          \
  template void fold_group(const Problem<T>&, const Entry<T>&, Workspace<T>&) noexcept;
VICINAL_INSTANTIATE(float)
VICINAL_INSTANTIATE(double)

}  // namespace vicinal
