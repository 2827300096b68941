"""Scores one hour: sessions and touchpoints in, rows per customer, group and indicator out, in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.baseline import local_hours
from cemaphore.pipeline.frame import FrameContext, SessionFrame, TouchpointFrame, session_frame, touchpoint_frame
from cemaphore.pipeline.indicators import IndicatorSums, add_indicators, indicator_columns
from cemaphore.pipeline.score_rows import Columns, group_columns, stacked, user_columns
from kqi.catalogue import KqiCatalogue
from qoe.codes import dense
from qoe.expectation import Margins, expected_bad
from qoe.groups import GroupSums, Observations, group_sums, merged
from qoe.indices import SERVICE, IndexRules, Sums, observe
from qoe.peers import Setting, compare
from qoe.shares import SESSION_DIMENSIONS, dimension_scores, first_shares, segment_excess
from records.kinds import SERVICES
from records.windows import HOUR
from store import scores
from store.connection import Connection
from store.frames import Part, count_sessions

GROUP_ATTRIBUTES = (
    *("all", "region", "site", "cell", "model", "app", "plan", "segment", "vip_level", "service", "access"),
    *("server", "core_node"),
)
# A larger hour is read in parts that each hold whole customers: about 1 kB a session at the peak (own).
PART_SESSIONS = 400_000
_QUARTER_US = 900_000_000
_PERSONAL = ("plan", "segment", "vip_level")


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What hours are scored with."""

    context: FrameContext
    rules: IndexRules
    indicators: KqiCatalogue
    zone: ZoneInfo


@dataclass(frozen=True, kw_only=True)
class HourCount:
    """What was in an hour."""

    sessions: int
    touchpoints: int
    customers: int


@dataclass(frozen=True, eq=False)
class _Rated:
    """Sessions, then touchpoints, that have a quality: one row each, scores (4, rows), NaN where it says nothing.

    `user` is the place of each row's customer in `customers`.
    """

    customers: NDArray[np.int64]
    user: NDArray[np.int64]
    time_us: NDArray[np.int64]
    scores: NDArray[np.float64]
    ln_mu: NDArray[np.float64]
    session: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    expected: NDArray[np.float64]
    attributes: dict[str, NDArray[Any]]


def score_hour(
    connection: Connection, hour: datetime, scoring: Scoring, margins: Margins, version_id: int
) -> HourCount:
    """Replace the rows of one hour; the caller owns the transaction. An hour without records loses its rows."""
    scores.delete(connection, "user_hour", start=hour)
    scores.delete_span(connection, "group_index", hour, hour + HOUR, grain="15m")
    scores.delete_span(connection, "group_index", hour, hour + HOUR, grain="hour")
    scores.delete(connection, "kqi_value", start=hour, grain="hour")
    found = count_sessions(connection, hour, hour + HOUR)
    parts = -(-found // PART_SESSIONS) or 1
    groups: dict[tuple[str, str], list[GroupSums]] = {}
    indicators: list[IndicatorSums] = []
    touchpoints = customers = 0
    for index in range(parts):
        part = (index, parts) if parts > 1 else None
        rated, seen = _rate(connection, hour, scoring, margins, part, indicators)
        touchpoints += seen
        customers += _score_users(connection, hour, rated, scoring.rules, version_id)
        _add_groups(rated, hour, scoring.rules, groups)
    tables = [_group_columns(grain, name, hour, merged(mine), version_id) for (grain, name), mine in groups.items()]
    scores.append(connection, "group_index", stacked(tables))
    scores.append(connection, "kqi_value", stacked(list(indicator_columns(indicators, hour, version_id))))
    return HourCount(sessions=found, touchpoints=touchpoints, customers=customers)


def session_scores(frame: SessionFrame, scoring: Scoring) -> NDArray[np.float64]:
    """Scores (3, rows) of the sessions of one hour: network, device, app."""
    place = {name: frame.attributes[name] for name in ("model", "app", "cell", "region", "service", "band")}
    failed = (frame.columns["success"] == 0) | (frame.columns["dropped"] == 1)
    terminal = compare(Setting(**place), frame.q, failed)
    excess = segment_excess(frame.columns, scoring.context.catalogue)
    shares = first_shares(excess, terminal, failed, frame.cause_segment, scoring.rules.weights)
    return dimension_scores(frame.q, shares)


def _rate(
    connection: Connection,
    hour: datetime,
    scoring: Scoring,
    margins: Margins,
    part: Part | None,
    indicators: list[IndicatorSums],
) -> tuple[_Rated, int]:
    """Read one part, add its indicators, and keep only what scores need."""
    end, context = hour + HOUR, scoring.context
    sessions = session_frame(connection, hour, end, context=context, part=part)
    touchpoints = touchpoint_frame(connection, hour, end, context=context, part=part)
    indicators.append(add_indicators(sessions, touchpoints, scoring.indicators))
    expected = _expected(sessions, hour, scoring.zone, margins)
    return _joined(sessions, touchpoints, session_scores(sessions, scoring), expected, scoring), touchpoints.rows


def _expected(frame: SessionFrame, hour: datetime, zone: ZoneInfo, margins: Margins) -> NDArray[np.float64]:
    weekend, of_day = local_hours(frame.start_us, hour, zone)
    return expected_bad(margins, frame.attributes, weekend, of_day)


def _joined(
    sessions: SessionFrame,
    touchpoints: TouchpointFrame,
    session_score: NDArray[np.float64],
    expected: NDArray[np.float64],
    scoring: Scoring,
) -> _Rated:
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
    return _Rated(
        customers=customers,
        user=user,
        time_us=np.concatenate([sessions.start_us[mine], touchpoints.time_us[theirs]]),
        scores=table,
        ln_mu=np.concatenate([ln_mu[sessions.service[mine]], touch_mu]),
        session=np.arange(table.shape[1]) < len(mine),
        bad=np.concatenate([sessions.bad[mine], touchpoints.bad[theirs]]),
        expected=np.concatenate([expected[mine], np.zeros(len(theirs))]),
        attributes=attributes,
    )


def _score_users(connection: Connection, hour: datetime, rated: _Rated, rules: IndexRules, version_id: int) -> int:
    customers, user = rated.customers, rated.user
    sums = Sums.zeros(len(customers))
    for dimension, observed in enumerate(rated.scores):
        observe(user, len(customers), dimension, observed, rated.ln_mu, sums)
    n = np.bincount(user[rated.session], minlength=len(customers))
    bad = np.bincount(user[rated.session & rated.bad], minlength=len(customers))
    return scores.append(connection, "user_hour", user_columns(hour, customers, n, bad, sums, rules, version_id))


def _add_groups(
    rated: _Rated, hour: datetime, rules: IndexRules, groups: dict[tuple[str, str], list[GroupSums]]
) -> None:
    quarter = (rated.time_us - int(hour.timestamp()) * 1_000_000) // _QUARTER_US
    seen = Observations.of(rated.user, quarter, rated.scores, rated.ln_mu, rated.session, rated.bad, rated.expected)
    for attribute in GROUP_ATTRIBUTES:
        made = group_sums(rated.attributes[attribute], seen, rules)
        for grain, sums in zip(("15m", "hour"), made, strict=True):
            groups.setdefault((grain, attribute), []).append(sums)


def _group_columns(grain: str, attribute: str, hour: datetime, sums: GroupSums, version_id: int) -> Columns:
    start = np.datetime64(hour.replace(tzinfo=None), "us") + sums.bucket * np.timedelta64(_QUARTER_US, "us")
    return group_columns(grain, attribute, start, sums, version_id)
