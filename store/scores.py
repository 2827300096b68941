"""Scores in the database: what is still to be scored, who is scoring it, and the rows that replace older ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from psycopg import sql

from store.connection import Connection
from store.copying import Arrays, Field, copy_in, copy_out
from store.user_sums import DIMENSIONS
from store.user_sums import SCORES as MEASURES

RECORD_KINDS = ("sessions", "touchpoints")
DAY_KIND = "days"  # marks an hour that changed and is not merged into its local day yet
PERIOD_KIND = "periods"  # marks a local day that is not merged into the trailing periods yet
_HOUR = timedelta(hours=1)

_SQL = {"i4": "integer", "f8": "double precision"}
_GROUP_FIELDS: tuple[Field, ...] = (
    *((name, "i4") for name in ("attribute", "value", "n_users", "bad_users", "n", "bad")),
    ("expected_bad", "f8"),
    *((f"{m}_{name}", code) for m in MEASURES for name, code in (("n", "i4"), ("sum", "f8"), ("sq", "f8"))),
)
_INTEGERS = {"n", "bad", "n_users", "bad_users", "version_id", "period_s", "object_id", "n_periods"} | {
    *(f"{m}_n" for m in MEASURES),
    "n_suspect",
}
_SMALL = {"limiting", "days", "known_days", "bad_days", "longest_bad_run"}
_REALS = {"coverage", "expected_bad", *MEASURES, "prior_c", *(f"{d}_c" for d in DIMENSIONS)} | {
    *(f"{m}_{end}" for m in MEASURES for end in ("lo", "hi")),
    *("recent_bad_share", "persistence", "persistence_c"),
}
_UTC = pa.timestamp("us", "UTC")


def time_zone(connection: Connection) -> ZoneInfo:
    """Return the operator's zone, fixed when the database was made."""
    row = connection.execute("SELECT value FROM cem.installation WHERE name = 'time_zone'").fetchone()
    return ZoneInfo(row[0] if row else "UTC")


def version(connection: Connection, model_version: str, catalogue_version: str, baseline_id: int) -> int:
    """Return the number of what scores are made with; adds it where it is new."""
    key = [model_version, catalogue_version, baseline_id]
    connection.execute(
        "INSERT INTO cem.version (model_version, catalogue_version, baseline_id) VALUES (%s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        key,
    )
    row = connection.execute(
        "SELECT version_id FROM cem.version WHERE model_version = %s AND catalogue_version = %s AND baseline_id = %s",
        key,
    ).fetchone()
    assert row is not None
    return int(row[0])


def version_names(connection: Connection, version_id: int) -> dict[str, str] | None:
    """Return model and catalogue version of what scores were made with; None where the number is no version's."""
    row = connection.execute(
        "SELECT model_version, catalogue_version FROM cem.version WHERE version_id = %s", [version_id]
    ).fetchone()
    return None if row is None else {"model_version": row[0], "catalogue_version": row[1]}


def dirty_hours(
    connection: Connection, kinds: Sequence[str], start: datetime | None, end: datetime | None
) -> list[datetime]:
    """Return the hours with marks of these kinds in [start, end), oldest first."""
    rows = connection.execute(
        "SELECT DISTINCT date_trunc('hour', window_start) FROM cem.dirty WHERE kind = ANY(%s) "
        "AND window_start >= coalesce(%s, '-infinity'::timestamptz) "
        "AND window_start < coalesce(%s, 'infinity'::timestamptz) ORDER BY 1",
        [list(kinds), start, end],
    )
    return [hour for (hour,) in rows]


def dirty_starts(connection: Connection, kind: str) -> list[datetime]:
    """Return the starts that have marks of that kind, oldest first."""
    rows = connection.execute("SELECT DISTINCT window_start FROM cem.dirty WHERE kind = %s ORDER BY 1", [kind])
    return [start for (start,) in rows]


