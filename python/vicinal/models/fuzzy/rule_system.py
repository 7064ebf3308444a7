"""What Takagi–Sugeno and Mamdani systems share: inputs, rules, firing strengths."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from vicinal.arrays import Array
from vicinal.errors import LocalizationWarning
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.fuzzy.grammar import Is, Names, Rule, parse_rules, terms_of
from vicinal.models.fuzzy.program import NORMS, Conclusions, Program
from vicinal.models.fuzzy.variables import Rows, as_variables, one_of
from vicinal.models.saved import Saved
from vicinal.threads import resolve_num_threads

__all__ = ["LEAST_MASS", "RuleSystem"]

ROWS_OF_A_STRIP = 16_384  # whose degrees of membership are held at once
LEAST_MASS = 2.0**-960  # below it a quotient of sums of doubles loses digits: no rule fires


class RuleSystem(Saved):
    """Rules over terms of inputs; a subclass says what they conclude."""

    _parameters: ClassVar[tuple[str, ...]]  # of the constructor, with attributes of their names

    def _set_inputs(self, inputs: Any, norm: str, num_threads: int | None) -> None:
        self.inputs = as_variables(inputs, "inputs")
        self.norm = one_of(norm, NORMS, "norm")
        self.num_threads = num_threads
        resolve_num_threads(num_threads)
        # Inputs of few terms first: of a full grid of rules, most then differ in the last alone.
        by_size = sorted(self.inputs, key=lambda name: len(self.inputs[name]))
        self._leaves = [Is(name, term) for name in by_size for term in self.inputs[name]]

    def _compile_text(self, rules: Any, outputs: Names) -> list[Rule]:
        """Parse and compile rules in text."""
        texts = [rules] if isinstance(rules, str) else list(rules)
        found: list[Rule] = []
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"rules[{number}] must be text, got {text!r}")
            name = "rules" if isinstance(rules, str) else f"rules[{number}]"
            found.extend(parse_rules(text, self.inputs, outputs, name))
        _require_rules(len(found))
        hedged = dict.fromkeys(leaf for rule in found for leaf in terms_of(rule.premise))
        self._leaves += [leaf for leaf in hedged if leaf.squarings]
        self._program = Program(self._leaves, [rule.premise for rule in found], self.norm)
        self._weights = np.array([rule.weight for rule in found])
        return found

    def _compile_table(self, table: Array) -> None:
        """Compile premises given as numbers of terms, (rules, inputs); −1 leaves an input out."""
        _require_rules(len(table))
        names = list(self.inputs)
        if table.ndim != 2 or table.shape[1] != len(names):
            raise ValueError(
                f"rules must have a column for each of the inputs {names}, got shape {table.shape}"
            )
        places = {leaf: place for place, leaf in enumerate(self._leaves)}
        leaves = np.empty(table.shape, np.int64)
        for column, (name, terms) in enumerate(self.inputs.items()):
            check_numbers(table[:, column], len(terms), f"term of {name!r}")
            numbers = [*(places[Is(name, term)] for term in terms), -1]  # −1 finds the last
            leaves[:, column] = np.array(numbers)[table[:, column]]
        if (leaves < 0).all(axis=1).any():
            rule = int((leaves < 0).all(axis=1).argmax())
            raise ValueError(f"rules[{rule}] has no premise: it names no term of any input")
        self._program = Program(self._leaves, leaves, self.norm)
        self._weights = np.ones(len(table))

    @property
    def n_rules(self) -> int:
        """Number of rules."""
        return len(self._weights)

    def firing_strengths(self, values: Any) -> Array:
        """Return how far every rule holds, times its weight.

        Parameters
        ----------
        values : mapping of str to array_like, or array_like of shape (rows, inputs)
            As of `infer`.

        Returns
        -------
        ndarray of shape (..., rules)
            Between 0 and 1.

        Raises
        ------
        ValueError, TypeError
            As `infer`.
        """
        rows = Rows(values, self.inputs)
        count = self.n_rules
        own = np.arange(count + 1)
        unit = Conclusions(own, own[:-1].astype(np.int32), self._weights, count)
        strengths = self._sums(rows, unit)
        strengths[rows.missing] = np.nan
        return strengths.reshape(*rows.shape, count).astype(rows.dtype, copy=False)

    def _sums(self, rows: Rows, conclusions: Conclusions, *, maximum: bool = False) -> Array:
        """Return what the rules add up to at every row, (rows, columns)."""
        sums = np.empty((len(rows), conclusions.width))
        threads = resolve_num_threads(self.num_threads)
        number = {name: place for place, name in enumerate(self.inputs)}
        for first in range(0, len(rows), ROWS_OF_A_STRIP):
            strip = slice(first, first + ROWS_OF_A_STRIP)
            columns = [column[strip] for column in rows.columns]
            degrees = np.empty((len(self._leaves), columns[0].size))
            for place, leaf in enumerate(self._leaves):
                membership = self.inputs[leaf.variable][leaf.term]
                degrees[place] = membership(columns[number[leaf.variable]])
                for _ in range(abs(leaf.squarings)):
                    change = np.square if leaf.squarings > 0 else np.sqrt
                    change(degrees[place], out=degrees[place])
            sums[strip] = self._program.sums(
                degrees, conclusions, maximum=maximum, num_threads=threads
            )
        return sums

    def _warn_of_silence(self, silent: int, rows: int, output: str) -> None:
        if silent:
            warnings.warn(
                f"no rule fires for {output!r} at {silent} of {rows} rows: they get the middle of "
                "its range; widen the memberships or add rules",
                LocalizationWarning,
                stacklevel=levels_to_the_caller(),
            )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the constructor.

        Parameters
        ----------
        deep : bool
            Accepted as in scikit-learn; there is nothing deeper.

        Returns
        -------
        dict
            Variables as lists of pairs.
        """
        return {name: _pairs(getattr(self, name)) for name in self._parameters}

    def _get_state(self) -> dict[str, Any]:
        return {}

    def _set_state(self, state: Mapping[str, Any]) -> None:
        if state:
            raise ValueError(f"unknown attributes: {sorted(state)}")

    def __repr__(self) -> str:
        outputs = ", ".join(self._output_names())
        return f"{type(self).__name__}({', '.join(self.inputs)} → {outputs}, {self.n_rules} rules)"

    def _output_names(self) -> list[str]:
        raise NotImplementedError


def check_numbers(numbers: Array, count: int, what: str) -> None:
    """Raise unless all numbers are from −1 to count − 1."""
    wrong = (numbers < -1) | (numbers >= count)
    if wrong.any():
        rule = int(wrong.argmax())
        raise ValueError(
            f"rules[{rule}] names {what} number {int(numbers[rule])}; there are {count}, from "
            "0, and -1 for none"
        )


def _require_rules(count: int) -> None:
    if count == 0:
        raise ValueError("rules is empty; a system needs at least one rule")


def _pairs(value: Any) -> Any:
    """Return mappings as lists of pairs: names in a file may be any text."""
    if isinstance(value, Mapping):
        return [[name, _pairs(part)] for name, part in value.items()]
    return value
