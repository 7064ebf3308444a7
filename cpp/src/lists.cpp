#include "lists.hpp"

#include <algorithm>
#include <cmath>

#include "searched_sets.hpp"
#include "set_keys.hpp"

namespace vicinal {

using Kind = NeighborSet::Kind;
using kernels::group_rows;

template <class T>
ListMaker<T>::ListMaker(std::int64_t groups, const Problem<T>& problem, const Entry<T>& entry,
                        const NearestSource<T>* source, const ColumnTrees<T>* columns, Poll& poll)
    : problem_(problem),
      entry_(entry),
      n_(*problem.neighborhood),
      source_(source),
      columns_(columns),
      poll_(poll),
      lists_(static_cast<std::size_t>(groups * group_rows<T>)) {
  if (n_.set.kind == Kind::graph && !filters_keys(problem, entry) && !n_.is_piece) whole_ = &n_.set;
  if (source_ == nullptr) return;
  in_tree_order_ = lists_in_tree_order(problem, entry);
  if (n_.metric.terms.empty())
    pair_search_ = std::make_unique<PairSearch<T>>(problem, entry, source_->keys());
  for (const NearestSearch& s : nearest_searches(problem, entry)) {
    const bool radii_alone = std::all_of(s.cut.begin(), s.cut.end(), is_radius);
    const auto admits = [this, cut = s.cut](std::int64_t row, std::int64_t key) {
      return is_candidate_of(row, key, cut);
    };
    add_search(s.set, s.cut,
               radii_alone && !entry.mask ? Restriction{} : Restriction{admits, s.cut});
  }
  std::vector<const NeighborSet*> radii;
  find_radii(n_.set, radii);
  for (const NeighborSet* set : radii) add_search(set, {}, {});
}

template <class T>
void ListMaker<T>::add_search(const NeighborSet* set, const Cut& cut,
                              const Restriction& restriction) {
  searches_.push_back({set, cut, nullptr});
  if (pair_search_ != nullptr) return;
  searches_.back().search = std::make_unique<BlockSearch<T>>(
      most_rows() / group_rows<T>, source_->problem(), source_->entry(), source_->packed(), set->k,
      set->radius, restriction);
}

template <class T>
std::int64_t ListMaker<T>::pairs_searched() const {
  std::int64_t pairs = pair_search_ == nullptr ? 0 : pair_search_->pairs();
  for (const Search& s : searches_) pairs += s.search == nullptr ? 0 : s.search->pairs();
  return pairs;
}

template <class T>
void ListMaker<T>::run(std::span<const std::int64_t> rows) {
  for (Search& search : searches_) search.ready = false;
  rows_ = rows;
  for (r_ = 0; r_ < rows.size() && !poll_.stopped(); ++r_) {
    RowList<T>& list = lists_[r_];
    if (whole_ != nullptr) {
      take_whole(rows[r_], list);
      continue;
    }
    list.own_keys.clear();
    list.own_edges.clear();
    if (n_.graph != nullptr)
      cut_graph(rows[r_], list);
    else
      find(n_.set, rows[r_], {}, list.own_keys);
    if (in_tree_order_) {  // keys that stand near together
      const std::int64_t* position = source_->entry().position;
      std::sort(list.own_keys.begin(), list.own_keys.end(), [&](std::int64_t a, std::int64_t b) {
        return position[a] != position[b] ? position[a] < position[b] : a < b;
      });
    }
    list.keys = list.own_keys;
    list.edges = list.own_edges;
  }
}

// A row of the graph as it stands.
template <class T>
void ListMaker<T>::take_whole(std::int64_t row, RowList<T>& list) {
  const auto at = static_cast<std::size_t>(row + n_.query_offset),
             first = static_cast<std::size_t>(whole_->indptr[at]),
             size = static_cast<std::size_t>(whole_->indptr[at + 1]) - first;
  if (whole_->short_indices.empty()) {
    list.keys = whole_->indices.subspan(first, size);
  } else {
    const auto keys = whole_->short_indices.subspan(first, size);
    list.own_keys.assign(keys.begin(), keys.end());
    list.keys = list.own_keys;
  }
  if (n_.graph != nullptr) list.edges = whole_->template edges<T>().subspan(first, size);
}

// Candidates that pass the cut and lie in the set, by row.
template <class T>
void ListMaker<T>::find(const NeighborSet& set, std::int64_t row, const Cut& cut, Keys& out) {
  if (set.kind == Kind::nearest) return find_nearest(set, row, cut, out);
  Cut all = cut;
  if (!has_nearest(set)) {
    flatten(set, all);
    return find_members(row, all, out);
  }
  Keys part, joined;
  if (set.kind == Kind::either) {
    for (const NeighborSet& side : set.parts) {
      part.clear();
      joined.clear();
      find(side, row, cut, part);
      std::set_union(out.begin(), out.end(), part.begin(), part.end(), std::back_inserter(joined));
      out.swap(joined);
    }
    return;
  }
  Cut parts, late;
  flatten(set, parts);
  for (const NeighborSet* s : parts) (has_nearest(*s) ? late : all).push_back(s);
  find(*late[0], row, all, out);
  for (std::size_t i = 1; i < late.size(); ++i) {
    part.clear();
    joined.clear();
    find(*late[i], row, all, part);
    std::set_intersection(out.begin(), out.end(), part.begin(), part.end(),
                          std::back_inserter(joined));
    out.swap(joined);
  }
}

// What the tree holds of one searched set for the row in question; nothing: it is not searched.
template <class T>
std::optional<std::span<const Found>> ListMaker<T>::search(const NeighborSet* set) {
  const auto at = std::find_if(searches_.begin(), searches_.end(),
                               [&](const Search& s) { return s.set == set; });
  if (at == searches_.end()) return {};
  const std::int64_t row = rows_[r_];
  if (at->search == nullptr)
    return pair_search_->run(
        row, set->k, [&, this](std::int64_t key) { return is_candidate_of(row, key, at->cut); });
  if (!at->ready) at->search->run(rows_);
  at->ready = true;
  return at->search->found(r_);
}

template <class T>
void ListMaker<T>::find_nearest(const NeighborSet& set, std::int64_t row, const Cut& cut,
                                Keys& out) {
  const auto window = narrowest(row, cut);
  const bool few = window && are_few(std::ssize(*window), set.k, problem_.n);
  if (const auto found =
          few ? std::nullopt : search(&set)) {  // those beyond a radius are the last of the k
    for (const Found& f : *found)
      if (std::all_of(cut.begin(), cut.end(), [&](const NeighborSet* s) {
            return !is_radius(s) || holds(n_, *s, problem_, entry_, row, f.row);
          }))
        out.push_back(f.row);
    std::sort(out.begin(), out.end());
    return;
  }
  const std::int64_t k = set.k;
  find_members(row, cut, out);
  if (std::ssize(out) <= k) return;
  ranked_.clear();
  const T* q = entry_.queries + row * problem_.query_stride;
  for (const std::int64_t key : out) {
    const T* x = entry_.keys + key * problem_.key_stride;
    const double rank = n_.metric.terms.empty() ? pair_distance(problem_, q, x)
                                                : pair_rank(n_.metric.terms[0].factors[0], q, x);
    ranked_.emplace_back(std::isnan(rank) ? std::numeric_limits<double>::infinity() : rank, key);
  }
  std::nth_element(ranked_.begin(), ranked_.begin() + k, ranked_.end());
  out.clear();
  for (std::int64_t i = 0; i < k; ++i) out.push_back(ranked_[static_cast<std::size_t>(i)].second);
  std::sort(out.begin(), out.end());
}

template <class T>
bool ListMaker<T>::is_candidate_of(std::int64_t row, std::int64_t key, const Cut& cut) {
  if (++tested_ % 65536 == 0) poll_.look();
  if (poll_.stopped()) return false;
  return is_unbiased_candidate(problem_, entry_, row, key) &&
         std::all_of(cut.begin(), cut.end(), [&](const NeighborSet* s) {
           return holds(n_, *s, problem_, entry_, row, key);
         });
}

// Keys that lie in all of the sets.
template <class T>
void ListMaker<T>::find_members(std::int64_t row, const Cut& sets, Keys& out) {
  Cut rest = sets;
  const bool small =
      std::any_of(sets.begin(), sets.end(), [](const NeighborSet* s) { return cost_of(*s) == 0; });
  if (small || (!list_window(row, rest, out) && !list_ball(rest, out)))
    list_cheapest(row, rest, out);
  std::erase_if(out, [&](std::int64_t key) { return !is_candidate_of(row, key, rest); });
}

// The keys near the narrowest window on a column among the sets, where these stand in trees.
template <class T>
auto ListMaker<T>::narrowest(std::int64_t row, const Cut& cut) const
    -> std::optional<std::span<const std::int64_t>> {
  std::optional<std::span<const std::int64_t>> least;
  if (columns_ == nullptr) return least;
  for (const NeighborSet* set : cut) {
    if (set->kind != Kind::column_window) continue;
    const auto keys = columns_->near(*set, entry_.queries + row * problem_.query_stride);
    if (!least || keys.size() < least->size()) least = keys;
  }
  return least;
}

// The keys in it, where no other set is likely to hold fewer.
template <class T>
bool ListMaker<T>::list_window(std::int64_t row, const Cut& sets, Keys& out) {
  constexpr std::int64_t few = 512;  // take as long as the search of a ball
  const auto window = narrowest(row, sets);
  if (!window) return false;
  std::int64_t others = problem_.n;
  for (const NeighborSet* set : sets) {
    if (is_radius(set)) others = std::min(others, few);
    if (set->kind != Kind::window && set->kind != Kind::segments) continue;
    const RowRange range = range_of(*set, row + n_.query_offset, problem_.key_offset, problem_.n);
    others = std::min(others, range.end - range.first);
  }
  if (std::ssize(*window) > others) return false;
  for (const std::int64_t key : *window)
    if (is_candidate_of(row, key, sets)) out.push_back(key);
  std::sort(out.begin(), out.end());
  return true;
}

// Keys within a radius that was searched, if there is one among the sets; it is then done with.
template <class T>
bool ListMaker<T>::list_ball(Cut& rest, Keys& out) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (!is_radius(rest[i])) continue;
    const auto found = search(rest[i]);
    if (!found) continue;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    for (const Found& f : *found) out.push_back(f.row);
    std::sort(out.begin(), out.end());
    return true;
  }
  return false;
}

// The keys of the set that holds fewest, which is then done with.
template <class T>
void ListMaker<T>::list_cheapest(std::int64_t row, Cut& rest, Keys& out) {
  const std::int64_t number = row + n_.query_offset;
  const KeyRange keys{problem_.key_offset, problem_.n};
  const auto first = std::min_element(
      rest.begin(), rest.end(),
      [](const NeighborSet* a, const NeighborSet* b) { return cost_of(*a) < cost_of(*b); });
  if (first == rest.end()) {
    list_keys({}, number, keys, out);
    return;
  }
  if ((*first)->kind == Kind::either) {
    Keys part, joined;
    for (const NeighborSet& side : (*first)->parts) {
      part.clear();
      joined.clear();
      find(side, row, {}, part);
      std::set_union(out.begin(), out.end(), part.begin(), part.end(), std::back_inserter(joined));
      out.swap(joined);
    }
  } else {
    list_keys(**first, number, keys, out);
    if (cost_of(**first) == 3) return;  // all keys: the set itself is tested
  }
  rest.erase(first);
}

template class ListMaker<float>;
template class ListMaker<double>;

}  // namespace vicinal
