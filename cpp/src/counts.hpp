// What is known of single pairs: their number, the heaviest of them, the own key, the weights asked
// out.
#pragma once

#include "step.hpp"

namespace vicinal {

// Adds this tile to the rows' counts, from weights or from log2-weights.
template <class T>
void count_fixed(const Step<T>& step) noexcept;
template <class T>
void count_logs(const Step<T>& step) noexcept;

// Offers every pair to the k heaviest of its row.
template <class T>
void offer_ranks(const Step<T>& step, bool have_factors, std::size_t term = 0) noexcept;

template <class T>
void take_own_weights(const Step<T>& step) noexcept;
template <class T>
void write_weights(const Step<T>& step) noexcept;

}  // namespace vicinal
