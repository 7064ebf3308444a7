"""Linear maps of rows whose bits depend neither on the other rows nor on the threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_points, as_rows, working_dtype
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["Linear", "layer_norm", "linear"]

ACTIVATIONS = (None, "relu", "gelu", "gelu_tanh", "silu")  # in the engine's order


class Linear:
    """Weights of a linear map, packed once for any number of calls.

    Parameters
    ----------
    weight : array_like of shape (outputs, inputs)
        The weights, as torch's `nn.Linear` stores them.
    bias : array_like of shape (outputs,), optional
        Added to every row; None is 0.

    Attributes
    ----------
    weight : ndarray of shape (outputs, inputs)
    bias : ndarray of shape (outputs,) or None

    Raises
    ------
    ValueError
        For shapes that do not fit.
    TypeError
        For arrays that are not real numbers on the CPU.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.linear import Linear
    >>> Linear([[1.0, 2.0]], [0.5])(np.eye(2))
    array([[1.5],
           [2.5]])
    """

    def __init__(self, weight: ArrayLike, bias: ArrayLike | None = None) -> None:
        w = as_array(weight, "weight")
        b = None if bias is None else as_array(bias, "bias")
        if w.ndim != 2 or 0 in w.shape:
            raise ValueError(
                f"weight must be (outputs, inputs), at least one of each, got shape {w.shape}"
            )
        if b is not None and b.shape != w.shape[:1]:
            raise ValueError(f"bias must be ({len(w)},), one per output, got shape {b.shape}")
        dtype = working_dtype(w, b)
        self.weight = as_rows(w, dtype)
        self.bias = None if b is None else as_rows(b, dtype)
        self._core = _core.Linear(self.weight, self.bias)

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return int(self.weight.shape[1])

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.weight.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype in which it computes, float32 or float64."""
        return self.weight.dtype

    def __call__(
        self,
        x: ArrayLike,
        *,
        activation: str | None = None,
        residual: ArrayLike | None = None,
        num_threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        """Map the rows of `x`; see `linear`."""
        if activation not in ACTIVATIONS:
            names = ", ".join(repr(name) for name in ACTIVATIONS)
            raise ValueError(f"activation must be one of {names}, got {activation!r}")
        rows = _rows_of(as_points(x, "x"), "x", self.inputs, self.dtype)
        shape, added, apart = (*rows.shape[:-1], self.outputs), None, [rows]
        if residual is not None:
            added = _rows_of(as_array(residual, "residual"), "residual", self.outputs, self.dtype)
            if added.shape != shape:
                raise ValueError(f"residual must have shape {shape}, got {added.shape}")
            if residual is not out:
                apart.append(added)
        result = _result(out, shape, self.dtype, apart)
        if result.size == 0:
            return result
        self._core.run(
            _flat(rows),
            _flat(result),
            activation=ACTIVATIONS.index(activation),
            residual=None if added is None else _flat(added),
            num_threads=resolve_num_threads(num_threads),
        )
        return result

    def __repr__(self) -> str:
        return f"Linear({self.inputs} → {self.outputs}, {self.dtype})"

    def __getstate__(self) -> tuple[Array, Array | None]:
        return self.weight, self.bias

    def __setstate__(self, state: tuple[Array, Array | None]) -> None:
        Linear.__init__(self, *state)


def linear(
    x: ArrayLike,
    weight: ArrayLike | Linear,
    bias: ArrayLike | None = None,
    *,
    activation: str | None = None,
    residual: ArrayLike | None = None,
    num_threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Map every row linearly: ``y = activation(x Wᵀ + b) + residual``.

    Parameters
    ----------
    x : array_like of shape (..., m, k)
        The rows.
    weight : array_like of shape (outputs, k), or Linear
        The weights; a `Linear` has packed them, and its bias, before.
    bias : array_like of shape (outputs,), optional
        Added to every row; None is 0. Not beside a `Linear`.
    activation : {None, "relu", "gelu", "gelu_tanh", "silu"}
        Applied to every output: nothing, ``max(y, 0)``, ``y Φ(y)`` with the normal distribution
        function Φ, the same with ``Φ(y) ≈ (1 + tanh(√(2/π) (y + 0.044715 y³))) / 2``, or
        ``y / (1 + e⁻ʸ)``.
    residual : array_like of shape (..., m, outputs), optional
        Added last.
    num_threads : int, optional
        Threads of this call, −1 = all; None is `get_num_threads`. The result does not depend on it.
    out : ndarray, optional
        Where the result goes: its shape and dtype, C-contiguous, not overlapping `x`; it may be
        `residual` itself.

    Returns
    -------
    ndarray of shape (..., m, outputs)
        In the result type of the floating arrays among `x` and `weight`.

    Raises
    ------
    ValueError
        For shapes that do not fit and unknown activations.
    TypeError
        For arrays that are not real numbers on the CPU, and a float64 `x` for float32 weights that
        are packed.

    Notes
    -----
    A row's bits depend neither on the other rows nor on the number of threads, which numpy's matrix
    product does not promise. Sums run over blocks of 128 inputs.

    Examples
    --------
    >>> from vicinal.linear import linear
    >>> linear([[1.0, -2.0]], [[1.0, 0.0], [0.0, 1.0]], activation="relu")
    array([[1., 0.]])
    """
    if isinstance(weight, Linear):
        if bias is not None:
            raise ValueError("bias must be None beside a Linear, which has its own")
        packed = weight
    else:
        rows, w = as_points(x, "x"), as_array(weight, "weight")
        dtype = working_dtype(rows, w, None if bias is None else as_array(bias, "bias"))
        packed = Linear(as_rows(w, dtype), bias)
    return packed(x, activation=activation, residual=residual, num_threads=num_threads, out=out)


def layer_norm(
    x: ArrayLike,
    gain: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
    num_threads: int | None = None,
    out: Array | None = None,
) -> Array:
    """Bring every row to mean 0 and variance 1: ``(x − mean) / √(variance + ε) · gain + bias``.

    Parameters
    ----------
    x : array_like of shape (..., m, k)
        The rows.
    gain, bias : array_like of shape (k,), optional
        Per column; None is 1 and 0.
    epsilon : float
        Added to the variance, at least 0.
    num_threads : int, optional
        As in `linear`.
    out : ndarray, optional
        Where the result goes: its shape and dtype, C-contiguous; it may be `x` itself.

    Returns
    -------
    ndarray of shape (..., m, k)

    Raises
    ------
    ValueError
        For shapes that do not fit, and an `epsilon` that is negative or not finite.
    TypeError
        For arrays that are not real numbers on the CPU.

    Notes
    -----
    Ba, Kiros & Hinton (2016). The mean is taken out in two steps, so that a row far from 0 keeps
    its digits. With ``epsilon=0`` a constant row is NaN.

    Examples
    --------
    >>> from vicinal.linear import layer_norm
    >>> layer_norm([[1.0, 2.0, 3.0]], epsilon=0.0).round(4)
    array([[-1.2247,  0.    ,  1.2247]])
    """
    rows = as_points(x, "x")
    columns = [None if c is None else as_array(c, n) for c, n in ((gain, "gain"), (bias, "bias"))]
    for name, column in zip(("gain", "bias"), columns, strict=True):
        if column is not None and column.shape != rows.shape[-1:]:
            raise ValueError(
                f"{name} must be ({rows.shape[-1]},), one per column, got shape {column.shape}"
            )
    if not 0 <= epsilon < np.inf:
        raise ValueError(f"epsilon must be finite and at least 0, got {epsilon}; 1e-5 is usual")
    dtype = working_dtype(rows, *columns)
    result = _result(out, rows.shape, dtype, [])
    if result.size == 0:
        return result
    scales, shifts = (None if column is None else as_rows(column, dtype) for column in columns)
    _core.layer_norm(
        _flat(as_rows(rows, dtype)),
        scales,
        shifts,
        float(epsilon),
        _flat(result),
        num_threads=resolve_num_threads(num_threads),
    )
    return result


def _rows_of(rows: Array, name: str, columns: int, dtype: np.dtype[Any]) -> Array:
    if rows.ndim < 2 or rows.shape[-1] != columns:
        raise ValueError(f"{name} must be (..., m, {columns}), got shape {rows.shape}")
    if rows.dtype.kind == "f" and rows.dtype.itemsize > dtype.itemsize:
        raise TypeError(
            f"{name} is {rows.dtype} and the packed weights are {dtype}; convert {name}, or pack "
            f"the weights as {rows.dtype}"
        )
    return as_rows(rows, dtype)


def _result(
    out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any], apart: list[Array]
) -> Array:
    """Return where the result goes; an `out` has to fit and to lie apart from some inputs."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, got {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out must be an array of shape {shape} and dtype {dtype}, got shape {out.shape} and "
            f"dtype {out.dtype}"
        )
    if not (out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        raise ValueError("out must be C-contiguous and writeable; pass numpy.empty(shape, dtype)")
    if any(np.may_share_memory(out, array) for array in apart):
        raise ValueError("out overlaps an input; pass an array of its own memory")
    return out


def _flat(rows: Array) -> Array:
    """Return (rows, columns), a view where the strides allow it."""
    if rows.ndim == 2:
        return rows
    return rows.reshape(int(np.prod(rows.shape[:-1])), rows.shape[-1])
