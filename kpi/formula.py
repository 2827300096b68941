"""The formula language of the catalogue: arithmetic over counters, read by a parser of its own, never run as code."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from kpi import expressions as ex

MAX_LENGTH = 2000
MAX_DEPTH = 40
MAX_OPERATORS = 200
FUNCTIONS = ("sum", "mean", "except", "optional")

_KNOWN = ", ".join(FUNCTIONS)
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
# A hyphen belongs to a name only after its first part and before a letter (`mo-Signalling`, `L.E-RAB.AttEst`).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.(?:[A-Za-z0-9][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*|\{[A-Z0-9]+\}))*")
_CAUSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PLACEHOLDER = re.compile(r"\.\{([A-Z0-9]+)\}")

PLACEHOLDERS = {"5QI": "5qi", "QCI": "5qi", "SST": "sst", "SNSSAI": "snssai", "PLMN": "plmn", "CAUSE": "cause"}


class FormulaError(ValueError):
    """A formula that cannot be read: `position` counts characters from 1."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"{problem} at position {position}")
        self.position = position


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A parsed formula: its text, its terms and the counter names that it reads, in order of appearance."""

    text: str
    terms: tuple[ex.Term, ...]
    counters: tuple[str, ...]

    @property
    def placeholder(self) -> str | None:
        """The kind of sub-counter that the formula is repeated for (`5QI` of `DRB.EstabSucc.{5QI}`), or None."""
        for name in self.counters:
            found = _PLACEHOLDER.search(name)
            if found:
                return found.group(1)
        return None

    @property
    def single(self) -> bool:
        """Whether the formula is one constant times one quotient, so that it has a numerator and a denominator."""
        return len(self.terms) == 1 and len(self.terms[0].blocks) == 1 and _is_quotient(self.terms[0].blocks[0])

    @property
    def product(self) -> bool:
        """Whether the formula is a positive constant times a product of quotients of counters."""
        if len(self.terms) != 1 or self.terms[0].scale <= 0:
            return False
        return bool(self.terms[0].blocks) and all(block.denominator is not None for block in self.terms[0].blocks)


def _is_quotient(block: ex.Block) -> bool:
    return block.denominator is not None or isinstance(block.numerator, ex.Mean)


@lru_cache(maxsize=4096)
def parse(text: str) -> Formula:
    """Parse a formula; raise `FormulaError` with the position of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"formula of {len(text)} characters; at most {MAX_LENGTH} are read", MAX_LENGTH + 1)
    node = _Parser(text).whole()
    names = tuple(dict.fromkeys(ex.counters(node)))
    if not names:
        raise FormulaError("no counter in the formula; name at least one, such as RRC.ConnEstabAtt", 1)
    kinds = {kind for name in names for kind in _PLACEHOLDER.findall(name)}
    if len(kinds) > 1:
        raise FormulaError(f"placeholders {' and '.join(sorted(kinds))} in one formula; use one kind", 1)
    terms = ex.terms(node)
    if not all(math.isfinite(term.scale) for term in terms):
        raise FormulaError("a constant of the formula is too large; use numbers below 1e300", 1)
    return Formula(text=text, terms=terms, counters=names)


