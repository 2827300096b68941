"""Which windows detection has looked at, and which it still has to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from records.windows import QUARTER
from store.connection import Connection

SEARCHED = ("sessions", "touchpoints")
MARK = "search"  # the kind of a mark in cem.dirty that says: scored since it was looked at


def closed_until(connection: Connection, now: datetime, close_after: timedelta) -> datetime:
    """Return the end of the newest closed window.

    A window closes when every source's watermark of sessions has passed its end, or `close_after` after it; a source
    from which nothing has arrived for a day is not live.
    """
    row = connection.execute(
        "SELECT min(watermark) FILTER (WHERE arrived_at > %s) FROM cem.watermark WHERE kind = 'sessions'",
        [now - timedelta(days=1)],
    ).fetchone()
    waited = now - close_after
    return max(waited, row[0]) if row and row[0] is not None else waited


def waiting(
    connection: Connection, until: datetime, start: datetime | None = None, end: datetime | None = None
) -> list[datetime]:
    """Return the scored and closed windows that were not looked at since they were scored, oldest first."""
    rows = connection.execute(
        "SELECT g.start FROM cem.group_index g WHERE g.grain = '15m' AND g.attribute = 'all' AND g.start + %s <= %s "
        "AND g.start >= coalesce(%s, '-infinity'::timestamptz) AND g.start < coalesce(%s, 'infinity'::timestamptz) "
        "AND (NOT EXISTS (SELECT FROM cem.detection d WHERE d.over_kind = 'sessions' AND d.start = g.start) "
        "OR EXISTS (SELECT FROM cem.dirty m WHERE m.kind = %s AND m.window_start = g.start)) "
        "ORDER BY g.start",
        [QUARTER, until, start, end, MARK],
    )
    return [row[0] for row in rows]


def newest(connection: Connection, over_kind: str = "sessions") -> datetime | None:
    """Return the start of the newest window that was looked at."""
    row = connection.execute("SELECT max(start) FROM cem.detection WHERE over_kind = %s", [over_kind]).fetchone()
    return row[0] if row else None


def forget(connection: Connection, moment: datetime) -> None:
    """Forget that windows from the moment on were looked at."""
    connection.execute("DELETE FROM cem.detection WHERE over_kind = ANY(%s) AND start >= %s", [list(SEARCHED), moment])


def note(connection: Connection, rows: Sequence[tuple[str, datetime, int, int]], now: datetime) -> None:
    """Note windows as looked at: rows (over_kind, start, tests, found)."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.detection (over_kind, start, tests, found, detected_at) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (over_kind, start) DO UPDATE SET tests = excluded.tests, found = excluded.found, "
            "detected_at = excluded.detected_at",
            [(*row, now) for row in rows],
        )


def look_again(connection: Connection, starts: Sequence[datetime]) -> None:
    """Mark the windows with these starts as scored since they were looked at; scoring calls it in its transaction."""
    connection.execute(
        "INSERT INTO cem.dirty (kind, window_start) SELECT %s, unnest(%s::timestamptz[])", [MARK, list(starts)]
    )


def marks(connection: Connection) -> dict[int, datetime]:
    """Return the marks of `look_again`, id to window, as they are now; read them before the data they stand for."""
    rows = connection.execute("SELECT mark_id, window_start FROM cem.dirty WHERE kind = %s", [MARK])
    return dict(rows.fetchall())


def unmark(connection: Connection, ids: Sequence[int]) -> None:
    """Delete marks whose windows were looked at; what was scored meanwhile has later ones."""
    connection.execute("DELETE FROM cem.dirty WHERE mark_id = ANY(%s)", [list(ids)])
