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
# A day counts half after two weeks (own): four weeks keep the hour of the week there four times, and forget a change
# of the network within a month; the mean age is then that of four weeks counted alike.
HALF_LIFE_DAYS = 14.0
ANY = -1
# A count that forgetting brought below this says nothing any more (own).
_FORGOTTEN = 0.01

MarginRow = tuple[str, int, int, int, float, float, int]

_FREEZE = """
INSERT INTO cem.baseline (day, first_event, end_event, sessions, bad, made_at)
SELECT %(day)s, min(start), %(end)s, sum(n), sum(bad), now() FROM cem.group_index
WHERE grain = 'hour' AND attribute = 'all' AND start >= %(first)s AND start < %(end)s HAVING sum(n) > 0
ON CONFLICT (day) DO NOTHING RETURNING baseline_id
"""
_SOURCES = """
INSERT INTO cem.baseline_source (baseline_id, day, sessions, bad)
SELECT %(id)s, (start AT TIME ZONE %(zone)s)::date, sum(n), sum(bad) FROM cem.group_index
WHERE grain = 'hour' AND attribute = 'all' AND start >= %(first)s AND start < %(end)s GROUP BY 2
"""
# The newest earlier baseline, if it learned every day before its own just as that day counts now.
_PREVIOUS = """
SELECT b.baseline_id, b.day, b.end_event FROM (
    SELECT * FROM cem.baseline WHERE day < %(day)s AND end_event > %(first)s ORDER BY day DESC LIMIT 1) AS b
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT (start AT TIME ZONE %(zone)s)::date AS day, sum(n) AS sessions, sum(bad) AS bad FROM cem.group_index
        WHERE grain = 'hour' AND attribute = 'all' AND start >= %(first)s AND start < b.end_event GROUP BY 1) AS now
    LEFT JOIN cem.baseline_source s ON s.baseline_id = b.baseline_id AND s.day = now.day
    WHERE (s.sessions, s.bad) IS DISTINCT FROM (now.sessions, now.bad))
"""
_LEARN = """
INSERT INTO cem.baseline_margin (baseline_id, over_kind, attribute, value, weekend, hour, weekday, n, bad)
SELECT %(id)s, 'sessions', attribute, value, weekend, hour, weekday, sum(n), sum(bad) FROM (
    SELECT attribute, value, weekend, hour, weekday, n * %(kept)s AS n, bad * %(kept)s AS bad FROM cem.baseline_margin
    WHERE baseline_id = %(previous)s AND over_kind = 'sessions'
    UNION ALL
    SELECT attribute, value, cut.weekend, cut.hour, cut.weekday, n * weight, bad * weight FROM (
        SELECT attribute, value, n, bad, extract(hour FROM local)::smallint AS hour,
               (CASE WHEN h.day IS NULL THEN extract(isodow FROM local) - 1 ELSE 6 END)::smallint AS weekday,
               0.5 ^ ((%(day)s::date - 1 - local::date) / %(half_life)s) AS weight
        FROM (SELECT *, start AT TIME ZONE %(zone)s AS local FROM cem.group_index
              WHERE grain = 'hour' AND attribute IN ('all', 'app', 'model', 'cell')
                AND start >= %(from)s AND start < %(end)s) AS hours
        LEFT JOIN cem.holiday h ON h.day = local::date) AS hours,
    LATERAL (VALUES
        (-1, -1, -1), ((hours.weekday >= 5)::int, hours.hour, -1),
        ((hours.weekday >= 5)::int, hours.hour, hours.weekday)
    ) AS cut (weekend, hour, weekday)
    WHERE cut.hour = -1 OR attribute = 'all' OR (attribute = 'cell' AND cut.weekday = -1)
) AS counts GROUP BY attribute, value, weekend, hour, weekday HAVING sum(n) > %(forgotten)s
"""


def freeze(connection: Connection, day: date, zone: ZoneInfo, half_life_days: float = HALF_LIFE_DAYS) -> int:
    """Return the id of the baseline of a local day, made now if there is none; 0 where nothing is known before it.

    It learns the days since the newest earlier baseline and lets that one's counts fade by half in `half_life_days`.
    Where days before that baseline count differently by now (late rows, a back-fill, a rescoring), it is learned anew
    from `HISTORY_DAYS` days. A frozen baseline never changes. Runs in the caller's transaction.
    """
    known = connection.execute("SELECT baseline_id FROM cem.baseline WHERE day = %s", [day]).fetchone()
    if known:
        return int(known[0])
    end, _ = day_bounds(day, zone)
    given = {"day": day, "first": day_bounds(day - timedelta(days=HISTORY_DAYS), zone)[0], "end": end, "zone": zone.key}
    previous = connection.execute(_PREVIOUS, given).fetchone()
    made = connection.execute(_FREEZE, given).fetchone()
    if made is None:
        return _made_by_another(connection, day)
    given |= {"id": made[0], "previous": None, "from": given["first"], "kept": 0.0}
    if previous is not None:
        kept = 0.5 ** ((day - previous[1]).days / half_life_days)
        given |= {"previous": previous[0], "from": previous[2], "kept": kept}
    connection.execute(_SOURCES, given)
    connection.execute(_LEARN, {**given, "half_life": half_life_days, "forgotten": _FORGOTTEN})
    return int(made[0])


def _made_by_another(connection: Connection, day: date) -> int:
    known = connection.execute("SELECT baseline_id FROM cem.baseline WHERE day = %s", [day]).fetchone()
    return int(known[0]) if known else 0


def span(connection: Connection, baseline_id: int) -> tuple[datetime, datetime] | None:
    """Return the first event that a baseline knows and the end of its events; None for one that is not stored."""
    return connection.execute(
        "SELECT first_event, end_event FROM cem.baseline WHERE baseline_id = %s", [baseline_id]
    ).fetchone()


def margin_rows(connection: Connection, baseline_id: int, over_kind: str) -> list[MarginRow]:
    """Return the rows (attribute, value, weekend, hour, n, bad, weekday) of a baseline."""
    return connection.execute(
        "SELECT attribute, value, weekend, hour, n, bad, weekday FROM cem.baseline_margin "
        "WHERE baseline_id = %s AND over_kind = %s ORDER BY attribute, value, weekend, hour, weekday",
        [baseline_id, over_kind],
    ).fetchall()


def add_margin_rows(connection: Connection, baseline_id: int, over_kind: str, rows: Sequence[MarginRow]) -> None:
    """Store rows (as `margin_rows`) of a kind that has no group index of its own."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.baseline_margin (baseline_id, over_kind, attribute, value, weekend, hour, n, bad, weekday)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(baseline_id, over_kind, *row) for row in rows],
        )


def holidays(connection: Connection) -> frozenset[date]:
    """Return the days that count as weekend though they are none."""
    return frozenset(day for (day,) in connection.execute("SELECT day FROM cem.holiday"))


def set_holidays(connection: Connection, days: Mapping[date, str]) -> None:
    """Make these the holidays, with their names; baselines that are frozen keep what they learned."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM cem.holiday WHERE day <> ALL(%s)", [list(days)])
        cursor.executemany(
            "INSERT INTO cem.holiday (day, name) VALUES (%s, %s) ON CONFLICT (day) DO UPDATE SET name = excluded.name "
            "WHERE holiday.name <> excluded.name",
            list(days.items()),
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
