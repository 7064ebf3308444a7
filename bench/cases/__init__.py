"""What is raced, one idea per file. Each module has `cases()`; building one allocates its data."""

from . import (
    attention,
    bandwidth,
    few_queries,
    float64,
    gaussian,
    growth,
    kernels,
    latency,
    softmax,
)

MODULES = [
    gaussian,
    softmax,
    attention,
    few_queries,
    float64,
    kernels,
    bandwidth,
    growth,
    latency,
]
