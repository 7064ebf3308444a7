"""Hierarchies of local models whose levels are trained together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vicinal.models.level import Level, as_levels
from vicinal.torch_layers import LocalMean

__all__ = ["HierarchicalLocalModel"]


class HierarchicalLocalModel(nn.Module):  # type: ignore[misc]  # torch is not read here
    r"""Levels of local means with maps between them, trained end to end.

    As `vicinal.models.HierarchicalLocalModel`: each level averages the rows near a row, as the
    level below hands them up, and maps the mean; the last one averages the values. Here the
    gradient of a loss reaches every map and bandwidth at once.

    Parameters
    ----------
    levels : sequence of Level or dict
        From the bottom. `map` is a module or a function of tensors, `bandwidth` the number, or one
        per column, where learning starts ("scott" is 1), and `values` "rows".
    keys : Tensor of shape (n, d)
        The training rows.
    values : Tensor of shape (n, p) or (n,)
        Their targets; labels one-hot.
    **options
        Of `local_mean`, for all levels: empty, tol, num_threads.

    Attributes
    ----------
    means : nn.ModuleList of LocalMean
        The local mean of each level, with its bandwidth.
    maps : nn.ModuleList
        The modules among the maps.

    Raises
    ------
    ValueError
        For levels that do not fit, or need what is not learned here.

    Notes
    -----
    Song (arXiv:2605.20635, 2026). The rows are learned from as the keys that they are: called
    without queries, the model predicts every training row with the last level leaving the row out,
    and that is what a loss should see.

    Examples
    --------
    >>> import torch
    >>> from vicinal.models import Level
    >>> from vicinal.torch import HierarchicalLocalModel
    >>> x, y = torch.randn(50, 4), torch.randn(50)
    >>> levels = [Level(map=torch.nn.Linear(4, 2)), Level(kernel="laplace")]
    >>> model = HierarchicalLocalModel(levels, x, y)
    >>> loss = ((model() - y) ** 2).mean()
    >>> loss.backward()
    >>> model(torch.randn(3, 4)).shape
    torch.Size([3])
    """

    def __init__(self, levels: Any, keys: Tensor, values: Tensor, **options: Any) -> None:
        super().__init__()
        self.levels = as_levels(levels)
        for number, level in enumerate(self.levels, 1):
            _check(level, number)
        self.means = nn.ModuleList(
            LocalMean(
                level.kernel,
                _number(level.bandwidth, keys.dtype),
                metric=level.metric,
                neighbors=level.neighbors,
                **({"empty": "nearest"} | options),
            )
            for level in self.levels
        )
        maps = [level.map for level in self.levels]
        self.maps = nn.ModuleList(map_ for map_ in maps if isinstance(map_, nn.Module))
        self.register_buffer("keys", keys.detach().clone())
        self.register_buffer("values", values.detach().clone())

    def forward(self, queries: Tensor | None = None) -> Tensor:
        """Predict rows, or every training row from the others on the last level.

        Parameters
        ----------
        queries : Tensor of shape (m, d), optional
            Rows; None are the training rows.

        Returns
        -------
        Tensor of shape (m, p) or (m,)
        """
        rows, keys = self._handed_up(queries)
        if queries is None:
            mean: Tensor = self.means[-1](keys, keys, self.values, exclude_self=True)
        else:
            mean = self.means[-1](rows, keys, self.values)
        return mean

    def transform(self, queries: Tensor | None = None) -> Tensor:
        """Return rows as the levels below the last one hand them up.

        Parameters
        ----------
        queries : Tensor of shape (m, d), optional
            Rows; None are the training rows.

        Returns
        -------
        Tensor of shape (m, columns)
        """
        return self._handed_up(queries)[0]

    def _handed_up(self, queries: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return rows and training rows as the last level compares them."""
        keys: Tensor = self.keys
        rows = keys if queries is None else queries
        for level, mean in zip(self.levels[:-1], self.means[:-1], strict=True):
            above = _moved(level, keys, mean(keys, keys, keys))
            rows = above if queries is None else _moved(level, rows, mean(rows, keys, keys))
            keys = above
        return rows, keys


def _number(bandwidth: Any, dtype: torch.dtype) -> Tensor:
    named = isinstance(bandwidth, str)
    number: Tensor = torch.as_tensor(1.0 if named else bandwidth, dtype=dtype)
    return number


def _moved(level: Level, rows: Tensor, means: Tensor) -> Tensor:
    moved = means if level.step == 1 else rows + level.step * (means - rows)
    mapped: Tensor = moved if level.map is None else level.map(moved)
    return mapped


def _check(level: Level, number: int) -> None:
    if level.values != "rows":
        raise ValueError(f"level {number}: values must be 'rows' here, got {level.values!r}")
    if hasattr(level.map, "fit"):
        raise ValueError(
            f"level {number}: map must be a module or a function of tensors, got {level.map!r}"
        )
    if isinstance(level.bandwidth, str) and level.bandwidth != "scott":
        raise ValueError(
            f"level {number}: bandwidth is learned from a number on, got {level.bandwidth!r}"
        )
