"""Bad days of a user: how many, how long in a row, how long ago; a term of its own beside the index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.model import BoolArray, FloatArray
from records.errors import ConfigError

NONE = -1


@dataclass(frozen=True, kw_only=True)
class PersistenceRules:
    """What a bad day is (share of bad sessions, least sessions), how fast it fades, and the greatest penalty (0..1)."""

    bad_share: float = 0.5
    least_sessions: int = 3
    half_life_days: float = 7.0
    penalty: float = 0.0

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "PersistenceRules":
        """Read the rules out of a catalogue."""
        rules = cls(**{name: raw[name] for name in cls.__dataclass_fields__})
        if not (0 < rules.bad_share <= 1 and rules.least_sessions >= 1 and rules.half_life_days > 0):
            raise ConfigError(
                f"index.persistence is {dict(raw)}: bad_share should be in 0..1, the others above 0 (penalty may be 0)"
            )
        if not 0 <= rules.penalty < 1:
            raise ConfigError(f"index.persistence.penalty is {rules.penalty}: it should be at least 0 and below 1")
        return rules


@dataclass(frozen=True, eq=False)
class Persistence:
    """Per user of a span of days; shares are NaN where no day was known.

    `known_days` with enough sessions, `bad_days` of them, `bad_day_share`, `longest_run` of bad days with no good one
    between, `last_bad` the newest bad day (-1: none), `recent_share` the share weighted by 0.5^(age / half-life), and
    `term`, the mean of both shares. None of them changes before a day enters or leaves the span.
    """

    known_days: NDArray[np.int64]
    bad_days: NDArray[np.int64]
    bad_day_share: FloatArray
    longest_run: NDArray[np.int64]
    last_bad: NDArray[np.int64]
    recent_share: FloatArray
    term: FloatArray


def persistence(
    user: NDArray[np.int64],
    users: int,
    day: NDArray[np.int64],
    n: NDArray[Any],
    bad: NDArray[Any],
    rules: PersistenceRules,
) -> Persistence:
    """Sum up days: one row per user and day, in any order, a day at most once a user.

    `user` are codes below `users`; `day` numbers from 0 on; `n` rated sessions and `bad` ones. A day with too few
    sessions is not known: it neither makes nor breaks a run.
    """
    known = n >= rules.least_sessions
    user, day, is_bad = user[known], day[known], bad[known] >= rules.bad_share * n[known]
    fading = 0.5 ** ((day.max(initial=0) - day) / rules.half_life_days)
    days = np.bincount(user, minlength=users)
    bad_days = np.bincount(user[is_bad], minlength=users)
    last_bad = np.full(users, NONE)
    np.maximum.at(last_bad, user[is_bad], day[is_bad])
    with np.errstate(invalid="ignore"):
        share = bad_days / days
        recent = np.bincount(user, fading * is_bad, users) / np.bincount(user, fading, users)
    return Persistence(
        known_days=days,
        bad_days=bad_days,
        bad_day_share=share,
        longest_run=_longest_runs(user, users, day, is_bad),
        last_bad=last_bad,
        recent_share=recent,
        term=(share + recent) / 2.0,
    )


def penalty(term: FloatArray, rules: PersistenceRules) -> FloatArray:
    """Return the factor that an overall index is multiplied by: 1 - penalty * term, and 1 where no day is known."""
    return np.asarray(1.0 - rules.penalty * np.where(np.isnan(term), 0.0, term))


def _longest_runs(user: NDArray[np.int64], users: int, day: NDArray[np.int64], is_bad: BoolArray) -> NDArray[np.int64]:
    """Most bad days in a row among each user's known days."""
    order = np.lexsort((day, user))
    user, is_bad = user[order], is_bad[order]
    rows = np.arange(len(user))
    begins = np.ones(len(user), dtype=np.bool_)
    begins[1:] = user[1:] != user[:-1]
    # A run goes back to the last good day or the user's first day, whichever is later.
    before = np.maximum.accumulate(np.where(is_bad, np.where(begins, rows - 1, -1), rows)) if len(rows) else rows
    longest = np.zeros(users, dtype=np.int64)
    np.maximum.at(longest, user, np.where(is_bad, rows - before, 0))
    return longest
