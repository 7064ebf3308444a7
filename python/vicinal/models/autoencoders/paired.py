"""What autoencoders made of pairs share: codes, two maps, and the judgment by left-out rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import RuleOfQueries
from vicinal.models.autoencoders.leveled_map import LeveledMap, levels_of
from vicinal.models.checks import check_whole
from vicinal.models.lle_parameters import as_coordinates, check_range
from vicinal.models.model_checks import check_mass_tol
from vicinal.models.reconstruction import RoundTrip
from vicinal.models.regression import LocalMeanRegressor
from vicinal.models.saved import Saved
from vicinal.models.sets import check_neighbors
from vicinal.models.state import check_names, check_pairs

_OPTIONAL_STATE = ("feature_names_in_",)


class PairedMaps(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn carries no types
    TransformerMixin,  # type: ignore[misc]
    RoundTrip,
    Saved,
    BaseEstimator,  # type: ignore[misc]
):
    """Keep pairs (x, z); the encoder is a lazy map X → Z, the decoder one Z → X."""

    _state: ClassVar[tuple[str, ...]] = ("keys_", "embedding_", "bandwidth_", "n_features_in_")
    _levels: ClassVar[tuple[int, float]] = (1, 1.0)  # how many, and what a bandwidth shrinks by
    embedding: Any
    n_components: int
    kernel: Any
    bandwidth: Any
    metric: Any
    neighbors: Any
    mass_tol: float
    _encoder: LeveledMap
    _decoder: LeveledMap

    def fit(self, X: Any, y: Any = None) -> PairedMaps:
        """Keep rows and their codes.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n, c) or (n,), default=None
            Their codes Z. None asks `embedding` for them. In a pipeline the targets arrive here.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, rows do not pair or a parameter does not fit.
        """
        self._check()
        rows = check_range(validate_data(self, X, dtype=np.float64, order="C"))
        if len(rows) < 2:
            raise ValueError("X has n_samples=1, and nothing to judge it by; give more rows")
        codes = self._codes(rows) if y is None else _as_codes(y, len(rows), "y")
        there, back = _pair_of(self.bandwidth)
        settled = (
            self._settled(there, self.metric, rows, codes),
            self._settled(back, None, codes, rows),
        )
        self._remember(rows, codes, settled)
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
            Their codes, float64.
        """
        return self._encoder(self._queries(X), self.n_jobs)

    def inverse_transform(self, X: Any) -> Array:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (m, c)
            Codes.

        Returns
        -------
        rows : ndarray of shape (m, d)
            Rows of the data's space, float64.
        """
        check_is_fitted(self, "embedding_")
        return self._decoder(as_coordinates(X, self.embedding_.shape[1]), self.n_jobs)

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the training rows whose codes weigh most in the code of each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows of the data's space.
        k : int, default=5
            How many training rows to name per row.

        Returns
        -------
        indices : ndarray of shape (m, k), int64
            Training rows, heaviest first, ties by index; −1 where the support holds fewer.
        weights : ndarray of shape (m, k)
            Their shares of the whole weight of the row, on the first level of the encoder; 0 where
            the index is −1.
        """
        return self._encoder.heaviest(self._queries(X), k, self.n_jobs)

    @property
    def values_(self) -> Array:
        """The codes: `embedding_`."""
        check_is_fitted(self, "embedding_")
        return self.embedding_

    @property
    def empty_rows_(self) -> int:
        """Training rows with no other in the support of the encoder's first level."""
        check_is_fitted(self, "embedding_")
        return self._encoder.lonely(self.n_jobs)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def _check(self) -> None:
        check_whole(self.n_components, "n_components", 1)
        check_mass_tol(self.mass_tol, self.kernel)
        _pair_of(self.bandwidth)

    def _codes(self, rows: Array) -> Array:
        if self.embedding is None:
            model = PCA(min(self.n_components, *rows.shape), svd_solver="full")
        else:
            model = clone(self.embedding)
        return _as_codes(model.fit_transform(rows), len(rows), "embedding.fit_transform(X)")

    def _settled(self, rule: Any, metric: Any, keys: Array, values: Array) -> Any:
        """Return the bandwidth of the first level of a map."""
        options = {"neighbors": self.neighbors, "mass_tol": self.mass_tol, "n_jobs": self.n_jobs}
        mean = LocalMeanRegressor(kernel=self.kernel, bandwidth=rule, metric=metric, **options)
        return mean.fit(keys, values).bandwidth_

    def _remember(self, rows: Array, codes: Array, settled: tuple[Any, Any]) -> None:
        check_neighbors(self.neighbors, len(rows))
        encoder = self._map(rows, codes, self.metric, settled[0])
        decoder = self._map(codes, rows, None, settled[1])
        for one, points in ((encoder, rows), (decoder, codes)):
            one(points[:1], self.n_jobs)  # what does not fit together fails here
        self._forget()
        self.keys_, self.embedding_, self.bandwidth_ = rows, codes, settled
        self._encoder, self._decoder = encoder, decoder

    def _map(self, keys: Array, values: Array, metric: Any, bandwidth: Any) -> LeveledMap:
        return LeveledMap(
            keys,
            values,
            levels_of(bandwidth, *self._levels),
            kernel=self.kernel,
            metric=metric,
            neighbors=self.neighbors,
            tol=self.mass_tol,
            num_threads=self.n_jobs,
        )

    def _queries(self, X: Any) -> Array:
        check_is_fitted(self, "embedding_")
        return check_range(validate_data(self, X, reset=False, dtype=np.float64, order="C"))

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds."""
        names = (*self._state, *_OPTIONAL_STATE)
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, _OPTIONAL_STATE)
        self._check()
        check_pairs(state)
        settled = state["bandwidth_"]
        if not isinstance(settled, tuple) or len(settled) != 2:
            raise ValueError("bandwidth_ is no pair")
        self.__dict__.update(state)
        self._remember(state["keys_"], state["embedding_"], settled)


def _pair_of(bandwidth: Any) -> tuple[Any, Any]:
    """Return the bandwidths of the encoder and the decoder."""
    if isinstance(bandwidth, str | RuleOfQueries):
        return bandwidth, bandwidth
    if isinstance(bandwidth, tuple | list) and len(bandwidth) == 2:
        return bandwidth[0], bandwidth[1]
    raise ValueError(
        "bandwidth must be the name of a criterion, a rule such as "
        "vicinal.bandwidth.KthNeighbor(10), or a pair: of the encoder in units of X, of the "
        f"decoder in units of the codes; got {bandwidth!r}"
    )


def _as_codes(codes: Any, rows: int, name: str) -> Array:
    """Return codes as (n, c), float64."""
    given = check_array(codes, dtype=np.float64, order="C", ensure_2d=False, input_name=name)
    given = check_range(given[:, None] if given.ndim == 1 else given, name)
    if len(given) != rows:
        raise ValueError(f"{name} must have one code per row of X, got {len(given)} for {rows}")
    return given
