"""Posterior means at any level of noise, and samples that are drawn by them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.given import PerQuery
from vicinal.models.base import LocalModel
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_choice, check_whole
from vicinal.models.diffusion.noise import as_sigmas, noise_levels
from vicinal.models.diffusion.steps import walk

# From this share of the largest squared norm of a key on, σ² is so wide that a product of
# coordinates has digits enough for a score: log-weights are off by at most about 2⁷ roundings.
WIDE = 2.0**-7
# From so many keys on, the nearest FEW are looked at first where σ is below this share of the
# distance between neighbors: a key at distance D then weighs less than e^(−D²/2σ² + z D/σ) of the
# own one, z normal, which drowns in rounding from about D/σ = 11 on.
MANY, FEW, NARROW = 4096, 8, 1 / 11


class Posterior(LocalModel):
    """The part of `Denoiser` that calls the engine at a level of noise, and walks down levels."""

    sigma: float
    _squares: Array  # ‖x_j‖², (n,), float64
    _log_counts: Array | float  # log w_j
    _least_wide: float  # σ²
    _least_plain: float  # σ
    _index: vicinal.KeyIndex | None

    @property
    def bandwidth(self) -> float:
        """The level of noise, by the name that a kernel has for it."""
        return self.sigma

    def sample(
        self,
        n_samples: int = 1,
        *,
        sigmas: Any = None,
        steps: int = 50,
        method: str = "ode",
        solver: str = "heun",
        start: Any = None,
        random_state: Any = None,
        callback: Callable[[int, float, Array], Any] | None = None,
    ) -> Array:
        r"""Draw rows by carrying noise down to the model's sigma: diffusion sampling.

        Starting at :math:`p_{\sigma_0}`, each step from :math:`\sigma` to :math:`\sigma' < \sigma`
        takes one local mean m: mean shift with falling bandwidth. "ode" follows the probability
        flow :math:`dx/d\sigma = (x - m)/\sigma`, Euler's step being

        .. math:: x' = x + (1 - \sigma'/\sigma)(m(x) - x);

        "sde" walks at random, with :math:`s = 1 - \sigma'^2/\sigma^2` and normal z,

        .. math:: x' = x + s\,(m(x) - x) + \sigma' \sqrt{s}\, z.

        Parameters
        ----------
        n_samples : int, default=1
            How many rows; with `start` there are as many as it has.
        sigmas : array-like of shape (levels,), default=None
            Falling levels of noise. The rows end with the last one; 0 there returns the mean, which
            is then close to a training row. None is ``noise_levels(steps, sigma, high)`` down to
            the model's, from twice the root of the total variance of the training rows.
        steps : int, default=50
            Steps when `sigmas` is None.
        method : {"ode", "sde"}, default="ode"
            The flow, which noise enters at its start only, or the random walk.
        solver : {"heun", "euler"}, default="heun"
            Of the flow: second order with two means per step, or first order with one.
        start : array-like of shape (m, d), default=None
            Rows with noise ``sigmas[0]``, to be denoised by a sample rather than by the mean. None
            draws them from :math:`p_{\sigma_0}` exactly: a training row by weight, and noise.
        random_state : int, RandomState or None, default=None
            Seed or generator, as in scikit-learn.
        callback : callable, default=None
            Called as ``callback(step, sigma, rows)`` after every step; a true answer ends the walk.

        Returns
        -------
        X : ndarray of shape (n_samples, d)
            In the dtype of `keys_`.

        Raises
        ------
        ValueError
            If levels do not fall or a parameter does not fit.

        Notes
        -----
        Song et al. (2021) for both processes, Karras et al. (2022) for levels and Heun's step.
        With ``mass_tol > 0`` each mean moves by at most ``mass_tol * range`` per feature, hence one
        step by at most that times :math:`1 - \sigma'/\sigma` (Euler), :math:`s` ("sde"). A later
        Euler step multiplies an earlier error by at most :math:`\rho + (1 - \rho) D^2/4\sigma^2`
        with :math:`\rho = \sigma'/\sigma` and D the diameter of the training rows, since the
        Jacobian of m is the posterior covariance over :math:`\sigma^2` (`covariance`).

        Examples
        --------
        >>> import numpy as np
        >>> from vicinal.models import Denoiser, noise_levels
        >>> model = Denoiser(sigma=0.1).fit([[-1.0, 0.0], [1.0, 0.0]])
        >>> levels = np.append(noise_levels(30, 0.1, 10.0), 0.0)
        >>> np.abs(model.sample(4, sigmas=levels, random_state=0)).round(3) + 0.0
        array([[1., 0.],
               [1., 0.],
               [1., 0.],
               [1., 0.]])
        """
        check_is_fitted(self)
        check_choice(method, "method", ("ode", "sde"))
        check_choice(solver, "solver", ("heun", "euler"))
        check_whole(n_samples, "n_samples", 1)
        levels = self._levels(steps) if sigmas is None else as_sigmas(sigmas)
        rng = check_random_state(random_state)
        points = self._noisy(n_samples, levels[0], rng) if start is None else self._start(start)
        step = solver if method == "ode" else method
        return walk(self._kept, points, levels, step=step, rng=rng, callback=callback)

    def loo_predict(self) -> Array:
        """Denoise every training row by the others.

        Returns
        -------
        rows : ndarray of shape (n, d)
            Local means of the other training rows; a row of sample weight w > 1 keeps w − 1 of
            itself, as if it were repeated.
        """
        return self._filled(np.asarray(self._left_out().mean), self.keys_)

    def loo_score(self) -> float:
        """Return the total leave-one-out log-likelihood of the training rows.

        Returns
        -------
        score : float
            The sum of log-densities at the model's sigma, each from the other rows, weighted by the
            sample weights.
        """
        log_mass = self._left_out().log_mass.astype(np.float64)
        weights = np.ones(len(log_mass)) if self.sample_weight_ is None else self.sample_weight_
        left = weights.sum() - np.minimum(weights, 1)
        counted = weights > 0
        normalizer = self._log_normalizer(self.bandwidth_)
        log_density = log_mass[counted] + normalizer - np.log(left[counted])
        return float((weights[counted] * log_density).sum())

    def _levels(self, steps: int) -> Array:
        low = float(self.bandwidth_)
        keys, weights = self.keys_.astype(np.float64), self.sample_weight_
        gaps = keys - np.average(keys, axis=0, weights=weights)
        total = np.average(np.square(gaps).sum(axis=1), weights=weights)
        return noise_levels(steps, low, 2 * max(low, float(np.sqrt(total))))

    def _noisy(self, n_samples: int, sigma: float, rng: np.random.RandomState) -> Array:
        weights = self.sample_weight_
        shares = None if weights is None else weights / weights.sum()
        keys = self.keys_[rng.choice(len(self.keys_), size=n_samples, p=shares)]
        noise = rng.standard_normal(keys.shape)
        return np.asarray((keys + sigma * noise).astype(keys.dtype))

    def _start(self, start: Any) -> Array:
        points = check_array(start, dtype=self.keys_.dtype, input_name="start", copy=True)
        if points.shape[1] != self.n_features_in_:
            raise ValueError(
                f"start must have the {self.n_features_in_} features of the training rows, got "
                f"shape {points.shape}"
            )
        return np.asarray(points)

    def _kept(self, points: Array, sigma: float) -> Array:
        return self._filled(self._mean_at(points, float(sigma)), points)

    def _mean_at(self, queries: Array, noise: Any) -> Array:
        """Return local means at a level of noise, one for all or (m,)."""
        options = {
            **self._options(queries),
            "bandwidth": PerQuery(noise) if np.ndim(noise) else noise,
            "tol": self.mass_tol,
            "empty": self._engine_policy(),
        }
        if self._index is None or (np.ndim(noise) == 0 and noise >= self._least_plain):
            if self._is_wide(noise):
                return self._wide_mean(queries, noise, options)
            return vicinal.local_mean(queries, self._search_keys, self.values_, **options)
        near = vicinal.knn(queries, self._index, FEW, num_threads=self.n_jobs)
        few = options | {"neighbors": near, "tol": 0.0}
        rows = vicinal.local_mean(queries, self.keys_, self.values_, **few)
        rest = ~self._hold_the_mass(near, noise)
        if rest.any():
            if np.ndim(noise):
                options["bandwidth"] = PerQuery(noise[rest])
            keys = self._search_keys
            rows[rest] = vicinal.local_mean(queries[rest], keys, self.values_, **options)
        return rows

    def _is_wide(self, noise: Any) -> bool:
        plain = np.ndim(noise) == 0 and self.mass_tol == 0 and self.neighbors is None
        return bool(plain and noise**2 >= self._least_wide)

    def _wide_mean(self, queries: Array, noise: float, options: dict[str, Any]) -> Array:
        """Use e^(−‖q − x‖²/2σ²) = e^(q·x/σ²) e^(−‖x‖²/2σ²) e^(−‖q‖²/2σ²): the last cancels."""
        options |= {"kernel": "softmax", "bandwidth": noise**2, "weights": None}
        logs = self._log_counts - self._squares / (2 * noise**2)
        return vicinal.local_mean(queries, self.keys_, self.values_, log_weights=logs, **options)

    def _hold_the_mass(self, near: vicinal.Neighbors, noise: Any) -> Array:
        """Tell which rows have all their mass in their nearest keys, but a share, (m,).

        The others weigh at most as much as the last of the nearest does, each. The share is
        `mass_tol`, or a quarter of what rounding does.
        """
        share = max(self.mass_tol, float(np.finfo(self.keys_.dtype).eps) / 4)
        squares = np.square(near.distances.astype(np.float64))
        logs = (squares[:, -1:] - squares) / (2 * np.square(np.reshape(noise, (-1, 1))))
        weights, total = self.sample_weight_, float(len(self.keys_))
        if weights is not None:
            total = float(weights.sum())
            with np.errstate(divide="ignore"):
                logs += np.log(weights[near.indices])
        return np.asarray(np.logaddexp.reduce(logs, axis=1) >= np.log(total / share))

    def _try_kernel(self) -> None:
        super()._try_kernel()
        keys, weights = self.keys_, self.sample_weight_
        self._squares = np.einsum("nd,nd->n", keys, keys, dtype=np.float64)
        with np.errstate(divide="ignore"):  # a weight of 0 is absent
            self._log_counts = 0.0 if weights is None else np.log(weights)
        self._least_wide = WIDE * float(self._squares.max())
        self._index, self._least_plain = None, 0.0
        if self.neighbors is None and len(keys) >= MANY:
            self._index = vicinal.KeyIndex(keys, num_threads=self.n_jobs)
            self._least_plain = NARROW * self._spacing(self._index)

    def _spacing(self, index: vicinal.KeyIndex) -> float:
        """Return the median distance of some keys to the nearest other one."""
        rows = np.linspace(0, len(self.keys_) - 1, 64).astype(np.int64)
        near = vicinal.knn(
            self.keys_[rows],
            index,
            1,
            exclude_self=True,
            self_indices=rows,
            num_threads=self.n_jobs,
        )
        return float(np.median(near.distances))

    def _log_normalizer(self, noise: Any) -> Any:
        d = self.n_features_in_
        return vicinal.kernels.Gaussian().log_normalizer(1.0, d) - d * np.log(noise)

    def _log_scale(self, noise: Any) -> Any:
        """Return what turns a log mass at a level of noise into a log-density."""
        weights = self.sample_weight_
        total = len(self.keys_) if weights is None else np.sum(weights, dtype=np.float64)
        return self._log_normalizer(noise) - np.log(total)

    def _engine_policy(self) -> Any:
        return "nan" if self.empty == "input" else self.empty

    def _filled(self, rows: Array, queries: Array) -> Array:
        """Return rows of means, of which empty ones are what `empty` says; warn of those."""
        nothing = np.asarray(np.isnan(rows).any(axis=1))
        if nothing.any():
            warnings.warn(
                f"{np.count_nonzero(nothing)} of {len(rows)} rows have no training row among their "
                f"neighbors: {'NaN' if self.empty == 'nan' else 'they stay as they are'}; widen "
                f"neighbors={self.neighbors!r}",
                vicinal.LocalizationWarning,
                stacklevel=levels_to_the_caller(),
            )
            if self.empty == "input":
                rows = np.where(nothing[:, None], queries, rows)
        return rows
