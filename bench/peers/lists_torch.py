"""torch over given lists: embedding_bag, a sparse product; weights computed by a pipeline."""

import warnings

import numpy as np

from .contender import Contender, Missing, Unsuited
from .torch_matmul import torch


def _tensors(threads, *arrays):
    if torch is None:
        raise Missing("pip install torch")
    torch.set_num_threads(threads)
    return tuple(torch.from_numpy(array) for array in arrays)


def _known(problem, threads):
    """Return indices, weights that sum to one, and values; 32-bit indices are the faster."""
    if problem.weights is None:
        raise Unsuited("weights are to be computed")
    weights = problem.weights / problem.weights.sum(1, keepdims=True)
    return _tensors(threads, problem.indices.astype("int32"), weights, problem.values)


def _bags(indices, weights, values):
    bag = torch.nn.functional.embedding_bag
    return bag(indices, values, mode="sum", per_sample_weights=weights)


def _embedding_bag(problem, threads):
    arrays = _known(problem, threads)

    def call():
        with torch.inference_mode():
            return _bags(*arrays).numpy()

    return call


def _sparse(problem, threads):
    indices, weights, values = _known(problem, threads)
    m, k = indices.shape
    starts = torch.arange(0, m * k + 1, k, dtype=torch.int32)
    shape = (m, len(values))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # sparse tensors are "in beta state"
        matrix = torch.sparse_csr_tensor(starts, indices.ravel(), weights.ravel(), shape)

    def call():
        with torch.inference_mode():
            return (matrix @ values).numpy()

    return call


def _pipeline(block_bytes):
    """Gather, distances, exp and sums over blocks of so many bytes of gathered coordinates."""

    def prepare(problem, threads):
        if problem.weights is not None:
            raise Unsuited("weights are given")
        indices = problem.indices.astype("int32")
        arrays = (indices, problem.queries, problem.keys, problem.values)
        indices, queries, keys, values = _tensors(threads, *arrays)
        factor = -0.5 / problem.bandwidth**2
        m, k = indices.shape
        rows = int(np.clip(block_bytes // (k * problem.keys[0].nbytes), 1, m))
        out = torch.empty((m, problem.p), dtype=values.dtype)

        def block(a):
            near = indices[a : a + rows]
            differences = torch.nn.functional.embedding(near, keys) - queries[a : a + rows, None]
            weights = differences.square_().sum(2).mul_(factor).exp_()
            sums = _bags(near, weights, values)
            torch.div(sums, weights.sum(1, keepdim=True), out=out[a : a + rows])

        def call():
            with torch.inference_mode():
                for a in range(0, m, rows):
                    block(a)
            return out.numpy()

        return call

    return prepare


TORCH_LISTS = [
    Contender("torch embedding_bag", _embedding_bag, "torch embedding_bag"),
    Contender("torch sparse", _sparse, "torch sparse"),
    Contender("torch pipeline, 4 MB", _pipeline(4 << 20), "torch pipeline"),
    Contender("torch pipeline, 64 MB", _pipeline(64 << 20), "torch pipeline"),
]
