"""Read the objects compiled for one instruction set: they export their tables, nothing else.

The linker keeps one copy of an inline function that several objects bring. Were it the copy of an
object with AVX-512, the library would crash on a machine without. And a function of libm would mean
that some operation on packs fell back to one call per lane.

    python check_objects.py NM OBJECT...
"""

import re
import subprocess
import sys

TABLE = re.compile(r"vicinal::kernels::table_\w+_f(32|64)")
# What a compiler may call for plain copies and fills; nothing else of libc or libm may appear.
ALLOWED_CALLS = {"memcpy", "memset", "memmove", "memcmp", "_GLOBAL_OFFSET_TABLE_"}


def symbols(nm, path, *options):
    """Return [(type, demangled name)]."""
    command = [nm, "--demangle", *options, path]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = (re.match(r"[0-9a-f ]*([A-Za-z]) (.*)", line) for line in listing.splitlines())
    return [match.groups() for match in lines if match]


def complaints(nm, path):
    exported = symbols(nm, path, "--extern-only", "--defined-only")
    tables = [name for kind, name in exported if TABLE.fullmatch(name) and kind in "DR"]
    if len(tables) != 2:
        yield f"tables in initialized data: {tables}; two are due"
    for kind, name in exported:
        if name not in tables:
            yield f"exports {name} ({kind})"
    for _, name in symbols(nm, path, "--undefined-only"):
        if name not in ALLOWED_CALLS:
            yield f"calls {name}"
    for _, name in symbols(nm, path, "--defined-only"):
        if name.startswith("_GLOBAL__sub_I_"):
            yield "runs code when it is loaded, on machines that may not know its instructions"


def main():
    nm, *paths = sys.argv[1:]
    found = [f"{path}: {complaint}" for path in paths for complaint in complaints(nm, path)]
    print(*found or [f"{len(paths)} objects export their tables and nothing else"], sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
