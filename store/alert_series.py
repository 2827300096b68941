"""Series that alerts watch: windows of indices and indicators, and what alerting keeps of them."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from store.connection import Connection
from store.copying import Arrays, Field, copy_out

KEPT_DAYS = 60  # of summed days and frozen seasons: twice what is learned from
_SERIES: tuple[Field, ...] = (
    ("start_us", "i8"), ("place", "i8"), ("value", "i8"), ("total", "f8"), ("count", "f8"), ("square", "f8"),
    ("volume", "f8"), ("excess", "f8"),
)  # fmt: skip
_KQI: LiteralString = (
    "SELECT (extract(epoch FROM start) * 1000000)::bigint, "
    "(array_position(%(attributes)s::text[], attribute) - 1)::bigint, value::bigint, "
    "numerator, denominator, 'NaN'::float8, n::float8, 'NaN'::float8 FROM cem.kqi_value "
    "WHERE grain = 'hour' AND attribute = ANY(%(attributes)s) AND kqi = %(name)s AND start >= %(start)s "
    "AND start < %(end)s ORDER BY start"
)
# Sums over sums where a KPI is a ratio; else the mean of its objects.
_KPI: LiteralString = (
    "WITH object AS (SELECT DISTINCT ON (1) coalesce(c.object_id, o.label_id) AS object_id, c.cell_id, c.site_id, "
    "c.region FROM cem.cell_now c JOIN cem.label n ON n.label_id = c.cell_id "
    "LEFT JOIN cem.label o ON o.kind = 'object' AND o.value = n.value ORDER BY 1, c.valid_from DESC) "
    "SELECT (extract(epoch FROM k.start) * 1000000)::bigint, {place}, {column}::bigint, "
    "sum(coalesce(k.value * coalesce(nullif(k.denominator, 0), 1), 0)), "
    "sum(coalesce(nullif(k.denominator, 0), 1)), 'NaN'::float8, count(*)::float8, 'NaN'::float8 "
    "FROM cem.kpi_value k JOIN object USING (object_id) WHERE k.kpi = %(name)s AND k.start >= %(start)s "
    "AND k.start < %(end)s AND k.period_s = 900 AND k.value <> 'NaN' AND {column} IS NOT NULL "
    "GROUP BY 1, 3 ORDER BY 1"
)
_KPI_COLUMNS = {"region": "region", "site": "site_id", "cell": "cell_id"}


def index_rows(connection: Connection, attributes: Sequence[str], index: str, start: datetime, end: datetime) -> Arrays:
    """Return the 15-minute windows in [start, end) of the groups of some attributes, ordered by start.

    Arrays `start_us`, `place` (of the attribute among those given), `value`, `total`, `count` and `square` of the index
    over users, `volume` (sessions) and `excess` (bad sessions beyond those expected, NaN without history).
    """
    query = sql.SQL(
        "SELECT (extract(epoch FROM start) * 1000000)::bigint, "
        "(array_position(%(attributes)s::text[], attribute) - 1)::bigint, value::bigint, "
        "{total}, {count}::float8, {square}, n::float8, "
        "coalesce(bad - expected_bad::float8, 'NaN') FROM cem.group_index WHERE grain = '15m' "
        "AND attribute = ANY(%(attributes)s) AND start >= %(start)s AND start < %(end)s "
        "AND (value <> 0 OR attribute = 'all') ORDER BY start"
    ).format(
        total=sql.Identifier(f"{index}_sum"), count=sql.Identifier(f"{index}_n"), square=sql.Identifier(f"{index}_sq")
    )
    return _rows(connection, query, attributes, "", start, end)


def kqi_rows(connection: Connection, attributes: Sequence[str], kqi: str, start: datetime, end: datetime) -> Arrays:
    """Return the hours in [start, end) of an indicator of services; arrays as `index_rows`."""
    return _rows(connection, sql.SQL(_KQI), attributes, kqi, start, end)


def kpi_rows(connection: Connection, attributes: Sequence[str], kpi: str, start: datetime, end: datetime) -> Arrays:
    """Return the 15-minute periods in [start, end) of an indicator of cells, added up; arrays as `index_rows`."""
    parts = []
    for place, attribute in enumerate(attributes):
        column = sql.Identifier("object", _KPI_COLUMNS[attribute])
        query = sql.SQL(_KPI).format(place=sql.SQL("{}::bigint").format(place), column=column)
        parts.append(_rows(connection, query, attributes, kpi, start, end))
    whole = {name: np.concatenate([part[name] for part in parts]) for name, _ in _SERIES}
    order = np.argsort(whole["start_us"], kind="stable")
    return {name: column[order] for name, column in whole.items()}


def _rows(
    connection: Connection, query: sql.Composable, attributes: Sequence[str], name: str, start: datetime, end: datetime
) -> Arrays:
    given = {"attributes": list(attributes), "name": name, "start": start, "end": end}
    return copy_out(connection, query, _SERIES, given)


def load(connection: Connection, table: LiteralString, measure: str, day: date) -> Arrays | None:
    """Return what is kept of a measure and day in `alert_day` or `alert_season`; None where nothing is."""
    query = sql.SQL("SELECT data FROM cem.{} WHERE measure = %s AND day = %s").format(sql.Identifier(table))
    row = connection.execute(query, [measure, day]).fetchone()
    return None if row is None else unpacked(row[0])


def keep(connection: Connection, table: LiteralString, measure: str, day: date, arrays: Arrays) -> None:
    """Keep a measure's day; one that is there stays as it is. Days long past are dropped."""
    connection.execute(
        sql.SQL("INSERT INTO cem.{} (measure, day, data) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING").format(
            sql.Identifier(table)
        ),
        [measure, day, packed(arrays)],
    )
    connection.execute(
        sql.SQL("DELETE FROM cem.{} WHERE measure = %s AND day < %s").format(sql.Identifier(table)),
        [measure, day - timedelta(days=KEPT_DAYS)],
    )


