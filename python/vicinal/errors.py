"""The warning of this package; errors are Python's own ValueError and TypeError."""

from __future__ import annotations

__all__ = ["LocalizationWarning"]


class LocalizationWarning(UserWarning):
    """Some queries had nothing to average, or an estimate had to fall back.

    Estimators issue it once per call, with the count of rows and the remedy; the primitives are
    silent and report the count in `LocalStats.empty_rows`.
    """
