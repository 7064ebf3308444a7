"""How many threads a call uses; nothing here changes OpenMP's own settings."""

from __future__ import annotations

from vicinal import _core
from vicinal.arrays import as_index

__all__ = ["get_num_threads", "set_num_threads"]

_limit: int | None = None


def set_num_threads(num_threads: int | None) -> None:
    """Set the default upper limit of threads for calls that do not name their own.

    Parameters
    ----------
    num_threads : int or None
        At least 1; None takes the limit away. It never raises the limit of OpenMP
        (`OMP_NUM_THREADS`, threadpoolctl, joblib).

    Raises
    ------
    ValueError
        If `num_threads` is smaller than 1.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.set_num_threads(1)
    >>> vc.get_num_threads()
    1
    >>> vc.set_num_threads(None)
    """
    global _limit
    _limit = None if num_threads is None else _positive(num_threads)


def get_num_threads() -> int:
    """Return the number of threads that a call from this thread uses by default.

    Returns
    -------
    int
        The smaller of the limit of `set_num_threads` and OpenMP's own limit in this thread.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.get_num_threads() >= 1
    True
    """
    available = int(_core.max_threads())
    return available if _limit is None else min(_limit, available)


def resolve_num_threads(num_threads: int | None) -> int:
    """Turn `num_threads` or `n_jobs` into a count: None = default, -1 = all, -2 = all but one."""
    if num_threads is None:
        return get_num_threads()
    count = as_index(num_threads, "num_threads")
    if count < 0:
        return max(1, int(_core.max_threads()) + 1 + count)
    return _positive(count)


def _positive(num_threads: int) -> int:
    count = as_index(num_threads, "num_threads")
    if count < 1:
        raise ValueError(
            f"num_threads must be at least 1 (n_jobs of a model, too), got {count}; None means "
            "the default"
        )
    return count
