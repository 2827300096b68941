"""What history says about a local day: counts by app, model, cell and hour before it, frozen once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg import Cursor

from records.windows import day_bounds
from store.connection import Connection
from store.copying import Arrays, copy_out

HISTORY_DAYS = 28  # four weeks, so that every hour of the week is there four times (own)
FIT_DAYS = 7  # windows of one week tell how unruly the expectation is (own)
ANY = -1

_FREEZE = """
INSERT INTO cem.baseline (day, first_event, end_event, sessions, bad, made_at)
SELECT %(day)s, min(start), %(end)s, sum(n), sum(bad), now() FROM cem.group_index
WHERE grain = 'hour' AND attribute = 'all' AND start >= %(first)s AND start < %(end)s HAVING sum(n) > 0
ON CONFLICT (day) DO NOTHING RETURNING baseline_id
"""
_ALL_HOURS = """
INSERT INTO cem.baseline_margin (baseline_id, over_kind, attribute, value, weekend, hour, n, bad)
SELECT %(id)s, 'sessions', attribute, value, -1, -1, sum(n), sum(bad) FROM cem.group_index
WHERE grain = 'hour' AND attribute IN ('all', 'app', 'model', 'cell') AND start >= %(first)s AND start < %(end)s
GROUP BY attribute, value HAVING sum(n) > 0
"""
_BY_HOUR = """
INSERT INTO cem.baseline_margin (baseline_id, over_kind, attribute, value, weekend, hour, n, bad)
SELECT %(id)s, 'sessions', attribute, value, (extract(isodow FROM local) >= 6)::int, extract(hour FROM local)::int,
       sum(n), sum(bad)
FROM (SELECT *, start AT TIME ZONE %(zone)s AS local FROM cem.group_index
      WHERE grain = 'hour' AND attribute IN ('all', 'cell') AND start >= %(first)s AND start < %(end)s) AS hours
GROUP BY 3, 4, 5, 6 HAVING sum(n) > 0
"""


def freeze(connection: Connection, day: date, zone: ZoneInfo) -> int:
    """Return the id of the baseline of a local day, made now if there is none; 0 where nothing is known before it.

    Uses indices of earlier days only, at most `HISTORY_DAYS` of them. Runs in the caller's transaction.
    """
    known = connection.execute("SELECT baseline_id FROM cem.baseline WHERE day = %s", [day]).fetchone()
    if known:
        return int(known[0])
    end, _ = day_bounds(day, zone)
    given = {"day": day, "first": end - timedelta(days=HISTORY_DAYS), "end": end, "zone": zone.key}
    made = connection.execute(_FREEZE, given).fetchone()
    if made is None:
        return _made_by_another(connection, day)
    connection.execute(_ALL_HOURS, {**given, "id": made[0]})
    connection.execute(_BY_HOUR, {**given, "id": made[0]})
    return int(made[0])


def _made_by_another(connection: Connection, day: date) -> int:
    known = connection.execute("SELECT baseline_id FROM cem.baseline WHERE day = %s", [day]).fetchone()
    return int(known[0]) if known else 0


def span(connection: Connection, baseline_id: int) -> tuple[datetime, datetime] | None:
    """Return the first event that a baseline knows and the end of its events; None for one that is not stored."""
    return connection.execute(
        "SELECT first_event, end_event FROM cem.baseline WHERE baseline_id = %s", [baseline_id]
    ).fetchone()


def margin_rows(
    connection: Connection, baseline_id: int, over_kind: str
) -> list[tuple[str, int, int, int, float, float]]:
    """Return the rows (attribute, value, weekend, hour, n, bad) of a baseline."""
    return connection.execute(
        "SELECT attribute, value, weekend, hour, n, bad FROM cem.baseline_margin "
        "WHERE baseline_id = %s AND over_kind = %s ORDER BY attribute, value, weekend, hour",
        [baseline_id, over_kind],
    ).fetchall()


def add_margin_rows(
    connection: Connection, baseline_id: int, over_kind: str, rows: Sequence[tuple[str, int, int, int, float, float]]
) -> None:
    """Store rows (attribute, value, weekend, hour, n, bad) of a kind that has no group index of its own."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.baseline_margin (baseline_id, over_kind, attribute, value, weekend, hour, n, bad) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(baseline_id, over_kind, *row) for row in rows],
        )


def earlier_windows(connection: Connection, day: date, zone: ZoneInfo, attributes: Sequence[str]) -> Arrays:
    """Return what was seen and expected in the windows of the week before a local day.

    Arrays attribute (place in `attributes`), value, expected, bad; one entry a value and 15-minute window.
    """
    end, _ = day_bounds(day, zone)
    return copy_out(
        connection,
        "SELECT array_position(%s::text[], attribute)::integer - 1, value, expected_bad::double precision, "
        "bad::double precision FROM cem.group_index WHERE grain = '15m' AND attribute = ANY(%s) "
        "AND start >= %s AND start < %s AND expected_bad IS NOT NULL AND expected_bad <> 'NaN'",
        (("attribute", "i4"), ("value", "i4"), ("expected", "f8"), ("bad", "f8")),
        [list(attributes), list(attributes), end - timedelta(days=FIT_DAYS), end],
    )


def fit_rows(connection: Connection, baseline_id: int, over_kind: str) -> list[tuple[str, int, float, float]]:
    """Return the rows (attribute, value, ratio, dispersion) of a baseline's fit; empty where it was not made yet."""
    return connection.execute(
        "SELECT attribute, value, coalesce(ratio, 'NaN'), coalesce(dispersion, 'NaN') FROM cem.baseline_fit "
        "WHERE baseline_id = %s AND over_kind = %s",
        [baseline_id, over_kind],
    ).fetchall()


def add_fit_rows(
    connection: Connection,
    baseline_id: int,
    over_kind: str,
    ratios: Mapping[str, Mapping[int, float]],
    dispersion: Mapping[str, float],
) -> None:
    """Freeze a fit: ratios by attribute and value, dispersion by attribute."""
    with connection.cursor() as cursor:
        for attribute, by_value in ratios.items():
            _add_fit(
                cursor, [(baseline_id, over_kind, attribute, value, ratio, None) for value, ratio in by_value.items()]
            )
        _add_fit(
            cursor, [(baseline_id, over_kind, attribute, ANY, None, each) for attribute, each in dispersion.items()]
        )


def _add_fit(cursor: Cursor[tuple[object, ...]], rows: Sequence[tuple[object, ...]]) -> None:
    cursor.executemany(
        "INSERT INTO cem.baseline_fit (baseline_id, over_kind, attribute, value, ratio, dispersion) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        rows,
    )


def first_day(connection: Connection, zone: ZoneInfo) -> date | None:
    """Return the first local day that has any indices."""
    row = connection.execute(
        "SELECT min(start) FROM cem.group_index WHERE grain = '15m' AND attribute = 'all'"
    ).fetchone()
    moment: datetime | None = row[0] if row else None
    return None if moment is None else moment.astimezone(zone).date()
