"""Faults that some test must catch: each changes one place of the sources."""

from caches import FAULTS as CACHES
from fault import Fault
from gradients import FAULTS as GRADIENTS
from sets_and_maps import FAULTS as SETS_AND_MAPS

FAULTS = [
    # Signs, constants, comparisons
    Fault(
        "Laplace grows with distance",
        "cpp/src/lower_profile.cpp",
        "return exponential(Shape::exponential, -log2_e * inverse);",
        "return exponential(Shape::exponential, log2_e * inverse);",
    ),
    Fault(
        "Student's exponent without the one half",
        "cpp/src/lower_profile.cpp",
        "(k.shape + 1) / 2);",
        "(k.shape + 1));",
    ),
    Fault(
        "the edge of a uniform support is outside",
        "cpp/src/kernels/compact_profiles.hpp",
        "return select<T>(Pack<T>(p.scale) < s, zero<T>(), select<T>(s != s, s, one<T>()));",
        "return select<T>(s < Pack<T>(p.scale), one<T>(), select<T>(s != s, s, zero<T>()));",
    ),
    Fault(
        "ties of top_k go to the later key",
        "cpp/src/state.cpp",
        "index < indices[i]);",
        "index > indices[i]);",
    ),
    Fault(
        "a signed row is empty only at exactly 0",
        "cpp/src/results.cpp",
        "64 * static_cast<double>(std::numeric_limits<T>::epsilon()) * state.sum(row, 2)",
        "0 * state.sum(row, 2)",
    ),
    Fault(
        "variance forgets the mean",
        "cpp/src/results.cpp",
        "row.sum(base + 1 + row.problem.p + pair) / mass - za * zb;",
        "row.sum(base + 1 + row.problem.p + pair) / mass;",
    ),
    Fault(
        "log_mass forgets the shift of the priors",
        "cpp/src/results.cpp",
        "(reference + entry.prior_shift) * std::numbers::ln2",
        "reference * std::numbers::ln2",
    ),
    # Tiles, chunks, tails
    Fault(
        "the last tile of a chunk is dropped",
        "cpp/src/group.cpp",
        "for (int t = 0; t < w.chunk->tiles; ++t) {",
        "for (int t = 0; t < std::max(1, w.chunk->tiles - 1); ++t) {",
    ),
    Fault(
        "the last chunk is dropped",
        "cpp/src/schedule.cpp",
        "return (problem.n + keys - 1) / keys;",
        "return std::max<std::int64_t>(1, problem.n / keys);",
    ),
    Fault(
        "lanes past the last key count",
        "cpp/src/counts.cpp",
        "if (!s.flags.absent) return s.lanes;",
        "if (true) return tile_keys;",
    ),
    Fault(
        "absent keys pull the centre of a tile",
        "cpp/src/chunk.cpp",
        "sum += good[k] ? static_cast<double>(x) : 0.0;",
        "sum += static_cast<double>(column[k]);",
    ),
    Fault(
        "an own key is looked for in the wrong tile",
        "cpp/src/gates.cpp",
        "const std::int64_t own = g.own[r] - s.first;",
        "const std::int64_t own = (g.own[r] - s.first) % tile_keys;",
    ),
    Fault(
        "the offset of the keys is forgotten",
        "cpp/src/problem.hpp",
        "return own < problem.key_offset ? -1 : own - problem.key_offset;",
        "return own;",
    ),
    Fault(
        "top_k counts keys in 32 bits",
        "cpp/src/counts.cpp",
        "sign, s.problem.key_offset + s.entry.row_at(s.first + k));",
        "sign, int(s.problem.key_offset + s.entry.row_at(s.first + k)));",
    ),
    # References and rescaling
    Fault(
        "squares are rescaled once",
        "cpp/src/weights.cpp",
        "table.rescale(header + 3 * table.lanes, table.lanes, factor);  // squares scale twice",
        "",
    ),
    Fault(
        "own weights are not rescaled",
        "cpp/src/weights.cpp",
        "g.own_weight[r] *= factor;",
        "",
    ),
    Fault(
        "squares merge with the plain factor",
        "cpp/src/state.cpp",
        "if (c == 3) old_factor *= old_factor, factor *= factor;",
        "",
    ),
    Fault(
        "no row goes again",
        "cpp/src/block.cpp",
        "return !(mass >= least && mass <= std::numeric_limits<double>::max());",
        "return false;",
    ),
    Fault(
        "the peak rests on keys outside the support",
        "cpp/src/kernels/weigh.hpp",
        "select<T>(f == zero<T>(), Pack<T>(-infinity<T>), zero<T>()).store(tile + i);",
        "zero<T>().store(tile + i);",
    ),
    # Digits
    Fault(
        "merged sums lose their compensation",
        "cpp/src/state.cpp",
        "lo = lo * old_factor + low * factor + ((a - (s - t)) + (b - t));",
        "lo = lo * old_factor + low * factor;",
    ),
    Fault(
        "cancelled distances are trusted",
        "cpp/src/kernels/expanded.hpp",
        "return fma(sum, Pack<T>(T(-0.25)), squared);",
        "return fma(sum, Pack<T>(T(-1e-6)), squared);",
    ),
    Fault(
        "sketches are trusted to the last digit",
        "cpp/src/sketch_sieve.cpp",
        "sketch_slack(a.depth)",
        "0.0F",
    ),
    Fault(
        "the centre of a tile is not rounded",
        "cpp/src/kernels/center.hpp",
        "return rounded - rounded == 0 ? rounded : mean;",
        "return mean;",
    ),
    Fault(
        "moments are not moved when pieces have other centres",
        "cpp/src/partial.cpp",
        "piece.shift_moments(i, shifts[e], problem.covariance);",
        "",
    ),
    # Sharing of work
    Fault(
        "workers keep the caller's rounding mode",
        "cpp/src/parallel.cpp",
        "    const DefaultFloatingPoint modes;\n",
        "",
    ),
    Fault(
        "chunks fold as they come",
        "cpp/src/dense.cpp",
        "turn.load(std::memory_order_acquire) != c && !poll.stopped();",
        "turn.load(std::memory_order_acquire) < 0 && !poll.stopped();",
    ),
    Fault(
        "kernels share scores that differ in scale",
        "cpp/src/plan.cpp",
        "  return f == g;",
        "  return f.depth == g.depth;",
    ),
    Fault(
        "chunks without any weight merge",
        "cpp/src/group.cpp",
        "if (sums[2] == 0) continue;  // no weight in this chunk: not merged",
        "",
    ),
    # Special values
    Fault(
        "NaN queries are ordinary",
        "cpp/src/rows.cpp",
        "if (std::isnan(x)) return has_nan;",
        "",
    ),
    Fault(
        "values that are not finite count under weight 0",
        "cpp/src/sums.cpp",
        "if (w != 0) g.lanes",
        "g.lanes",
    ),
    Fault(
        "negative weights pass the door",
        "cpp/src/door.cpp",
        "if (!(w >= 0) || std::isinf(w))",
        "if (std::isnan(w) || std::isinf(w))",
    ),
    # The C ABI
    Fault(
        "an index forgets the metric of its kernel's profile",
        "cpp/src/c_index.cpp",
        "kernel.metric = metric_of(kernel);",
        "",
    ),
    Fault(
        "outputs of a search may overlap each other",
        "cpp/src/c_overlap.cpp",
        "for (std::size_t j = 0; j < i; ++j) check_pair(outputs[i], outputs[j]);",
        "",
    ),
    Fault(
        "a search that was interrupted looks finished",
        "cpp/src/c_search.cpp",
        "check_interrupted(lists.report);",
        "",
    ),
    # Python
    Fault(
        "integers decide the dtype",
        "python/vicinal/arrays.py",
        'if array is not None and array.dtype.kind == "f"}',
        "if array is not None}",
    ),
    Fault(
        "a weight of exactly 1 leaves in closed form",
        "python/vicinal/leave_one_out.py",
        "np.flatnonzero(weights <= 1), np.flatnonzero(weights > 1)",
        "np.flatnonzero(weights < 0.5), np.flatnonzero(weights >= 0.5)",
    ),
    Fault(
        "the trace counts equal rows several times",
        "python/vicinal/bandwidth/criteria.py",
        "rest = 1 - trace / sample.size",
        "rest = 1 - trace / len(sample.X)",
    ),
    Fault(
        "an empty row is charged nothing",
        "python/vicinal/bandwidth/criteria.py",
        "np.where(np.isnan(fitted), charged, fitted)",
        "np.where(np.isnan(fitted), y, fitted)",
    ),
    Fault(
        "NaN values are left out of every column",
        "python/vicinal/evaluate.py",
        "missing = np.isnan(problem.values[..., column])",
        "missing = np.isnan(problem.values).any(axis=-1)",
    ),
    *SETS_AND_MAPS,
    *CACHES,
    *GRADIENTS,
]
