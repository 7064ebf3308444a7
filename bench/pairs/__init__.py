"""Models and their incumbents, a section of docs/evidence.md per file, each with `pairs()`."""

from . import denoising, earlier, fuzzy, images, localizing, memory, regression, series

GROUPS = {
    "regression": regression,
    "localizing": localizing,
    "memory": memory,
    "fuzzy": fuzzy,
    "images": images,
    "denoising": denoising,
    "series": series,
    "earlier": earlier,
}
