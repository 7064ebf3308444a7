"""Faults of gradients, of panels of keys that are left out, and of attention's sets and maps."""

from fault import Fault

FAULTS = [
    # Sums over the rows of a key
    Fault(
        "blocks of rows add up as they come",
        "cpp/src/gradient_dense.cpp",
        "turn_.load(std::memory_order_acquire) != turn && !poll_.stopped();",
        "turn_.load(std::memory_order_acquire) < 0 && !poll_.stopped();",
    ),
    Fault(
        "the last block of rows is dropped",
        "cpp/src/gradient_dense.cpp",
        "blocks_((g.problem.m + rows_ - 1) / rows_)",
        "blocks_(std::max<std::int64_t>(1, g.problem.m / rows_))",
    ),
    Fault(
        "blocks behind the first are not added",
        "cpp/src/gradient_dense.cpp",
        "g_.problem.table->add_wide(from, count, into);",
        "static_cast<void>(from);",
    ),
    Fault(
        "rows of infinite weight have no gradient",
        "cpp/src/gradient_dense.cpp",
        "{GradientRow::ordinary, GradientRow::hit})",
        "{GradientRow::ordinary})",
    ),
    Fault(
        "blocks of lists add up as they come",
        "cpp/src/gradient_lists.cpp",
        "turn_.load(std::memory_order_acquire) != b && !poll_.stopped();",
        "turn_.load(std::memory_order_acquire) < 0 && !poll_.stopped();",
    ),
    Fault(
        "the last block of lists is dropped",
        "cpp/src/gradient_lists.cpp",
        "const std::int64_t blocks = (g_.problem.m + block_of_rows - 1) / block_of_rows;",
        "const std::int64_t blocks = std::max<std::int64_t>(1, g_.problem.m / block_of_rows);",
    ),
    # Pulls
    Fault(
        "the last of the widest features pulls",
        "cpp/src/kernels/gradient.hpp",
        "index = select<T>(best < size, Pack<T>(T(j)), index);",
        "index = select<T>(size < best, index, Pack<T>(T(j)));",
    ),
    Fault(
        "the antipode pulls without end",
        "cpp/src/kernels/gradient.hpp",
        "select<T>(rest == zero<T>(), zero<T>(), diameter * diameter * bend);",
        "diameter * diameter * bend;",
    ),
    # Rows
    Fault(
        "masses of a forward pass are trusted at any size",
        "cpp/src/gradient.cpp",
        "sizeof(T) == 4 ? 32 : 1e6;",
        "sizeof(T) == 4 ? 1e30 : 1e30;",
    ),
    Fault(
        "the shift of the priors counts twice in a given mass",
        "cpp/src/gradient.cpp",
        "g.problem.entries[e].prior_shift;",
        "2 * g.problem.entries[e].prior_shift;",
    ),
    Fault(
        "a call without queries leaves the gradients of keys as they were",
        "cpp/src/gradient.cpp",
        "for (const GradientItem<T>& item : batch) clear_keys(item);",
        "static_cast<void>(clear_keys<T>);",
    ),
    Fault(
        "the log-mass pulls the other way",
        "cpp/src/gradient_pack.cpp",
        "static_cast<T>(offset - of_mass)",
        "static_cast<T>(offset + of_mass)",
    ),
    Fault(
        "bandwidths per feature lose their digits far from 0",
        "cpp/src/gradient_results.cpp",
        "(static_cast<double>(row[j]) - origin_[j]) * gradient[j];",
        "static_cast<double>(row[j]) * gradient[j];",
    ),
    Fault(
        "an array for the gradient of the bias is not cleared in C",
        "cpp/src/c_gradient.cpp",
        "if (item.bias != nullptr) std::fill_n(item.bias, x.m * x.n, T(0));",
        "",
    ),
    # Panels and windows
    Fault(
        "a panel is left out when its first row drops it",
        "cpp/src/gates.cpp",
        "all[w] &= g.dropped[r][w];",
        "all[w] &= g.dropped[0][w];",
    ),
    Fault(
        "a panel is left out when its last lane is",
        "cpp/src/gates.cpp",
        "panels |= static_cast<Panels>(all[w] != ~std::uint64_t{0}) << w;",
        "panels |= static_cast<Panels>(all[w] >> 63 == 0) << w;",
    ),
    Fault(
        "pairs of panels that were not scored have weights",
        "cpp/src/gradient_weigh.cpp",
        "s.drop(s.logs(i), none<T>);",
        "",
    ),
    Fault(
        "a group meets what its first row sees",
        "cpp/src/gates.cpp",
        "range_of(gate, b, problem.key_offset, problem.n).end > first;",
        "range_of(gate, a, problem.key_offset, problem.n).end > first;",
    ),
    Fault(
        "the first row of a segment belongs to the one before",
        "cpp/src/neighborhood.cpp",
        "std::upper_bound(set.query_offsets.begin(), set.query_offsets.end(), row);",
        "std::lower_bound(set.query_offsets.begin(), set.query_offsets.end(), row);",
    ),
    Fault(
        "windows of segments count from their starts",
        "cpp/src/neighborhood.cpp",
        "set.at_end ? end - set.query_offsets[at + 1]",
        "set.at_end ? first - set.query_offsets[at]",
    ),
    Fault(
        "a window looks into the next segment",
        "cpp/src/neighborhood.cpp",
        "static_cast<double>(set.offset), {first, end});",
        "static_cast<double>(set.offset), {first, end + 1});",
    ),
    # Linear maps
    Fault(
        "the last panels of a map are dropped",
        "cpp/src/linear.cpp",
        "return (panels + columns - 1) / columns;",
        "return std::max<std::int64_t>(1, panels / columns);",
    ),
    Fault(
        "every panel adds the residual of the first",
        "cpp/src/linear.cpp",
        "adds ? residual.row(first) + c : nullptr,",
        "adds ? residual.row(first) : nullptr,",
    ),
    Fault(
        "rows of a turn share their sums with the next worker",
        "cpp/src/linear.cpp",
        "sums.data() + worker * scratch);",
        "sums.data() + 0 * worker * scratch);",
    ),
    Fault(
        "queries that hold NaN have the gradient 0",
        "cpp/src/gradient_results.cpp",
        "const bool spoiled = g_.rows[at_][at].kind == GradientRow::spoiled;",
        "const bool spoiled = false;",
    ),
    Fault(
        "a unit vector is pulled along itself",
        "cpp/src/gradient_pack.cpp",
        "* (along / square)) * inverse;",
        "* 0) * inverse;",
    ),
    Fault(
        "infinite values are part of the center",
        "cpp/src/gradient_pack.cpp",
        "if (!std::isfinite(y)) continue;",
        "",
    ),
    Fault(
        "a bias keeps its gradient in 32 lanes",
        "cpp/src/gradient_tile.cpp",
        "for (int k = 0; k < step.s.lanes; ++k)",
        "for (int k = 0; k < std::min(32, step.s.lanes); ++k)",
    ),
    # Chunks, lists and rows that end
    Fault(
        "sums of an earlier chunk are kept",
        "cpp/src/gradient_dense.cpp",
        "std::fill_n(into, count, 0.0);",
        "static_cast<void>(into);",
    ),
    Fault(
        "what rows got from an earlier chunk counts again",
        "cpp/src/gradient_dense.cpp",
        "kept.clear();",
        "static_cast<void>(0);",
    ),
    Fault(
        "values of a gradient are not centered",
        "cpp/src/gradient_pack.cpp",
        "if (t == 0) find_center(g, entry, chunk);",
        "if (t < 0) find_center(g, entry, chunk);",
    ),
    Fault(
        "log-masses of a graph of numbers do not pull",
        "cpp/src/gradient_lists.cpp",
        "double difference = g_.log_mass_gradient(item_, row);",
        "double difference = 0;",
    ),
    Fault(
        "a graph of numbers gives a bias no gradient",
        "cpp/src/gradient_lists.cpp",
        "if (item.bias != nullptr)",
        "if (item.bias != nullptr && e < 0)",
    ),
    Fault(
        "hits in a list count as ordinary rows",
        "cpp/src/gradient_lists.cpp",
        "w.worker.hits = kind == GradientRow::hit;",
        "w.worker.hits = false;",
    ),
    Fault(
        "a unit vector of chosen features is the row from its start",
        "cpp/src/gradient_pack.cpp",
        "const double x = static_cast<double>(row[column(j)]);",
        "const double x = static_cast<double>(row[j]);",
    ),
    Fault(
        "a mass below zero loses its sign",
        "cpp/src/gradient.cpp",
        "std::exp2(size - even) * (mass < 0 ? -1 : 1)",
        "std::exp2(size - even)",
    ),
    Fault(
        "a given mass that is NaN is one of no weight",
        "cpp/src/gradient.cpp",
        "std::isnan(log)   ? GradientRow::spoiled",
        "std::isnan(log)   ? GradientRow::still",
    ),
    Fault(
        "the bandwidth of a query that holds NaN has the gradient 0",
        "cpp/src/gradient_results.cpp",
        "spoiled ? nan : static_cast<T>(power_of_bandwidth() * scores_[at] / h);",
        "static_cast<T>(power_of_bandwidth() * scores_[at] / h);",
    ),
    Fault(
        "sets count the rows of a strip from its start",
        "cpp/src/gates.cpp",
        "range_of(gate, row + n.query_offset, s.problem.key_offset, s.problem.n);",
        "range_of(gate, row, s.problem.key_offset, s.problem.n);",
    ),
    Fault(
        "layer norms read the first rows again",
        "cpp/src/linear.cpp",
        "table.layer_norm({.rows = x.row(t * rows),",
        "table.layer_norm({.rows = x.row(0 * t * rows),",
    ),
    # Rows that are read where they stand
    Fault(
        "queries of a group are read as if none was left out",
        "cpp/src/gradient_pack.cpp",
        "group.index[group.rows - 1] - group.index[0] == group.rows - 1",
        "group.index[group.rows - 1] >= group.index[0]",
    ),
    Fault(
        "keys that nobody sees are read where they stand",
        "cpp/src/gradient_pack.cpp",
        "if (entry.order != nullptr || flags.absent ||",
        "if (entry.order != nullptr ||",
    ),
]
