"""What is raced, one idea per file. Each module has `cases()`; building one allocates its data."""

from . import (
    attention,
    attention_rules,
    bandwidth,
    density,
    diffusion,
    embedding,
    encoder,
    few_queries,
    fits,
    float64,
    gaussian,
    gradients,
    growth,
    images,
    kernels,
    latency,
    lists,
    mean_shift,
    memory,
    nearest,
    pruned_mean,
    rules,
    scale,
    softmax,
    tolerance,
)

GROUPS = {
    # every pair is computed
    "dense": [
        gaussian,
        softmax,
        few_queries,
        float64,
        kernels,
        bandwidth,
        growth,
        latency,
    ],
    # most pairs are left out
    "sparse": [density, pruned_mean, nearest, scale, tolerance, lists],
    # whole models
    "models": [mean_shift, embedding],
    # heads, gradients, the Transformer
    "attention": [attention, attention_rules, gradients, encoder],
    # the rest of the family
    "family": [memory, diffusion, images, rules, fits],
}
