"""The worse groups of a table, round after round of a search: what one round explained is no part of the next."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from qoe.clusters.cuboids import Cuboid, Grid, cuboids, lattice, worse
from qoe.clusters.noise import Measured, Weighed
from qoe.clusters.units import Bools, Floats

Weighing = Callable[[Bools], Weighed]  # leaves still alive -> their effective counts


class Ledger(Protocol):
    """Leaves that a search takes its causes out of."""

    def worse(self, alive: Bools) -> tuple[Iterator[Cuboid], float | None]:
        """The worse groups of these leaves and, where they have no expectation but their own ratio, all that is bad."""

    def take(self, codes: dict[str, int]) -> None:
        """Take the leaves with these codes out."""


class CountLedger:
    """Counts: a leaf's weight depends on what all the others show, so each round sums anew."""

    def __init__(self, grid: Grid, weighing: Weighing, *, relative: bool, depth: int) -> None:
        self._grid, self._weighing, self._relative, self._depth = grid, weighing, relative, depth

    def worse(self, alive: Bools) -> tuple[Iterator[Cuboid], float | None]:
        """As `Ledger`."""
        leaves = self._weighing(alive)
        bad, expected = float(leaves.bad.sum()), leaves.expected
        if self._relative:
            expected = expected * (bad / max(float(expected.sum()), 1e-12))
        made = cuboids(self._grid.where(alive), leaves.bad, expected, (), self._depth)
        return made, bad if self._relative else None

    def take(self, codes: dict[str, int]) -> None:
        """Nothing is kept from round to round."""


class MeasureLedger:
    """An additive measure: weights keep their proportions, so sums are carried on and only what is taken is summed.

    A table too sparse for that is summed anew each round.
    """

    def __init__(self, grid: Grid, measured: Measured, *, depth: int) -> None:
        one = measured.one
        assert one.variance is not None  # a measure's always is
        self._grid, self._measured, self._depth = grid, measured, depth
        self._weights = (one.bad, one.expected, one.variance)
        self._sums: dict[tuple[int, ...], Floats] | None = None
        if len(grid.telling) <= depth:
            self._sums = _all_sums(grid, self._weights, depth)

    def worse(self, alive: Bools) -> tuple[Iterator[Cuboid], float | None]:
        """As `Ledger`."""
        precision = self._measured.precision(alive)
        return (replace(each, sums=each.sums * precision) for each in self._worse(alive)), None

    def _worse(self, alive: Bools) -> Iterator[Cuboid]:
        if self._sums is None:
            bad, expected, variance = (weight[alive] for weight in self._weights)
            yield from cuboids(self._grid.where(alive), bad, expected, (variance,), self._depth)
            return
        leaves = int(np.count_nonzero(alive))
        for columns, sums in self._sums.items():
            yield worse(self._grid, columns, sums, leaves)

    def take(self, codes: dict[str, int]) -> None:
        """As `Ledger`; only the groups that share a leaf with the cause change."""
        if self._sums is None:
            return
        fixed = {self._grid.names.index(name): code - 1 + self._grid.gap for name, code in codes.items()}
        taken: dict[tuple[int, ...], Floats] = {}
        for columns, sums in self._sums.items():
            place = (slice(None), *(fixed.get(column, slice(None)) for column in columns))
            rest = tuple(column for column in columns if column not in fixed)
            if not taken:
                taken[rest] = sums[place].copy()
            elif rest not in taken:
                taken[rest] = _summed(taken, rest)
            sums[place] -= taken[rest]


def _all_sums(grid: Grid, weights: tuple[Floats, ...], depth: int) -> dict[tuple[int, ...], Floats] | None:
    """The sums of every combination, the largest first; None where not all of them can be held whole."""
    held: dict[tuple[int, ...], Floats] = {}
    for node in lattice(grid, weights, depth):
        if node.sums is None:
            return None
        held[node.keys.columns] = node.sums
    return held or None


def _summed(taken: dict[tuple[int, ...], Floats], rest: tuple[int, ...]) -> Floats:
    """The sums over some columns from the smallest that has them all."""
    columns = min((each for each in taken if set(rest) <= set(each)), key=lambda each: taken[each].size)
    axes = tuple(place + 1 for place, column in enumerate(columns) if column not in rest)
    return np.asarray(taken[columns].sum(axis=axes, dtype=np.float64))
