"""What the parameters that models which keep their keys share must look like."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from vicinal.arrays import Array
from vicinal.kernels import as_kernel

__all__ = ["as_weights", "check_empty", "check_mass_tol", "check_no_mass_tol"]


def check_empty(empty: Any, policies: tuple[str, ...], takes_number: bool) -> None:
    """Raise unless `empty` is one of the policies, or a number where one is taken."""
    number_fits = takes_number and isinstance(empty, Real)
    if not (empty in policies if isinstance(empty, str) else number_fits):
        names = ", ".join(repr(name) for name in policies)
        number = " or a number" if takes_number else ""
        raise ValueError(f"empty must be one of {names}{number}, got {empty!r}")


def check_mass_tol(share: Any, kernel: Any) -> None:
    """Raise unless `mass_tol` is a share of a mass, 0 for a signed kernel."""
    number = isinstance(share, Real) and not isinstance(share, bool)
    if not (number and 0 <= float(share) < 1):
        raise ValueError(f"mass_tol must be at least 0 and below 1, got {share!r}")
    if share > 0 and as_kernel(kernel).signed:
        raise ValueError(f"mass_tol must be 0 for a signed kernel, got {share!r}")


def check_no_mass_tol(share: Any) -> None:
    """Raise unless `mass_tol` of a model of local lines is 0."""
    if share != 0:
        raise ValueError(f"mass_tol must be 0: its bound is one of means, got {share!r}")


def as_weights(sample_weight: Any, X: Array) -> Array:
    """Return the weights as float64; raise if one is negative or all are zero."""
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not np.any(weights):
        raise ValueError("sample_weight must hold a weight that is not zero, got zeros only")
    return np.asarray(weights)
