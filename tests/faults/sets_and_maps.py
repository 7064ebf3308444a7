"""Faults of sets of neighbors, linear maps and encoders."""

from fault import Fault

FAULTS = [
    # Sets of neighbors
    Fault(
        "a window ends before its last key",
        "cpp/src/neighborhood.cpp",
        "std::clamp(position + set.after + 1, first",
        "std::clamp(position + set.after, first",
    ),
    Fault(
        "scores at a radius are trusted",
        "cpp/src/gates.cpp",
        "n.radius_score * (1 - error) - least",
        "n.radius_score * (1 + error) + least",
    ),
    Fault(
        "what & joins cuts after the k nearest",
        "cpp/src/lists.cpp",
        "find(*late[0], row, all, out);",
        "find(*late[0], row, {}, out);\n"
        "  std::erase_if(out, [&](std::int64_t key) { return !is_candidate_of(row, key, all); });",
    ),
    Fault(
        "lists count rows from the first query",
        "cpp/src/lists.cpp",
        "const std::int64_t number = row + n_.query_offset;",
        "const std::int64_t number = row;",
    ),
    Fault(
        "padding lanes of a list count",
        "cpp/src/pair_weigh.cpp",
        "std::fill(logs(term) + past, logs(term) + end, none<T>);",
        "std::fill(logs(term) + past, logs(term) + end, T(0));",
    ),
    Fault(
        "a hit in a list is not done again",
        "cpp/src/pair_weigh.cpp",
        "block.state.reference[slot] = std::numeric_limits<double>::infinity();",
        "static_cast<void>(slot);",
    ),
    Fault(
        "means are written whatever their sums",
        "cpp/src/kernels/mean_runs.hpp",
        "const bool done = are_tame<or_zero>(mean, a.columns);",
        "const bool done = true;",
    ),
    Fault(
        "sums of a graph may lose products that vanish",
        "cpp/src/kernels/mean_rows.hpp",
        "mean_of<false>(",
        "mean_of<true>(",
    ),
    Fault(
        "prior weights are forgotten beside the weights of a graph",
        "cpp/src/graph_means.cpp",
        "entry.weights == nullptr && ",
        "",
    ),
    Fault(
        "weights that cancel leave a mean",
        "cpp/src/kernels/mean_runs.hpp",
        "__builtin_fabs(static_cast<double>(header[0])) > floor *",
        "__builtin_fabs(static_cast<double>(header[0])) > 0 * floor *",
    ),
    Fault(
        "an edge that is stored twice counts twice",
        "python/vicinal/graph.py",
        "matrix.sum_duplicates()",
        "matrix.sort_indices()",
    ),
    # Linear maps and encoders
    Fault(
        "the second run of inputs starts from zero",
        "cpp/src/linear.cpp",
        ".adds = j > 0}",
        ".adds = j > kernels::product_run}",
    ),
    Fault(
        "a layer norm leaves the rest of the mean",
        "cpp/src/kernels/product.hpp",
        "((x - center) - fine) * scale",
        "(x - center) * scale",
    ),
    Fault(
        "a token meets the other sentences of its length",
        "python/vicinal/models/head_means.py",
        "run.length * taken.strides[0], *taken.strides",
        "taken.strides[0], *taken.strides",
    ),
    Fault(
        "tensors of a file may overlap",
        "python/vicinal/persistence/safetensors.py",
        "if first != end:",
        "if first > end:",
    ),
]
