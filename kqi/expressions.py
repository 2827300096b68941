"""Expressions over the columns of a frame, parsed without `eval`, where unknown stays unknown."""

import ast
import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from records.errors import ConfigError

FloatArray = NDArray[np.float64]
Read = Callable[[str], FloatArray]
Evaluate = Callable[[Read], FloatArray]

_MATH: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True, eq=False)
class Expression:
    """A parsed expression; `evaluate(read)` gives float64: NaN where unknown, 1 and 0 for true and false."""

    text: str
    columns: frozenset[str]
    evaluate: Evaluate


def parse(text: str, columns: Collection[str]) -> Expression:
    """Parse numbers, columns, + - * /, one comparison at a time, and, or, not, and known(column).

    ConfigError for anything else, and for a name that is not one of `columns`.
    """
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ConfigError(f"{text!r} is not an expression") from error
    used = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) - {"known"}
    for name in sorted(used):
        if name not in columns:
            raise ConfigError(f"{text!r}: {name!r} is not a column")
    return Expression(text, used, _compile(tree.body, text))


def _compile(node: ast.expr, text: str) -> Evaluate:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            constant = np.float64(number)
            return lambda read: constant  # type: ignore[return-value]  # one value for all rows
        case ast.Name(id=name) if name != "known":
            return lambda read: read(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _MATH:
            return _binary(_MATH[type(op)], _compile(left, text), _compile(right, text))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            return _comparison(_COMPARE[type(op)], _compile(left, text), _compile(right, text))
        case ast.BoolOp(op=op, values=values):
            return _logical(isinstance(op, ast.And), [_compile(value, text) for value in values])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _compile(operand, text)
            return lambda read: _truth(inner(read), lambda value: value == 0)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            negated = _compile(operand, text)
            return lambda read: -negated(read)
        case ast.Call(func=ast.Name(id="known"), args=[ast.Name(id=name)], keywords=[]):
            return lambda read: (~np.isnan(read(name))).astype(np.float64)
        case _:
            pass
    raise ConfigError(f"{text!r}: {ast.unparse(node)!r} is not allowed here")


def _truth(value: FloatArray, test: Callable[[FloatArray], Any]) -> FloatArray:
    return np.where(np.isnan(value), np.nan, test(value))


def _binary(function: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(read: Read) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.asarray(function(left(read), right(read)), dtype=np.float64)
        return np.where(np.isfinite(value), value, np.nan)  # x / 0 is unknown, not endless

    return evaluate


def _comparison(function: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(read: Read) -> FloatArray:
        a, b = left(read), right(read)
        return np.where(np.isnan(a) | np.isnan(b), np.nan, function(a, b))

    return evaluate


def _logical(conjunction: bool, parts: list[Evaluate]) -> Evaluate:
    """And: false if one is false, else unknown if one is unknown. Or: true if one is true, else the same."""
    decisive = 0.0 if conjunction else 1.0

    def evaluate(read: Read) -> FloatArray:
        values = [_truth(part(read), lambda value: value != 0) for part in parts]
        decided = np.any(np.broadcast_arrays(*[value == decisive for value in values]), axis=0)
        unknown = np.any(np.broadcast_arrays(*[np.isnan(value) for value in values]), axis=0)
        return np.where(decided, decisive, np.where(unknown, np.nan, 1.0 - decisive))

    return evaluate
