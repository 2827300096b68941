"""A degraded-experience cluster while it lives: its selector, its windows and the customers it hurts."""

from dataclasses import dataclass, field

import numpy as np

from qoe.clusters.changepoint import Onset
from qoe.clusters.selector import Selector
from qoe.clusters.units import Ints, Units


@dataclass(frozen=True, kw_only=True)
class WindowCount:
    """What the cluster's selector showed in one window; `p_value` of this window alone, `q_value` of the search."""

    window: int
    users: int
    n: int
    bad: int
    expected: float
    p_value: float
    q_value: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """One turn of a cluster's life, seen at the end of `window`.

    `kind`: opened, grown (further values), described (other conditions fit clearly better), reopened, absorbed
    (another became part of it), merged_into (it became part of another), split_from, split, ended; `other` is the
    other cluster's id.
    """

    window: int
    kind: str
    other: str | None = None


@dataclass(frozen=True, kw_only=True)
class Members:
    """Units of each customer inside a cluster, sorted by customer; times of bad units in microseconds, 0 for none."""

    customer: Ints
    n: Ints
    bad: Ints
    first_bad_us: Ints
    last_bad_us: Ints

    def __len__(self) -> int:
        return len(self.customer)

    def plus(self, other: "Members") -> "Members":
        """Both together."""
        customer, place = np.unique(np.concatenate((self.customer, other.customer)), return_inverse=True)
        latest = np.zeros(len(customer), np.int64)
        np.maximum.at(latest, place, np.concatenate((self.last_bad_us, other.last_bad_us)))
        first = np.concatenate((self.first_bad_us, other.first_bad_us))
        earliest = np.full(len(customer), np.iinfo(np.int64).max)
        np.minimum.at(earliest, place[first > 0], first[first > 0])
        return Members(
            customer=customer,
            n=_summed(place, self.n, other.n, len(customer)),
            bad=_summed(place, self.bad, other.bad, len(customer)),
            first_bad_us=np.where(latest > 0, earliest, 0),
            last_bad_us=latest,
        )


def _summed(place: Ints, one: Ints, other: Ints, size: int) -> Ints:
    return np.bincount(place, np.concatenate((one, other)), size).astype(np.int64)


def members_of(units: Units) -> Members:
    """The customers of these units."""
    bad_us = np.where(units.bad > 0, units.time_us, 0)
    each = Members(
        customer=units.customer,
        n=units.n.astype(np.int64),
        bad=units.bad.astype(np.int64),
        first_bad_us=bad_us,
        last_bad_us=bad_us,
    )
    return NOBODY.plus(each)


_NONE = np.zeros(0, np.int64)
NOBODY = Members(customer=_NONE, n=_NONE, bad=_NONE, first_bad_us=_NONE, last_bad_us=_NONE)


@dataclass(kw_only=True)
class Cluster:
    """Windows are numbers of 15 minutes since 1970; `end` is exclusive and None while open.

    `counted` is the first window whose units are not yet among `members`.
    """

    cluster_id: str
    selector: Selector
    onset: Onset
    detected: int
    end: int | None = None
    p_value: float = 1.0
    q_value: float = 1.0
    windows: list[WindowCount] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    members: Members = NOBODY
    counted: int = 0

    @property
    def start(self) -> int:
        """Its first window."""
        return self.onset.window

    @property
    def life(self) -> list[WindowCount]:
        """Its windows up to the last bad one."""
        until = self.last_bad
        return [count for count in self.windows if count.window <= until]

    @property
    def last_bad(self) -> int:
        """The newest window in which the selector was nearer to the cluster's rate than to the expected one."""
        bad = [count.window for count in self.windows if self.is_bad(count)]
        return max(bad, default=self.detected)

    @property
    def ratio(self) -> float:
        """Bad over expected up to its detection, at least 1.1."""
        early = [count for count in self.windows if count.window <= self.detected]
        expected = sum(count.expected for count in early)
        return max(1.1, sum(count.bad for count in early) / expected) if expected > 0 else 1.1

    def is_bad(self, count: WindowCount) -> bool:
        """Whether a window fits the cluster's rate better than the expected rate (Poisson likelihoods)."""
        ratio = self.ratio
        return bool(count.bad * np.log(ratio) > (ratio - 1) * count.expected)

    def totals(self) -> tuple[int, int, float]:
        """Units, bad units and expected bad units over its life."""
        life = self.life
        return sum(count.n for count in life), sum(count.bad for count in life), sum(count.expected for count in life)

    def note(self, window: int, kind: str, other: str | None = None) -> None:
        """Keep one turn of its life; the same is not noted twice."""
        change = Change(window=window, kind=kind, other=other)
        if change not in self.changes:
            self.changes.append(change)