def at(text: str, placeholder: str, suffix: str) -> str:
    """Put one suffix in the place of a placeholder: `DRB.EstabSucc.{5QI}` and `9` give `DRB.EstabSucc.9`."""
    return text.replace("{" + placeholder + "}", suffix)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0
        self.operators = 0
        self.inside_sum = False

    def whole(self) -> ex.Node:
        node = self.added()
        if self.peek():
            raise self.unexpected()
        return node

    def added(self) -> ex.Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels; split the formula")
        node = self.multiplied()
        while (op := self.peek()) in ("+", "-"):
            self.operator()
            node = ex.Binary(op="+" if op == "+" else "-", left=node, right=self.multiplied())
        self.depth -= 1
        return node

    def multiplied(self) -> ex.Node:
        node = self.signed()
        while (op := self.peek()) in ("*", "/"):
            if self.text.startswith("**", self.place):
                raise self.error("`**` is not part of the language (there is no power); multiply instead")
            self.operator()
            start = self.place
            right = self.signed()
            if op == "/" and ex.constant(right) == 0:
                raise FormulaError("division by the constant 0", start + 1)
            sign: Literal["*", "/"] = "*" if op == "*" else "/"
            node = ex.Binary(op=sign, left=node, right=right)
        return node

    def operator(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise self.error(f"more than {MAX_OPERATORS} operators; split the formula")
        self.place += 1

    def signed(self) -> ex.Node:
        negative = False
        while self.peek() == "-":
            self.place += 1
            negative = not negative
        node = self.atom()
        return ex.Binary(op="*", left=ex.Number(value=-1.0), right=node) if negative else node

    def atom(self) -> ex.Node:
        if self.peek() == "(":
            self.place += 1
            node = self.added()
            self.expect(")")
            return node
        number = _NUMBER.match(self.text, self.place)
        if number:
            return self.number(number)
        if not _NAME.match(self.text, self.place):
            raise self.unexpected()
        start = self.place
        name = self.name()
        if self.peek() == "(":
            return self.call(name, start)
        return ex.Period() if name == "period_s" else ex.Counter(name=name)

    def number(self, found: re.Match[str]) -> ex.Node:
        value = float(found.group())
        if not math.isfinite(value):
            raise self.error("number too large; use numbers below 1e300")
        self.place = found.end()
        return ex.Number(value=value)

    def call(self, function: str, start: int) -> ex.Node:
        if function not in FUNCTIONS:
            raise FormulaError(f"unknown function `{function}`; there are {_KNOWN}", start + 1)
        if self.inside_sum and function in ("sum", "mean"):
            raise FormulaError(f"`{function}` inside `sum`; a sum takes an expression of one row", start + 1)
        self.place += 1
        node = self.arguments(function, start)
        self.expect(")")
        return node

    def arguments(self, function: str, start: int) -> ex.Node:
        if function == "sum":
            self.inside_sum = True
            inner = self.added()
            self.inside_sum = False
            return ex.Sum(inner=inner)
        name = self.name()
        if function == "except":
            return ex.Except(name=name, causes=self.listed(_CAUSE, "a cause, such as mo-Signalling"))
        others = self.listed(_NAME, "a counter name")
        if function == "optional":
            return ex.Optional(name=name, also=others)
        if len(others) > 1:
            raise FormulaError("`mean` takes a counter and at most one weight", start + 1)
        return ex.Mean(name=name, weight=others[0] if others else None)

    def listed(self, pattern: re.Pattern[str], wanted: str) -> tuple[str, ...]:
        found: list[str] = []
        while self.peek() == ",":
            self.place += 1
            found.append(self.matched(pattern, wanted))
        return tuple(found)

    def name(self) -> str:
        self.peek()
        start = self.place
        name = self.matched(_NAME, "a counter name")
        for kind in _PLACEHOLDER.findall(name):
            if kind not in PLACEHOLDERS:
                raise FormulaError(f"unknown placeholder {{{kind}}}; there are {', '.join(PLACEHOLDERS)}", start + 1)
        return name

    def matched(self, pattern: re.Pattern[str], wanted: str) -> str:
        self.peek()
        found = pattern.match(self.text, self.place)
        if not found:
            raise self.error(f"expected {wanted}")
        self.place = found.end()
        return found.group()

    def peek(self) -> str:
        found = _SPACE.match(self.text, self.place)
        if found:
            self.place = found.end()
        return self.text[self.place : self.place + 1]

    def expect(self, wanted: str) -> None:
        if self.peek() != wanted:
            got = f"`{self.peek()}`" if self.peek() else "the end"
            raise self.error(f"expected `{wanted}`, found {got}")
        self.place += 1

    def unexpected(self) -> FormulaError:
        found = self.peek()
        if not found:
            return self.error("the formula ends early; a number, a counter or `(` should follow")
        return self.error(f"unexpected `{found}`; a formula has numbers, counters, + - * / ( ) and {_KNOWN}")

    def error(self, problem: str) -> FormulaError:
        return FormulaError(problem, self.place + 1)
