"""Network counters as they stand: the current version of every value of a span, and which cell an object is."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from store.connection import Connection
from store.copying import Arrays, Field, copy_out

_FIELDS: tuple[Field, ...] = (
    ("object_id", "i4"),
    ("counter", "i4"),
    ("start", "time"),
    ("period_s", "i4"),
    ("value", "f8"),
    ("suspect", "bool"),
)
_CURRENT = """
SELECT object_id, counter, time - make_interval(secs => period_s), period_s, coalesce(value, 'NaN'),
       coalesce(suspect, false)
FROM (SELECT DISTINCT ON (source_id, object_id, counter, time, period_s) * FROM cem.counter
      WHERE time > %s AND time <= %s AND time - make_interval(secs => period_s) >= %s
        AND time - make_interval(secs => period_s) < %s
      ORDER BY source_id, object_id, counter, time, period_s, arrived_at DESC, batch_id DESC) AS current
ORDER BY source_id
"""
LONGEST = timedelta(days=1)  # of a counter's period (own; TS 32.401 knows 5 minutes to 1 hour)


def longest_period(connection: Connection, start: datetime, end: datetime) -> timedelta:
    """Return the longest period among counters whose period could start in [start, end)."""
    row = connection.execute(
        "SELECT max(period_s) FROM cem.counter WHERE time > %s AND time <= %s", [start, end + LONGEST]
    ).fetchone()
    return min(timedelta(seconds=row[0] if row and row[0] else 0), LONGEST)


def current(connection: Connection, start: datetime, end: datetime, longest: timedelta) -> Arrays:
    """Return the current version of each value whose period starts in [start, end) and is at most `longest`.

    Arrays object_id, counter, start (of the period), period_s, value (NaN for NIL), suspect.
    """
    return copy_out(connection, _CURRENT, _FIELDS, [start, end + longest, start, end])


def cells_of_objects(connection: Connection) -> Mapping[int, int]:
    """Return the cell (label number) of each object of counters: by whole name, or by its last part when unique.

    The inventory's `object_id` is compared, or the `cell_id` where it gives none.
    """
    names: dict[str, int] = {}
    rows = connection.execute(
        "SELECT coalesce(o.value, c.value), i.cell_id FROM cem.cell_now i JOIN cem.label c ON c.label_id = i.cell_id "
        "LEFT JOIN cem.label o ON o.label_id = i.object_id"
    ).fetchall()
    names.update(rows)
    last: dict[str, set[int]] = {}
    for name, cell in names.items():
        last.setdefault(_last_part(name), set()).add(cell)
    found: dict[int, int] = {}
    for number, name in connection.execute("SELECT label_id, value FROM cem.label WHERE kind = 'object'").fetchall():
        alike = last.get(_last_part(name), set())
        if name in names:
            found[number] = names[name]
        elif len(alike) == 1:
            found[number] = next(iter(alike))
    return found


def _last_part(name: str) -> str:
    return name.rsplit(",", 1)[-1]
