"""An autoencoder of levels: each reconstructs what the coarser ones leave."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from vicinal.arrays import Array
from vicinal.models.autoencoders.paired import PairedMaps
from vicinal.models.checks import check_number, check_whole
from vicinal.models.lle_parameters import as_coordinates


class HierarchicalAutoencoder(PairedMaps):
    r"""Encode and decode by local means of residuals, level after level with a narrower kernel.

    A map of L levels is :math:`T(q) = \sum_l m_l(q)`. Level l averages the residuals :math:`R_l` of
    the training pairs; :math:`R_0` are the values, and

    .. math:: R_{l+1} = (I - S_l)\, R_l

    with :math:`S_l` the normalized weights of the training rows among themselves, under the
    bandwidth :math:`h_l = h_0\, shrink^l`: Tukey's twicing, with a finer eye each time. The encoder
    is such a map X → Z, the decoder one Z → X. On training rows both approach the identity; what
    that is worth, left-out rows say.

    Parameters
    ----------
    embedding : transformer, default=None
        As in `LazyAutoencoder`.
    n_levels : int, default=4
        How many levels.
    shrink : float, default=0.5
        Bandwidth of a level over that of the level before, above 0 and at most 1.
    n_components : int, default=2
        Columns of the codes, if `embedding` is None.
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels` with non-negative weights, of both maps.
    bandwidth : str or pair, default="scott"
        Of the first, coarsest level, as in `LazyAutoencoder`; rules do not shrink.
    metric, neighbors, mass_tol, n_jobs
        As in `LazyAutoencoder`.

    Attributes
    ----------
    keys_, embedding_, distortion_, n_features_in_, feature_names_in_
        As in `LazyAutoencoder`.
    bandwidth_ : tuple
        Those of the first level, of the encoder and of the decoder.
    level_errors_ : ndarray of shape (n_levels + 1, 2)
        Root mean squares of :math:`R_0 \dots R_L`, of the encoder and of the decoder; computed on
        first use.
    contractions_ : ndarray of shape (n_levels, 2)
        The bound of each level, :math:`\max_i 1 - (S_l)_{ii}`, of the encoder and of the decoder;
        computed on first use.

    See Also
    --------
    LazyAutoencoder : One level.
    HierarchicalLocalModel : Levels that hand up local means.

    Notes
    -----
    A construction of this project, after Tukey's twicing (1977). Two bounds hold.

    For every kernel with non-negative weights
    :math:`R_{l+1,i} = \sum_{j \ne i} (S_l)_{ij} (R_{l,i} - R_{l,j})`, hence in each column

    .. math:: \max |R_{l+1}| \le (1 - \min_i (S_l)_{ii}) \, (\max R_l - \min R_l)

    (`contractions_`), a contraction by any factor once kernels are narrow: where training rows
    differ, the diagonal of S tends to 1 with the bandwidth.

    For a symmetric positive definite kernel (Gaussian, Laplace, Cauchy, Matérn …) :math:`S_l` is
    self-adjoint in the norm :math:`\|r\|_l^2 = \sum_i M_i r_i^2`, with :math:`M_i` the mass
    :math:`\sum_j K_l(x_i, x_j)` (its stationary measure), and has eigenvalues in [0, 1]. So no
    level lets that norm grow: :math:`\|R_{l+1}\|_l \le (1 - \lambda_{min}(S_l)) \|R_l\|_l`. In
    the plain norm a level of uneven masses may.

    Leaving a row out changes the residuals of the others, so that with several levels `loo_score`,
    `loo_transform` and `distortion_` fit the maps again without each row: n³ weights per level.
    For many rows take `sklearn.model_selection.cross_val_score`.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import HierarchicalAutoencoder
    >>> t = np.linspace(0, 3, 60)
    >>> X = np.column_stack([np.cos(t), np.sin(t)])
    >>> model = HierarchicalAutoencoder(n_levels=5).fit(X, t)
    >>> model.level_errors_[:, 1].round(3)
    array([0.707, 0.087, 0.016, 0.004, 0.001, 0.   ])
    >>> bool(model.loo_score() > 0.9)
    True
    """

    def __init__(
        self,
        embedding: Any = None,
        *,
        n_levels: int = 4,
        shrink: float = 0.5,
        n_components: int = 2,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        n_jobs: int | None = None,
    ) -> None:
        self.embedding = embedding
        self.n_levels = n_levels
        self.shrink = shrink
        self.n_components = n_components
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.n_jobs = n_jobs

    def transform(self, X: Any, level: int | None = None) -> Array:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows of the data's space.
        level : int, default=None
            How many levels are added up, 1 to `n_levels`; None is all.

        Returns
        -------
        Z : ndarray of shape (m, c)
            Their codes, float64.
        """
        return self._encoder(self._queries(X), self.n_jobs, level=self._count(level))

    def inverse_transform(self, X: Any, level: int | None = None) -> Array:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (m, c)
            Codes.
        level : int, default=None
            How many levels are added up, 1 to `n_levels`; None is all.

        Returns
        -------
        rows : ndarray of shape (m, d)
            Rows of the data's space, float64.
        """
        check_is_fitted(self, "embedding_")
        codes = as_coordinates(X, self.embedding_.shape[1])
        return self._decoder(codes, self.n_jobs, level=self._count(level))

    @cached_property
    def level_errors_(self) -> Array:
        """Root mean squares of the residuals before and after every level, (n_levels + 1, 2)."""
        check_is_fitted(self, "embedding_")
        return np.column_stack([self._encoder.errors(), self._decoder.errors()])

    @cached_property
    def contractions_(self) -> Array:
        """Bounds of the levels, (n_levels, 2)."""
        check_is_fitted(self, "embedding_")
        return np.column_stack([self._encoder.contractions(), self._decoder.contractions()])

    @property
    def _levels(self) -> tuple[int, float]:  # type: ignore[override]  # a number of the instance
        return self.n_levels, self.shrink

    def _check(self) -> None:
        super()._check()
        check_whole(self.n_levels, "n_levels", 1)
        check_number(self.shrink, "shrink", lambda share: 0 < share <= 1, "above 0 and at most 1")

    def _count(self, level: int | None) -> int:
        if level is None:
            return self.n_levels
        check_whole(level, "level", 1)
        if level > self.n_levels:
            raise ValueError(f"level must be at most n_levels={self.n_levels}, got {level}")
        return int(level)

    def _forget(self) -> None:
        super()._forget()
        for name in ("level_errors_", "contractions_"):
            self.__dict__.pop(name, None)
