"""A kernel of the user's own profile."""

from __future__ import annotations

import ctypes
import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from vicinal import _core
from vicinal.arrays import Array
from vicinal.kernels.base import ProfileKernel
from vicinal.kernels.quadrature import half_width, log_radial_integral

__all__ = ["Custom"]

TOLERANCE = 1e-9  # of the largest weight, or relative where fn returns logarithms

_SIGNATURE = "double (double)"


@dataclass(frozen=True, repr=False)
class Custom(ProfileKernel):
    """A kernel whose profile is a function of u = distance / bandwidth.

    The function is fitted once, at construction, by piecewise polynomials and runs as a compiled
    kernel afterwards; it is not called again.

    Parameters
    ----------
    fn : callable or scipy.LowLevelCallable
        Maps a float64 array of u ≥ 0 to weights, elementwise; or a C function with the signature
        ``double (double)``, which is called for every pair.
    bandwidth, metric, columns
        See `ProfileKernel`.
    log : bool
        `fn` returns logarithms of weights; needed for unbounded support.
    support : float
        The weight is zero for u > support.
    breakpoints : sequence of float
        The u where `fn` is not smooth.

    Raises
    ------
    ValueError
        If the support is unbounded and `log` is False, if `fn` returns something else than one
        finite weight per u, or if no fit is good enough: name its kinks as `breakpoints`.
    TypeError
        If `fn` is not callable.

    Notes
    -----
    To pickle the kernel, `fn` must be picklable: a function of a module, not a lambda. Kernels are
    equal if their functions return the same.

    Examples
    --------
    >>> import vicinal as vc
    >>> kernel = vc.kernels.Custom(lambda u: 1 - u**4, support=1.0)
    >>> vc.local_mean([[0.0]], [[0.5], [2.0]], [3.0, 9.0], kernel=kernel)
    array([3.])
    """

    fn: Callable[..., Any]
    _: KW_ONLY
    log: bool = False
    support: float = math.inf
    breakpoints: tuple[float, ...] = ()

    profile: ClassVar[str] = "custom"
    density_condition: ClassVar[str] = "profiles that fall off fast enough"

    def __post_init__(self) -> None:
        object.__setattr__(self, "support", _as_support(self.support))
        object.__setattr__(self, "breakpoints", _as_breakpoints(self.breakpoints))
        object.__setattr__(self, "_engine", self._compiled())
        super().__post_init__()

    @property
    def compact(self) -> bool:
        return math.isfinite(self.support)

    @property
    def signed(self) -> bool:
        table = self._table()
        return False if table is None else table.is_signed  # a C function: nothing is known

    @property
    def error(self) -> float:
        """The largest error of the fit; 0 for a C function."""
        table = self._table()
        return 0.0 if table is None else table.error

    @property
    def half_width(self) -> float:
        return half_width(self)

    def log_radial_integral(self, d: int) -> float:
        return log_radial_integral(self, d, self.breakpoints, self.support)

    def engine_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.__dict__["_engine"]
        return parameters

    def _content(self) -> tuple[Any, ...]:
        # What fn returned, not fn itself: functions that were pickled are other objects.
        function = self.engine_parameters().get("function", self.__dict__.get("_returned"))
        fields = (self.log, self.support, self.breakpoints)
        return function, fields, self.bandwidth, self.metric, self.columns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __getstate__(self) -> dict[str, Any]:
        # The table is made again from `fn` on loading: an address means nothing elsewhere.
        return {name: value for name, value in self.__dict__.items() if name[0] != "_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__["_engine"] = self._compiled()

    def __copy__(self) -> Custom:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Custom:
        return self.__copy__()  # frozen

    def _compiled(self) -> dict[str, Any]:
        if type(self.fn).__name__ == "LowLevelCallable":
            if self.log or self.compact or self.breakpoints:
                raise ValueError(
                    "log, support and breakpoints do not go with a LowLevelCallable: its function "
                    "returns the weight itself, 0 beyond the support"
                )
            return {"profile": "function", "function": _address(self.fn)}
        if not callable(self.fn):
            raise TypeError(
                "fn must be a function of u or a scipy.LowLevelCallable, "
                f"got {type(self.fn).__name__}"
            )
        if not self.log and not self.compact:
            raise ValueError(
                "support is unbounded, so fn must return logarithms of weights: pass log=True, "
                "or a finite support"
            )
        returned = hashlib.blake2b(digest_size=16)

        def sampled(u: Array) -> Array:
            # The fit asks far out, where overflow and log(0) are as they should be.
            with np.errstate(all="ignore"):
                weights = np.asarray(self.fn(u))
            returned.update(weights.tobytes())
            return weights

        try:
            table = _core.tabulate(sampled, self.support, self.breakpoints, self.log, TOLERANCE)
        except ValueError as error:
            raise ValueError(f"fn does not fit: {error}") from error
        self.__dict__["_returned"] = returned.digest()
        return {"profile": "table", "table": table}

    def _table(self) -> _core.Table | None:
        table: _core.Table | None = self.engine_parameters().get("table")
        return table


def _as_support(support: float) -> float:
    number = float(support)
    if not number > 0:
        raise ValueError(f"support must be positive, got {support!r}")
    return number


def _as_breakpoints(breakpoints: Iterable[float]) -> tuple[float, ...]:
    numbers = tuple(sorted(float(number) for number in breakpoints))
    if not all(0 < number < math.inf for number in numbers):
        raise ValueError(f"breakpoints must be positive and finite, got {numbers}")
    return numbers


def _address(function: Any) -> int:
    # A LowLevelCallable is a tuple that begins with a capsule named after the C signature.
    if function.signature.replace(" ", "") != _SIGNATURE.replace(" ", ""):
        raise ValueError(f"the LowLevelCallable must be {_SIGNATURE!r}, got {function.signature!r}")
    capsule = tuple.__getitem__(function, 0)
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer_of(capsule, name_of(capsule)))
