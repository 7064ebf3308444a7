// Whether the arrays of a call fit together: shapes, strides, pointers. Each throws
// std::invalid_argument naming the argument, what came and the rule.
#pragma once

#include <string>

#include "problem.hpp"

namespace vicinal {

std::string shape_of(std::int64_t rows, std::int64_t columns);

// Sums with a row number stay inside int64.
void check_offset(const char* name, std::int64_t offset);

// Points or values; `what` their columns are.
template <class T>
void check_source(const char* name, const View<T>& view, const char* what);

// Items are computed with the strides of the first.
template <class T>
void check_alike(const Statistics<T>& first, const Statistics<T>& item);
template <class T>
void check_item(const BatchItem<T>& item, const Problem<T>& problem);

// Whether the call can meet keys that stand in pages, if they do.
template <class T>
void check_pages(const Problem<T>& problem);

}  // namespace vicinal
