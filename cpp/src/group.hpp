// One group of queries against one packed chunk: score, weigh, gate, reduce tile by tile, then fold
// into the state.
#pragma once

#include "workspace.hpp"

namespace vicinal {

// While the groups of a chunk compute, the chunk that the worker packs next travels to the
// second-level cache, a tile now and then: packing is bound by memory, computing is not.
template <class T>
struct Upcoming {
  const Entry<T>& entry;
  std::int64_t first;          // position of its first key
  std::int64_t group, groups;  // which of the present chunk's groups this is
  bool ends;                   // this chunk is the block's last: other rows come next

  // Position of the tile to fetch while the group meets tile t of `tiles`, or −1.
  std::int64_t tile(int t, int tiles) const {
    const std::int64_t step = group * tiles + t;
    return step % groups == 0 ? first + step / groups * kernels::tile_keys : -1;
  }
  // The time to fetch the rows of the next block: between the first tile and the second.
  bool is_between(int t, int tiles) const {
    return ends && groups > 1 && group * tiles + t == groups / 2;
  }
};

// The group takes `count` of the listed rows of the block, from number `first` on.
template <class T>
void take_rows(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first, int count,
               Workspace<T>& workspace) noexcept;

// The steps of run_group: nothing summed yet; then one tile of the workspace's chunk after another.
template <class T>
void open_group(const Problem<T>& problem, Workspace<T>& workspace) noexcept;
template <class T>
void meet_tile(const Problem<T>& problem, const Entry<T>& entry, int t,
               Workspace<T>& workspace) noexcept;

template <class T>
void run_group(const Problem<T>& problem, const Entry<T>& entry, const Upcoming<T>& upcoming,
               Workspace<T>& workspace) noexcept;

// Packs and runs the chunk from position `first` tile by tile: for a group that has it to itself,
// each tile meets its queries while it is in the nearest cache. False: a value column needs
// scaling, so the chunk is to be packed and run instead.
template <class T>
bool stream_group(const Problem<T>& problem, const Entry<T>& entry, std::int64_t first,
                  Workspace<T>& workspace) noexcept;

// The scores of `count` of the group's queries against tile t of the chunk, by the first factor of
// the kernel. Returns where those of the group stand.
template <class T>
T* score_tile(const Problem<T>& problem, const Entry<T>& entry, int t, int first, int count,
              Workspace<T>& workspace) noexcept;

// Of an expanded first factor, or of inner products with their signs turned, the scores at most the
// limits of their rows: their bits, and the others are not to be read. `slack` as in
// Table::candidates.
template <class T>
T* find_candidates(const Problem<T>& problem, const Entry<T>& entry, int t, const T* limits,
                   T slack, LaneBits* bits, Workspace<T>& workspace) noexcept;

// Adds the group's chunk sums to the rows of the block's state, or writes their means.
template <class T>
void fold_group(const Problem<T>& problem, const Entry<T>& entry, Workspace<T>& workspace) noexcept;

}  // namespace vicinal
