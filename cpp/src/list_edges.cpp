// Lists of a graph whose edges have numbers.
#include <algorithm>
#include <numeric>

#include "lists.hpp"
#include "set_keys.hpp"

namespace vicinal {

using Kind = NeighborSet::Kind;

// The graph's own order and numbers; what else is in the set cuts.
template <class T>
void ListMaker<T>::cut_graph(std::int64_t row, RowList<T>& list) {
  Cut parts, cut;
  std::int64_t k = problem_.n;
  flatten(n_.set, parts);
  for (const NeighborSet* s : parts) {
    if (s->kind == Kind::nearest)
      k = std::min(k, s->k);
    else if (s != n_.graph)
      cut.push_back(s);
  }
  const auto at = static_cast<std::size_t>(row + n_.query_offset);
  const auto edges = n_.graph->template edges<T>();
  const KeyRange keys{problem_.key_offset, problem_.n};
  for (std::int64_t i = n_.graph->indptr[at]; i < n_.graph->indptr[at + 1]; ++i) {
    const std::int64_t number = n_.graph->key_of_edge(i), key = number - problem_.key_offset;
    if (!keys.holds(number) || !is_candidate_of(row, key, cut)) continue;
    list.own_keys.push_back(key);
    list.own_edges.push_back(edges[static_cast<std::size_t>(i)]);
  }
  if (std::ssize(list.own_keys) > k) keep_nearest(k, list);
}

// Those with the k smallest distances, ties by row, in the order in which they stand.
template <class T>
void ListMaker<T>::keep_nearest(std::int64_t k, RowList<T>& list) {
  auto& keys = list.own_keys;
  auto& edges = list.own_edges;
  std::vector<std::size_t> places(keys.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::nth_element(places.begin(), places.begin() + k, places.end(),
                   [&](std::size_t a, std::size_t b) {
                     return edges[a] != edges[b] ? edges[a] < edges[b] : keys[a] < keys[b];
                   });
  places.resize(static_cast<std::size_t>(k));
  std::sort(places.begin(), places.end());
  for (std::size_t i = 0; i < places.size(); ++i) {
    keys[i] = keys[places[i]];
    edges[i] = edges[places[i]];
  }
  keys.resize(places.size());
  edges.resize(places.size());
}

template void ListMaker<float>::cut_graph(std::int64_t, RowList<float>&);
template void ListMaker<double>::cut_graph(std::int64_t, RowList<double>&);

}  // namespace vicinal
