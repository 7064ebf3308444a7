"""Hopfield networks: patterns retrieved by local means of themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.models.base import FLOATS
from vicinal.models.memory.left_out import LeftOutPatterns
from vicinal.models.memory.recall import Recall, lengths
from vicinal.models.memory.signs import as_signs
from vicinal.models.model_checks import as_weights
from vicinal.models.sets import check_neighbors

__all__ = ["Hopfield"]


class Hopfield(LeftOutPatterns):
    r"""Retrieve stored patterns from parts of them, by local means of the patterns themselves.

    .. math:: q \leftarrow m(q) = \frac{\sum_j w_j K(q, x_j)\, x_j}{\sum_j w_j K(q, x_j)}

    until a step is at most `tol` long. With :math:`K = e^{\beta\, q \cdot x}` one step is softmax
    attention to the patterns.

    Parameters
    ----------
    memory : {"modern", "polynomial", "dense", "classical"}, default="modern"
        "modern": :math:`K = e^{\beta\, q \cdot x}` (Ramsauer et al., 2020). "polynomial":
        :math:`K = (q \cdot x)^{\text{degree}}`, of either sign if `degree` is odd. "dense": states
        and patterns are ±1 (the signs of what is given, +1 for 0), and every unit takes the sign of
        lower energy :math:`-\sum_j (x_j \cdot \sigma / d)^{\text{degree}}` (Krotov & Hopfield,
        2016). "classical": the same with degree 2 (Hopfield, 1982).
    beta : float, default=None
        Inverse temperature of "modern"; None is :math:`1 / \sqrt d`.
    degree : int, default=3
        Of "polynomial" and "dense", at least 2.
    update : {"asynchronous", "synchronous"}, default="asynchronous"
        Of ±1 states: unit after unit, which never raises the energy, or all at once, which may
        end in a cycle of two states.
    neighbors : KNearest, default=None
        ``vicinal.KNearest(k)``: an update averages the k patterns of the largest dot product
        alone, whatever their sample weights; `Recall.dropped` says what share of the weight that
        leaves out. None is all. Not for ±1 states.
    max_iter : int, default=100
        Most updates; 1 is attention, and is not warned of.
    tol : float, default=1e-4
        Longest last update, in units of the longest pattern; ±1 states rest when no unit changes.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.
    verbose : int, default=0
        Print a line for every update.
    callback : callable, default=None
        ``callback(iteration, error, state)`` after every update, with the longest step in units of
        `tol` and the states, (m, d); a true answer stops there.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d)
        The patterns; of ±1 memories their signs.
    values_ : ndarray of shape (n, p) or (n,), or None
        What is read at the end, None = the patterns.
    sample_weight_ : ndarray of shape (n,) or None
        The weights given to `fit`.
    beta_ : float
        The inverse temperature in use.
    scale_ : float
        Length of the longest pattern, 1 if all are 0.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    vicinal.attention : One update of many heads.
    vicinal.models.MeanShift : The same iteration under kernels of a distance.

    Notes
    -----
    The energy of "modern", :math:`E(\xi) = -\beta^{-1} \log \sum_j w_j e^{\beta x_j \cdot \xi} +
    \tfrac12 \|\xi\|^2`, never rises under :math:`\xi \leftarrow m(\xi)` but by rounding. Nor does
    that of the k nearest alone, whose sum is the largest over all sets of k patterns, and so convex
    in :math:`\xi` too. Updates of "polynomial" and synchronous ones may raise theirs: look at
    `Recall.residual`.

    A row's answer has the same bits whatever other rows are asked with it. A state that no pattern
    weighs in (all dot products 0, in "polynomial") becomes 0, with one `LocalizationWarning`.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import Hopfield
    >>> patterns = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1.0]])
    >>> model = Hopfield(beta=4.0).fit(patterns)
    >>> model.predict([[1, 0.8, 0.1, 0]]).round(3)
    array([[1., 1., 1., 1.]])
    """

    def __init__(
        self,
        *,
        memory: str = "modern",
        beta: float | None = None,
        degree: int = 3,
        update: str = "asynchronous",
        neighbors: Any = None,
        max_iter: int = 100,
        tol: float = 1e-4,
        n_jobs: int | None = None,
        verbose: int = 0,
        callback: Any = None,
    ) -> None:
        self.memory = memory
        self.beta = beta
        self.degree = degree
        self.update = update
        self.neighbors = neighbors
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callback = callback

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, values: Any = None) -> Hopfield:
        """Store patterns.

        Parameters
        ----------
        X : array-like of shape (n, d)
            The patterns.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            How many equal patterns each stands for.
        values : array-like of shape (n, p) or (n,), default=None
            What `predict` returns the mean of at the end of a retrieval; None is the patterns.

        Returns
        -------
        self : Hopfield
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        self._check_parameters()
        X = validate_data(self, X, dtype=FLOATS, order="C")
        check_neighbors(self.neighbors, len(X))
        self.keys_ = as_signs(X) if self._signs else X
        self.sample_weight_ = None if sample_weight is None else as_weights(sample_weight, X)
        self.values_ = None
        if values is not None:
            self.values_ = check_array(values, dtype=X.dtype, ensure_2d=False, input_name="values")
            check_consistent_length(X, self.values_)
        self.beta_ = X.shape[1] ** -0.5 if self.beta is None else float(self.beta)
        self.scale_ = float(lengths(self.keys_).max()) or 1.0
        self._build()
        return self

    def predict(self, X: Any) -> Array:
        """Return what the memory retrieves for each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Where retrieval begins: parts of patterns, or patterns with noise.

        Returns
        -------
        retrieved : ndarray of shape (m, d), or (m, p) or (m,) with `values`
            Fixed points of the update, or the local means of the values there.
        """
        found = self._walk(self._queries(X))
        return self._read(found.states)

    def recall(self, X: Any, trace: bool = False) -> Recall:
        """Retrieve, and say how it went: convergence, energies and who shares the states.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Where retrieval begins.
        trace : bool, default=False
            Also return the energies before and after every update.

        Returns
        -------
        recall : Recall
            See there.
        """
        queries = self._queries(X)
        found = self._walk(queries, self._energies if trace else None)
        states = found.states
        options = self._options(None)
        stats = vicinal.local_stats(
            states, self.keys_, statistics=("log_mass", "ess", "top_k"), k=1, **options
        )
        assert stats.top_k is not None
        assert stats.ess is not None
        return Recall(
            states=states,
            retrieved=self._read(states),
            n_iter=found.n_iter,
            converged=found.converged,
            residual=found.residual,
            energy=np.array(found.energies) if trace else None,
            pattern=stats.top_k[0][:, 0],
            share=stats.top_k[1][:, 0],
            ess=stats.ess,
            dropped=self._dropped(states, stats.log_mass),
        )

    def energy(self, X: Any) -> Array:
        r"""Return the energy of each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            States.

        Returns
        -------
        energy : ndarray of shape (m,), float64
            ``−β⁻¹ log Σ w exp(β x·ξ) + ½‖ξ‖²`` of "modern", over the nearest alone if `neighbors`
            are given; of the others ``−Σ w (x·ξ / d)^degree``.
        """
        return self._energies(self._queries(X))
