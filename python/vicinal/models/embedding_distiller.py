"""An encoder and a decoder from any embedding."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import metadata_routing
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.models.base import levels_to_the_caller
from vicinal.models.distiller_checks import (
    as_embedding,
    as_pair,
    check_parameters,
    check_rules,
)
from vicinal.models.lle_parameters import as_coordinates, check_range
from vicinal.models.local_maps import AffineMap, MeanMap, SearchedMap, count_ambiguous
from vicinal.models.reconstruction import ThereAndBack
from vicinal.models.saved import Saved
from vicinal.models.state import check_names, check_pairs

_OPTIONAL_STATE = ("feature_names_in_",)


class EmbeddingDistiller(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn carries no types
    TransformerMixin,  # type: ignore[misc]
    ThereAndBack,
    Saved,
    BaseEstimator,  # type: ignore[misc]
):
    r"""Turn an embedding of the training rows into maps there and back for any row.

    An embedding `Z` of `X` that comes without a map (t-SNE, UMAP, coordinates from elsewhere) gets
    an encoder from the pairs (x, z) and a decoder from the pairs (z, x), both local and untrained:
    the answer for a row depends on the training pairs alone. What the way there and back leaves of
    a row that the maps have not seen says how much of the data the embedding holds.

    Parameters
    ----------
    n_neighbors : int, default=8
        Training rows that answer for a row, in `X` and in `Z`.
    method : {"mean", "affine"}, default="mean"
        Local means, which smooth, training rows too. Or local linear maps: the affine weights that
        reproduce a row from its neighbors, as in `LocallyLinearEmbedding`, so that training rows
        keep their coordinates; better where `Z` parametrizes a smooth surface, worse where rows
        scatter around what `Z` can tell, as they do around t-SNE and UMAP. `compare` tells.
    reg : float, default=1e-2
        Penalty on the affine weights, as a share of the trace of a neighborhood's Gram matrix.
        Large, the weights tend to the inverse squared distances.
    kernel : str or kernel, default="tricube"
        Kernel of the local means.
    bandwidth : None, rule or pair, default=None
        Of the kernel. None reaches to the `n_neighbors` nearest rows and no farther; a rule
        (`vicinal.bandwidth.KthNeighbor`, `Perplexity`) serves both maps; a pair is the encoder's,
        in units of `X`, and the decoder's, in units of `Z`, each a number or a rule.
    metric : str, GreatCircle or Mahalanobis, default="euclidean"
        Who is near in `X`, see `vicinal.knn`; in `Z` it is the Euclidean distance.
    n_jobs : int, default=None
        Threads; None is `vicinal.get_num_threads()`, −1 all cores. No bit depends on it.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d)
        The training rows, float64.
    embedding_ : ndarray of shape (n, c)
        Their coordinates `Z`, float64.
    distortion_ : ndarray of shape (n,)
        How far each training row is from what comes back when it is encoded and decoded by the
        others alone, in units of `X`; computed on first use.
    n_features_in_ : int
        Features seen by `fit`.
    feature_names_in_ : ndarray of str
        Their names, if `X` had some.

    See Also
    --------
    LocallyLinearEmbedding : An embedding that brings both maps along.
    vicinal.plotting.EmbeddingDisplay : Draws the coordinates, colored by distortion.

    Notes
    -----
    The question, and the reconstruction error as distortion of a point, are those of MEDAL (Chang,
    Zikry & Allen, arXiv:2605.24244, 2026), which trains an autoencoder with the embedding for its
    bottleneck; here nothing is trained, so leaving one row out costs one search instead of one
    training. A training row would be near itself: it is judged by the others only.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import EmbeddingDistiller
    >>> t = np.linspace(0, 3, 200)
    >>> X = np.column_stack([np.cos(t), np.sin(t), t])
    >>> model = EmbeddingDistiller(method="affine").fit(X, t[:, None])
    >>> model.transform([[np.cos(1.1), np.sin(1.1), 1.1]]).round(4)
    array([[1.1]])
    >>> model.inverse_transform([[1.1]]).round(4)
    array([[0.4536, 0.8912, 1.1   ]])
    >>> round(model.loo_score(), 6)
    1.0
    >>> model.drift([[0.0, 0.0, 1.1]])
    array([1.])
    """

    _state: ClassVar[tuple[str, ...]] = ("keys_", "embedding_", "n_features_in_")
    __metadata_request__fit: ClassVar[dict[str, str]] = {"Z": metadata_routing.UNUSED}

    def __init__(
        self,
        *,
        n_neighbors: int = 8,
        method: str = "mean",
        reg: float = 1e-2,
        kernel: Any = "tricube",
        bandwidth: Any = None,
        metric: Any = "euclidean",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.method = method
        self.reg = reg
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, *, Z: Any = None) -> EmbeddingDistiller:
        """Keep the pairs.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n, c) or (n,)
            Their coordinates in the embedding, ``fit(X, Z)``: pipelines and searches hand them on
            as targets.
        Z : array-like of shape (n, c) or (n,)
            The same by name, ``fit(X, Z=Z)``.

        Returns
        -------
        self : EmbeddingDistiller
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, rows do not pair, there are no more than `n_neighbors`, a
            parameter does not fit, or both `y` and `Z` are given.

        Warns
        -----
        LocalizationWarning
            If equal rows of `X` have several places in `Z`, or several rows of `X` one place in
            `Z`: no map tells them apart, and they are given their mean.
        """
        check_parameters(self)
        rows = self._read(X, reset=True)
        if y is not None and Z is not None:
            raise ValueError("y and Z are two names of one argument, got both; give one")
        coordinates = as_embedding(y if Z is None else Z, len(rows), self.n_neighbors)
        self._remember(rows, coordinates)
        self._warn_of_ambiguous()
        return self

    def transform(self, X: Any) -> Array:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows of the data's space.

        Returns
        -------
        Z : ndarray of shape (m, c)
            Their coordinates, float64. Of a training row a smoothed one with ``method="mean"``, its
            own with "affine" (the mean of those of equal rows).
        """
        queries = self._queries(X)
        return self._encoder(queries, self.n_jobs)

    def inverse_transform(self, X: Any) -> Array:
        """Decode points of the embedding.

        Parameters
        ----------
        X : array-like of shape (m, c)
            Points of the embedding.

        Returns
        -------
        rows : ndarray of shape (m, d)
            Rows of the data's space, float64.
        """
        check_is_fitted(self, "embedding_")
        return self._decoder(as_coordinates(X, self.embedding_.shape[1]), self.n_jobs)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def _remember(self, rows: Array, coordinates: Array) -> None:
        if self.method == "mean":
            check_rules(self.bandwidth, self.kernel, len(rows))
        there, back = as_pair(self.bandwidth)
        encoder = self._map(rows, coordinates, self.metric, there)
        decoder = self._map(coordinates, rows, "euclidean", back)
        for one, points in ((encoder, rows), (decoder, coordinates)):
            one(points[:1], self.n_jobs)  # what does not fit together fails here
        self._forget()
        self.keys_, self.embedding_ = rows, coordinates
        self._encoder, self._decoder = encoder, decoder

    def _map(self, keys: Array, values: Array, metric: Any, bandwidth: Any) -> SearchedMap:
        known = keys, values, metric, self.n_jobs
        if self.method == "affine":
            return AffineMap(*known, k=self.n_neighbors, reg=self.reg)
        return MeanMap(*known, k=self.n_neighbors, kernel=self.kernel, bandwidth=bandwidth)

    def _warn_of_ambiguous(self) -> None:
        ways = (("X", self.keys_, self.embedding_), ("Z", self.embedding_, self.keys_))
        for (one, keys, values), (other, _, _) in zip(ways, ways[::-1], strict=True):
            count = count_ambiguous(keys, values)
            if count:
                warnings.warn(
                    f"{count} of {len(keys)} rows of {one} coincide with a row whose row of "
                    f"{other} is another: no map tells them apart, their rows of {other} are "
                    "averaged",
                    vicinal.LocalizationWarning,
                    stacklevel=levels_to_the_caller(),
                )

    def _queries(self, X: Any) -> Array:
        check_is_fitted(self, "embedding_")
        return self._read(X, reset=False)

    def _read(self, X: Any, reset: bool) -> Array:
        return check_range(validate_data(self, X, reset=reset, dtype=np.float64, order="C"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = tags.target_tags.multi_output = True
        return tags

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds."""
        names = (*self._state, *_OPTIONAL_STATE)
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, _OPTIONAL_STATE)
        check_parameters(self)
        check_pairs(state)
        if self.n_neighbors >= len(state["keys_"]):
            raise ValueError(f"n_neighbors={self.n_neighbors} of {len(state['keys_'])} keys")
        self.__dict__.update(state)
        self._remember(state["keys_"], state["embedding_"])
