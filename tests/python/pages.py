"""The code of the pages of the documentation, run as a reader would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"


def run(page: str, *, after: str = "") -> dict[str, Any]:
    """Run the Python blocks of a page, or of what comes after a heading; return their names."""
    text = (DOCS / page).read_text(encoding="utf-8")
    assert after in text
    blocks = re.findall(
        r"^```python\n(.*?)^```", text.partition(after)[2] if after else text, re.M | re.S
    )
    assert blocks
    names: dict[str, Any] = {}
    exec("\n".join(blocks), names)
    return names
