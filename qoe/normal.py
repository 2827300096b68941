"""Sparse normal equations of sessions by the levels of their attributes: mergeable, and able to forget."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from qoe.codes import dense

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CAUSES = ("cell", "model", "app", "server", "core_node")
# What neither is to blame nor may be blamed on a cause: how demanding a service is, and what hour of which day it was.
NUISANCES = ("service", "hour")
FACTORS = (*CAUSES, *NUISANCES)
OUTCOMES = ("quality", "failure")
_LEVEL = 1 << 32
# Levels and pairs that forgetting has brought below this many sessions are dropped (own).
_FORGOTTEN = 0.01
# Sessions that are written down at a time: 200 bytes each while they are multiplied (own).
_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class Normal:
    """Sums over sessions: what least squares needs to know of them, and nothing of a single one.

    `key` sorted: place in `FACTORS` * 2^32 + value. `cross` (levels, levels) sessions that two levels share, their
    diagonal the sessions of a level; `product` (levels, outcomes) sums of outcomes; `total` and `square` (outcomes,)
    sums and squares of outcomes over `n` sessions.
    """

    key: Ints
    cross: csr_array
    product: Floats
    n: float
    total: Floats
    square: Floats

    @property
    def factor(self) -> Ints:
        """Place in `FACTORS` of each level."""
        return self.key // _LEVEL

    @property
    def value(self) -> Ints:
        """Value of each level: a label's number, or for `hour` kind of day * 24 + hour."""
        return self.key % _LEVEL

    @property
    def sessions(self) -> Floats:
        """Sessions of each level."""
        return np.asarray(self.cross.diagonal(), dtype=np.float64)

    def plus(self, other: "Normal", weight: float = 1.0) -> "Normal":
        """These sums times `weight`, and those of `other`."""
        keys = np.union1d(self.key, other.key)
        cross = _spread(self, keys) * weight + _spread(other, keys)
        product = np.zeros((len(keys), len(OUTCOMES)))
        product[np.searchsorted(keys, self.key)] += weight * self.product
        product[np.searchsorted(keys, other.key)] += other.product
        kept = np.flatnonzero(cross.diagonal() >= _FORGOTTEN)
        return Normal(
            key=keys[kept],
            cross=csr_array(cross[kept][:, kept]),
            product=product[kept],
            n=self.n * weight + other.n,
            total=self.total * weight + other.total,
            square=self.square * weight + other.square,
        )


def empty() -> Normal:
    """The sums of no sessions."""
    nothing = np.zeros(len(OUTCOMES))
    return Normal(np.zeros(0, np.int64), csr_array((0, 0)), np.zeros((0, len(OUTCOMES))), 0.0, nothing, nothing)


def normal_of(levels: Mapping[str, NDArray[np.integer]], outcomes: Floats) -> Normal:
    """Add sessions up: `levels` a value per factor and session (0: not known), `outcomes` (sessions, outcomes)."""
    rows = len(outcomes)
    places, keys = np.full((rows, len(FACTORS)), -1, dtype=np.int32), []
    base = 0
    for factor, name in enumerate(FACTORS):
        value = np.asarray(levels[name], dtype=np.int64)
        known = np.flatnonzero(value > 0)
        values, place = dense(value[known])
        keys.append(factor * _LEVEL + values.astype(np.int64))
        places[known, factor] = base + place
        base += len(values)
    cross, product = csr_array((base, base)), np.zeros((base, len(OUTCOMES)))
    for start in range(0, rows, _AT_ONCE):
        design = _design(places[start : start + _AT_ONCE], base)
        cross = cross + design.T @ design
        product += design.T @ outcomes[start : start + _AT_ONCE]
    return Normal(
        key=np.concatenate(keys),
        cross=csr_array(cross),
        product=product,
        n=float(rows),
        total=outcomes.sum(axis=0),
        square=(outcomes**2).sum(axis=0),
    )


def _design(places: NDArray[np.int32], levels: int) -> csr_array:
    """A row a session with 1 at each of its levels; `places` (sessions, factors), -1 where it has none."""
    known = places >= 0
    ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    indices = places[known]
    return csr_array((np.ones(len(indices)), indices, ends), shape=(len(places), levels))


def _spread(sums: Normal, keys: Ints) -> csr_array:
    """The cross table over more levels."""
    place = np.searchsorted(keys, sums.key)
    entries = coo_array(sums.cross)
    row, column = entries.coords
    return csr_array((entries.data, (place[row], place[column])), shape=(len(keys), len(keys)))
