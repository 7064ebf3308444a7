"""The table of docs/c-errors.md is that of c/status.h, row by row.

python check_error_table.py status.h c-errors.md
"""

import re
import sys
from pathlib import Path


def main():
    header, page = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:])
    declared = re.findall(r'X\((VICINAL_\w+), (\d+),[\s\\]*"(.*?)"\)', header)
    shown = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert declared, "no table in the header"
    assert [(name, number, text) for number, name, text in shown] == declared, (shown, declared)
    print(f"{len(declared)} statuses, the same in both")


if __name__ == "__main__":
    main()