def mark_hours(connection: Connection, start: datetime, end: datetime) -> None:
    """Mark all windows of the hours in [start, end) for sessions and counters."""
    connection.execute(
        "INSERT INTO cem.dirty (kind, window_start) SELECT kind, part "
        "FROM generate_series(%s::timestamptz, %s::timestamptz - INTERVAL '1 second', '15 minutes') AS part, "
        "unnest(ARRAY['sessions', 'counters']) AS kind",
        [start, end],
    )


def known_span(connection: Connection) -> tuple[datetime, datetime] | None:
    """Return first hour and end of what was ever marked or scored; None when there is nothing."""
    row = connection.execute(
        "SELECT min(first), max(last) FROM (SELECT min(window_start), max(window_start) FROM cem.dirty "
        "WHERE kind IN ('sessions', 'touchpoints', 'counters') UNION ALL SELECT min(start), max(start) "
        "FROM cem.user_hour UNION ALL SELECT min(start), max(start) FROM cem.kpi_value) AS spans (first, last)"
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return row[0].replace(minute=0), row[1].replace(minute=0) + _HOUR


def marks(connection: Connection, kinds: Sequence[str], start: datetime, end: datetime) -> list[int]:
    """Return the ids of the marks of [start, end) as they are now; read them before the data they stand for."""
    rows = connection.execute(
        "SELECT mark_id FROM cem.dirty WHERE kind = ANY(%s) AND window_start >= %s AND window_start < %s",
        [list(kinds), start, end],
    )
    return [mark for (mark,) in rows]


def windows_of(connection: Connection, ids: Sequence[int]) -> list[datetime]:
    """Return the distinct starts of the windows that marks stand for."""
    rows = connection.execute("SELECT DISTINCT window_start FROM cem.dirty WHERE mark_id = ANY(%s)", [list(ids)])
    return [start for (start,) in rows]


def unmark(connection: Connection, ids: Sequence[int]) -> None:
    """Delete marks that were read; later ones stay."""
    connection.execute("DELETE FROM cem.dirty WHERE mark_id = ANY(%s)", [list(ids)])


def mark(connection: Connection, kind: str, start: datetime) -> None:
    """Add a mark."""
    connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES (%s, %s)", [kind, start])


def hold(connection: Connection, what: str, start: datetime, *, wait: bool) -> bool:
    """Take the lock of a window until the transaction ends; False where another has it and `wait` is off."""
    key = [f"cem {what} {start.isoformat()}"]
    if wait:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", key)
        return True
    row = connection.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", key).fetchone()
    return bool(row and row[0])


def delete(connection: Connection, table: str, schema: str = "cem", **equal: Any) -> None:
    """Delete the rows of a table of scores whose columns equal the given values, of a list any."""
    tests = sql.SQL(" AND ").join(_test(name, value) for name, value in equal.items())
    connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(schema, table), tests))


def delete_span(
    connection: Connection, table: str, start: datetime, end: datetime, schema: str = "cem", **equal: Any
) -> None:
    """Delete the rows of a table of scores that start in [start, end); further columns as in `delete`.

    Of groups and indicators name the attributes: their index has them before the start, and without them all of the
    grain's rows in weeks would be looked through.
    """
    tests = sql.SQL("").join(sql.SQL(" AND ") + _test(name, value) for name, value in equal.items())
    query = sql.SQL("DELETE FROM {} WHERE start >= {} AND start < {}{}")
    connection.execute(query.format(sql.Identifier(schema, table), sql.Literal(start), sql.Literal(end), tests))


def _test(name: str, value: Any) -> sql.Composed:
    form = sql.SQL("{} = ANY({})") if isinstance(value, list) else sql.SQL("{} = {}")
    return form.format(sql.Identifier(name), sql.Literal(value))


def append(connection: Connection, table: str, columns: Mapping[str, Any], schema: str = "cem") -> int:
    """Append rows to a table of scores; NaN becomes NULL, a single value fills its column; returns their number."""
    rows = max((len(values) for values in columns.values() if isinstance(values, np.ndarray)), default=0)
    arrays = {name: _array(name, values, rows) for name, values in columns.items()}
    return copy_in(connection, f"{schema}.{table}", pa.record_batch(arrays))


