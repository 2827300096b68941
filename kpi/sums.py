"""The sums behind one quotient, per group and window, and what they stand on."""

from dataclasses import dataclass

import numpy as np

from kpi import expressions as ex
from kpi.periods import Bools, Floats, Ints, Periods
from kpi.rows import Rows, apply

# A procedure may succeed in the period after its attempt (TS 32.401 4.3.2): so much excess is a border effect (`own`).
BORDER_EVENTS = 2.0
BORDER_RATIO = 0.02


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Into which group each object falls and into which cell (group and window) each row; -1 means into none.

    `cell_group` and `cell_s` say for each cell its group and the length of its window.
    """

    object_group: Ints
    row_cell: Ints
    cell_group: Ints
    cell_s: Floats

    def count(self, rows: Bools) -> Ints:
        """Return how many of these rows each cell has."""
        return np.bincount(self.row_cell[rows & (self.row_cell >= 0)], minlength=len(self.cell_s))

    def add(self, values: Floats, rows: Bools) -> Floats:
        """Return the sum of the values of these rows per cell."""
        chosen = rows & (self.row_cell >= 0)
        return np.bincount(self.row_cell[chosen], weights=values[chosen], minlength=len(self.cell_s)).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One quotient per cell: its sums, its value, and what was left out."""

    numerator: Floats
    denominator: Floats
    value: Floats
    periods: Ints
    observed_s: Floats
    expected_s: Floats
    reported: Bools
    excluded_rows: Bools
    excess: Bools
    unweighted: Bools
    unsplit: Bools


def part(periods: Periods, block: ex.Block, grouping: Grouping, *, bounded: bool) -> Part:
    """Add one quotient up per cell; where it is `bounded` by 1, rows with more success than attempts are left out."""
    rows = Rows(periods, block)
    used = rows.usable & (grouping.row_cell >= 0)
    excess = _excess(rows, block) & used if bounded else periods.nowhere()
    used = _disjoint(periods, used & ~excess)
    weightless = grouping.count(used & _weightless(rows)) > 0
    numerator, denominator, value = _values(rows, block, grouping, used, weightless)
    none = grouping.count(used) == 0
    for array in (numerator, denominator, value):
        array[none] = np.nan
    if bounded:
        value = np.minimum(value, 1.0)
    return Part(
        numerator=numerator,
        denominator=denominator,
        value=value,
        periods=grouping.count(used),
        observed_s=grouping.add(periods.period_s.astype(np.float64), used),
        expected_s=_expected_s(periods, grouping, rows.reported),
        reported=grouping.count(rows.reported) > 0,
        excluded_rows=(rows.suspect | excess) & (grouping.row_cell >= 0),
        excess=grouping.count(excess) > 0,
        unweighted=weightless,
        unsplit=grouping.count(used & ~rows.whole) > 0,
    )


def _values(
    rows: Rows, block: ex.Block, grouping: Grouping, used: Bools, weightless: Bools
) -> tuple[Floats, Floats, Floats]:
    sums: dict[ex.Node, tuple[Floats, Floats]] = {}
    seconds = rows.periods.period_s.astype(np.float64)
    for node, leaf in rows.leaves.items():
        if leaf.weight is None:
            sums[node] = grouping.add(leaf.value, used), np.ones(len(grouping.cell_s))
            continue
        # One missing weight would bias a weighted mean, so such a cell is weighted by time as a whole.
        lacking = np.append(weightless, False)[grouping.row_cell]
        weight = np.where(lacking, seconds, leaf.weight)
        sums[node] = grouping.add(leaf.value * weight, used), grouping.add(weight, used)
    if isinstance(block.numerator, ex.Mean) and block.denominator is None:
        top, mass = sums[block.numerator]
        return top, mass, apply("/", top, mass)
    known = {node: apply("/", top, mass) if isinstance(node, ex.Mean) else top for node, (top, mass) in sums.items()}
    numerator = _fold(block.numerator, known, len(grouping.cell_s))
    if block.denominator is None:
        return numerator, np.full(len(numerator), np.nan), numerator.copy()
    denominator = _fold(block.denominator, known, len(grouping.cell_s))
    return numerator, denominator, apply("/", numerator, denominator)


def _fold(node: ex.Node, known: dict[ex.Node, Floats], size: int) -> Floats:
    if isinstance(node, ex.Number):
        return np.full(size, node.value)
    if isinstance(node, ex.Binary):
        return apply(node.op, _fold(node.left, known, size), _fold(node.right, known, size))
    return known[node].copy()


def _weightless(rows: Rows) -> Bools:
    lacking = rows.periods.nowhere()
    for leaf in rows.leaves.values():
        if leaf.unweighted is not None:
            lacking = lacking | leaf.unweighted
    return lacking


def _excess(rows: Rows, block: ex.Block) -> Bools:
    if block.denominator is None:
        return rows.periods.nowhere()
    values = {node: leaf.value for node, leaf in rows.leaves.items()}
    done = _fold(block.numerator, values, rows.periods.count)
    tried = _fold(block.denominator, values, rows.periods.count)
    return done > tried + np.maximum(BORDER_EVENTS, BORDER_RATIO * tried)


def _disjoint(periods: Periods, used: Bools) -> Bools:
    """Leave out rows whose time shorter rows of the same object report too, so that nothing counts twice."""
    lengths = np.unique(periods.period_s[used])
    if len(lengths) < 2:
        return used
    used = used.copy()
    for longer in lengths[1:]:
        for shorter in lengths[lengths < longer]:
            candidates = np.flatnonzero(used & (periods.period_s == longer))
            span = int(periods.start_s.max() - periods.start_s.min()) + 2 * int(lengths[-1]) + 2
            offset = periods.start_s - periods.start_s.min() + int(lengths[-1])
            taken = (periods.object_code * span + offset)[used & (periods.period_s == shorter)]
            start = (periods.object_code * span + offset)[candidates]
            first = np.searchsorted(taken, start - shorter, side="right")
            used[candidates[first < np.searchsorted(taken, start + longer)]] = False
    return used


def _expected_s(periods: Periods, grouping: Grouping, reported: Bools) -> Floats:
    """Return the time that a complete cell would hold: each object of the group that reports at all, all the window."""
    objects = np.zeros(len(grouping.object_group), dtype=bool)
    objects[periods.object_code[reported]] = True
    mapped = grouping.object_group[objects & (grouping.object_group >= 0)]
    per_group = np.bincount(mapped, minlength=int(grouping.cell_group.max(initial=-1)) + 1)
    return per_group[grouping.cell_group] * grouping.cell_s
