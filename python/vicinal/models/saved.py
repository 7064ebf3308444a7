"""Models that go to a file."""

from __future__ import annotations

import os


class Saved:
    """A fitted model that `vicinal.load` reads again."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file that `vicinal.load` reads; nothing in it is pickled.

        Parameters
        ----------
        path : str or path-like
            The file, written whole or not at all; an existing one is replaced.
        """
        from vicinal.persistence import save

        save(self, path)
