"""Sums of a table by every combination of columns, kept only where something is worse than expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from qoe.clusters.units import Bools, Floats, Ints

# Up to this many keys a leaf (or this many in all) groups are counted in an array; beyond, found by sorting (own).
_DENSE_PER_LEAF = 4
_DENSE = 2048
# Up to this many keys a group is found in an array of them, beyond by halving (own).
_LOOKED_UP = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Leaves as codes, one row a column of the table: codes 1 to `sizes` of that column, 0 for not given.

    `gap` 0 says that every value is given: the numbers of groups then have no gaps.
    """

    names: tuple[str, ...]
    codes: NDArray[np.integer]
    sizes: tuple[int, ...]
    gap: int = 1

    @property
    def telling(self) -> tuple[int, ...]:
        """The columns with more than one value; the others say nothing."""
        return tuple(column for column, size in enumerate(self.sizes) if size > 1)

    def where(self, keep: Bools) -> "Grid":
        """The leaves for which `keep` holds."""
        return replace(self, codes=self.codes[:, keep])

    def chosen(self, codes: dict[str, int]) -> Bools:
        """Which leaves have one code in each of these columns."""
        chosen = np.ones(self.codes.shape[1], bool)
        for name, code in codes.items():
            chosen &= self.codes[self.names.index(name)] == code
        return chosen


@dataclass(frozen=True, kw_only=True)
class Cuboid:
    """The groups of one combination of columns: `key` (mixed radix), and `sums` of shape (weights, groups).

    `tested` is at least how many different groups the table has there, also those that are not worse.
    """

    columns: tuple[int, ...]
    key: Ints
    sums: Floats
    tested: int

    def codes(self, grid: Grid) -> Ints:
        """Codes of the groups, one row a column."""
        return self._codes(grid, self.key)

    def named(self, grid: Grid, group: int) -> dict[str, int]:
        """Column name -> code of one group."""
        codes = self._codes(grid, self.key[group : group + 1])[:, 0].tolist()
        return {grid.names[column]: code for column, code in zip(self.columns, codes, strict=True)}

    def _codes(self, grid: Grid, key: Ints) -> Ints:
        shape = [grid.sizes[column] + grid.gap for column in self.columns]
        return np.array(np.unravel_index(key, shape)) + 1 - grid.gap

    def counted(self, grid: Grid, kept: Bools, weights: Sequence[Floats]) -> "Cuboid":
        """The kept groups with their sums over all leaves of the grid that this one was made from a part of."""
        keys = _Keys.none(grid)
        for column in self.columns:
            keys = keys.further(grid, column)
        return _sparse(keys, keys.key, weights, self.key[kept], self.tested)


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """Each leaf's group as a mixed-radix number, how many numbers there may be; `given` None where all are."""

    columns: tuple[int, ...]
    key: Ints
    space: int
    given: Bools | None

    @classmethod
    def none(cls, grid: Grid) -> "_Keys":
        """All leaves in one group."""
        leaves = grid.codes.shape[1]
        given = np.ones(leaves, bool) if grid.gap else None
        return cls(columns=(), key=np.zeros(leaves, np.int64), space=1, given=given)

    def further(self, grid: Grid, column: int) -> "_Keys":
        """The groups parted by one more column."""
        codes, size = grid.codes[column], grid.sizes[column] + grid.gap
        key = self.key * size
        key += codes
        key -= 1 - grid.gap
        given = None if self.given is None else self.given & (codes > 0)
        return _Keys(columns=(*self.columns, column), key=key, space=self.space * size, given=given)

    def without(self, grid: Grid, column: int, *, counted: bool) -> "_Keys":
        """The groups of the other columns; where they are `counted` already, nobody asks for each leaf's."""
        columns = tuple(each for each in self.columns if each != column)
        if counted:
            return _Keys(columns=columns, key=self.key[:0], space=0, given=None)
        keys = _Keys.none(grid)
        for each in columns:
            keys = keys.further(grid, each)
        return keys


