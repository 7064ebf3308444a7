"""Biases that depend on where query and key stand: what a head adds to its log-weights.

Each is a function of the difference (position of the key − position of the query), so a matrix of
them repeats one row of m + n − 1 numbers: it is kept as a view of that row, never as m × n numbers.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from vicinal.arrays import Array, as_array, as_index, converted, in_short
from vicinal.neighbor_sets import frozen

if TYPE_CHECKING:
    from typing import Self

    from vicinal.arrays import ArrayLike

__all__ = ["ALiBi", "PositionBias", "Relative"]


class PositionBias(ABC):
    """A bias by the difference of positions; the base class of `ALiBi` and `Relative`.

    Frozen, compared by content, and taken as `bias` by `vicinal.attention`, `vicinal.local_mean`
    and their relatives. Leading dimensions of its numbers are heads: they broadcast as in numpy.
    """

    offset: int | str
    numbers_name: ClassVar[str]  # of the field that holds its numbers
    numbers_axes: ClassVar[int]  # last axes that are the numbers of one head

    def __post_init__(self) -> None:
        numbers = as_array(getattr(self, self.numbers_name), self.numbers_name)
        self._check(numbers)
        object.__setattr__(self, self.numbers_name, frozen(numbers, np.dtype(np.float64)))
        if self.offset != "end":
            if isinstance(self.offset, str):
                raise ValueError(f"offset must be a whole number or 'end', got {self.offset!r}")
            object.__setattr__(self, "offset", as_index(self.offset, "offset"))

    @property
    def numbers(self) -> Array:
        """Slopes or table, float64."""
        return as_array(getattr(self, self.numbers_name), self.numbers_name)

    @property
    def lead(self) -> tuple[int, ...]:
        """Leading dimensions: the heads."""
        shape: tuple[int, ...] = self.numbers.shape
        return shape[: len(shape) - self.numbers_axes]

    @abstractmethod
    def _check(self, numbers: Array) -> None:
        """Refuse numbers that are no bias."""

    @abstractmethod
    def _at(self, differences: Array) -> Array:
        """Return what `at` says."""

    def at(self, differences: Array) -> Array:
        """Return the bias at differences of positions.

        Parameters
        ----------
        differences : ndarray of int64 of shape (t,)
            Position of the key − position of the query.

        Returns
        -------
        ndarray of shape (..., t)
        """
        return self._at(differences)

    def pairs(self, m: int, n: int, dtype: Any = np.float64) -> Array:
        """Return the bias of m queries and n keys, a view of m + n − 1 numbers for each head.

        Parameters
        ----------
        m, n : int
            Numbers of queries and of keys.
        dtype : dtype, optional
            Of the result.

        Returns
        -------
        ndarray of shape (..., m, n)
            Read-only; ``[..., i, j]`` is the bias of the difference j − (i + offset).

        Examples
        --------
        >>> import vicinal as vc
        >>> vc.bias.ALiBi(0.5).pairs(2, 3)
        array([[ 0. , -0.5, -1. ],
               [-0.5,  0. , -0.5]])
        """
        if m == 0 or n == 0:
            return np.empty((*self.lead, m, n), dtype)
        offset = n - m if self.offset == "end" else int(self.offset)
        row = converted(self.at(np.arange(1 - m, n) - offset), np.dtype(dtype))
        return sliding_window_view(row, n, axis=-1)[..., ::-1, :]

    def shifted(self, rows: int) -> Self:
        """Return the bias where every query stands `rows` further on.

        Parameters
        ----------
        rows : int
            Added to `offset`.

        Returns
        -------
        PositionBias

        Raises
        ------
        ValueError
            If `offset` is "end": the number of all keys is not known here.
        """
        if self.offset == "end":
            raise ValueError(
                "offset='end' needs the number of all keys, but here they come in pieces; give "
                "offset=(number of keys) - (number of queries)"
            )
        twin = copy.copy(self)
        object.__setattr__(twin, "offset", int(self.offset) + rows)
        return twin

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, PositionBias)
            and type(self) is type(other)
            and self.offset == other.offset
            and np.array_equal(self.numbers, other.numbers)
        )

    def __hash__(self) -> int:
        return hash((type(self), self.numbers.tobytes(), self.offset))

    def __repr__(self) -> str:
        offset = "" if self.offset == 0 else f", offset={self.offset!r}"
        return f"{type(self).__name__}({in_short(self.numbers)}{offset})"


@dataclass(frozen=True, eq=False, repr=False)
class ALiBi(PositionBias):
    """Attention with linear biases: ``−slope · |position of the key − position of the query|``.

    Parameters
    ----------
    slopes : float or array_like of shape (...)
        The slopes: one, or one per head, which broadcast to the leading dimensions. For heads that
        share keys, (B, G, R, m, d) and (B, G, 1, n, d), they are (G, R).
    offset : int or "end", optional
        Query i stands at i + offset; "end" is (number of keys − number of queries).

    Raises
    ------
    ValueError
        If a slope is not finite.

    Notes
    -----
    Press, Smith and Lewis, 2022. A head whose bias falls linearly multiplies its kernel by a
    Laplace kernel of positions, of bandwidth 1/slope.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.zeros((2, 3, 4))  # two heads of equal tokens
    >>> values = np.array([0.0, 0.0, 1.0])[:, None]
    >>> near = vc.bias.ALiBi([0.0, 100.0])
    >>> vc.attention(x, x, values[None], bias=near)[..., 0].round(2)
    array([[0.33, 0.33, 0.33],
           [0.  , 0.  , 1.  ]])
    """

    slopes: ArrayLike
    offset: int | str = 0

    numbers_name: ClassVar[str] = "slopes"
    numbers_axes: ClassVar[int] = 0

    @classmethod
    def of_heads(cls, n_heads: int) -> ALiBi:
        """Return the slopes of the paper: ``2^(−8 h / n_heads)`` of heads h = 1 … n_heads.

        Parameters
        ----------
        n_heads : int
            Where it is no power of two, the heads beyond the largest power p below it take every
            second slope of 2 p heads.

        Returns
        -------
        ALiBi

        Examples
        --------
        >>> import vicinal as vc
        >>> vc.bias.ALiBi.of_heads(4)
        ALiBi([0.25, 0.0625, 0.015625, 0.00390625])
        """
        count = as_index(n_heads, "n_heads")
        if count < 1:
            raise ValueError(f"n_heads must be at least 1, got {n_heads}")
        power = 1 << int(math.log2(count))
        slopes = 2.0 ** (-8.0 * np.arange(1, power + 1) / power)
        between = 2.0 ** (-4.0 * np.arange(1, 2 * power + 1, 2) / power)
        return cls(np.concatenate([slopes, between])[:count])

    def _check(self, numbers: Array) -> None:
        if not np.isfinite(numbers).all():
            raise ValueError(f"slopes must be finite, got {in_short(numbers)}")

    def _at(self, differences: Array) -> Array:
        return np.asarray(0.0 - self.numbers[..., None] * np.abs(differences))


@dataclass(frozen=True, eq=False, repr=False)
class Relative(PositionBias):
    """A table over differences of positions, those beyond it as at its ends.

    Parameters
    ----------
    table : array_like of shape (..., 2 r + 1)
        The bias at the differences −r … r (key − query); −inf leaves the pair out. Leading
        dimensions are heads, as for `ALiBi`.
    offset : int or "end", optional
        Query i stands at i + offset; "end" is (number of keys − number of queries).

    Raises
    ------
    ValueError
        If the table has an even length, or holds NaN or +inf.

    Notes
    -----
    Shaw, Uszkoreit and Vaswani, 2018; of Raffel et al., 2020 (T5), whose buckets grow with the
    distance, the table has one entry for each difference: ``embedding[bucket(difference)]``.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x, positions = np.zeros((4, 1)), np.arange(4.0)
    >>> previous = vc.bias.Relative([-np.inf, 0.0, -np.inf, -np.inf, -np.inf])
    >>> vc.attention(x, x, positions, bias=previous)
    array([0., 0., 1., 2.])
    """

    table: ArrayLike
    offset: int | str = 0

    numbers_name: ClassVar[str] = "table"
    numbers_axes: ClassVar[int] = 1

    def _check(self, numbers: Array) -> None:
        if numbers.ndim < 1 or numbers.shape[-1] % 2 == 0:
            raise ValueError(
                "table must be (..., 2 r + 1), the bias at the differences −r … r, got shape "
                f"{numbers.shape}"
            )
        if np.isnan(numbers).any() or np.isposinf(numbers).any():
            raise ValueError("table must hold numbers or −inf (left out), got NaN or +inf")

    def _at(self, differences: Array) -> Array:
        reach = self.numbers.shape[-1] // 2
        return np.asarray(self.numbers[..., np.clip(differences, -reach, reach) + reach])
