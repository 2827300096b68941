"""One customer's sessions explained: whose fault each was, against a healthy reference and against what is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from cemaphore import catalogues
from cemaphore.pipeline.baseline import calendar_of
from cemaphore.pipeline.demarcating import session_evidence
from cemaphore.pipeline.frame import FrameContext, SessionFrame, session_frame
from cemaphore.pipeline.levels import levels_for
from cemaphore.settings import Settings
from qoe.catalogue import SEGMENTS
from qoe.demarcation import Demarcation, Evidence, demarcate, dimension_scores, taken
from qoe.indices import IndexRules
from qoe.levels import Levels
from qoe.model import Columns
from qoe.reasons import LEAST_POINTS, Reason, session_reasons, top_reasons
from qoe.segments import Usual, segment_excess
from records.windows import HOUR, day_bounds, local_day
from store import explaining, scores
from store.connection import Connection
from store.frames import count_sessions

MOST_SESSIONS = 500  # of one customer and day: a page that nobody reads further (own)
# Sessions of an hour that a device and a node are compared within; of a busier hour whole customers are drawn (own).
COMPARED = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACES = ("site", "region", "band", "model")
# Whose usual level a measurement is held against: a cell's on the way to the user, an app's on the way to the server.
_USUAL_OF = {"app": ("rtt_server_ms", "dns_ms", "ttfb_ms"),
             "cell": ("rtt_client_ms", "loss_dl", "jitter_ms", "throughput_dl_kbps")}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Session:
    """One session: what the records say, its quality 0..100, and the points it lost by segment.

    `points` against the catalogue's references and `usual` against what is usual there, by SEGMENTS and unexplained;
    `compared` sessions of its hour were looked at to judge device and node. Figures are NaN without enough data.
    """

    listed: Mapping[str, Any]
    places: Mapping[str, str | None]
    quality: float
    points: Mapping[str, float]
    usual: Mapping[str, float] | None
    dimensions: Mapping[str, float]
    reasons: tuple[Reason, ...]
    compared: int


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A customer's local day from `start` on: its sessions, their mean points, and what cost most.

    Without sessions `reasons` are the stored contributions of the day; `start` is None for a customer never scored.
    """

    customer_key: int
    start: datetime | None
    sessions: tuple[Session, ...]
    mean: Mapping[str, float] | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, eq=False)
class _Part:
    """Sessions of one hour with what is known of them; rows in the order of the listed sessions."""

    listed: Sequence[Mapping[str, Any]]
    columns: Columns
    evidence: Evidence
    attributes: Mapping[str, Any]
    compared: int


def explain(
    connection: Connection,
    settings: Settings,
    customer_key: int,
    *,
    at: datetime | None = None,
    session_id: str | None = None,
) -> Explanation:
    """Explain the sessions of a customer's local day that holds `at` (default: the newest with sessions), or one.

    Reads the raw sessions again; where they are gone, only the stored contributions of the day are left.
    """
    zone = scores.time_zone(connection)
    moment = at or explaining.last_hour(connection, customer_key)
    if moment is None:
        return Explanation(customer_key=customer_key, start=None, sessions=(), mean=None, reasons=())
    start, end = day_bounds(local_day(moment, zone), zone)
    listed = explaining.sessions(connection, customer_key, start, end, session_id, MOST_SESSIONS)
    day = explaining.day_row(connection, customer_key, start)
    context = FrameContext.load(connection, catalogues.quality(settings))
    weights = IndexRules.of(context.catalogue).weights
    made: list[Session] = []
    for hour, group in groupby(listed, key=lambda one: _hour(one["start_time"])):
        part = _read(connection, context, hour, customer_key, list(group))
        usual = _usual(connection, part, int(day["baseline_id"]) if day else 0, zone)
        made += _explained(connection, context, part, usual, weights)
    reasons = top_reasons(one.reasons for one in made) if made else _stored(day or {})
    return Explanation(
        customer_key=customer_key, start=start, sessions=tuple(made), mean=_mean(made), reasons=tuple(reasons)
    )