def cuboids(grid: Grid, bad: Floats, expected: Floats, further: Sequence[Floats], depth: int) -> Iterator[Cuboid]:
    """The groups of every combination of up to `depth` columns in which more is bad than expected.

    `sums` are those of bad, expected and the further weights. The leaves are passed over once for each combination of
    `depth` columns; a smaller one is summed from a larger one where that fills enough of its space. The memory is that
    of the worse groups of one combination and of what it was summed from.
    """
    weights = (bad, expected, *further)
    leaves = grid.codes.shape[1]
    for each in lattice(grid, weights, depth):
        if each.sums is None:
            yield _scattered(each.keys, weights)
        else:
            yield worse(grid, each.keys.columns, each.sums, leaves)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One combination of columns; `sums` of shape (weights, values of each column), None where most would be empty."""

    keys: "_Keys"
    sums: Floats | None


def lattice(grid: Grid, weights: Sequence[Floats], depth: int) -> Iterator[Node]:
    """Every combination of up to `depth` columns once, a larger one before those that are summed from it."""
    columns = grid.telling
    # The column with most values is left out first, so that what is summed from is as small as it can be.
    order = tuple(sorted(columns, key=lambda column: -grid.sizes[column]))
    for keys in _largest(grid, _Keys.none(grid), columns, min(depth, len(columns))):
        if keys.columns:
            yield from _with_smaller(grid, weights, keys, _dense(grid, keys, weights), order)


def _largest(grid: Grid, above: "_Keys", columns: tuple[int, ...], depth: int) -> Iterator["_Keys"]:
    if not depth:
        yield above
    for place, column in enumerate(columns[: len(columns) - depth + 1] if depth else ()):
        yield from _largest(grid, above.further(grid, column), columns[place + 1 :], depth - 1)


def _with_smaller(
    grid: Grid, weights: Sequence[Floats], keys: "_Keys", sums: Floats | None, order: tuple[int, ...]
) -> Iterator[Node]:
    """The node, then those without one of the last columns of `order` that are all there: each is reached once."""
    yield Node(keys=keys, sums=sums)
    if len(keys.columns) == 1:
        return
    for column in reversed(order):
        if column not in keys.columns:
            return
        place = keys.columns.index(column)
        fewer = keys.without(grid, column, counted=sums is not None)
        less = _dense(grid, fewer, weights) if sums is None else sums.sum(axis=place + 1, dtype=np.float64)
        yield from _with_smaller(grid, weights, fewer, less, order)


def _dense(grid: Grid, keys: "_Keys", weights: Sequence[Floats]) -> Floats | None:
    if keys.space > max(_DENSE, _DENSE_PER_LEAF * len(keys.key)):
        return None
    shape = [grid.sizes[column] + grid.gap for column in keys.columns]
    sums = np.empty((len(weights), keys.space), np.result_type(*weights))
    for row, weight in zip(sums, weights, strict=True):
        row[:] = np.bincount(keys.key, weight, keys.space)
    return sums.reshape(len(weights), *shape)


def worse(grid: Grid, columns: tuple[int, ...], sums: Floats, leaves: int) -> Cuboid:
    """The groups with more bad than expected, from the sums of all of a combination of columns."""
    inner = (slice(grid.gap, None),) * len(columns)
    chosen = np.zeros(sums.shape[1:], bool)
    np.greater(sums[0][inner], sums[1][inner], out=chosen[inner])
    key = np.flatnonzero(chosen)
    tested = min(prod(grid.sizes[column] for column in columns), leaves)
    return Cuboid(columns=columns, key=key, sums=sums.reshape(len(sums), -1)[:, key], tested=tested)


def _scattered(keys: "_Keys", weights: Sequence[Floats]) -> Cuboid:
    key = keys.key
    if keys.given is not None and not keys.given.all():
        key, weights = key[keys.given], [weight[keys.given] for weight in weights]
    tested = min(keys.space, len(key))
    return _sparse(keys, key, weights, np.unique(key[weights[0] > weights[1]]), tested)


def _sparse(keys: _Keys, key: Ints, weights: Sequence[Floats], chosen: Ints, tested: int) -> Cuboid:
    if not len(chosen):
        sums = np.zeros((len(weights), 0))
        return Cuboid(columns=keys.columns, key=chosen, sums=sums, tested=tested)
    if keys.space <= _LOOKED_UP:
        lookup = np.full(keys.space, -1, np.int32)
        lookup[chosen] = np.arange(len(chosen))
        place = lookup[key]
        inside = np.flatnonzero(place >= 0)
    else:
        place = np.minimum(np.searchsorted(chosen, key), len(chosen) - 1)
        inside = np.flatnonzero(chosen[place] == key)
    place = place[inside]
    sums = np.array([np.bincount(place, weight[inside], len(chosen)) for weight in weights])
    return Cuboid(columns=keys.columns, key=chosen, sums=sums, tested=tested)
