"""Alignment matrices: quadratic forms that vanish where an embedding is locally what it should be.

Each method of locally linear embedding gives every row a symmetric positive semidefinite block over
its neighborhood, in whose null space the constant lies. The alignment matrix is the sum of the
blocks; the embedding is made of its bottom eigenvectors, without the constant. Blocks are written
in projectors, so they do not depend on the basis that a decomposition returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from vicinal.arrays import Array
from vicinal.models.neighborhoods import Neighborhoods

__all__ = ["MODIFIED_REG", "hessian", "ltsa", "modified", "standard"]

MODIFIED_REG = 1e-3  # of the weights in the modified method (Zhang & Wang, 2007)
# Numbers held at once: of offsets or blocks in work, and of blocks before they are added up.
_IN_WORK, _IN_SUM = 1 << 19, 1 << 21


def standard(near: Neighborhoods, reg: float) -> Any:
    """Return (I − W)ᵀ (I − W) of the affine weights W, (n, n), sparse (Roweis & Saul, 2000)."""
    residual = _identity_minus_weights(near, reg)
    del near  # the product takes the most memory
    return residual.T.tocsr() @ residual


def _identity_minus_weights(near: Neighborhoods, reg: float) -> Any:
    n, k = near.indices.shape
    size = n * (k + 1)
    values, columns = np.ones((n, k + 1)), np.empty((n, k + 1), _index_type(size))
    np.negative(near.weights(reg), out=values[:, 1:])
    columns[:, 0] = np.arange(n)
    columns[:, 1:] = near.indices
    starts = np.arange(0, size + 1, k + 1, dtype=columns.dtype)
    return csr_array((values.ravel(), columns.ravel(), starts), shape=(n, n))


def ltsa(near: Neighborhoods, n_components: int) -> Any:
    """Return the sum of I − P over neighborhoods, (n, n), sparse (Zhang & Zha, 2004).

    P projects on the affine functions of the tangent coordinates, which are the leading left
    singular vectors U of the centered neighborhood: P = 11ᵀ/k + UUᵀ.
    """
    near = near.covering()

    def block(rows: slice) -> Array:
        return _identity_minus(_affine_functions(near.offsets(rows), n_components))

    return _sum_of_blocks(near, block)


def hessian(near: Neighborhoods, n_components: int, tol: float) -> Any:
    """Return the sum of HᵀH over neighborhoods, (n, n), sparse (Donoho & Grimes, 2003).

    The rows of H are an orthonormal basis of the quadratic functions of the tangent coordinates
    that are orthogonal to the affine ones. Where the monomials are dependent on the neighborhood
    (the sine of the angle between one and the span of those before it is at most `tol`), every
    function that is orthogonal to the affine ones takes the place of the quadratic ones.
    """
    near = near.covering()

    def block(rows: slice) -> Array:
        affine = _affine_functions(near.offsets(rows), n_components)
        tangent = affine[:, :, 1:]
        first, second = np.triu_indices(n_components)
        monomials = tangent[:, :, first] * tangent[:, :, second]
        length = np.linalg.norm(monomials, axis=1, keepdims=True)
        monomials /= np.where(length > 0, length, 1.0)
        monomials -= affine @ (affine.transpose(0, 2, 1) @ monomials)
        basis, triangle = np.linalg.qr(monomials)
        sines = np.abs(np.diagonal(triangle, axis1=-2, axis2=-1))
        quadratic = basis @ basis.transpose(0, 2, 1)
        dependent = (sines <= tol).any(axis=1)
        quadratic[dependent] = _identity_minus(affine[dependent])
        return np.asarray(quadratic)

    return _sum_of_blocks(near, block)


def modified(near: Neighborhoods, n_components: int, tol: float) -> Any:
    """Return the alignment matrix of several weight vectors per row, (n, n) (Zhang & Wang, 2007).

    With V an orthonormal basis of the s weakest left singular vectors of the offsets, w the
    regularized affine weights, α = ‖Vᵀ1‖/√s and H the reflection that takes Vᵀ1 to α1, the weights
    of a row are the columns of VH + (1 − α) w 1ᵀ. Of V only P = VVᵀ enters their products, since
    VH1 = P1/α. Where α is at most `tol`, P1 = 0 and VH1 is taken as 0.
    """
    everything = range(len(near.indices))
    strengths = np.concatenate([_squares(near.offsets(rows)) for rows in _chunks(near, everything)])
    weak = _weak_directions(strengths, n_components, near.indices.shape[1])
    weights = near.weights(MODIFIED_REG)

    def block(rows: slice) -> Array:
        strong, _ = _left_singular(near.offsets(rows))
        s, w = weak[rows], weights[rows]
        kept = np.arange(strong.shape[2]) < (w.shape[1] - s)[:, None]
        projector = _identity_minus(strong * kept[:, None, :])
        of_one = projector.sum(axis=2)
        alpha = np.sqrt(np.maximum(of_one.sum(axis=1), 0) / s)[:, None]
        seen = alpha > tol
        reflected = np.divide(of_one, alpha, out=np.zeros_like(of_one), where=seen)
        rest = (1 - alpha) * w
        cross = reflected[:, :, None] * rest[:, None, :]
        result = np.empty((len(w), 1 + w.shape[1], 1 + w.shape[1]))
        inner = result[:, 1:, 1:]
        inner[:] = projector + cross + cross.transpose(0, 2, 1)
        inner += s[:, None, None] * rest[:, :, None] * rest[:, None, :]
        result[:, 0, 0] = s
        result[:, 0, 1:] = result[:, 1:, 0] = -(reflected + s[:, None] * rest)
        return result

    return _sum_of_blocks(near, block, with_row=True)


def _weak_directions(strengths: Array, n_components: int, k: int) -> Array:
    """Return how many left singular vectors of each row count as its null space, (n,).

    As many as there are whose squared singular values sum to less than the share η of those before
    them; η is the median over the rows of that share past the first `n_components`.
    """
    p = strengths.shape[1]
    before = np.cumsum(strengths, axis=1)
    after = before[:, -1:] - before
    share = np.divide(after, before, out=np.zeros_like(before), where=before > 0)
    typical = np.median(share[:, min(n_components, p) - 1])
    return np.asarray(np.maximum((share[:, :-1] < typical).sum(axis=1) + k - p, 1))


def _affine_functions(offsets: Array, n_components: int) -> Array:
    """Return orthonormal bases of the affine functions of tangent coordinates, (c, k, 1 + d).

    A direction in which the neighbors do not vary is a column of zeros.
    """
    offsets -= offsets.mean(axis=1, keepdims=True)
    vectors, squares = _left_singular(offsets)
    c, k, _ = vectors.shape
    basis = np.empty((c, k, 1 + n_components))
    basis[:, :, 0] = k**-0.5
    found = min(n_components, squares.shape[1])
    varies = squares[:, :found] > k * np.finfo(float).eps * squares[:, :1]
    basis[:, :, 1 : 1 + found] = vectors[:, :, :found] * varies[:, None, :]
    basis[:, :, 1 + found :] = 0
    return basis


def _left_singular(offsets: Array) -> tuple[Array, Array]:
    """Return left singular vectors (c, k, p) and squared singular values (c, p), largest first."""
    if offsets.shape[2] < offsets.shape[1]:
        vectors, values, _ = np.linalg.svd(offsets, full_matrices=False)
        return vectors, values**2
    squares, vectors = np.linalg.eigh(offsets @ offsets.transpose(0, 2, 1))
    return vectors[:, :, ::-1], np.maximum(squares[:, ::-1], 0)


def _squares(offsets: Array) -> Array:
    """Return the squared singular values (c, p), largest first."""
    if offsets.shape[2] < offsets.shape[1]:
        return np.asarray(np.linalg.svd(offsets, compute_uv=False) ** 2)
    squares = np.linalg.eigvalsh(offsets @ offsets.transpose(0, 2, 1))
    return np.asarray(np.maximum(squares[:, ::-1], 0))


def _identity_minus(basis: Array) -> Array:
    """Return I − QQᵀ of every matrix Q of orthonormal columns."""
    projector = -(basis @ basis.transpose(0, 2, 1))
    diagonal = np.arange(basis.shape[1])
    projector[:, diagonal, diagonal] += 1
    return np.asarray(projector)


def _sum_of_blocks(
    near: Neighborhoods, block: Callable[[slice], Array], with_row: bool = False
) -> Any:
    """Add the blocks of all rows up at their neighbors (before which the row itself may stand)."""
    n = len(near.indices)
    total = csr_array((n, n))
    for part in _split(range(n), (near.indices.shape[1] + 1) ** 2, _IN_SUM):
        nodes = near.indices[part.start : part.stop]
        if with_row:
            nodes = np.concatenate([np.array(part)[:, None], nodes], axis=1)
        values = np.concatenate([block(rows) for rows in _chunks(near, part)])
        c, k = nodes.shape
        # S takes a node to its places in the blocks, so that the sum is SᵀBS.
        places = _narrow(np.arange(c * k + 1), c * k * k)
        nodes = _narrow(nodes, c * k * k)
        spread = csr_array((np.ones(c * k), nodes.ravel(), places), shape=(c * k, n))
        columns = np.repeat(nodes, k, axis=0).ravel()
        blocks = csr_array((values.ravel(), columns, places * k), shape=(c * k, n))
        total = total + spread.T.tocsr() @ blocks
    return total


def _chunks(near: Neighborhoods, part: range) -> Iterator[slice]:
    """Split rows so that their offsets, Gram matrices and blocks take little memory."""
    side = near.indices.shape[1] + 1
    width = near.offsets(slice(0, 1)).shape[2]
    return (slice(r.start, r.stop) for r in _split(part, side * max(side, width), _IN_WORK))


def _split(rows: range, numbers: int, budget: int) -> Iterator[range]:
    step = max(1, budget // numbers)
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _narrow(index: Array, largest: int) -> Array:
    return index.astype(_index_type(largest))


def _index_type(largest: int) -> Any:
    """Return 32 bits where they suffice: half of the memory of a sparse matrix's indices."""
    return np.int32 if largest < np.iinfo(np.int32).max else np.int64
