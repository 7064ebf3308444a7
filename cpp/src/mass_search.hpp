// Within what distance of a query a given mass of keys lies: selection by counts.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "prepared.hpp"

namespace vicinal {

// The keys of a tree in double, feature by feature, and their masses by position.
template <class T>
class MassedKeys {
 public:
  // `weights` by row of the keys; empty: one each.
  MassedKeys(const KeyTree<T>& keys, View<const T> rows, std::span<const double> weights);

  const KeyTree<T>& tree() const { return keys_; }
  int depth() const { return keys_.tree.depth; }
  double total() const { return before_.back(); }
  // Of the positions `first` up to `end`.
  double mass(std::int64_t first, std::int64_t end) const {
    return before_[static_cast<std::size_t>(end)] - before_[static_cast<std::size_t>(first)];
  }
  double weight(std::int64_t position) const {
    return weights_.empty() ? 1 : weights_[static_cast<std::size_t>(position)];
  }
  bool weighted() const { return !weights_.empty(); }
  // depth × tile_keys; lanes without a key are infinitely far.
  const double* leaf(std::int64_t leaf) const {
    return leaves_.data() + leaf * depth() * kernels::tile_keys;
  }
  // Keys at equal steps of the mass, depth × sample_size(); none of few keys.
  const double* sample() const { return sample_.data(); }
  int sample_size() const { return sample_size_; }

 private:
  const KeyTree<T>& keys_;
  std::vector<double> weights_, before_;
  Buffer<double> leaves_, sample_;
  int sample_size_ = 0;
};

// Searches groups of near queries. A sample of the keys brackets the distance of every query; one
// descent counts what is nearer than the bracket, by whole nodes where it can, and lists what lies
// in it. A bracket that missed is opened on the side where it did: the answer does not depend on
// it. One per worker.
template <class T>
class MassSearch {
 public:
  static constexpr int most_queries = 16;

  MassSearch(const MassedKeys<T>& keys, double mass);

  // Squared distances of queries in double, depth apart; +inf where all keys have less mass.
  void run(const double* queries, int count, double* squares);
  std::int64_t pairs() const { return pairs_; }

 private:
  struct Near {
    double square, weight;
    bool operator<(const Near& other) const { return square < other.square; }
  };
  struct Query {
    const double* point;
    double low, high;  // the bracket, both ends in it
    double below;      // mass of the keys nearer than that
    std::vector<Near> near;
  };

  void bracket(Query& query);
  void descend(const TreeNode& node, std::uint32_t open);
  void visit(Query& query, std::int64_t leaf);
  bool settle(Query& query, double& square);
  double last_of(std::vector<Near>& near, double mass);
  double square_of(const std::vector<Near>& near, int k);

  const MassedKeys<T>& keys_;
  const double mass_, reached_;  // rounded sums of weights may fall short of it
  std::array<Query, most_queries> queries_;
  Buffer<double> scores_, squares_;
  std::int64_t room_ = 0;  // of squares_
  std::int64_t pairs_ = 0;
};

extern template class MassedKeys<float>;
extern template class MassedKeys<double>;
extern template class MassSearch<float>;
extern template class MassSearch<double>;

}  // namespace vicinal
