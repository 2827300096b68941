"""What the store knows of the data of its sources, window by window: measured here, judged in `qoe.drift`."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from psycopg import sql

from records.kinds import ALARMS, COMPLAINTS, COUNTERS, SESSIONS, SURVEYS, TOUCHPOINTS, ColumnType, Kind
from records.windows import QUARTER
from store.connection import Connection
from store.copying import copy_out
from store.screens import frame

KINDS = (SESSIONS, COUNTERS, TOUCHPOINTS, SURVEYS, COMPLAINTS, ALARMS)
_SAMPLE_ROWS = 20_000
_MOST_COUNTERS = 200
_LIVE = timedelta(days=7)
_HISTORY = timedelta(days=28)
_RECENT = timedelta(hours=12)
_NEAR_S = 1800
_NUMBERS = (ColumnType.INTEGER, ColumnType.REAL)
_NOT_MEASURED = ("lat", "lon")
_RENAMED = {"subscriber_id": "subscriber_key"}
_ABSENT = ("source", "subscriber_kind")

Key = tuple[str, int]  # kind, source_id


@dataclass(kw_only=True)
class Measured:
    """One source's records of one kind in one window; `values` are samples by column, NaN where missing."""

    received: int = 0
    late: int = 0
    duplicate: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    lateness_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    measures: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Past:
    """An earlier window: its count, shares of missing, and [n, quartiles] by column."""

    start: datetime
    received: int
    missing: Mapping[str, float]
    profile: Mapping[str, Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class History:
    """A source's earlier windows that are like this one, by the same time of day or the last hours."""

    rung: str
    windows: tuple[Past, ...]


def live(connection: Connection, start: datetime) -> set[Key]:
    """Return the sources, by kind, that delivered anything in the week before `start` or after it."""
    rows = connection.execute("SELECT kind, source_id FROM cem.watermark WHERE watermark >= %s", [start - _LIVE])
    return {(kind, source_id) for kind, source_id in rows if kind in {one.name for one in KINDS}}


def measured(connection: Connection, kind: Kind, start: datetime, closed_at: datetime) -> dict[int, Measured]:
    """Return what each source delivered for the window at `start`; rows that arrived after `closed_at` are late."""
    found: dict[int, Measured] = defaultdict(Measured)
    parts = _parts(kind)
    bounds = {"start": start, "end": start + QUARTER, "closed_at": closed_at}
    counts = connection.execute(
        sql.SQL(
            "SELECT source_id, count(*), count(*) FILTER (WHERE arrived_at > %(closed_at)s) FROM {table} "
            "WHERE {within} GROUP BY 1"
        ).format(**parts),
        bounds,
    )
    for source_id, received, late in counts:
        found[source_id].received, found[source_id].late = received, late
    if found:
        _sample(connection, kind, start, found)
    _arrivals(connection, kind, start, found)
    return dict(found)


def history(connection: Connection, key: Key, start: datetime) -> History | None:
    """Return the windows before `start` that tell what is usual: the same time of day, else the last twelve hours."""
    kind, source_id = key
    query = (
        "SELECT start, received, missing, profile FROM cem.source_window WHERE kind = %s AND source_id = %s "
        "AND start >= %s AND start < %s AND state IN ('good', 'learning')"
    )
    near = (
        " AND abs(mod((extract(epoch FROM start - %s) + 43200)::bigint + 86400 * 1000, 86400) - 43200) <= %s "
        "ORDER BY start"
    )
    daily = connection.execute(query + near, [kind, source_id, start - _HISTORY, start - QUARTER * 2, start, _NEAR_S])
    windows = _past(daily.fetchall())
    if len(windows) >= 12 and len({one.start.date() for one in windows}) >= 3:
        return History(rung="time of day", windows=windows)
    recent = connection.execute(query + " ORDER BY start", [kind, source_id, start - _RECENT, start]).fetchall()
    return History(rung="last hours", windows=_past(recent)) if recent else None


def others(connection: Connection, key: Key, start: datetime) -> tuple[Past, ...]:
    """Return the last twelve hours of the other sources of that kind: what a new source is compared with."""
    kind, source_id = key
    rows = connection.execute(
        "SELECT start, received, missing, profile FROM cem.source_window WHERE kind = %s AND source_id <> %s "
        "AND start >= %s AND start < %s AND state IN ('good', 'learning') ORDER BY start",
        [kind, source_id, start - _RECENT, start],
    )
    return _past(rows.fetchall())


def outage(connection: Connection, source_id: int, start: datetime) -> str | None:
    """Return why a source was away for most of the window at `start`, None where it was not."""
    row = connection.execute(
        "SELECT reason FROM cem.source_outage WHERE source_id = %s AND target = '' "
        "AND least(coalesce(ended_at, 'infinity'), %s) - greatest(started_at, %s) >= %s / 2 "
        "ORDER BY started_at LIMIT 1",
        [source_id, start + QUARTER, start, QUARTER],
    ).fetchone()
    return str(row[0]) if row else None


def write(connection: Connection, key: Key, start: datetime, row: Mapping[str, Any]) -> None:
    """Write one window's row in the place of the one before."""
    given = {"kind": key[0], "source_id": key[1], "start": start, **row}
    values = [json.dumps(value) if isinstance(value, (dict, list)) else value for value in given.values()]
    names = [sql.Identifier(name) for name in given]
    connection.execute(
        sql.SQL(
            "INSERT INTO cem.source_window ({names}) VALUES ({values}) ON CONFLICT (kind, source_id, start) "
            "DO UPDATE SET ({names}) = ROW ({excluded})"
        ).format(
            names=sql.SQL(", ").join(names),
            values=sql.SQL(", ").join(sql.Placeholder() * len(values)),
            excluded=sql.SQL(", ").join(sql.SQL("excluded.{}").format(name) for name in names),
        ),
        values,
    )


def to_assess(connection: Connection, until: datetime) -> list[datetime]:
    """Return the windows that end by `until` and are new, may have changed, or hold records not scored yet."""
    names = [kind.name for kind in KINDS]
    rows = connection.execute(
        "SELECT DISTINCT window_start FROM cem.dirty WHERE kind = ANY(%(kinds)s) AND window_start < %(until)s "
        "UNION SELECT generate_series(date_bin('15 minutes', greatest(coalesce((SELECT max(start) FROM "
        "cem.source_window) - INTERVAL '2 hours', %(until)s - INTERVAL '1 day'), %(until)s - %(history)s), 'epoch'), "
        "%(until)s, INTERVAL '15 minutes') ORDER BY 1",
        {"kinds": names, "until": until, "history": _HISTORY},
    )
    return [moment for (moment,) in rows if moment + QUARTER <= until]


def blank(connection: Connection, kind: str, start: datetime, end: datetime) -> set[tuple[int, datetime]]:
    """Return (source_id, window start) of the windows in [start, end) in which a source was away.

    What such a source says of these windows is left out where good is told from bad.
    """
    rows = connection.execute(
        "SELECT source_id, start FROM cem.source_window WHERE kind = %s AND start >= %s AND start < %s "
        "AND state IN ('silent', 'outage')",
        [kind, start, end],
    )
    return {(source_id, moment) for source_id, moment in rows}


def overview(connection: Connection) -> pd.DataFrame:
    """Return per source and kind its newest assessed window, what was delivered in all, and an open outage."""
    return frame(
        connection,
        """
        SELECT coalesce(b.source, w.source) AS source, coalesce(b.kind, w.kind) AS kind, m.watermark AS newest,
               coalesce(o.reason, '') AS away, w.start AS "window", w.state, w.reason, w.received, w.expected,
               w.lateness_p50_s, w.lateness_p95_s, w.late, w.findings, w.missing, w.history,
               coalesce(b.rows_stored, 0) AS rows_stored, coalesce(b.rows_duplicate, 0) AS rows_duplicate,
               coalesce(b.rows_quarantined, 0) AS rows_quarantined, coalesce(q.reasons, '{}') AS quarantined
        FROM (SELECT source, kind, sum(rows_stored)::bigint AS rows_stored,
                     sum(rows_duplicate)::bigint AS rows_duplicate, sum(rows_quarantined)::bigint AS rows_quarantined
              FROM api.batches GROUP BY 1, 2) b
        FULL JOIN (SELECT DISTINCT ON (source, kind) * FROM api.source_windows ORDER BY source, kind, start DESC) w
            USING (source, kind)
        LEFT JOIN api.sources m ON (m.source, m.kind) = (coalesce(b.source, w.source), coalesce(b.kind, w.kind))
        LEFT JOIN LATERAL (SELECT reason FROM api.source_outages a WHERE a.source = coalesce(b.source, w.source)
                           AND a.target = '' AND a.ended_at IS NULL LIMIT 1) o ON true
        LEFT JOIN LATERAL (SELECT jsonb_object_agg(code, n) AS reasons FROM (
            SELECT code, count(*) AS n FROM api.quarantine r
            WHERE (r.source, r.kind) = (coalesce(b.source, w.source), coalesce(b.kind, w.kind)) GROUP BY code) c) q
            ON true
        ORDER BY 2, 1
        """,
    )


def _parts(kind: Kind) -> dict[str, sql.Composable]:
    event = sql.Identifier(str(kind.event_time))
    within: sql.Composable = sql.SQL("{0} >= %(start)s AND {0} < %(end)s").format(event)
    if kind is COUNTERS:  # a period belongs to the window of its start; none of ours is longer than a day
        within = sql.SQL(
            "time > %(start)s AND time < %(end)s::timestamptz + INTERVAL '1 day' AND "
            "time - make_interval(secs => period_s) >= %(start)s AND time - make_interval(secs => period_s) < %(end)s"
        )
    return {"table": sql.Identifier("cem", kind.table), "event": event, "within": within}


def _sample(connection: Connection, kind: Kind, start: datetime, found: dict[int, Measured]) -> None:
    """Give each source a sample of its rows, chosen by their identity so that it is the same each time."""
    largest = max(one.received for one in found.values())
    mask = (1 << max(0, (largest // _SAMPLE_ROWS).bit_length())) - 1
    names = [column.name for column in kind.columns if column.name not in _ABSENT]
    numeric = {column.name for column in kind.columns if column.type in _NUMBERS}
    if kind is COUNTERS:
        names, identity = ["value"], "hashint8(object_id::bigint * 65537 + counter)"
    else:
        identity = f"hashtext({kind.identity[-1] if kind is not ALARMS else 'event_id'})"
    shown = [
        f"coalesce({name}::float8, 'NaN')" if name in numeric else
        f"CASE WHEN {_RENAMED.get(name, name)} IS NULL THEN 'NaN'::float8 ELSE 1 END"
        for name in names
    ]  # fmt: skip
    extra = "counter" if kind is COUNTERS else "0"
    within = _parts(kind)["within"].as_string(connection).replace("%(start)s", "%s").replace("%(end)s", "%s")
    query = (  # only our own names are put into it
        f"SELECT source_id, {extra}::int4, extract(epoch FROM arrived_at - {kind.event_time})::float8, "  # noqa: S608
        f"{', '.join(shown)} FROM cem.{kind.table} WHERE {within} AND {identity} & {mask} = 0"
    )
    fields = [("source_id", "i2"), ("counter", "i4"), ("lateness", "f8"), *((name, "f8") for name in names)]
    end = start + QUARTER
    given = [start, end, start, end] if kind is COUNTERS else [start, end]
    arrays = copy_out(connection, query, fields, given)
    for source_id, one in found.items():
        mine = arrays["source_id"] == source_id
        one.lateness_s = np.maximum(arrays["lateness"][mine], 0.0)
        if kind is COUNTERS:
            one.values = _by_counter(connection, arrays["counter"][mine], arrays["value"][mine])
            one.measures = frozenset(one.values)
        else:
            one.values = {name: arrays[name][mine] for name in names}
            one.measures = frozenset(numeric.difference(_NOT_MEASURED))


def _by_counter(
    connection: Connection, counter: NDArray[np.int32], value: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Samples of the counters that occur most, by their names."""
    numbers, counts = np.unique(counter, return_counts=True)
    chosen = numbers[np.argsort(-counts, kind="stable")[:_MOST_COUNTERS]]
    rows = connection.execute("SELECT label_id, value FROM cem.label WHERE label_id = ANY(%s)", [chosen.tolist()])
    return {name: value[counter == number] for number, name in rows}


def _arrivals(connection: Connection, kind: Kind, start: datetime, found: dict[int, Measured]) -> None:
    bounds = [kind.name, start, start + QUARTER]
    duplicates = connection.execute(
        "SELECT source_id, sum(rows_duplicate)::bigint FROM cem.batch WHERE kind = %s AND arrived_at >= %s "
        "AND arrived_at < %s GROUP BY 1 HAVING sum(rows_duplicate) > 0",
        bounds,
    )
    for source_id, count in duplicates.fetchall():
        found[source_id].duplicate = count
    refused = connection.execute(
        "SELECT source_id, code, count(*) FROM cem.quarantine WHERE kind = %s AND arrived_at >= %s AND arrived_at < %s "
        "GROUP BY 1, 2",
        bounds,
    )
    for source_id, code, count in refused.fetchall():
        found[source_id].quarantined[code] = count


def _past(rows: Sequence[tuple[Any, ...]]) -> tuple[Past, ...]:
    return tuple(Past(start=row[0], received=row[1], missing=row[2], profile=row[3]) for row in rows)
