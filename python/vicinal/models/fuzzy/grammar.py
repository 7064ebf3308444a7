"""Rules as text: IF service IS good AND food IS NOT bad THEN tip IS high."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from vicinal.errors import did_you_mean

__all__ = ["Expression", "Is", "Join", "Not", "Rule", "parse_rules", "terms_of"]

Names = Mapping[str, Collection[str]]  # variable → its terms

_WORDS = ("IF", "IS", "NOT", "AND", "OR", "THEN", "WITH")
_HEDGES = {"VERY": 1, "SOMEWHAT": -1}  # squarings of a degree; words like others elsewhere
_TOKEN = re.compile(
    r"""\s+ | \#[^\n]* |
    (?P<token> [()] | "[^"\n]*" | '[^'\n]*' | [0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?(?!\w) | \w+ )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Is:
    """A variable belongs to a term, to a degree that is squared, or rooted where negative."""

    variable: str
    term: str
    squarings: int = 0


@dataclass(frozen=True)
class Not:
    """The complement, 1 − degree."""

    part: Expression


@dataclass(frozen=True)
class Join:
    """A conjunction ("AND") or disjunction ("OR") of two or more parts."""

    word: str
    parts: tuple[Expression, ...]


Expression = Is | Not | Join


@dataclass(frozen=True)
class Rule:
    """What must hold, what follows, and how much the rule counts."""

    premise: Expression
    conclusions: tuple[Is, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class _Token:
    text: str
    start: int

    @property
    def word(self) -> str:
        """The keyword in upper case, if it is one."""
        upper = self.text.upper()
        return upper if upper in _WORDS or self.text in "()" else ""

    @property
    def name(self) -> str:
        return self.text[1:-1] if self.text[0] in "'\"" else self.text


def parse_rules(text: str, inputs: Names, outputs: Names, name: str = "rules") -> list[Rule]:
    """Return the rules of a text, one or several.

    Parameters
    ----------
    text : str
        Rules ``IF … THEN … [WITH weight]``; keywords in any case, ``#`` begins a comment. Before a
        term of an input, ``very`` squares its degree, and ``somewhat`` takes the root.
    inputs, outputs : mapping of str to collection of str
        Variables and their terms.
    name : str
        What the text is, for messages.

    Returns
    -------
    list of Rule

    Raises
    ------
    ValueError
        With line and column, if the text is no rule or names what is not there.
    """
    parser = _Parser(text, inputs, outputs, name)
    rules = []
    while not parser.at_end():
        rules.append(parser.rule())
    return rules


def terms_of(expression: Expression) -> Iterator[Is]:
    """Go through the terms of an expression."""
    if isinstance(expression, Is):
        yield expression
        return
    for part in expression.parts if isinstance(expression, Join) else (expression.part,):
        yield from terms_of(part)


class _Parser:
    """Recursive descent; NOT binds closer than AND, AND closer than OR."""

    def __init__(self, text: str, inputs: Names, outputs: Names, name: str) -> None:
        self.text, self.inputs, self.outputs, self.name = text, inputs, outputs, name
        self.tokens = list(self._tokens())
        self.place = 0

    def at_end(self) -> bool:
        return self.tokens[self.place].text == ""

    def rule(self) -> Rule:
        self._expect("IF")
        premise = self._joined("OR")
        self._expect("THEN")
        conclusions = [self._conclusion()]
        while self._take("AND"):
            conclusions.append(self._conclusion())
        weight = self._weight() if self._take("WITH") else 1.0
        return Rule(premise, tuple(conclusions), weight)

    def _joined(self, word: str) -> Expression:
        part = self._part if word == "AND" else lambda: self._joined("AND")
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Join(word, tuple(parts))

    def _part(self) -> Expression:
        if self._take("NOT"):
            return Not(self._part())
        if self._take("("):
            inside = self._joined("OR")
            self._expect(")")
            return inside
        return self._is(self.inputs, "input")

    def _is(self, variables: Names, kind: str) -> Expression:
        variable = self._name(variables, f"{kind}s", f"an {kind}")
        self._expect("IS")
        negated = self._take("NOT")
        squarings = self._hedges()
        term = self._name(variables[variable], f"terms of {variable!r}", "a term")
        found = Is(variable, term, squarings)
        return Not(found) if negated else found

    def _hedges(self) -> int:
        """Take hedges, each before a name: the last name is the term, whatever its word."""
        count = 0
        while (word := self.tokens[self.place].text.upper()) in _HEDGES:
            after = self.tokens[self.place + 1]
            if not after.text or after.word:
                break
            count += _HEDGES[word]
            self.place += 1
        return count

    def _conclusion(self) -> Is:
        start = self.tokens[self.place]
        found = self._is(self.outputs, "output")
        if not isinstance(found, Is):
            self._fail(start, "a rule concludes what is, not what is not; name another term")
        if self.tokens[self.place - 2].word != "IS":
            self._fail(start, "a rule concludes a term as it is; leave out 'very' and 'somewhat'")
        return found

    def _name(self, names: Collection[str], kind: str, wanted: str) -> str:
        token = self._next()
        if not token.text or token.word:
            self._fail(token, f"expected {wanted}, got {self._shown(token)}")
        if token.name not in names:
            known = ", ".join(map(repr, names))
            meant = did_you_mean(token.name, names) or f"; the {kind} are {known}"
            self._fail(token, f"{token.name!r} is not among the {kind}{meant}")
        return token.name

    def _weight(self) -> float:
        token = self._next()
        try:
            weight = float(token.text)
        except ValueError:
            weight = -1.0
        if not 0 <= weight <= 1:
            self._fail(token, f"expected a weight from 0 to 1, got {self._shown(token)}")
        return weight

    def _take(self, word: str) -> bool:
        found = self.tokens[self.place].word == word
        self.place += found
        return found

    def _expect(self, word: str) -> None:
        token = self.tokens[self.place]
        if not self._take(word):
            self._fail(token, f"expected {word}, got {self._shown(token)}")

    def _next(self) -> _Token:
        token = self.tokens[self.place]
        self.place += token.text != ""
        return token

    def _tokens(self) -> Iterator[_Token]:
        place = 0
        while place < len(self.text):
            found = _TOKEN.match(self.text, place)
            if found is None:
                bad = _Token(self.text[place], place)
                self._fail(bad, f"{bad.text!r} has no meaning here; quote names that are no word")
            if found["token"]:
                yield _Token(found["token"], place)
            place = found.end()
        yield _Token("", len(self.text.rstrip()))

    @staticmethod
    def _shown(token: _Token) -> str:
        return repr(token.text) if token.text else "the end"

    def _fail(self, token: _Token, problem: str) -> NoReturn:
        before = self.text[: token.start]
        row, column = before.count("\n"), token.start - (before.rfind("\n") + 1)
        line = self.text.split("\n")[row]
        raise ValueError(
            f"{self.name}, line {row + 1}, column {column + 1}: {problem}\n"
            f"  {line}\n  {' ' * column}^"
        )
