"""The optimal denoiser of Gaussian noise: the local mean of the keys."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.given import PerQuery
from vicinal.models.base import FLOATS
from vicinal.models.checks import check_number
from vicinal.models.diffusion.posterior import Posterior
from vicinal.models.model_checks import as_weights


class Denoiser(Posterior):
    r"""Remove Gaussian noise optimally, know the score it implies, and sample by falling noise.

    Of a point :math:`x = x_0 + \sigma \varepsilon`, with :math:`x_0` one of the training rows drawn
    by weight, the posterior mean is a Gaussian local mean of the keys,

    .. math:: m(x) = \mathbb{E}[x_0 | x] = \frac{\sum_j w_j\, e^{-\|x - x_j\|^2 / 2\sigma^2} x_j}
              {\sum_j w_j\, e^{-\|x - x_j\|^2 / 2\sigma^2}},
              \qquad \nabla \log p_\sigma(x) = \frac{m(x) - x}{\sigma^2}

    (Robbins, 1956; Miyasawa, 1961), with :math:`p_\sigma` the density of x.

    Parameters
    ----------
    sigma : float, default=1.0
        Standard deviation of the noise in every feature, in units of `X`. Every method takes
        another one.
    neighbors : NeighborSet, default=None
        Which training rows count at a point, as ``vicinal.KNearest(100)``; None is all.
    mass_tol : float, default=0.0
        At most this share of a point's mass is left out, so that each coordinate of the mean moves
        by at most ``mass_tol`` times the range of that feature; 0 is exact.
    empty : {"input", "nan", "zero", "raise"} or float, default="input"
        What `predict` says of a point that has no training row among its neighbors: the point
        itself or NaN, with one `LocalizationWarning`, 0, a ValueError, or this number.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_, values_ : ndarray of shape (n, d)
        The training rows, float32 if they came so, else float64.
    sample_weight_ : ndarray of shape (n,) or None
        The weights given to `fit`.
    bandwidth_ : float
        `sigma`.
    empty_rows_ : int
        Training rows without another one among their neighbors; computed on first use.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    KernelDensity : The same density, for every kernel and bandwidth.
    MeanShift : The same step, with a bandwidth that stays.
    noise_levels : Schedules of falling noise for `sample`.

    Notes
    -----
    Vincent (2011); Alain and Bengio (2014): a regression r that is fitted to pairs (noisy row, row)
    tends to m with the number of pairs, so that (r(x) − x)/σ² tends to the score.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import Denoiser
    >>> model = Denoiser(sigma=0.5).fit([[-1.0], [1.0]])
    >>> model.predict([[0.0], [0.25]]).round(4)
    array([[0.    ],
           [0.7616]])
    >>> model.score_function([[0.25]]).round(4)
    array([[2.0464]])
    >>> model.sample(3, random_state=0).shape
    (3, 1)
    """

    _loss = "negative log-likelihood (nats per row)"
    _policies = ("input", "nan", "zero", "raise")
    kernel = "gaussian"
    metric = None

    def __init__(
        self,
        sigma: float = 1.0,
        *,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "input",
        n_jobs: int | None = None,
    ) -> None:
        self.sigma = sigma
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Denoiser:
        """Remember the clean rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows without noise.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : Denoiser
            The fitted model.

        Raises
        ------
        ValueError
            If `X` is not finite, shapes differ or a parameter does not fit.
        """
        check_number(self.sigma, "sigma", lambda sigma: 0 < sigma < np.inf, _SIGMA)
        X = validate_data(self, X, dtype=FLOATS, order="C")
        self._remember(X, X, sample_weight)
        return self

    def predict(self, X: Any, sigma: Any = None) -> Array:
        """Remove the noise from each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Noisy rows.
        sigma : float or array-like of shape (m,), default=None
            The standard deviation of their noise, one for all or one each; None is that of the
            model.

        Returns
        -------
        rows : ndarray of shape (m, d)
            Posterior means, in the dtype of `keys_`.

        Raises
        ------
        ValueError
            If a sigma is not positive and finite. Its limit 0 is the nearest training row, see
            `vicinal.knn`.
        """
        queries = self._queries(X)
        rows = self._mean_at(queries, self._noise(sigma, len(queries)))
        return self._filled(rows, queries)

    def score_function(self, X: Any, sigma: Any = None) -> Array:
        r"""Return the score :math:`\nabla \log p_\sigma = (m(x) - x)/\sigma^2` at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Noisy rows.
        sigma : float or array-like of shape (m,), default=None
            As in `predict`.

        Returns
        -------
        score : ndarray of shape (m, d)
            In the dtype of `keys_`, per unit of `X`.

        Raises
        ------
        ValueError
            As `predict`.
        """
        queries = self._queries(X)
        noise = self._noise(sigma, len(queries))
        rows = self._filled(self._mean_at(queries, noise), queries)
        return np.asarray((rows - queries) / np.square(_column(noise)).astype(rows.dtype))

    def score_samples(self, X: Any, sigma: Any = None) -> Array:
        r"""Return :math:`\log p_\sigma` at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Noisy rows.
        sigma : float or array-like of shape (m,), default=None
            As in `predict`.

        Returns
        -------
        log_density : ndarray of shape (m,)
            In the dtype of `keys_`; −inf where no training row is among the neighbors.

        Raises
        ------
        ValueError
            As `predict`.
        """
        queries = self._queries(X)
        noise = self._noise(sigma, len(queries))
        log_mass = self._stats(queries, noise, "log_mass").log_mass
        return np.asarray((log_mass + self._log_scale(noise)).astype(queries.dtype))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the total log-likelihood of the rows of `X` at the model's sigma.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Noisy rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (m,), default=None
            Counts of the rows.

        Returns
        -------
        score : float
            The sum of `score_samples`.
        """
        log_density = self.score_samples(X).astype(np.float64)
        if sample_weight is not None:
            log_density *= as_weights(sample_weight, log_density[:, None])
        return float(log_density.sum())

    def covariance(self, X: Any, sigma: Any = None, *, diagonal: bool = False) -> Array:
        r"""Return the posterior covariance of the clean row at each row of `X`.

        The local covariance of the keys, which is :math:`\sigma^2` times the Jacobian of the
        denoiser and :math:`\sigma^2 (I + \sigma^2 \nabla^2 \log p_\sigma)`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Noisy rows.
        sigma : float or array-like of shape (m,), default=None
            As in `predict`.
        diagonal : bool, default=False
            Variances only, at the cost of a mean; whole matrices take up to 90 features.

        Returns
        -------
        covariance : ndarray of shape (m, d, d) or (m, d)
            In the dtype of `keys_`, squared units of `X`; NaN where no training row is among the
            neighbors.

        Raises
        ------
        ValueError
            As `predict`, and for matrices of too many features.
        """
        queries = self._queries(X)
        name = "variance" if diagonal else "covariance"
        noise = self._noise(sigma, len(queries))
        return np.asarray(getattr(self._stats(queries, noise, name), name))

    def _noise(self, sigma: Any, rows: int) -> Any:
        """Return a checked level, a number or (rows,)."""
        if sigma is None:
            return float(self.bandwidth_)
        levels = np.asarray(sigma, dtype=np.float64)
        fits = levels.shape in ((), (rows,)) and np.all(np.isfinite(levels) & (levels > 0))
        if not fits:
            raise ValueError(
                f"sigma must be {_SIGMA}, one for all rows or ({rows},), got {sigma!r}"
            )
        return levels if levels.ndim else float(levels)

    def _stats(self, queries: Array, noise: Any, name: str) -> vicinal.LocalStats:
        options = self._options(queries) | {"bandwidth": _bandwidth(noise)}
        tol = {} if name == "covariance" else {"tol": self.mass_tol}
        values = None if name == "log_mass" else self.values_
        return vicinal.local_stats(
            queries, self._search_keys, values, statistics=(name,), **tol, **options
        )

    def _check_state(self, state: dict[str, Any]) -> None:
        super()._check_state(state)
        if not np.array_equal(state["values_"], state["keys_"]):
            raise ValueError("values_ of a denoiser must be its keys_")


_SIGMA = "positive and finite (its limit 0 is the nearest row: vicinal.knn)"


def _column(noise: Any) -> Any:
    return noise[:, None] if np.ndim(noise) else np.float64(noise)


def _bandwidth(noise: Any) -> Any:
    return PerQuery(noise) if np.ndim(noise) else noise
