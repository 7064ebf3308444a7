"""Takagi–Sugeno systems: rules conclude numbers or affine functions, whose local mean is taken."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from vicinal.arrays import Array, as_array
from vicinal.models.fuzzy.consequents import affine, as_function, collect
from vicinal.models.fuzzy.learning import Learned, learn
from vicinal.models.fuzzy.mamdani import as_table
from vicinal.models.fuzzy.program import Conclusions
from vicinal.models.fuzzy.rule_system import LEAST_MASS, RuleSystem
from vicinal.models.fuzzy.variables import Rows, as_ranges, as_terms

__all__ = ["TakagiSugeno"]


class TakagiSugeno(RuleSystem):
    r"""Fuzzy rules whose conclusions are numbers (order 0) or affine functions (order 1).

    A local mean over rules: :math:`y(x) = \sum_r w_r(x) f_r(x) / \sum_r w_r(x)`, where
    :math:`w_r(x)` is the degree to which the premise of rule r holds, and :math:`f_r` a constant or
    :math:`b_r + a_r \cdot x`.

    Parameters
    ----------
    inputs : mapping of str to mapping of str to membership function
        Variables, and the terms of each.
    outputs : mapping of str to mapping of str to (number or sequence of 1 + inputs numbers)
        What the terms of each output are: a number, or a constant and a slope for every input. With
        `consequents`, a sequence of names.
    rules : sequence of str, str, or ndarray of int of shape (rules, inputs)
        Text as of `Mamdani`; or the number of the term of every input, −1 for none, with
        `consequents`.
    consequents : array_like of shape (rules,), (rules, outputs) or (rules, outputs, 1 + inputs)
        Constants of every rule, or constants and slopes.
    norm : {"product", "min", "lukasiewicz"}
        AND: the product, the smaller degree, or max(a + b − 1, 0). OR is its dual, NOT is 1 − a.
    ranges : mapping of str to (float, float), optional
        Range of an output, whose middle answers where no rule fires; None spans what the rules
        conclude there. Values are not cut off at it.
    num_threads : int, optional
        As of the primitives; the result does not depend on it.

    Attributes
    ----------
    order : int
        0 if every conclusion is a number, else 1.
    n_rules : int
        Number of rules.

    Raises
    ------
    ValueError
        If there is no rule, a rule cannot be read (with line and column) or shapes do not fit.
    TypeError
        If a term is no membership function or no number.

    See Also
    --------
    Mamdani : Rules that conclude terms.
    vicinal.local_mean : The same over keys.

    Notes
    -----
    Takagi & Sugeno (1985). Of order 0, with Gaussian memberships and the product, this is the
    Gaussian `vicinal.local_mean` whose keys are the centers of the rules, with a bandwidth for
    every rule and input. Where no rule fires, the answer is the middle of the range, with one
    `LocalizationWarning`; a rule fires if its degree is at least 2⁻⁹⁶⁰.

    Examples
    --------
    >>> import vicinal as vc
    >>> mf = vc.models.fuzzy
    >>> heater = vc.models.TakagiSugeno(
    ...     inputs={"temperature": {"cold": mf.Gauss(10, 5), "warm": mf.Gauss(20, 5)}},
    ...     outputs={"power": {"off": 0.0, "falling": [80.0, -4.0]}},
    ...     rules=[
    ...         "IF temperature IS cold THEN power IS falling",
    ...         "IF temperature IS warm THEN power IS off",
    ...     ],
    ... )
    >>> heater.infer({"temperature": [5.0, 15.0]})["power"].round(3)
    array([58.921, 10.   ])
    """

    _parameters: ClassVar[tuple[str, ...]] = (
        "inputs",
        "outputs",
        "rules",
        "consequents",
        "norm",
        "ranges",
        "num_threads",
    )

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        rules: Any,
        *,
        consequents: Any = None,
        norm: str = "product",
        ranges: Any = None,
        num_threads: int | None = None,
    ) -> None:
        self._set_inputs(inputs, norm, num_threads)
        self.outputs, self.consequents = outputs, consequents
        self.rules = rules if isinstance(rules, str | np.ndarray) else list(rules)
        if consequents is None:
            self._functions, concluded = self._of_text()
        else:
            self._functions, concluded = self._of_table()
        if not np.isfinite(self._functions).all():
            raise ValueError("consequents must be finite numbers")
        self.order = int(self._functions.shape[2] > 1)
        self.ranges = as_ranges(ranges, self.outputs)
        self._concluded = concluded  # rules × outputs: how often a rule concludes on it
        self._conclusions = self._columns()

    @classmethod
    def learn(
        cls,
        X: Any,
        y: Any,
        *,
        order: int = 1,
        centers: Any = 10,
        width: Any = "loo",
        input_names: Any = None,
        output_names: Any = None,
        random_state: int | None = 0,
        num_threads: int | None = None,
    ) -> TakagiSugeno:
        """Learn rules from data: centers, widths, and a local fit at every center.

        Parameters
        ----------
        X : array_like of shape (n, inputs)
            Finite.
        y : array_like of shape (n,) or (n, outputs)
            Finite.
        order : {0, 1}
            Constants or affine functions: the locally constant or linear fit.
        centers : int or array_like of shape (rules, inputs)
            Centers of the rules, or how many k-means is to find in the standardized inputs.
        width : "loo", float or array_like of shape (candidates,)
            Width of the Gaussian memberships in standard deviations of the inputs. Of several, or
            of a grid with "loo", the one whose predictions of left-out rows have the smallest mean
            squared error.
        input_names, output_names : sequence of str, optional
            None: ``x0``, ``x1``, …, and ``y`` or ``y0``, ``y1``, ….
        random_state : int or None
            Of k-means.
        num_threads : int, optional
            As of the constructor.

        Returns
        -------
        TakagiSugeno
            With the attribute ``learned_``: centers, widths, candidates and leave-one-out errors.

        Raises
        ------
        ValueError
            If shapes do not fit or a number is not finite.

        Notes
        -----
        Every rule's function minimizes the squared error weighted by the rule's own firing
        strengths: the localization trick at its center. Leaving out row i changes the residual of
        rule r there from e to e / (1 − a), a the row's leverage in that fit, so the errors of all
        left-out rows are exact at the cost of one fit; the centers stay.

        Examples
        --------
        >>> import numpy as np, vicinal as vc
        >>> x = np.linspace(0, 6, 200)
        >>> model = vc.models.TakagiSugeno.learn(x[:, None], np.sin(x), centers=6)
        >>> model
        TakagiSugeno(x0 → y, 6 rules)
        >>> bool(abs(model.infer(x[:, None])["y"] - np.sin(x)).max() < 0.1)
        True
        """
        found: Learned = learn(X, y, order, centers, width, random_state)
        names = _names(input_names, found.centers.shape[1], "x", "input_names", single="x0")
        outputs = _names(output_names, found.functions.shape[1], "y", "output_names", single="y")
        model = cls(
            *found.as_rules(names, outputs),
            consequents=found.functions,
            ranges=dict(zip(outputs, found.ranges, strict=True)),
            num_threads=num_threads,
        )
        model.learned_ = found
        return model

    learned_: Learned

    def infer(self, values: Any) -> dict[str, Array]:
        """Return every output.

        Parameters
        ----------
        values : mapping of str to array_like, or array_like of shape (rows, inputs)
            Numbers of every input; they broadcast. A row with NaN gives NaN.

        Returns
        -------
        dict of str to ndarray
            Of each output, an array of the shape of the inputs.

        Raises
        ------
        ValueError
            If an input is missing or unknown, or shapes do not fit.
        TypeError
            If they are not real numbers.
        """
        rows = Rows(values, self.inputs)
        sums = self._sums(rows, self._conclusions)
        width, missing, results = 1 + self._functions.shape[2], rows.missing, {}
        for number, name in enumerate(self._output_names()):
            own = sums[:, number * width : (number + 1) * width]
            silent = ~(own[:, 0] >= LEAST_MASS) & ~missing
            with np.errstate(invalid="ignore", divide="ignore"):
                found = affine(own[:, 1:].T, rows.columns) / own[:, 0]
            found[silent] = self._middle(number, name, [c[silent] for c in rows.columns])
            found[missing] = np.nan
            self._warn_of_silence(int(silent.sum()), len(rows), name)
            results[name] = found.reshape(rows.shape).astype(rows.dtype, copy=False)
        return results

    def _middle(self, number: int, name: str, columns: list[Array]) -> Any:
        if name in self.ranges:
            return sum(self.ranges[name]) / 2
        low, high = np.full((2, columns[0].size), np.inf)
        for rule in np.flatnonzero(self._concluded[:, number]):
            value = affine(self._functions[rule, number][:, None], columns)
            low, high = np.minimum(low, value), np.minimum(high, -value)
        return (low - high) / 2

    def _of_text(self) -> tuple[Array, Array]:
        """Return the functions of rules and outputs, and how often a rule concludes on each."""
        self.outputs = {
            name: as_terms(terms, f"outputs[{name!r}]")
            for name, terms in as_terms(self.outputs, "outputs").items()
        }
        count = 1 + len(self.inputs)
        functions = {
            name: {term: as_function(value, name, term, count) for term, value in terms.items()}
            for name, terms in self.outputs.items()
        }
        if isinstance(self.rules, np.ndarray):
            table = self.rules = as_table(self.rules, len(self.inputs) + len(self.outputs))
            raise ValueError(
                f"rules given as a table of {len(table)} rows need consequents=, an array with the "
                "conclusions of every rule"
            )
        rules = self._compile_text(self.rules, self.outputs)
        return collect(rules, functions, count)

    def _of_table(self) -> tuple[Array, Array]:
        if not isinstance(self.rules, np.ndarray):
            raise TypeError("consequents go with rules as an array of numbers of terms, not text")
        self._compile_table(as_table(self.rules, len(self.inputs)))
        given = as_array(self.consequents, "consequents").astype(np.float64)
        self.consequents = given
        names = [self.outputs] if isinstance(self.outputs, str) else list(self.outputs)
        shape = (self.n_rules, len(names))
        if given.ndim < 3:
            given = given[..., None] if given.ndim == 2 else given[:, None, None]
        if given.shape[:2] != shape or given.shape[2] not in (1, 1 + len(self.inputs)):
            raise ValueError(
                f"consequents must be {shape} or {(*shape, 1 + len(self.inputs))}: constants of "
                f"rules and outputs, or constants and slopes; got shape {self.consequents.shape}"
            )
        self.outputs = names
        return given, np.ones(shape, np.int64)

    def _columns(self) -> Conclusions:
        """Return, of every output, a column for the mass and one for each coefficient."""
        mass = self._concluded[:, :, None].astype(np.float64)
        blocks = np.concatenate([mass, self._functions], axis=2) * self._weights[:, None, None]
        return Conclusions.dense(blocks.reshape(self.n_rules, -1))

    def _output_names(self) -> list[str]:
        return list(self.outputs)


def _names(given: Any, count: int, letter: str, argument: str, *, single: str) -> list[str]:
    if given is None:
        return [single] if count == 1 else [f"{letter}{place}" for place in range(count)]
    names = [str(name) for name in given]
    if len(set(names)) != count:
        raise ValueError(f"{argument} must be {count} different names, got {names}")
    return names
