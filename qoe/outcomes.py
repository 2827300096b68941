"""What another setting would do: how users' indices lie under each of several, and who moves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qoe.caps import Caps
from qoe.indices import IndexRules
from qoe.means import Mean
from qoe.model import FloatArray

# A user has moved when the index differs by more than this, and fares badly below that (own).
MOVED_POINTS = 5.0
LOW_BELOW = 50.0
_BINS = 200  # of half a point each
_WIDTH = 100.0 / _BINS

MEANS = (Mean.of("arithmetic", 0), Mean.of("geometric", 0), Mean.of("power", -2), Mean.of("weakest", 0))


@dataclass(frozen=True, eq=False)
class Outcome:
    """Mergeable sums of users per group under one setting: how many lie in each bin of the index, their sum, movers."""

    bins: NDArray[np.int64]
    total: FloatArray
    up: NDArray[np.int64]
    down: NDArray[np.int64]

    @property
    def users(self) -> NDArray[np.int64]:
        """Users with an index, per group."""
        return np.asarray(self.bins.sum(axis=1))

    def __add__(self, other: "Outcome") -> "Outcome":
        """Merge the sums of different users in the same groups."""
        return Outcome(self.bins + other.bins, self.total + other.total, self.up + other.up, self.down + other.down)

    def quantile(self, share: float) -> FloatArray:
        """Index that this share of a group's users lies below, to half a point; NaN without users."""
        upto = self.bins.cumsum(axis=1)
        wanted = share * upto[:, -1:]
        place = np.minimum((upto < wanted).sum(axis=1), _BINS - 1)
        rows = np.arange(len(place))
        inside = self.bins[rows, place]
        part = (wanted[:, 0] - (upto[rows, place] - inside)) / np.maximum(inside, 1)
        return np.where(self.users > 0, (place + part) * _WIDTH, np.nan)

    def low(self) -> NDArray[np.int64]:
        """Users below `LOW_BELOW`, per group."""
        return np.asarray(self.bins[:, : int(LOW_BELOW / _WIDTH)].sum(axis=1))


def outcome(group: NDArray[np.int64], groups: int, index: FloatArray, in_force: FloatArray) -> Outcome:
    """Count users: each one's group (a code below `groups`), index under the setting, and index in force (0..100)."""
    known = ~np.isnan(index) & ~np.isnan(in_force)
    group, index, in_force = group[known], index[known], in_force[known]
    place = np.minimum((index / _WIDTH).astype(np.int64), _BINS - 1)
    moved = index - in_force
    return Outcome(
        bins=np.bincount(group * _BINS + place, minlength=groups * _BINS).reshape(groups, _BINS),
        total=np.bincount(group, index, groups).astype(np.float64),
        up=np.bincount(group[moved > MOVED_POINTS], minlength=groups),
        down=np.bincount(group[moved < -MOVED_POINTS], minlength=groups),
    )


def mean_choices(rules: IndexRules) -> dict[str, IndexRules]:
    """The rules under each mean, by the mean's name; those in force are among them."""
    means = MEANS if rules.mean in MEANS else (*MEANS, rules.mean)
    return {mean.label: replace(rules, mean=mean) for mean in means}


def cap_choices(caps: Caps) -> dict[str, Caps]:
    """Caps in force, none, half of them, and a higher least score, by name."""
    half = {name: most / 2 for name, most in caps.most.items()}
    named = {
        caps_label(found): found
        for found in (
            caps,
            replace(caps, most={}),
            replace(caps, most=half),
            *(replace(caps, least_score=least) for least in (5.0, 10.0)),
        )
    }
    return named


def caps_label(caps: Caps) -> str:
    """Name of the caps with their settings, such as `app 10, cell 20, least 1`."""
    most: Sequence[str] = [f"{name} {value:g}" for name, value in caps.most.items()] or ["no caps"]
    return ", ".join([*most, f"least {caps.least_score:g}"])
