"""One quotient of a formula as vectors over the (object, period) rows of a counters frame."""

from dataclasses import dataclass

import numpy as np

from kpi import expressions as ex
from kpi.periods import Bools, Floats, Periods, Reading


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """What is added up over rows; of a mean also its weight, and the rows that lack theirs."""

    value: Floats
    weight: Floats | None = None
    unweighted: Bools | None = None


class Rows:
    """The leaves of one quotient as row vectors, and which rows can be used."""

    def __init__(self, periods: Periods, block: ex.Block) -> None:
        self.periods = periods
        self.leaves: dict[ex.Node, Leaf] = {}
        self.usable = ~periods.nowhere()
        self.suspect, self.reported, self.whole = periods.nowhere(), periods.nowhere(), ~periods.nowhere()
        for node in (block.numerator, block.denominator):
            if node is not None:
                self._visit(node)
        self.usable &= self.reported

    def _visit(self, node: ex.Node) -> None:
        if isinstance(node, ex.Binary):
            self._visit(node.left)
            self._visit(node.right)
        elif not isinstance(node, ex.Number) and node not in self.leaves:
            leaf = self._mean(node) if isinstance(node, ex.Mean) else Leaf(value=self._row(node))
            self.leaves[node] = leaf
            self.usable &= np.isfinite(leaf.value)

    def _row(self, node: ex.Node) -> Floats:
        match node:
            case ex.Number():
                return np.full(self.periods.count, node.value)
            case ex.Period():
                return self.periods.period_s.astype(np.float64)
            case ex.Sum():
                return self._row(node.inner)
            case ex.Binary():
                return apply(node.op, self._row(node.left), self._row(node.right))
            case ex.Except():
                reading = self.periods.without(node.name, node.causes)
                self.whole &= reading.whole | ~reading.reported
            case ex.Optional():
                return self._optional(node)
            case ex.Counter() | ex.Mean():
                reading = self.periods.counter(node.name)
        self.reported |= reading.reported
        self.suspect |= reading.suspect
        return reading.value

    def _optional(self, node: ex.Optional) -> Floats:
        readings = [self.periods.counter(name) for name in (node.name, *node.also)]
        there = np.logical_and.reduce([np.isfinite(reading.value) for reading in readings])
        self.reported |= there | np.logical_or.reduce([reading.suspect for reading in readings])
        suspect = np.logical_or.reduce([reading.suspect for reading in readings])
        self.suspect |= suspect
        return np.where(suspect, np.nan, np.where(there, readings[0].value, 0.0))

    def _mean(self, node: ex.Mean) -> Leaf:
        total, none = self.periods.total(node.name), self.periods.nowhere()
        weight = self.periods.counter(node.weight) if node.weight else None
        value, mass = total.value, weight.value if weight else self.periods.period_s.astype(np.float64)
        without_weight, reported, suspect = np.isnan(mass), total.reported, total.suspect
        for split in self.periods.splits(node.name):
            here = np.isnan(value) & ~suspect
            mean, share, plain = self._split_mean(split, node.weight)
            value, mass = np.where(here, mean, value), np.where(here & np.isfinite(mean), share, mass)
            without_weight = np.where(here & np.isfinite(mean), plain, without_weight)
            suspect = suspect | (here & np.logical_or.reduce([reading.suspect for _, reading in split]))
            reported = reported | np.logical_or.reduce([reading.reported for _, reading in split])
        suspect = suspect | (weight.suspect if weight else none)
        self.reported |= reported
        self.suspect |= suspect
        return Leaf(value=np.where(suspect, np.nan, value), weight=mass, unweighted=without_weight)

    def _split_mean(self, split: list[tuple[str, Reading]], weight: str | None) -> tuple[Floats, Floats, Bools]:
        """Return each row's mean over one family, its weight, and where sub-counters had no weights of their own."""
        shares = {suffix: r.value for part in self.periods.splits(weight) for suffix, r in part} if weight else {}
        absent = np.full(self.periods.count, np.nan)
        values = np.array([reading.value for _, reading in split])
        weights = np.array([shares.get(suffix, absent) for suffix, _ in split])
        there = np.isfinite(values)
        plain = (there & np.isnan(weights)).any(axis=0)
        mass = np.where(there, weights, 0.0).sum(axis=0)
        even = apply("/", np.where(there, values, 0.0).sum(axis=0), there.sum(axis=0).astype(np.float64))
        weighted = apply("/", np.where(there, values * weights, 0.0).sum(axis=0), mass)
        seconds = self.periods.period_s.astype(np.float64)
        mean = np.where(plain | (mass <= 0), even, weighted)
        return mean, np.where(plain, np.nan if weight else seconds, mass), plain


def apply(op: str, left: Floats, right: Floats) -> Floats:
    """Apply one of `+ - * /`; a division by zero gives NaN."""
    if op == "/":
        there = (right != 0) & np.isfinite(right)
        quotient = np.full(left.shape, np.nan)
        np.divide(left, right, out=quotient, where=there)
        return quotient
    return left + right if op == "+" else left - right if op == "-" else left * right
