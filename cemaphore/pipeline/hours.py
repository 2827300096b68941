"""Scores one hour: sessions and touchpoints in, rows per customer, group and indicator out; without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.demarcating import session_demarcation
from cemaphore.pipeline.frame import FrameContext, SessionFrame, TouchpointFrame
from cemaphore.pipeline.indicators import IndicatorSums, add_indicators, indicator_columns
from cemaphore.pipeline.score_rows import Columns, group_columns, user_columns
from kqi.catalogue import KqiCatalogue
from qoe.calendar import Calendar
from qoe.caps import session_weights
from qoe.codes import dense
from qoe.company import Compared
from qoe.demarcation import dimension_scores
from qoe.fares import Observations
from qoe.groups import GroupSums, group_sums, merged
from qoe.indices import SERVICE, IndexRules, Sums, observe
from qoe.segments import SESSION_DIMENSIONS
from records.kinds import SERVICES

GROUP_ATTRIBUTES = (
    *("all", "region", "site", "cell", "model", "app", "plan", "segment", "vip_level", "service", "access"),
    *("server", "core_node"),
)
_QUARTER_US = 900_000_000
_PERSONAL = ("plan", "segment", "vip_level")


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What hours are scored with."""

    context: FrameContext
    rules: IndexRules
    indicators: KqiCatalogue
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()

    @property
    def calendar(self) -> Calendar:
        """Which local days count as weekend."""
        return Calendar(zone=self.zone, holidays=self.holidays)


@dataclass(frozen=True, kw_only=True)
class HourCount:
    """What was in an hour."""

    sessions: int
    touchpoints: int
    customers: int


@dataclass(frozen=True, eq=False)
class Rated:
    """Sessions, then touchpoints, that have a quality: one row each, scores (4, rows), NaN where it says nothing.

    `user` is the place of each row's customer in `customers`; `weight` None where all weigh 1.
    """

    customers: NDArray[np.int64]
    user: NDArray[np.int64]
    time_us: NDArray[np.int64]
    scores: NDArray[np.float64]
    ln_mu: NDArray[np.float64]
    session: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    expected: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    attributes: dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class HourScores:
    """What one part of an hour, or all its parts together, come to: what is stored, but for the version's number.

    `users` are columns of `user_hour`, a table a part, as no customer is in two parts; `groups` by grain and attribute.
    `last_event_us` is the newest event by kind of record and source (`source_id`).
    """

    hour: datetime
    count: HourCount
    last_event_us: Mapping[tuple[str, int], int]
    users: tuple[Columns, ...]
    groups: Mapping[tuple[str, str], GroupSums]
    indicators: tuple[IndicatorSums, ...]

    def group_tables(self, version_id: int) -> list[Columns]:
        """Columns of group_index, one table a grain and attribute."""
        return [
            _group_columns(grain, attribute, self.hour, sums, version_id)
            for (grain, attribute), sums in self.groups.items()
        ]

    def indicator_tables(self, version_id: int) -> list[Columns]:
        """Columns of kqi_value, one table an attribute."""
        return list(indicator_columns(self.indicators, self.hour, version_id))


def rate(
    sessions: SessionFrame,
    touchpoints: TouchpointFrame,
    expected: NDArray[np.float64],
    scoring: Scoring,
    beside: Compared | None = None,
) -> HourScores:
    """Score whole customers of one hour; `expected` is each session's probability to be bad, NaN without history.

    `beside` is what comparing the sessions with all of the hour found; without it they are all of the hour.
    """
    hour = sessions.start
    rated = joined(sessions, touchpoints, session_scores(sessions, scoring, beside), expected, scoring)
    return HourScores(
        hour=hour,
        count=HourCount(sessions=sessions.rows, touchpoints=touchpoints.rows, customers=len(rated.customers)),
        last_event_us=_newest("sessions", sessions.source_id, sessions.start_us)
        | _newest("touchpoints", touchpoints.source_id, touchpoints.time_us),
        users=(_user_columns(hour, rated, scoring.rules),),
        groups=_groups(rated, hour, scoring.rules),
        indicators=(add_indicators(sessions, touchpoints, scoring.indicators),),
    )


def merged_parts(parts: Sequence[HourScores]) -> HourScores:
    """Put parts of one hour that hold different customers together."""
    if len(parts) == 1:
        return parts[0]
    counts = [part.count for part in parts]
    return HourScores(
        hour=parts[0].hour,
        count=HourCount(**{name: sum(vars(count)[name] for count in counts) for name in vars(counts[0])}),
        last_event_us={
            key: max(part.last_event_us.get(key, 0) for part in parts) for part in parts for key in part.last_event_us
        },
        users=tuple(users for part in parts for users in part.users),
        groups={key: merged([part.groups[key] for part in parts]) for key in parts[0].groups},
        indicators=tuple(sums for part in parts for sums in part.indicators),
    )


