"""Who made which complaint, whom a cluster hurt how much, and when a hurt customer would complain of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR_US = 3_600_000_000
LINK_H = 48.0
LINK_US = int(LINK_H) * HOUR_US  # a complaint is looked for this long after a bad session (own)
# Units by which a customer's own bad ratio is drawn to the cluster's (own).
_OWN_RATIO_UNITS = 3.0
_MOST_POINTS = 8  # a customer's bad units stand at so many moments at most


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One complaint: its key, whose, when (microseconds since 1970) and of which topic class.

    `hour` is the hour of the operator's day; `named` what it names by itself: column of a selector to value.
    """

    source_id: int
    complaint_id: str
    customer: int
    at_us: int
    topic: str
    hour: int = 0
    named: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Harm:
    """Customers in a cluster, sorted by key: units and bad units of each, and times of the first and last bad one."""

    customer: Ints
    n: Ints
    bad: Ints
    first_bad_us: Ints
    last_bad_us: Ints


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many customers it hurt how much: `users` of them had `bad` of `n` units bad; when, on average, the last."""

    n: Ints
    bad: Ints
    users: Ints
    last_bad_us: int

    @property
    def hurt(self) -> int:
        """Customers with a bad unit."""
        return int(self.users[self.bad > 0].sum())


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What one cluster did: to all whom it hit (`crowd`), and to each of those who complained (`harm`).

    Customers without a bad unit count as not exposed. `ended_us` is the newest window's end while it is open.
    """

    cluster_id: str
    dimension: str
    started_us: int
    ended_us: int
    bad_ratio: float
    expected_ratio: float
    harm: Harm
    crowd: Crowd
    selector: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def dose(self, n: Ints, bad: Ints) -> Floats:
        """Bad units, of customers with so many, that are the cluster's doing."""
        return dose_of(n, bad, self.bad_ratio, self.expected_ratio)

    def whole_dose(self) -> float:
        """The doses of all whom it hit together."""
        return float((self.dose(self.crowd.n, self.crowd.bad) * self.crowd.users).sum())

    def moments(self, places: Ints) -> Floats:
        """Moments (hours since the cluster's start) at which the bad units of these customers stand, shape (k, 8).

        The first and the last are known, the others are spread evenly between; NaN fills up.
        """
        first = (self.harm.first_bad_us[places] - self.started_us) / HOUR_US
        last = (self.harm.last_bad_us[places] - self.started_us) / HOUR_US
        points = np.minimum(np.maximum(self.harm.bad[places], 1), _MOST_POINTS)
        step = np.arange(_MOST_POINTS) / np.maximum(points - 1, 1)[:, None]
        spread = first[:, None] + (last - first)[:, None] * step
        return np.asarray(np.where(np.arange(_MOST_POINTS) < points[:, None], spread, np.nan), dtype=np.float64)

    def places_of(self, customers: Ints) -> Ints:
        """Places among `harm` of customers whom it hurt, -1 for others."""
        known = self.harm.customer
        if not len(known):
            return np.full(len(customers), -1, np.int64)
        place = np.minimum(np.searchsorted(known, customers), len(known) - 1)
        return np.where((known[place] == customers) & (self.harm.bad[place] > 0), place, -1)

    def follows(self, at_us: Ints) -> Bools:
        """Which moments lie between the cluster's start and 48 hours after its end."""
        return np.asarray((self.started_us < at_us) & (at_us <= self.ended_us + LINK_US))


def dose_of(n: Ints, bad: Ints, bad_ratio: float, expected_ratio: float) -> Floats:
    """Bad units of customers with `bad` of `n` that are a cluster's doing: bad * max(0.1, 1 - e / r).

    e is the cluster's expected ratio, r the customer's own bad ratio drawn to the cluster's R: (bad + 3 R) / (n + 3).
    At least a tenth of the bad units, as whose they are is never certain (`own`).
    """
    own = (bad + _OWN_RATIO_UNITS * bad_ratio) / (n + _OWN_RATIO_UNITS)
    caused = 1 - expected_ratio / np.maximum(own, 1e-9)
    return np.asarray(bad * np.clip(caused, 0.1, 1.0), dtype=np.float64)


def density(lag_h: Floats, mean_h: float) -> Floats:
    """Density per hour of complaining so long after a bad unit: exponential of that mean, cut at 48 h; NaN gives 0."""
    whole = -np.expm1(-LINK_H / mean_h)
    inside = (lag_h > 0) & (lag_h <= LINK_H)
    return np.where(inside, np.exp(-np.where(inside, lag_h, 0.0) / mean_h) / mean_h / whole, 0.0)


def passed(lag_h: float, mean_h: float) -> float:
    """Share of the complaints that come within so many hours of a bad unit."""
    return float(np.expm1(-min(max(lag_h, 0.0), LINK_H) / mean_h) / np.expm1(-LINK_H / mean_h))


def same_place(complaint: Complaint, exposure: Exposure) -> bool | None:
    """Whether what the complaint names lies in the cluster's selector; None where they have no column in common."""
    common = [column for column in exposure.selector if column in complaint.named]
    if not common:
        return None
    return all(complaint.named[column] in exposure.selector[column] for column in common)
