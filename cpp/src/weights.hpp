// A tile of scores → a tile of weights: profiles, priors, bias, masks, and the reference they are
// taken against.
#pragma once

#include "step.hpp"

namespace vicinal {

// What the scores of one factor of a term are computed from, for the group's rows from `first` on;
// out is that of all rows, and the arguments' `source` is the caller's.
template <class T>
ScoreArguments<T> score_arguments(const Step<T>& step, std::size_t term, std::size_t factor,
                                  int first, T* out, PairSource<T>& source) noexcept;
// The scores themselves, of `count` rows.
template <class T>
void score_rows(const Step<T>& step, std::size_t term, std::size_t factor, int first, int count,
                T* out) noexcept;
// Of all rows, kept or reused where kernels share them; and which keys are beyond the radius.
template <class T>
void score_factor(const Step<T>& step, std::size_t term, std::size_t factor, T* out) noexcept;

// Adds the bias of every pair to the log2-weights of a term.
template <class T>
void add_bias(const Step<T>& step, std::size_t term) noexcept;

// Weights relative to 1: kernels without log-weights above 0.
template <class T>
void weigh_fixed(const Step<T>& step) noexcept;

// The weights are exponentials of scores and nothing else: weigh_peak sums them, too.
template <class T>
bool is_softmax(const Step<T>& step) noexcept;

// Weights relative to the largest of the chunk so far, which may move.
template <class T>
void weigh_peak(const Step<T>& step) noexcept;

}  // namespace vicinal