def _newest(kind: str, source: NDArray[np.int16], time_us: NDArray[np.int64]) -> dict[tuple[str, int], int]:
    return {(kind, int(each)): int(time_us[source == each].max()) for each in np.unique(source)}


def session_scores(frame: SessionFrame, scoring: Scoring, beside: Compared | None = None) -> NDArray[np.float64]:
    """Scores (3, rows) of the sessions of one hour: network, device, app."""
    found = session_demarcation(frame, scoring.context, beside=beside)
    return dimension_scores(found, scoring.rules.weights)


def joined(
    sessions: SessionFrame,
    touchpoints: TouchpointFrame,
    session_score: NDArray[np.float64],
    expected: NDArray[np.float64],
    scoring: Scoring,
) -> Rated:
    """Put the sessions and touchpoints that have a quality below one another; `session_score` (3, sessions)."""
    catalogue = scoring.context.catalogue
    mine, theirs = np.flatnonzero(~np.isnan(sessions.q)), np.flatnonzero(~np.isnan(touchpoints.q))
    table = np.full((SERVICE + 1, len(mine) + len(theirs)), np.nan)
    table[:SESSION_DIMENSIONS, : len(mine)] = session_score[:, mine]
    table[SERVICE, len(mine) :] = touchpoints.q[theirs]
    ln_mu = np.log([catalogue.services[name].prior_mean for name in SERVICES])
    touch_mu = np.full(len(theirs), np.log(catalogue.touchpoints.prior_mean))
    attributes: dict[str, NDArray[Any]] = {"all": np.ones(table.shape[1], dtype=np.int32)}
    for name in GROUP_ATTRIBUTES[1:]:
        none = np.zeros(len(theirs), dtype=np.int32)
        of_touchpoints = touchpoints.attributes[name][theirs] if name in _PERSONAL else none
        attributes[name] = np.concatenate([sessions.attributes[name][mine], of_touchpoints])
    customers, user = dense(np.concatenate([sessions.customer_key[mine], touchpoints.customer_key[theirs]]))
    return Rated(
        customers=customers,
        user=user,
        time_us=np.concatenate([sessions.start_us[mine], touchpoints.time_us[theirs]]),
        scores=table,
        ln_mu=np.concatenate([ln_mu[sessions.service[mine]], touch_mu]),
        session=np.arange(table.shape[1]) < len(mine),
        bad=np.concatenate([sessions.bad[mine], touchpoints.bad[theirs]]),
        expected=np.concatenate([expected[mine], np.zeros(len(theirs))]),
        weight=session_weights(user, attributes, scoring.rules.caps),
        attributes=attributes,
    )


def _user_columns(hour: datetime, rated: Rated, rules: IndexRules) -> Columns:
    customers, user = rated.customers, rated.user
    sums = Sums.zeros(len(customers))
    for dimension, observed in enumerate(rated.scores):
        observe(
            user, len(customers), dimension, observed, rated.ln_mu, sums,
            weight=rated.weight, least_score=rules.caps.least_score,
        )  # fmt: skip
    n = np.bincount(user[rated.session], minlength=len(customers))
    bad = np.bincount(user[rated.session & rated.bad], minlength=len(customers))
    return user_columns(hour, customers, n, bad, sums.rounded(), rules)


def _groups(rated: Rated, hour: datetime, rules: IndexRules) -> dict[tuple[str, str], GroupSums]:
    quarter = (rated.time_us - int(hour.timestamp()) * 1_000_000) // _QUARTER_US
    seen = Observations.of(
        rated.user, quarter, rated.scores, rated.ln_mu, rated.session, rated.bad, rated.expected,
        weight=rated.weight, least_score=rules.caps.least_score,
    )  # fmt: skip
    made: dict[tuple[str, str], GroupSums] = {}
    for attribute in GROUP_ATTRIBUTES:
        sums = group_sums(rated.attributes[attribute], seen, rules)
        made |= {("15m", attribute): sums[0], ("hour", attribute): sums[1]}
    return made


def _group_columns(grain: str, attribute: str, hour: datetime, sums: GroupSums, version_id: int) -> Columns:
    start = np.datetime64(hour.replace(tzinfo=None), "us") + sums.bucket * np.timedelta64(_QUARTER_US, "us")
    return group_columns(grain, attribute, start, sums, version_id)
