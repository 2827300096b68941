"""Caps of a user's sessions: one app, one cell or one session cannot make up a user's index."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.model import FloatArray
from records.errors import ConfigError

CAPPED = ("app", "cell")
LEAST_SCORE = 1.0  # a geometric mean needs scores above 0 (design.md 3)
_UNKNOWN = 0


@dataclass(frozen=True, kw_only=True)
class Caps:
    """The most that the sessions of one app and of one cell together weigh in one user-hour, and the least score.

    `most` holds names of `CAPPED` to sessions; an attribute that is not there is not capped. A score below
    `least_score` counts as that: the lower it is, the more can one session take.
    """

    most: Mapping[str, float] = field(default_factory=dict)
    least_score: float = LEAST_SCORE

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Caps":
        """Read the caps out of a catalogue; a cap of 0 is none."""
        for name, value in raw.items():
            if name not in (*CAPPED, "least_score"):
                raise ConfigError(f"index.caps.{name} is not known: it should be one of {', '.join(CAPPED)}")
            if not float(value) >= 0:
                raise ConfigError(f"index.caps.{name} is {value}: it should not be below 0")
        least = float(raw["least_score"])
        if not LEAST_SCORE <= least < 50:
            raise ConfigError(f"index.caps.least_score is {least}: it should be in 1..50")
        most = {name: float(raw[name]) for name in CAPPED if float(raw.get(name, 0)) > 0}
        return cls(most=most, least_score=least)


def session_weights(user: NDArray[np.int64], attributes: Mapping[str, NDArray[Any]], caps: Caps) -> FloatArray | None:
    """Return each session's weight, at most 1, for the sessions of one hour; None where all weigh 1.

    A session weighs min over the capped attributes of min(1, cap / sessions of that user and value). `user` are dense
    codes; the value 0 stands for "not known" and is no app and no cell.
    """
    if not caps.most or not len(user):
        return None
    # Who has no more sessions than a cap cannot reach it: in most hours that leaves few rows to sort.
    often = np.bincount(user)
    busy = np.flatnonzero(often[user] > min(caps.most.values()))
    if not len(busy):
        return None
    weight = np.ones(len(user))
    for name, most in caps.most.items():
        value = attributes[name][busy]
        share = np.minimum(most / _together(user[busy], value), 1.0)
        weight[busy] = np.minimum(weight[busy], np.where(value == _UNKNOWN, 1.0, share))
    return weight


def _together(user: NDArray[np.int64], value: NDArray[Any]) -> NDArray[np.int64]:
    """How many rows have the same user and value, per row."""
    key = user * (int(value.max(initial=0)) + 1) + value
    _, place, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(count[place])
