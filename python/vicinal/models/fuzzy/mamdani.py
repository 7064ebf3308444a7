"""Mamdani systems: rules conclude terms, whose joined areas become a number."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from vicinal.arrays import Array, as_index
from vicinal.models.fuzzy.defuzzify import METHODS, Curve
from vicinal.models.fuzzy.memberships import Membership
from vicinal.models.fuzzy.program import Conclusions
from vicinal.models.fuzzy.rule_system import LEAST_MASS, RuleSystem, check_numbers
from vicinal.models.fuzzy.variables import Rows, as_ranges, as_variables, one_of

__all__ = ["Mamdani"]

NUMBERS_OF_A_STRIP = 1 << 22  # of columns that rules add to


class Mamdani(RuleSystem):
    r"""Fuzzy rules whose conclusions are terms of the outputs.

    A rule fires to the degree :math:`w_r(x)` to which its premise holds. The membership of the term
    that it concludes is cut off at that degree (or scaled by it), what all rules conclude is joined
    by its maximum (or sum), and the area below the curve becomes one number, its centroid
    :math:`\int y f(y) dy / \int f(y) dy`.

    Parameters
    ----------
    inputs, outputs : mapping of str to mapping of str to membership function
        Variables, and the terms of each.
    rules : sequence of str, str, or ndarray of int of shape (rules, inputs + outputs)
        Text ``IF service IS good AND food IS NOT bad THEN tip IS high WITH 0.5``: keywords in any
        case, parentheses, AND before OR, names that are no word in quotes, ``#`` a comment, one
        string for one rule or for several; ``IS very bad`` squares the degree, ``IS somewhat bad``
        takes its root (Zadeh 1972). Or the number of the term of every input and output, −1 for
        none.
    norm : {"min", "product", "lukasiewicz"}
        AND: the smaller degree, the product, or max(a + b − 1, 0). OR is its dual, NOT is 1 − a.
    implication : {"min", "product"}
        How the degree of a rule bounds its term: cut off or scaled.
    aggregation : {"max", "sum"}
        How rules are joined. The cheap sum is that of scaled terms, the additive model; a sum of
        terms that are cut off looks at every single rule.
    defuzzification : str
        "centroid", "bisector", "mean_of_maximum", "smallest_of_maximum" or "largest_of_maximum".
        The number: of the area its centroid or the point that halves it, or of the points where the
        curve is highest.
    ranges : mapping of str to (float, float), optional
        Range of an output, on which the curve is taken; None spans its terms. Needed where a term
        has no end.
    resolution : int
        Pieces of the grid for outputs with a bell, Gaussian or sigmoid term, or with a sum of more
        than 64 rules that are cut off. With triangles and trapezoids alone, the integral is exact.
    num_threads : int, optional
        As of the primitives; the result does not depend on it.

    Raises
    ------
    ValueError
        If there is no rule, a rule cannot be read (with line and column) or a range is missing.
    TypeError
        If a term is no membership function.

    See Also
    --------
    TakagiSugeno : Rules that conclude numbers or affine functions.

    Notes
    -----
    Mamdani & Assilian (1975). With ``implication="product", aggregation="sum"`` and the centroid it
    is a local mean: :math:`\sum_r w_r A_r c_r / \sum_r w_r A_r` with the areas and centroids of the
    terms (Kosko 1994). Where no rule fires, the number is the middle of the range, with one
    `LocalizationWarning`.

    Examples
    --------
    >>> import vicinal as vc
    >>> mf = vc.models.fuzzy
    >>> tip = vc.models.Mamdani(
    ...     inputs={"service": {"poor": mf.Triangle(0, 0, 5), "good": mf.Triangle(5, 10, 10)}},
    ...     outputs={"tip": {"low": mf.Triangle(0, 0, 13), "high": mf.Triangle(13, 25, 25)}},
    ...     rules=["IF service IS poor THEN tip IS low", "IF service IS good THEN tip IS high"],
    ... )
    >>> tip
    Mamdani(service → tip, 2 rules)
    >>> tip.infer({"service": [3, 9]})["tip"].round(3)
    array([ 5.308, 20.867])
    """

    _parameters: ClassVar[tuple[str, ...]] = (
        "inputs",
        "outputs",
        "rules",
        "norm",
        "implication",
        "aggregation",
        "defuzzification",
        "ranges",
        "resolution",
        "num_threads",
    )

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        rules: Any,
        *,
        norm: str = "min",
        implication: str = "min",
        aggregation: str = "max",
        defuzzification: str = "centroid",
        ranges: Any = None,
        resolution: int = 200,
        num_threads: int | None = None,
    ) -> None:
        self._set_inputs(inputs, norm, num_threads)
        self.outputs = as_variables(outputs, "outputs")
        self.implication = one_of(implication, ("min", "product"), "implication")
        self.aggregation = one_of(aggregation, ("max", "sum"), "aggregation")
        self.defuzzification = one_of(defuzzification, METHODS, "defuzzification")
        self.ranges = as_ranges(ranges, self.outputs)
        self.resolution = as_index(resolution, "resolution")
        if self.resolution < 2:
            raise ValueError(f"resolution must be at least 2 pieces, got {resolution}")
        ends = {name: self._ends(name) for name in self.outputs}
        self.rules = rules if isinstance(rules, str | np.ndarray) else list(rules)
        self._conclusions, of_columns = self._compile()
        self._curves = {
            name: Curve(
                of_columns[name], ends[name], self.implication, self.aggregation, self.resolution
            )
            for name in self.outputs
        }

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
        results = {name: np.empty(len(rows)) for name in self.outputs}
        silent = dict.fromkeys(self.outputs, 0)
        step = max(1, NUMBERS_OF_A_STRIP // self._conclusions.width)
        for start in range(0, len(rows), step):
            strip = slice(start, start + step)
            part, first = rows.strip(strip), 0
            strengths = self._sums(part, self._conclusions, maximum=self.aggregation == "max")
            for name, curve in self._curves.items():
                own = strengths[:, first : first + len(curve.terms)]
                results[name][strip], count = self._numbers(curve, own, part.missing)
                silent[name] += count
                first += len(curve.terms)
        for name, count in silent.items():
            self._warn_of_silence(count, len(rows), name)
        return {
            name: found.reshape(rows.shape).astype(rows.dtype, copy=False)
            for name, found in results.items()
        }

    def aggregated(self, values: Any, output: str, y: Any) -> Array:
        """Return the joined curve of an output, of which `infer` takes one number.

        Parameters
        ----------
        values : mapping of str to array_like, or array_like of shape (rows, inputs)
            As of `infer`; a number for each input is one row.
        output : str
            Its name.
        y : array_like of shape (k,)
            Where.

        Returns
        -------
        ndarray of shape (rows, k)
        """
        one_of(output, tuple(self.outputs), "output")
        rows = Rows(values, self.inputs)
        strengths = self._sums(rows, self._conclusions, maximum=self.aggregation == "max")
        names = list(self.outputs)
        first = sum(len(self._curves[name].terms) for name in names[: names.index(output)])
        curve = self._curves[output]
        own = strengths[:, first : first + len(curve.terms)]
        return curve.heights(own, np.asarray(y, np.float64)[None])

    def _numbers(self, curve: Curve, strengths: Array, missing: Array) -> tuple[Array, int]:
        """Return the number of every row, and how many get the middle of the range."""
        found = curve.numbers(strengths, self.defuzzification)
        silent = ~(strengths.max(axis=1, initial=0) >= LEAST_MASS) & ~missing
        found[silent] = sum(curve.ends) / 2
        found[missing] = np.nan
        return found, int(silent.sum())

    def _ends(self, name: str) -> tuple[float, float]:
        terms = self.outputs[name].values()
        ends = self.ranges.get(name)
        if ends is None:
            supports = [term.support for term in terms]
            ends = min(low for low, _ in supports), max(high for _, high in supports)
            if not all(map(math.isfinite, ends)) or ends[0] == ends[1]:
                raise ValueError(
                    f"outputs[{name!r}] spans {ends}: a term has no end, or the terms no width; "
                    f"give ranges={{{name!r}: (low, high)}}"
                )
        return ends

    def _compile(self) -> tuple[Conclusions, dict[str, list[Membership]]]:
        """Compile the rules; return what they add to columns, and the terms of these.

        A column is a term of an output; where terms are cut off and added up, one rule's term.
        """
        first, columns = 0, {}
        for name, terms in self.outputs.items():
            columns[name] = {term: first + place for place, term in enumerate(terms)}
            first += len(terms)
        if isinstance(self.rules, np.ndarray):
            self.rules = table = as_table(self.rules, len(self.inputs) + len(self.outputs))
            self._compile_table(table[:, : len(self.inputs)])
            found = self._columns_of(table[:, len(self.inputs) :], columns)
        else:
            rules = self._compile_text(self.rules, self.outputs)
            found = [[columns[c.variable][c.term] for c in rule.conclusions] for rule in rules]
        return self._spread(found)

    def _spread(self, found: list[list[int]]) -> tuple[Conclusions, dict[str, list[Membership]]]:
        """Give a column to every term, or to every term of every rule."""
        sizes = [len(rule) for rule in found]
        concluded = np.array([column for rule in found for column in rule], np.int32)
        owned = [(name, term) for name in self.outputs for term in self.outputs[name].values()]
        if self.implication == "min" and self.aggregation == "sum":
            order = np.argsort(concluded, kind="stable")  # outputs keep their columns together
            owned = [owned[column] for column in concluded[order]]
            concluded = np.argsort(order).astype(np.int32)
        of_columns: dict[str, list[Membership]] = {name: [] for name in self.outputs}
        for name, term in owned:
            of_columns[name].append(term)
        conclusions = Conclusions(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            concluded,
            np.repeat(self._weights, sizes),
            len(owned),
        )
        return conclusions, of_columns

    def _columns_of(self, table: Array, columns: dict[str, dict[str, int]]) -> list[list[int]]:
        for place, (name, terms) in enumerate(self.outputs.items()):
            check_numbers(table[:, place], len(terms), f"term of {name!r}")
        places = [list(of_terms.values()) for of_terms in columns.values()]
        return [
            [place[term] for place, term in zip(places, row, strict=True) if term >= 0]
            for row in table.tolist()
        ]

    def _output_names(self) -> list[str]:
        return list(self.outputs)


def as_table(rules: Array, width: int) -> Array:
    """Return rules given by numbers of terms, checked for type and shape."""
    if rules.dtype.kind not in "iu":
        raise TypeError(f"rules must be whole numbers of terms, or text, got dtype {rules.dtype}")
    if rules.ndim != 2 or rules.shape[1] != width:
        raise ValueError(
            f"rules must be (rules, {width}), a column for each input and output, got shape "
            f"{rules.shape}"
        )
    return rules.astype(np.int64)