def first_scored(connection: Connection) -> datetime | None:
    """Return the start of the oldest window that has an index; None before the first."""
    row = connection.execute("SELECT min(start) FROM cem.group_index WHERE grain = '15m'").fetchone()
    return row[0] if row else None


def tracks(connection: Connection) -> dict[str, tuple[datetime, Arrays]]:
    """Return the tracks by measure, each with the start of the newest window that it knows."""
    rows = connection.execute("SELECT measure, start, data FROM cem.alert_track")
    return {measure: (start, unpacked(data)) for measure, start, data in rows}


def keep_tracks(connection: Connection, start: datetime, found: Mapping[str, Arrays]) -> None:
    """Replace the tracks: they know the windows up to the one at `start`."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.alert_track (measure, start, data) VALUES (%s, %s, %s) "
            "ON CONFLICT (measure) DO UPDATE SET start = excluded.start, data = excluded.data",
            [(measure, start, packed(arrays)) for measure, arrays in found.items()],
        )


def blank_sources(connection: Connection, kinds: Iterable[str], start: datetime, end: datetime) -> set[datetime]:
    """Return the windows of [start, end) in which a source of these kinds was away."""
    rows = connection.execute(
        "SELECT DISTINCT start FROM cem.source_window WHERE kind = ANY(%s) AND start >= %s AND start < %s "
        "AND state IN ('silent', 'outage')",
        [list(kinds), start, end],
    )
    return {row[0] for row in rows}


def source_windows(
    connection: Connection, start: datetime, end: datetime
) -> list[tuple[str, datetime, float, float | None, bool, str | None]]:
    """Return (source, start, records, expected, away, reason) of the assessed windows in [start, end), a row a source.

    A source with several kinds of records is away where one of them is. Silence is held against the same time of other
    days only: a source of few days that sleeps at night is not away.
    """
    return connection.execute(
        "SELECT s.name, w.start, sum(w.received)::float8, sum(w.expected)::float8, "
        "bool_or(w.state = 'outage' OR (w.state = 'silent' AND w.history = 'time of day')), max(w.reason) "
        "FROM cem.source_window w JOIN cem.source s USING (source_id) WHERE w.start >= %s AND w.start < %s "
        "GROUP BY 1, 2 ORDER BY 2, 1",
        [start, end],
    ).fetchall()


def packed(arrays: Arrays) -> bytes:
    """Arrays as bytes; floats with half the digits, which is enough for what is learned."""
    buffer = io.BytesIO()
    small: dict[str, NDArray[np.generic]] = {
        name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in arrays.items()
    }
    np.savez(buffer, allow_pickle=False, **small)
    return buffer.getvalue()


def unpacked(data: bytes) -> Arrays:
    """Read what `packed` made; floats with all digits."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return {
            name: found[name].astype(np.float64) if found[name].dtype == np.float32 else found[name]
            for name in found.files
        }


def places(connection: Connection) -> list[tuple[str, str | None, str | None]]:
    """Return the names of each cell, its site and its region, as the inventory has them now."""
    return connection.execute(
        "SELECT DISTINCT ON (c.cell_id) l.value, s.value, r.value FROM cem.cell_now c "
        "JOIN cem.label l ON l.label_id = c.cell_id LEFT JOIN cem.label s ON s.label_id = c.site_id "
        "LEFT JOIN cem.label r ON r.label_id = c.region ORDER BY c.cell_id, c.valid_from DESC"
    ).fetchall()
