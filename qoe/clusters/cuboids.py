"""Sums of a table by every combination of columns, kept only where something is worse than expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
        rest, codes = self.key, []
        for column in reversed(self.columns):
            rest, code = np.divmod(rest, grid.sizes[column] + grid.gap)
            codes.append(code + 1 - grid.gap)
        return np.array(codes[::-1])

    def named(self, grid: Grid, group: int) -> dict[str, int]:
        """Column name -> code of one group."""
        codes = self.codes(grid)[:, group].tolist()
        return {grid.names[column]: code for column, code in zip(self.columns, codes, strict=True)}

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


def cuboids(grid: Grid, bad: Floats, expected: Floats, further: Sequence[Floats], depth: int) -> Iterator[Cuboid]:
    """The groups of every combination of up to `depth` columns in which more is bad than expected.

    `sums` are those of bad, expected and the further weights. The work is one pass over the leaves for each
    combination; the memory that of its worse groups.
    """
    nothing = _Keys.none(grid)
    yield from _below(grid, (bad, expected, *further), nothing, grid.telling, depth)


def _below(
    grid: Grid, weights: Sequence[Floats], above: _Keys, columns: tuple[int, ...], depth: int
) -> Iterator[Cuboid]:
    if not depth:
        return
    for place, column in enumerate(columns):
        keys = above.further(grid, column)
        yield _cuboid(keys, weights)
        yield from _below(grid, weights, keys, columns[place + 1 :], depth - 1)


def _cuboid(keys: _Keys, weights: Sequence[Floats]) -> Cuboid:
    key = keys.key
    if keys.given is not None and not keys.given.all():
        key, weights = key[keys.given], [weight[keys.given] for weight in weights]
    tested = min(keys.space, len(key))
    if keys.space <= max(_DENSE, _DENSE_PER_LEAF * len(key)):
        bad, expected = (np.bincount(key, weight, keys.space) for weight in weights[:2])
        chosen = np.flatnonzero(bad > expected)
        rest = [np.bincount(key, weight, keys.space)[chosen] for weight in weights[2:]]
        sums = np.array([bad[chosen], expected[chosen], *rest])
        return Cuboid(columns=keys.columns, key=chosen, sums=sums, tested=tested)
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
