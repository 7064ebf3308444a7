"""A full grid of fuzzy rules, and what they say in float64."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

TERMS = (6, 6, 6, 6, 4, 3)  # of the inputs: 15,552 rules
OUTPUT_TERMS = 5
ROWS_CHECKED = 50


@dataclass(frozen=True)
class Rules:
    """Contenders return one number for each row."""

    rows_of: np.ndarray  # (m, inputs), in [0, 1]
    table: np.ndarray  # (rules, inputs): numbers of terms
    centers: tuple  # of every input, those of its terms
    widths: tuple
    consequents: np.ndarray  # (rules,)
    norm: str = "product"

    @property
    def d(self):
        return self.table.shape[1]

    @property
    def rows(self):
        return len(self.rows_of)

    @property
    def pairs(self):
        return self.rows * len(self.table)

    @property
    def flops(self):
        """Count the conjunctions of a rule, and its two sums."""
        return (self.d + 3) * self.pairs

    def first(self, share):
        return replace(self, rows_of=self.rows_of[: max(1, round(self.rows * share))])

    @property
    def answer_key(self):
        return id(self.table), self.norm

    def expected(self):
        """Take every rule by itself, at the first rows."""
        rows = self.rows_of[:ROWS_CHECKED]
        degrees = []
        for j, (centers, width) in enumerate(zip(self.centers, self.widths, strict=True)):
            of_terms = np.exp(-0.5 * ((rows[:, j, None] - centers) / width) ** 2)
            degrees.append(of_terms[:, self.table[:, j]])
        if self.norm == "product":
            firing = np.prod(degrees, axis=0)
        elif self.norm == "min":
            firing = np.min(degrees, axis=0)
        else:
            firing = np.maximum(np.sum(degrees, axis=0) - (self.d - 1), 0)
        return self.joined(firing)

    def joined(self, firing):
        return (firing * self.consequents).sum(axis=1) / firing.sum(axis=1)

    def judge(self, result, expected):
        count = min(self.rows, ROWS_CHECKED)
        error = float(np.abs(np.asarray(result)[:count] - expected[:count]).max())
        return Verdict(error, "ok" if error < 1e-6 else "wrong")  # scikit-fuzzy interpolates


@dataclass(frozen=True)
class MamdaniRules(Rules):
    """Consequents are numbers of triangles around 0, 1, … that are cut off and joined."""

    def joined(self, firing):
        y = np.linspace(0, OUTPUT_TERMS - 1, 100_001)
        curve = np.zeros((len(firing), len(y)))
        for term in range(OUTPUT_TERMS):
            strength = firing[:, self.consequents == term].max(axis=1)[:, None]
            np.maximum(curve, np.minimum(strength, 1 - abs(y - term)), out=curve)
        return np.trapezoid(curve * y, y, axis=1) / np.trapezoid(curve, y, axis=1)


def grid_of_mamdani_rules(m):
    plain = grid_of_rules(m, "min")
    terms = np.random.default_rng(1).integers(0, OUTPUT_TERMS, len(plain.table))
    return MamdaniRules(plain.rows_of, plain.table, plain.centers, plain.widths, terms, plain.norm)


def grid_of_rules(m, norm="product"):
    rng = np.random.default_rng(0)
    table = np.stack(np.meshgrid(*map(np.arange, TERMS), indexing="ij"), -1).reshape(-1, len(TERMS))
    centers = tuple(np.linspace(0, 1, count) for count in TERMS)
    # Wide enough that Łukasiewicz' conjunction of six degrees is positive everywhere.
    widths = tuple(1 / (count - 1) for count in TERMS)
    return Rules(
        rng.random((m, len(TERMS))), table, centers, widths, rng.normal(size=len(table)), norm
    )
