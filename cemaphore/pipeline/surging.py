"""Follows surges of complaints that nothing explains; those about experience are stored as clusters of their own."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cemaphore.pipeline.following import FAMILIES
from cemaphore.pipeline.linking import COMPLAINTS, LEAST
from cemaphore.settings import Settings
from customers.surges import Key, Stream, Surge, find
from customers.taxonomy import NO_EXPERIENCE, Taxonomy
from qoe.clusters.domain import recommendation_of
from records.windows import HOUR, day_bounds, local_day
from store import clusters, complaint_surges, complaints
from store import scores as versions
from store.clusters import ClusterRow
from store.complaint_surges import SurgeRow
from store.connection import Connection

MODEL_VERSION = "surges-1"
HISTORY = timedelta(days=35)  # five weeks of what is usual, no more: what people complain of changes
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN = {"device": "device", "app": "app", "service": "service_touchpoint"}


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What is needed to store a surge: the people there are, classes' dimensions, and the row of the version."""

    customers: int
    dimensions: dict[str, str]
    version_id: int


def follow_surges(
    connection: Connection, settings: Settings, taxonomy: Taxonomy, since: datetime, until: datetime
) -> int:
    """Look at every hour from the local day of `since` to `until`; returns how many surges are stored from there on.

    Surges that began before are taken up where they stood.
    """
    zone = ZoneInfo(settings.time_zone)
    begin, _ = day_bounds(local_day(since, zone), zone)
    last = _EPOCH + (until - _EPOCH) // HOUR * HOUR
    rows = complaint_surges.weighted(connection, begin - HISTORY, last)
    days = _days(begin, last, zone)
    if not rows or not days:
        return 0
    first = min(_hour(row[0]) for row in rows)
    hours = range(first, _hour(last))
    stream = Stream.of(
        first,
        np.array([_week_hour(hour, zone) for hour in hours], np.int64),
        np.array([_hour(row[0]) for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        [{"topic": row[3], "app": row[4], "region": row[5], "site_id": row[6]} for row in rows],
    )
    known = [_surge(row) for row in complaint_surges.alive(connection, begin)]
    level = settings.false_clusters_per_day / FAMILIES / 24
    found = find(stream, [max(_hour(day), first) for day in days], _hour(last), level, known)
    place = _Place(
        customers=complaints.population(connection, begin - HISTORY, last),
        dimensions=taxonomy.dimensions,
        version_id=versions.version(connection, MODEL_VERSION, "", 0),
    )
    complaint_surges.forget(connection, begin)
    for surge in found:
        mine = stream.members(surge)
        _save(connection, surge, place, [(rows[row][7], rows[row][8], rows[row][2]) for row in mine.tolist()])
    return len(found)


def _days(begin: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    days = []
    while begin < until:
        days.append(begin)
        _, begin = day_bounds(local_day(begin, zone), zone)
    return days


def _hour(moment: datetime) -> int:
    return (moment - _EPOCH) // HOUR


def _moment(hour: int) -> datetime:
    return _EPOCH + hour * HOUR


def _week_hour(hour: int, zone: ZoneInfo) -> int:
    local = _moment(hour).astimezone(zone)
    return local.weekday() * 24 + local.hour


def _surge(row: SurgeRow) -> Surge:
    return Surge(
        key=tuple((column, values[0]) for column, values in row.selector.items()),
        started=_hour(row.started_at),
        detected=_hour(row.detected_at),
        ended=None if row.ended_at is None else _hour(row.ended_at),
        complaints=row.complaints,
        expected=row.expected,
        customers=row.customers,
        p_value=row.p_value,
    )


def _name(key: Key, started: int) -> str:
    text = f"{COMPLAINTS}|{'|'.join(f'{column}={value}' for column, value in key)}|{_moment(started).isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _save(connection: Connection, surge: Surge, place: _Place, members: list[tuple[int, str, float]]) -> None:
    """Store a surge, and as a cluster with its complaints: (source_id, complaint_id, share that nothing explains).

    A complaint of the surge would not have been made without its cause with the share * (1 - expected / seen).
    """
    dimension = place.dimensions.get(dict(surge.key)["topic"], NO_EXPERIENCE)
    row = SurgeRow(
        surge_id=_name(surge.key, surge.started),
        selector={column: [value] for column, value in surge.key},
        started_at=_moment(surge.started),
        detected_at=_moment(surge.detected),
        ended_at=None if surge.ended is None else _moment(surge.ended),
        complaints=surge.complaints,
        expected=surge.expected,
        customers=surge.customers,
        p_value=surge.p_value,
        experience=dimension != NO_EXPERIENCE,
    )
    complaint_surges.save(connection, row)
    if row.experience:
        clusters.save(connection, _cluster(row, dimension, place))
        above = max(1 - row.expected / max(row.complaints, 1e-9), 0.0)
        reason = {"code": "surge", "complaints": round(row.complaints, 2), "expected": round(row.expected, 2)}
        links = [(source, name, share * above) for source, name, share in members if share * above >= LEAST]
        complaint_surges.save_links(connection, row.surge_id, links, reason)


def _cluster(row: SurgeRow, dimension: str, place: _Place) -> ClusterRow:
    """The surge as a cluster: its units are customers, bad are those of them who complained."""
    many = max(place.customers, row.customers, 1)
    bad, expected = row.complaints / many, row.expected / many
    domain = _DOMAIN.get(dimension, "unknown")
    return ClusterRow(
        cluster_id=row.surge_id,
        over_kind=COMPLAINTS,
        dimension=dimension,
        domain=domain,
        selector=row.selector,
        started_at=row.started_at,
        detected_at=row.detected_at,
        ended_at=row.ended_at,
        users=row.customers,
        sessions=round(row.complaints),
        bad_ratio=bad,
        expected_ratio=expected,
        p_value=row.p_value,
        q_value=row.p_value,
        severity=max((bad - expected) / max(1 - expected, 1e-9), 0.0),
        evidence=[_evidence(row)],
        silent_users=0,
        recommendation=recommendation_of(domain),
        version_id=place.version_id,
        onset_lo=row.started_at,
        onset_hi=row.detected_at,
        users_hurt=row.customers,
        sessions_hurt=round(row.complaints),
    )


def _evidence(row: SurgeRow) -> dict[str, object]:
    """How many complaints came and were expected, and the surprise in standard deviations of a Poisson count."""
    effect = (row.complaints - row.expected) / max(row.expected, 0.25) ** 0.5
    return {
        "metric": "complaints",
        "before": round(row.expected, 4),
        "during": round(row.complaints, 4),
        "effect": round(effect, 3),
        "unit": "complaints",
    }