def _array(name: str, values: Any, rows: int) -> pa.Array:
    kind = _arrow(name, values)
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "M":
            return pa.array(values.astype("datetime64[us]")).cast(_UTC)
        return pa.array(values, kind, from_pandas=True)
    return pa.repeat(pa.scalar(values, kind), rows)


def _arrow(name: str, values: Any) -> pa.DataType | None:
    if name in _INTEGERS:
        return pa.int32()
    if name in _SMALL:
        return pa.int16()
    if name in _REALS:
        return pa.float32()
    return _UTC if isinstance(values, datetime) else None


def group_sums(connection: Connection, attributes: Sequence[str], start: datetime, end: datetime) -> Arrays:
    """Add the hours of [start, end) of groups up; `n_users`, `bad_users` are of the fullest hour.

    `attribute` is the place in `attributes`; a group's sums are multiples of one power of two (`qoe.groups`).
    """
    added = ", ".join(
        f"max({name})" if name in ("n_users", "bad_users") else f"sum({name})::{_SQL[code]}"
        for name, code in _GROUP_FIELDS[2:]
        if name != "expected_bad"
    )
    expected = "coalesce(sum(expected_bad::double precision), 'NaN')"
    fields = [field for field in _GROUP_FIELDS if field[0] != "expected_bad"] + [("expected_bad", "f8")]
    place = "array_position(%s::text[], attribute) - 1"
    pieces = ("SELECT", place, ", value,", added, ",", expected, "FROM cem.group_index WHERE grain = 'hour'")
    query = " ".join(pieces) + " AND attribute = ANY(%s) AND start >= %s AND start < %s GROUP BY attribute, value"
    return copy_out(connection, query, fields, [list(attributes), list(attributes), start, end])


def merge_indicators(connection: Connection, start: datetime, end: datetime, version_id: int) -> None:
    """Replace the day of indicators that starts at `start` by the sums of its hours, added in the order of time.

    Of the whole, regions and apps: cells have more rows than all else together, and their hours are there to be added.
    """
    delete_span(connection, "kqi_value", start, end, grain="day", attribute=["all", "region", "app"])
    connection.execute(
        "INSERT INTO cem.kqi_value (grain, attribute, start, value, kqi, numerator, denominator, n, version_id) "
        "SELECT 'day', attribute, %s, value, kqi, sum(numerator), sum(denominator), sum(n), %s FROM "
        "(SELECT * FROM cem.kqi_value WHERE grain = 'hour' AND attribute IN ('all', 'region', 'app') "
        "AND start >= %s AND start < %s ORDER BY start) AS hours "
        "GROUP BY attribute, value, kqi",
        [start, version_id, start, end],
    )


def newest_day(connection: Connection) -> datetime | None:
    """Return the start of the newest local day that has scores of customers."""
    row = connection.execute("SELECT max(start) FROM cem.user_day").fetchone()
    return row[0] if row else None


def period_end(connection: Connection, days: int) -> datetime | None:
    """Return the local day that the trailing periods of so many days end with."""
    row = connection.execute("SELECT start FROM cem.period WHERE days = %s", [days]).fetchone()
    return row[0] if row else None


def end_period(connection: Connection, days: int, start: datetime) -> None:
    """Note the local day that the trailing periods of so many days end with now."""
    connection.execute(
        "INSERT INTO cem.period (days, start) VALUES (%s, %s) ON CONFLICT (days) DO UPDATE SET start = excluded.start",
        [days, start],
    )


def note_events(connection: Connection, newest_us: Mapping[tuple[str, int], int], scored_at: datetime) -> None:
    """Note the newest scored event by kind and source; last in its transaction, as others wait for these rows."""
    for (kind, source_id), moment_us in sorted(newest_us.items()):
        connection.execute(
            "INSERT INTO cem.scored (source_id, kind, last_event, scored_at) "
            "VALUES (%s, %s, 'epoch'::timestamptz + %s * INTERVAL '1 microsecond', %s) "
            "ON CONFLICT (source_id, kind) DO UPDATE SET scored_at = excluded.scored_at, "
            "last_event = greatest(scored.last_event, excluded.last_event)",
            [source_id, kind, moment_us, scored_at],
        )
