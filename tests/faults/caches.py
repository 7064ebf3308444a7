"""Faults of key caches: their pages, and how the engine reads them."""

from fault import Fault

FAULTS = [
    Fault(
        "what was refused stays in the cache",
        "python/vicinal/paged_sequences.py",
        "self.keep(before[0])",
        "pass",
    ),
    Fault(
        "one writes into a page that others hold",
        "python/vicinal/paged_sequences.py",
        "return inside > 0 and self.opened.is_shared(self._tables[number][-1])",
        "return False",
    ),
    Fault(
        "pages that nobody holds are lost",
        "python/vicinal/key_pages.py",
        "self._free.append(page)",
        "pass",
    ),
    Fault(
        "rules of bandwidths are forgotten",
        "python/vicinal/attend.py",
        "return resolved(part, rule, terms.kernel, terms.metric)",
        "return part",
    ),
    Fault(
        "a tile that several pages hold is read from the first",
        "cpp/src/problem.hpp",
        "first % problem.page_rows + count <= problem.page_rows);",
        "problem.page_rows > 0);",
    ),
    Fault(
        "near pairs of several pages are scored from the first",
        "cpp/src/weights.cpp",
        "source.key_rows = s.w.key_rows.data();",
        "source.key_rows = nullptr;",
    ),
]
