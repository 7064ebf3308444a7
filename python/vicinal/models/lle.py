"""Locally linear embedding: coordinates in which every row is what it was to its neighbors."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.models import alignment
from vicinal.models.base import levels_to_the_caller
from vicinal.models.bottom import bottom_eigenvectors
from vicinal.models.lle_parameters import (
    as_coordinates,
    check_parameters,
    check_range,
    check_sizes,
    warn_of_equal_rows,
)
from vicinal.models.neighborhoods import Points, Space, interpolate
from vicinal.models.precomputed import Distances, as_distances, from_parts, parts_of
from vicinal.models.saved import Saved
from vicinal.models.state import check_embedding, check_names

_OPTIONAL_STATE = ("feature_names_in_",)


def _has_coordinates(model: Any) -> bool:
    if isinstance(model.metric, str) and model.metric == "precomputed":
        raise AttributeError(
            "inverse_transform needs the coordinates of the training rows, which "
            "metric='precomputed' does not have; fit on coordinates"
        )
    return True


class LocallyLinearEmbedding(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn carries no types
    TransformerMixin,  # type: ignore[misc]
    Saved,
    BaseEstimator,  # type: ignore[misc]
):
    r"""Embed rows so that each stays the same combination of its neighbors.

    The affine weights :math:`W` reproduce every row from its neighbors; the embedding :math:`Y`
    minimizes :math:`\|Y - WY\|^2` under :math:`Y^\top Y = I`, orthogonal to the constant. The
    other methods replace :math:`(I - W)^\top (I - W)` by sums over tangent spaces.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbors of each row, not counting itself.
    n_components : int, default=2
        Dimension of the embedding.
    reg : float, default=1e-3
        Penalty on the weights, as a share of the trace of the Gram matrix of a neighborhood.
    eigen_solver : {"auto", "arpack", "dense"}, default="auto"
        "dense" decomposes the full matrix; "arpack" is ARPACK on a sparse factorization with a
        small negative shift; "auto" is dense up to 500 rows, and where more than a tenth of all
        eigenvectors is asked for.
    tol : float, default=1e-6
        Relative accuracy of the eigenvalues of ARPACK, 0 for the machine's.
    max_iter : int, default=100
        Restarts of ARPACK.
    method : {"standard", "modified", "hessian", "ltsa"}, default="standard"
        Affine weights; several of them per row; tangent Hessians; alignment of tangent spaces.
        Least numbers of neighbors, with d components: 1, d, 1 + d + d(d+1)/2, d + 2.
    hessian_tol : float, default=1e-4
        Sine of the angle under which monomials on a neighborhood count as dependent ("hessian").
    modified_tol : float, default=1e-12
        Cosine under which the constant counts as orthogonal to a null space ("modified").
    neighbors_algorithm : {"auto", "brute", "kd_tree", "ball_tree"}, default="auto"
        Accepted and without effect: every exact search has one answer.
    random_state : int, RandomState or None, default=None
        Choice of landmarks and start of ARPACK; None is a fixed one.
    n_jobs : int, default=None
        Threads of search and weights; None is `vicinal.get_num_threads()`, −1 all cores.
    metric : str, GreatCircle or Mahalanobis, default="euclidean"
        Who is near, see `vicinal.knn`; weights are those of the coordinates. "precomputed": `X` is
        a square matrix of distances, sparse or dense, in which the n_neighbors nearest of a row
        and the distances between them must be stored.
    landmarks : int, default=None
        Embed this many rows, chosen at random, and transform the others; None embeds all.

    Attributes
    ----------
    embedding_ : ndarray of shape (n, n_components)
        Coordinates of the training rows; the largest of each column is positive.
    reconstruction_error_ : float
        Sum of the eigenvalues; for "standard" :math:`\|Y - WY\|^2`.
    eigenvalues_, residuals_ : ndarray of shape (n_components,)
        Eigenvalues λ of the alignment matrix M, and ‖My − λy‖ of the columns of the embedding.
    n_connected_components_ : int
        Parts of the data that share no neighborhood; more than one come with a warning.
    keys_ : ndarray of shape (n, d), or csr_array of distances
        Rows that neighbors are found among: the training rows, or the landmarks.
    landmarks_ : ndarray of int64, or None
        Rows of the training set that are landmarks, ascending.
    n_features_in_ : int
        Features seen by `fit`.
    feature_names_in_ : ndarray of str
        Their names, if `X` had some.

    Notes
    -----
    Standard: Roweis & Saul, Science 290 (2000) 2323. Modified: Zhang & Wang, NIPS 19 (2007).
    Hessian: Donoho & Grimes, PNAS 100 (2003) 5591, as published: the Hessian takes part by the
    quadratic functions of the tangent coordinates alone. In scikit-learn it takes the whole
    complement of the affine functions, which is LTSA. LTSA: Zhang & Zha, SIAM J. Sci. Comput. 26
    (2004) 313.

    New rows are combined with the penalty :math:`\text{reg}\, k \|x_a - q\|^2` on the weight of
    neighbor a, where scikit-learn has :math:`\text{reg} \sum_b \|x_b - q\|^2` for all: the
    embedding is then continuous, and a training row keeps its own coordinates.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocallyLinearEmbedding
    >>> t = np.linspace(0, 3, 40)
    >>> X = np.column_stack([np.cos(t), np.sin(t)])
    >>> model = LocallyLinearEmbedding(n_neighbors=4, n_components=1).fit(X)
    >>> order = np.argsort(model.embedding_[:, 0])
    >>> bool(np.all(np.diff(order) == 1) or np.all(np.diff(order) == -1))
    True
    >>> between = model.transform((X[:1] + X[1:2]) / 2)
    >>> np.allclose(model.inverse_transform(between), (X[0] + X[1]) / 2, atol=1e-2)
    True
    """

    _state: ClassVar[tuple[str, ...]] = (
        "keys_",
        "embedding_",
        "landmarks_",
        "eigenvalues_",
        "residuals_",
        "reconstruction_error_",
        "n_connected_components_",
        "n_features_in_",
    )

    _embedded: Points | None

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        n_components: int = 2,
        reg: float = 1e-3,
        eigen_solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 100,
        method: str = "standard",
        hessian_tol: float = 1e-4,
        modified_tol: float = 1e-12,
        neighbors_algorithm: str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        metric: Any = "euclidean",
        landmarks: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.reg = reg
        self.eigen_solver = eigen_solver
        self.tol = tol
        self.max_iter = max_iter
        self.method = method
        self.hessian_tol = hessian_tol
        self.modified_tol = modified_tol
        self.neighbors_algorithm = neighbors_algorithm
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.metric = metric
        self.landmarks = landmarks

    def fit(self, X: Any, y: Any = None) -> LocallyLinearEmbedding:
        """Embed the training set.

        Parameters
        ----------
        X : array-like of shape (n, d), or of distances (n, n)
            Training rows.
        y : None
            Ignored.

        Returns
        -------
        self : LocallyLinearEmbedding
            The fitted model.

        Raises
        ------
        ValueError
            If `X` is not finite, has too few rows or features, a parameter does not fit, or ARPACK
            does not converge.
        """
        check_parameters(self)
        rows = self._read(X, reset=True)
        check_sizes(self, rows.shape, self._is_precomputed())
        random = check_random_state(0 if self.random_state is None else self.random_state)
        chosen = self._choose(rows.shape[0], random)
        keys = rows if chosen is None else self._at_landmarks(rows[chosen], chosen)
        warn_of_equal_rows(keys, self._is_precomputed())
        space = self._space_of(keys)
        matrix = self._alignment(space)
        self._count_parts(matrix)
        found = bottom_eigenvectors(
            matrix,
            self.n_components,
            solver=self.eigen_solver,
            tol=self.tol,
            max_iter=self.max_iter,
            start=random.uniform(-1, 1, len(space)),
        )
        self.eigenvalues_, self.residuals_ = found.values, found.residuals
        self.reconstruction_error_ = float(found.values.sum())
        self.keys_, self.landmarks_ = keys, chosen
        self._remember(space, found.vectors)
        self.embedding_ = found.vectors
        if chosen is not None:
            self.embedding_ = self._interpolated(self._at_landmarks(rows, chosen))
            self.embedding_[chosen] = found.vectors
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Embed the training set and return its coordinates.

        Parameters
        ----------
        X : array-like of shape (n, d), or of distances (n, n)
            Training rows.
        y : None
            Ignored.

        Returns
        -------
        Z : ndarray of shape (n, n_components)
            `embedding_`.
        """
        return self.fit(X).embedding_

    def transform(self, X: Any) -> Array:
        """Embed new rows among the training rows, which keep their coordinates.

        Parameters
        ----------
        X : array-like of shape (m, d), or distances to the training rows (m, n)
            New rows.

        Returns
        -------
        Z : ndarray of shape (m, n_components)
            The affine combination of the neighbors' coordinates that reproduces the row; where it
            coincides with training rows, the mean of theirs.
        """
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        return self._interpolated(self._at_landmarks(rows, self.landmarks_))

    @available_if(_has_coordinates)  # type: ignore[untyped-decorator]
    def inverse_transform(self, X: Any) -> Array:
        """Return rows of the data's space for points of the embedding.

        Parameters
        ----------
        X : array-like of shape (m, n_components)
            Points of the embedding.

        Returns
        -------
        rows : ndarray of shape (m, d)
            The combination of training rows whose coordinates combine to the point; at the
            coordinates of training rows, their mean.
        """
        check_is_fitted(self)
        points = as_coordinates(X, self.embedding_.shape[1])
        if self._embedded is None:
            self._embedded = Points(self._coordinates, "euclidean", self.n_jobs)
        return self._combined(self._embedded, points, self.keys_)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def _interpolated(self, queries: Any) -> Array:
        return self._combined(self._space, queries, self._coordinates)

    def _combined(self, space: Space, queries: Any, values: Array) -> Array:
        return interpolate(space, queries, values, self.n_neighbors, self.reg, self.n_jobs)

    def _remember(self, space: Space, coordinates: Array) -> None:
        """Keep what answers for new rows: where keys are found, and their coordinates."""
        self._space, self._coordinates = space, coordinates
        self._embedded = None

    def _alignment(self, space: Space) -> Any:
        d, near = self.n_components, partial(space.among, self.n_neighbors, self.n_jobs)
        # The neighborhoods are the callee's alone: it may let go of them.
        if self.method == "standard":
            return alignment.standard(near(), self.reg)
        if self.method == "modified":
            return alignment.modified(near(), d, self.modified_tol)
        if self.method == "hessian":
            return alignment.hessian(near(), d, self.hessian_tol)
        return alignment.ltsa(near(), d)

    def _count_parts(self, matrix: Any) -> None:
        # The matrix is symmetric: strong components are all there are, and need no transpose.
        self.n_connected_components_ = int(connected_components(matrix, connection="strong")[0])
        if self.n_connected_components_ > 1:
            warnings.warn(
                f"the neighborhoods fall into {self.n_connected_components_} parts that share no "
                "row: the embedding tells the parts apart, not the places within them; raise "
                "n_neighbors, or embed each part alone",
                vicinal.LocalizationWarning,
                stacklevel=levels_to_the_caller(),
            )

    def _space_of(self, keys: Any) -> Space:
        if self._is_precomputed():
            return Distances(keys)
        return Points(keys, self.metric, self.n_jobs)

    def _choose(self, n: int, random: np.random.RandomState) -> Array | None:
        if self.landmarks is None or self.landmarks >= n:
            return None
        return np.sort(random.choice(n, self.landmarks, replace=False)).astype(np.int64)

    def _at_landmarks(self, rows: Any, landmarks: Array | None) -> Any:
        """Return of distances those to the landmarks."""
        return rows[:, landmarks] if self._is_precomputed() and landmarks is not None else rows

    def _is_precomputed(self) -> bool:
        return isinstance(self.metric, str) and self.metric == "precomputed"

    def _read(self, X: Any, reset: bool) -> Any:
        if self._is_precomputed():
            given = validate_data(self, X, reset=reset, dtype=np.float64, accept_sparse="csr")
            return as_distances(given, type(self).__name__)
        return check_range(validate_data(self, X, reset=reset, dtype=np.float64, order="C"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inputs, precomputed = tags.input_tags, self._is_precomputed()
        inputs.pairwise = inputs.positive_only = inputs.sparse = precomputed
        return tags

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds."""
        names = (*self._state, *_OPTIONAL_STATE)
        state = {name: getattr(self, name) for name in names if hasattr(self, name)}
        if self._is_precomputed():
            state["keys_"] = parts_of(self.keys_)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, _OPTIONAL_STATE)
        check_parameters(self)
        keys = state["keys_"]
        if self._is_precomputed():
            keys = state["keys_"] = from_parts(keys)
        check_embedding(state, self.n_components, self._is_precomputed())
        if self.n_neighbors >= keys.shape[0]:
            raise ValueError(f"n_neighbors={self.n_neighbors} of {keys.shape[0]} keys")
        self.__dict__.update(state)
        chosen = state["landmarks_"]
        coordinates = self.embedding_ if chosen is None else self.embedding_[chosen]
        self._remember(self._space_of(keys), coordinates)
