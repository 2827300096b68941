"""Sums of a table by every combination of columns, kept only where something is worse than expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.clusters.units import Bools, Floats, Ints

# Up to this many keys a leaf (or this many in all) groups are counted in an array; beyond, found by sorting (own).
_DENSE_PER_LEAF = 4
_DENSE = 2048


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Leaves as codes, one row a column of the table: codes 1 to `sizes` of that column, 0 for not given."""

    names: tuple[str, ...]
    codes: NDArray[np.integer]
    sizes: tuple[int, ...]

    @property
    def telling(self) -> tuple[int, ...]:
        """The columns with more than one value; the others say nothing."""
        return tuple(column for column, size in enumerate(self.sizes) if size > 1)

    def where(self, keep: Bools) -> "Grid":
        """The leaves for which `keep` holds."""
        return Grid(names=self.names, codes=self.codes[:, keep], sizes=self.sizes)

    def chosen(self, codes: dict[str, int]) -> Bools:
        """Which leaves have one code in each of these columns."""
        chosen = np.ones(self.codes.shape[1], bool)
        for name, code in codes.items():
            chosen &= self.codes[self.names.index(name)] == code
        return chosen


@dataclass(frozen=True, kw_only=True)
class Cuboid:
    """The groups of one combination of columns: `key` (mixed radix), and `sums` of shape (weights, groups).

    `tested` is at least how many different groups the table has there, also those without a worse leaf.
    """

    columns: tuple[int, ...]
    key: Ints
    sums: Floats
    tested: int

    def codes(self, grid: Grid, group: int) -> dict[str, int]:
        """Column name -> code of one group."""
        found, rest = {}, int(self.key[group])
        for column in reversed(self.columns):
            rest, found[column] = divmod(rest, grid.sizes[column] + 1)
        return {grid.names[column]: found[column] for column in self.columns}


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """Each leaf's group as a mixed-radix number, how many numbers there may be, and whether all columns are given."""

    columns: tuple[int, ...]
    key: Ints
    space: int
    given: Bools

    def further(self, grid: Grid, column: int) -> "_Keys":
        codes, size = grid.codes[column], grid.sizes[column] + 1
        return _Keys(
            columns=(*self.columns, column),
            key=self.key * size + codes,
            space=self.space * size,
            given=self.given & (codes > 0),
        )


def cuboids(grid: Grid, weights: Sequence[Floats], worse: Bools, depth: int) -> Iterator[Cuboid]:
    """The groups of every combination of up to `depth` columns that hold a leaf which is worse than expected.

    The work is one pass over the leaves for each combination; the memory that of the groups with a worse leaf.
    """
    leaves = grid.codes.shape[1]
    nothing = _Keys(columns=(), key=np.zeros(leaves, np.int64), space=1, given=np.ones(leaves, bool))
    yield from _below(grid, weights, worse, nothing, grid.telling, depth)


def _below(
    grid: Grid, weights: Sequence[Floats], worse: Bools, above: _Keys, columns: tuple[int, ...], depth: int
) -> Iterator[Cuboid]:
    if not depth:
        return
    for place, column in enumerate(columns):
        keys = above.further(grid, column)
        yield _cuboid(keys, weights, worse)
        yield from _below(grid, weights, worse, keys, columns[place + 1 :], depth - 1)


def _cuboid(keys: _Keys, weights: Sequence[Floats], worse: Bools) -> Cuboid:
    key = keys.key
    if not keys.given.all():
        key, worse = key[keys.given], worse[keys.given]
        weights = [weight[keys.given] for weight in weights]
    if keys.space <= max(_DENSE, _DENSE_PER_LEAF * len(key)):
        held = np.bincount(key, minlength=keys.space) > 0
        kept = np.zeros(keys.space, bool)
        kept[key[worse]] = True
        chosen = np.flatnonzero(kept)
        sums = [np.bincount(key, weight, keys.space)[chosen] for weight in weights]
        return Cuboid(columns=keys.columns, key=chosen, sums=np.array(sums), tested=int(held.sum()))
    chosen = np.unique(key[worse])
    if not len(chosen):
        return Cuboid(columns=keys.columns, key=chosen, sums=np.zeros((len(weights), 0)), tested=len(key))
    place = np.minimum(np.searchsorted(chosen, key), len(chosen) - 1)
    inside = np.flatnonzero(chosen[place] == key)
    sums = [np.bincount(place[inside], weight[inside], len(chosen)) for weight in weights]
    return Cuboid(columns=keys.columns, key=chosen, sums=np.array(sums), tested=len(key))
