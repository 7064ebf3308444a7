"""What a seeded fault is."""

from typing import NamedTuple


class Fault(NamedTuple):
    """Replace `before`, which stands once in `file`, by `after`."""

    name: str
    file: str
    before: str
    after: str
