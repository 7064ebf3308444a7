"""Merging of accumulators in a fixed order."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vicinal.partial import LocalMeanAccumulator

__all__ = ["merge_all"]


def merge_all(accumulators: Iterable[LocalMeanAccumulator]) -> LocalMeanAccumulator:
    """Merge accumulators in a fixed balanced tree by position.

    Parameters
    ----------
    accumulators : iterable of LocalMeanAccumulator
        Of the same queries, kernel and statistics, at least one; they are left as they are.

    Returns
    -------
    LocalMeanAccumulator
        A new one. The bits depend on the sequence alone, so that a distributed sum equals the one
        of a single process on the same pieces.

    Raises
    ------
    ValueError
        If there is none, or they do not belong together.

    Examples
    --------
    >>> import vicinal as vc
    >>> parts = [vc.LocalMeanAccumulator([[0.0]]).update([[x]], [x]) for x in (-1.0, 1.0)]
    >>> vc.partial.merge_all(parts).result().mean
    array([0.])
    """
    # Left partners change, so they are copied; they stand at even positions on every level.
    level = [copy.deepcopy(one) if i % 2 == 0 else one for i, one in enumerate(accumulators)]
    if not level:
        raise ValueError("accumulators is empty; give at least one")
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [pair[0].merge(pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]
