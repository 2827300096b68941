"""What a parsed KPI formula is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """`period_s`: the seconds of a row; outside `sum(...)` the observed seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counter:
    """A counter: its total where a row has it, else the sum of one family of its sub-counters."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Except:
    """`except(counter, cause, ...)`: a counter without some of its causes."""

    name: str
    causes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Optional:
    """`optional(counter, other, ...)`: a counter where it and the others are reported, else 0."""

    name: str
    also: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """`mean(counter, weight)`: a mean of means, weighted by another counter or, without one, by time."""

    name: str
    weight: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """`sum(expression)`: the expression of each row, added over rows."""

    inner: "Node"


@dataclass(frozen=True, kw_only=True, slots=True)
class Binary:
    """Two operands and one of `+ - * /`."""

    op: Literal["+", "-", "*", "/"]
    left: "Node"
    right: "Node"


Node = Number | Period | Counter | Except | Optional | Mean | Sum | Binary


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One quotient: rows count in it only where all that it needs was reported."""

    numerator: Node
    denominator: Node | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A constant times a product of quotients."""

    scale: float
    blocks: tuple[Block, ...]


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    if isinstance(node, Binary):
        yield from walk(node.left)
        yield from walk(node.right)
    elif isinstance(node, Sum):
        yield from walk(node.inner)


def counters(node: Node) -> Iterator[str]:
    """Yield the counter names that a node reads, with repeats."""
    for part in walk(node):
        if isinstance(part, Counter | Except):
            yield part.name
        elif isinstance(part, Optional):
            yield from (part.name, *part.also)
        elif isinstance(part, Mean):
            yield part.name
            if part.weight is not None:
                yield part.weight


def constant(node: Node) -> float | None:
    """Return the value of a node that reads nothing, else None (also for a division by zero)."""
    if isinstance(node, Number):
        return node.value
    if not isinstance(node, Binary):
        return None
    left, right = constant(node.left), constant(node.right)
    if left is None or right is None:
        return None
    if node.op == "/":
        return left / right if right else None
    return left + right if node.op == "+" else left - right if node.op == "-" else left * right


def terms(node: Node) -> tuple[Term, ...]:
    """Split a formula into added terms, and each term into its constant and its quotients.

    In a chain of products numerators and denominators pair up in the order written: `a / b * c / d` is (a/b)(c/d).
    """
    if isinstance(node, Binary) and node.op in "+-":
        sign = 1.0 if node.op == "+" else -1.0
        right = tuple(Term(scale=sign * term.scale, blocks=term.blocks) for term in terms(node.right))
        return (*terms(node.left), *right)
    scale, above, below = _chain(node)
    if len(below) > len(above):
        above += [Number(value=1.0)] * (len(below) - len(above))
    padded: list[Node | None] = [*below, *[None] * (len(above) - len(below))]
    blocks = tuple(Block(numerator=a, denominator=b) for a, b in zip(above, padded, strict=True))
    return (Term(scale=scale, blocks=blocks),)


def _chain(node: Node) -> tuple[float, list[Node], list[Node]]:
    value = constant(node)
    if value is not None:
        return value, [], []
    if isinstance(node, Binary) and node.op in "*/":
        scale, above, below = _chain(node.left)
        factor, up, down = _chain(node.right)
        if node.op == "*":
            return scale * factor, above + up, below + down
        return scale / factor, above + down, below + up
    return 1.0, [node], []
