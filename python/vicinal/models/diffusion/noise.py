"""Schedules of falling noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.models.checks import check_choice, check_number, check_whole

__all__ = ["as_sigmas", "noise_levels"]


def noise_levels(
    steps: int, low: float, high: float, *, spacing: str = "karras", rho: float = 7.0
) -> Array:
    r"""Return falling standard deviations of noise, for `Denoiser.sample`.

    .. math:: \sigma_i = \bigl(\sigma_{max}^{1/\rho}
              + \tfrac{i}{steps} (\sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho})\bigr)^\rho

    for :math:`i = 0 \dots steps`, or with ``spacing="geometric"`` its limit of large :math:`\rho`,
    :math:`\sigma_{max} (\sigma_{min} / \sigma_{max})^{i / steps}`.

    Parameters
    ----------
    steps : int
        How many steps lead from `high` to `low`.
    low, high : float
        The last and the first level, ``0 <= low < high``; "geometric" takes no 0.
    spacing : {"karras", "geometric"}, default="karras"
        Karras et al.'s levels, or equal ratios.
    rho : float, default=7.0
        Of "karras": larger puts more of the levels near `low`; 1 spaces them evenly.

    Returns
    -------
    sigmas : ndarray of shape (steps + 1,)
        From `high` to `low`, float64.

    Raises
    ------
    ValueError
        If a number does not fit.

    Notes
    -----
    Karras, Aittala, Aila and Laine (2022), equation 5; Song and Ermon (2019) for equal ratios.

    Examples
    --------
    >>> from vicinal.models import noise_levels
    >>> noise_levels(3, 0.1, 100.0, spacing="geometric")
    array([100. ,  10. ,   1. ,   0.1])
    >>> noise_levels(2, 0.0, 8.0, rho=3.0)
    array([8., 1., 0.])
    """
    check_whole(steps, "steps", 1)
    check_choice(spacing, "spacing", ("karras", "geometric"))
    check_number(high, "high", lambda sigma: 0 < sigma < np.inf, "positive and finite")
    check_number(rho, "rho", lambda power: 0 < power < np.inf, "positive and finite")
    check_number(low, "low", lambda sigma: 0 <= sigma < high, f"at least 0 and below high={high!r}")
    share = np.arange(steps + 1) / steps
    if spacing == "karras":
        top, bottom = high ** (1 / rho), low ** (1 / rho)
        sigmas = np.asarray((top + share * (bottom - top)) ** rho)
    elif low > 0:
        sigmas = np.asarray(high * (low / high) ** share)
    else:
        raise ValueError("low must be positive for spacing='geometric', got 0; take 'karras'")
    sigmas[0], sigmas[-1] = high, low  # to the bit, whatever the powers round to
    return sigmas


def as_sigmas(sigmas: Any) -> Array:
    """Return a schedule as float64; raise unless it falls and is positive before its end."""
    levels = np.asarray(sigmas, dtype=np.float64)
    fits = levels.ndim == 1 and len(levels) > 1 and np.isfinite(levels).all()
    if not fits or not (np.diff(levels) < 0).all() or levels[-1] < 0:
        raise ValueError(
            "sigmas must be two or more finite numbers that fall, the last one 0 or more, got "
            f"{sigmas!r:.80}; vicinal.models.noise_levels makes such a schedule"
        )
    return levels