def _read(
    connection: Connection, context: FrameContext, hour: datetime, customer_key: int, listed: Sequence[dict[str, Any]]
) -> _Part:
    """Read the hour, compare devices and nodes in it, and keep the listed sessions."""
    parts = -(-count_sessions(connection, hour, hour + HOUR) // COMPARED)
    part = (customer_key % parts, parts) if parts > 1 else None
    frame = session_frame(connection, hour, hour + HOUR, context=context, part=part)
    rows = _rows(frame, listed)
    at = np.array([row for row in rows if row >= 0], dtype=np.intp)
    return _Part(
        listed=[one for one, row in zip(listed, rows, strict=True) if row >= 0],
        columns={name: values[at] for name, values in frame.columns.items()},
        evidence=taken(session_evidence(frame, context), at),
        attributes={name: values[at] for name, values in frame.attributes.items()},
        compared=frame.rows,
    )


def _rows(frame: SessionFrame, listed: Sequence[dict[str, Any]]) -> list[int]:
    """Where each listed session stands in the frame, -1 where it came after the frame was read."""
    mine = np.flatnonzero(np.isin(frame.subscriber_key, [one["subscriber_key"] for one in listed]))
    marks = zip(frame.subscriber_key[mine].tolist(), frame.start_us[mine].tolist(), frame.source_id[mine].tolist(),
                mine.tolist(), strict=True)  # fmt: skip
    places: dict[tuple[int, int, int], list[int]] = {}
    for key, start_us, source, row in marks:
        places.setdefault((key, start_us, source), []).append(row)
    found = []
    for one in listed:
        since = one["start_time"] - _EPOCH
        mark = (one["subscriber_key"], since // timedelta(microseconds=1), one["source_id"])
        found.append(places[mark].pop(0) if places.get(mark) else -1)
    return found


def _usual(connection: Connection, part: _Part, baseline_id: int, zone: ZoneInfo) -> Usual | None:
    """What each measurement of those sessions usually is, at that cell or app and hour; None without a baseline."""
    known: dict[tuple[str, int], Levels | None] = {}
    made = {name: np.full(len(part.listed), np.nan) for names in _USUAL_OF.values() for name in names}
    calendar = calendar_of(connection, zone)
    for row, one in enumerate(part.listed):
        local = one["start_time"].astimezone(zone)
        for attribute, measures in _USUAL_OF.items():
            key = (attribute, int(part.attributes[attribute][row]))
            if key not in known:
                known[key] = levels_for(connection, baseline_id, *key)
            levels = known[key]
            for name in measures if levels else ():
                level = levels.at(name, calendar.weekday(local.date()), local.hour) if levels else None
                made[name][row] = level.median if level else np.nan
    return made if any(known.values()) else None


def _explained(
    connection: Connection, context: FrameContext, part: _Part, usual: Usual | None, weights: Sequence[float]
) -> list[Session]:
    catalogue, evidence = context.catalogue, part.evidence
    found = demarcate(part.columns, evidence, catalogue, context.models)
    reasons = session_reasons(part.columns, evidence, found, catalogue)
    scored = dimension_scores(found, weights)
    against: Demarcation | None = None
    if usual is not None:
        beside = replace(evidence, excess=segment_excess(part.columns, catalogue, usual))
        against = demarcate(part.columns, beside, catalogue, context.models, usual)
    ids = {int(part.attributes[name][row]) for name in PLACES for row in range(len(part.listed))}
    names = explaining.names(connection, sorted(ids))
    return [
        Session(
            listed=one,
            places={name: names.get(int(part.attributes[name][row])) for name in PLACES},
            quality=float(evidence.q[row]),
            points=_points(found, row),
            usual=None if against is None else _points(against, row),
            dimensions=dict(zip(("network", "device", "app"), scored[:, row].tolist(), strict=True)),
            reasons=reasons[row],
            compared=part.compared,
        )
        for row, one in enumerate(part.listed)
    ]


def _points(found: Demarcation, row: int) -> dict[str, float]:
    names = (*SEGMENTS, "unexplained")
    return dict(zip(names, [*found.points[:, row].tolist(), float(found.unexplained[row])], strict=True))


def _mean(sessions: Sequence[Session]) -> dict[str, float] | None:
    rated = [one.points for one in sessions if not np.isnan(one.quality)]
    return {name: sum(one[name] for one in rated) / len(rated) for name in rated[0]} if rated else None


def _stored(day: Mapping[str, Any]) -> list[Reason]:
    """What the stored index of the day still tells where its sessions are gone."""
    names = ("network", "device", "app", "service", "prior")
    made = [
        Reason(code=f"contribution.{name}", points=float(day[f"{name}_c"]), parameters={})
        for name in names
        if day.get(f"{name}_c") is not None
    ]
    return sorted((one for one in made if one.points >= LEAST_POINTS), key=lambda one: -one.points)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
