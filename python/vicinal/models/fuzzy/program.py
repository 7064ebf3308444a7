"""Premises of rules as a program of the engine that computes once what rules share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vicinal import _core
from vicinal.arrays import Array
from vicinal.models.fuzzy.grammar import Expression, Is, Join, Not

__all__ = ["NORMS", "Conclusions", "Program"]

NORMS = ("product", "min", "lukasiewicz")  # in the engine's order, as are the steps
_CONJOIN, _DISJOIN, _NEGATE, _FIRE = range(4)

Node = tuple[int, int, int]  # step and the numbers of its operands


@dataclass(frozen=True)
class Conclusions:
    """What rules add where they fire: a sparse matrix, rules × columns.

    Parameters
    ----------
    offsets : ndarray of shape (rules + 1,), int64
        Those of rule r stand from ``offsets[r]`` to ``offsets[r + 1]``.
    columns : ndarray of int32
    weights : ndarray of float64
    width : int
        Number of columns.
    """

    offsets: Array
    columns: Array
    weights: Array
    width: int

    @classmethod
    def dense(cls, matrix: Array) -> Conclusions:
        """Take every entry of a matrix, (rules, columns)."""
        rules, width = matrix.shape
        return cls(
            np.arange(0, rules * width + 1, width, dtype=np.int64),
            np.tile(np.arange(width, dtype=np.int32), rules),
            np.ascontiguousarray(matrix, np.float64).ravel(),
            width,
        )


@dataclass
class _Graph:
    """Expressions as nodes, each once: the leaves first, then steps on earlier nodes."""

    leaves: Mapping[Is, int]
    nodes: list[Node] = field(default_factory=list)
    numbers: dict[Node, int] = field(default_factory=dict)

    def node(self, expression: Expression) -> int:
        """Return the number of an expression.

        A conjunction is folded from the left over its parts in ascending order, so that two of them
        share the nodes of all parts that they begin with.
        """
        if isinstance(expression, Is):
            return self.leaves[expression]
        if isinstance(expression, Not):
            part = self.node(expression.part)
            return self._step(_NEGATE, part, part)
        step = _CONJOIN if expression.word == "AND" else _DISJOIN
        return self.fold(step, sorted(self.node(part) for part in _flat(expression)))

    def fold(self, step: int, parts: Sequence[int]) -> int:
        number = parts[0]
        for part in parts[1:]:
            number = self._step(step, number, part)
        return number

    def _step(self, *node: int) -> int:
        key = (node[0], node[1], node[2])
        if key not in self.numbers:
            self.numbers[key] = len(self.leaves) + len(self.nodes)
            self.nodes.append(key)
        return self.numbers[key]


def _flat(join: Join) -> list[Expression]:
    parts: list[Expression] = []
    for part in join.parts:
        same = isinstance(part, Join) and part.word == join.word
        parts.extend(_flat(part) if isinstance(part, Join) and same else [part])
    return parts


class Program:
    """Premises compiled for one T-norm.

    Parameters
    ----------
    leaves : sequence of Is
        What stands in the registers that a call fills, in their order.
    premises : sequence of expressions, or ndarray of shape (rules, parts)
        The latter holds numbers of leaves whose conjunction is the premise; −1 is none.
    norm : {"product", "min", "lukasiewicz"}
        The conjunction.
    """

    def __init__(
        self, leaves: Sequence[Is], premises: Sequence[Expression] | Array, norm: str
    ) -> None:
        graph = _Graph({leaf: number for number, leaf in enumerate(leaves)})
        if isinstance(premises, np.ndarray):
            parts = [sorted(p for p in row if p >= 0) for row in premises.tolist()]
            roots = [graph.fold(_CONJOIN, row) for row in parts]
        else:
            roots = [graph.node(premise) for premise in premises]
        self.inputs, self.norm = len(leaves), NORMS.index(norm)
        self.steps, self.registers = _with_registers(_in_order(graph, roots), len(leaves))

    def sums(
        self, degrees: Array, conclusions: Conclusions, *, maximum: bool, num_threads: int
    ) -> Array:
        """Return Σ firing · conclusion, or the largest product, of every row and column.

        Parameters
        ----------
        degrees : ndarray of shape (inputs, m), float64
        conclusions : Conclusions
        maximum : bool
            Whether the largest product counts instead of the sum.
        num_threads : int

        Returns
        -------
        ndarray of shape (m, columns), float64
        """
        out = np.empty((degrees.shape[1], conclusions.width))
        _core.rule_sums(
            self.steps,
            self.registers,
            self.norm,
            degrees,
            conclusions.offsets,
            conclusions.columns,
            conclusions.weights,
            out,
            maximum=maximum,
            num_threads=num_threads,
        )
        return out


def _in_order(graph: _Graph, roots: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Return steps (step, number, a, b): nodes before their use, like rules together."""
    first = len(graph.leaves)

    def path(number: int) -> tuple[int, ...]:
        parts = []
        while number >= first and graph.nodes[number - first][0] == _CONJOIN:
            _, number, last = graph.nodes[number - first]
            parts.append(last)
        return (number, *reversed(parts))

    steps: list[tuple[int, int, int, int]] = []
    done = set(range(first))
    for rule in sorted(range(len(roots)), key=lambda r: (path(roots[r]), r)):
        waiting = [roots[rule]]
        while waiting:
            number = waiting[-1]
            if number in done:
                waiting.pop()
                continue
            step, a, b = graph.nodes[number - first]
            missing = [part for part in (b, a) if part not in done]
            waiting.extend(missing)
            if not missing:
                done.add(number)
                steps.append((step, number, a, b))
        steps.append((_FIRE, rule, roots[rule], roots[rule]))
    return steps


def _with_registers(steps: list[tuple[int, int, int, int]], leaves: int) -> tuple[Array, int]:
    """Put every node into a register that is free from its last use on."""
    last = {part: s for s, (_, _, a, b) in enumerate(steps) for part in (a, b)}
    register = {number: number for number in range(leaves)}
    free: list[int] = []
    count = leaves
    placed = np.empty((len(steps), 4), np.int32)
    for s, (step, target, a, b) in enumerate(steps):
        sources = register[a], register[b]
        free.extend({register[part] for part in (a, b) if last[part] == s and part >= leaves})
        if step != _FIRE:
            if not free:
                free.append(count)
                count += 1
            register[target] = free.pop()
            target = register[target]
        placed[s] = step, target, *sources
    return placed, count
