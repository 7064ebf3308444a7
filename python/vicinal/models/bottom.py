"""Bottom eigenvectors of a sparse positive semidefinite matrix with the constant in its kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh, splu

from vicinal.arrays import Array

__all__ = ["DENSE_ROWS", "BottomEigenvectors", "bottom_eigenvectors"]

DENSE_ROWS = 500
SHIFT = 1e-12  # in units of the mean eigenvalue


class BottomEigenvectors(NamedTuple):
    """Eigenvectors orthogonal to the constant, of unit length, smallest eigenvalue first.

    Attributes
    ----------
    vectors : ndarray of shape (n, count)
        The largest entry of each is positive.
    values : ndarray of shape (count,)
        Eigenvalues λ.
    residuals : ndarray of shape (count,)
        ‖Mv − λv‖.
    """

    vectors: Array
    values: Array
    residuals: Array


def bottom_eigenvectors(
    matrix: Any, count: int, *, solver: str, tol: float, max_iter: int, start: Array
) -> BottomEigenvectors:
    """Return the `count` eigenvectors of the smallest eigenvalues, without the constant.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (n, n)
        Symmetric positive semidefinite, with rows of sum 0.
    count : int
        How many, below n.
    solver : {"auto", "arpack", "dense"}
        "dense" decomposes the full matrix, "arpack" iterates with a sparse factorization, "auto" is
        dense up to `DENSE_ROWS` rows and where more than a tenth of all eigenvectors is asked for.
    tol, max_iter : float, int
        Relative accuracy of eigenvalues and number of restarts of ARPACK.
    start : ndarray of shape (n,)
        First vector of ARPACK.

    Returns
    -------
    BottomEigenvectors

    Raises
    ------
    ValueError
        If ARPACK does not converge.
    """
    n = matrix.shape[0]
    if solver == "auto":
        solver = "dense" if n <= max(DENSE_ROWS, 10 * count) else "arpack"
    if solver == "dense" or count >= n - 1:
        vectors = _dense(matrix, count)
    else:
        vectors = _shift_invert(matrix, count, tol, max_iter, start)
    largest = np.argmax(np.abs(vectors), axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(count)] < 0, -1.0, 1.0)
    images = matrix @ vectors
    values = np.sum(vectors * images, axis=0)
    residuals = np.linalg.norm(images - vectors * values, axis=0)
    order = np.argsort(values, kind="stable")
    # An eigenvalue of 0 may round to less.
    values = np.maximum(values[order], 0)
    return BottomEigenvectors(np.ascontiguousarray(vectors[:, order]), values, residuals[order])


def _dense(matrix: Any, count: int) -> Array:
    full = matrix.toarray()
    full += full.trace() / len(full)  # lifts the constant above: its eigenvalue is now the trace
    return np.asarray(eigh(full, subset_by_index=(0, count - 1), overwrite_a=True)[1])


def _shift_invert(matrix: Any, count: int, tol: float, max_iter: int, start: Array) -> Array:
    """Iterate with (M + shift)⁻¹ on the complement of the constant (Ericsson & Ruhe, 1980).

    The shift makes the matrix positive definite, so that it is factorized as it lies, without
    pivoting, in an order of minimum degree. On the complement of the constant, the inverse has no
    eigenvalue 1/shift that would drown the others.
    """
    n = matrix.shape[0]
    diagonal = matrix.diagonal()
    shift = SHIFT * diagonal.mean()
    shifted = matrix.T.copy()  # columns, as the factorization reads them: the matrix is symmetric
    shifted.setdiag(diagonal + shift)
    factors = splu(
        shifted,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )

    def solve(vector: Array) -> Array:
        found = factors.solve(vector - vector.mean())
        return np.asarray(found - found.mean())

    try:
        _, vectors = eigsh(
            matrix,
            count,
            sigma=-shift,
            OPinv=LinearOperator((n, n), solve, dtype=np.float64),
            v0=start - start.mean(),
            ncv=min(n, 2 * count + 4),
            tol=tol,
            maxiter=max_iter,
        )
    except ArpackNoConvergence as error:
        raise ValueError(
            f"eigen_solver='arpack' did not converge in max_iter={max_iter} restarts "
            f"({len(error.eigenvalues)} of {count} eigenvectors found); raise max_iter or tol, or "
            "take eigen_solver='dense' for up to some thousand rows"
        ) from error
    return np.asarray(vectors)
