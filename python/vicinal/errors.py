"""The warning of this package, and a help of its errors, which are Python's own."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["LocalizationWarning", "did_you_mean"]


class LocalizationWarning(UserWarning):
    """Some queries had nothing to average, or an estimate had to fall back.

    Estimators issue it once per call, with the count of rows and the remedy; the primitives are
    silent and report the count in `LocalStats.empty_rows`.
    """


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return "; did you mean …?" if one of `names` is close to `name`, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(str(name).lower(), list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
