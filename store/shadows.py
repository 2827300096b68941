"""A second version of the scores: which catalogue it is made with, what of it is still to be made, and both beside."""

from dataclasses import dataclass
from datetime import datetime

from store.connection import Connection
from store.copying import Arrays, Field, copy_out
from store.user_sums import SCORES

SCHEMA = "shadow"
HOUR_KIND = "shadow"  # marks an hour that was scored since its shadow was
DAY_KIND = "shadow_days"
TABLES = ("user_hour", "user_day", "group_index")
_FIELDS: tuple[Field, ...] = (("customer_key", "i8"), ("version_id", "i4"), *((name, "f4") for name in SCORES))
_LIMITING: Field = ("limiting", "i2")


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """What the second version is made with: its name and the text of its quality catalogue."""

    name: str
    catalogue: str
    begun_at: datetime


def current(connection: Connection) -> Shadow | None:
    """Return the shadow, None where there is none."""
    row = connection.execute("SELECT name, catalogue, begun_at FROM cem.shadow").fetchone()
    return None if row is None else Shadow(name=row[0], catalogue=row[1], begun_at=row[2])


def begin(connection: Connection, shadow: Shadow) -> None:
    """Put this shadow in the place of another and of all that it made."""
    with connection.transaction():
        end(connection)
        connection.execute(
            "INSERT INTO cem.shadow (name, catalogue, begun_at) VALUES (%s, %s, %s)",
            [shadow.name, shadow.catalogue, shadow.begun_at],
        )


def end(connection: Connection) -> None:
    """Remove the shadow with all that it made."""
    with connection.transaction():
        connection.execute("DELETE FROM cem.shadow")
        connection.execute("TRUNCATE shadow.user_hour, shadow.user_day, shadow.group_index")
        connection.execute("DELETE FROM cem.dirty WHERE kind = ANY(%s)", [[HOUR_KIND, DAY_KIND]])


def mark(connection: Connection, start: datetime | None, end: datetime | None) -> None:
    """Mark the hours of [start, end) that are scored, so that their shadow is made."""
    connection.execute(
        "INSERT INTO cem.dirty (kind, window_start) SELECT DISTINCT %s, start FROM cem.user_hour "
        "WHERE start >= coalesce(%s, '-infinity'::timestamptz) AND start < coalesce(%s, 'infinity'::timestamptz)",
        [HOUR_KIND, start, end],
    )


def follow(connection: Connection, hour: datetime) -> None:
    """Mark an hour that is being scored, where there is a shadow; part of the transaction that scores it."""
    connection.execute(
        "INSERT INTO cem.dirty (kind, window_start) SELECT %s, %s WHERE EXISTS (SELECT FROM cem.shadow)",
        [HOUR_KIND, hour],
    )


def newest_day(connection: Connection) -> datetime | None:
    """Return the start of the newest local day that has shadow scores."""
    row = connection.execute("SELECT max(start) FROM shadow.user_day").fetchone()
    return row[0] if row else None


def day(connection: Connection, schema: str, start: datetime) -> Arrays:
    """Return the customers' indices of the local day in one version (`cem` or `shadow`), ordered by customer.

    `limiting` is a place in the dimensions, -1 without one; NaN: no index.
    """
    scores = ", ".join(f"coalesce({name}, 'NaN')" for name in SCORES)
    query = " ".join(
        ("SELECT customer_key, version_id,", scores, f", coalesce(limiting, -1)::smallint FROM {schema}.user_day")
    )
    return copy_out(connection, query + " WHERE start = %s ORDER BY customer_key", (*_FIELDS, _LIMITING), [start])


def groups(
    connection: Connection, start: datetime, end: datetime, least_users: int, limit: int
) -> list[dict[str, object]]:
    """Return the groups whose mean index over the hours of [start, end) moves most, those of enough users only."""
    rows = connection.execute(_GROUPS, {"start": start, "end": end, "least": least_users, "limit": limit}).fetchall()
    names = ("attribute", "value", "users", "before", "after", "shift")
    return [dict(zip(names, row, strict=True)) for row in rows]


_GROUPS = """
WITH old AS (
    SELECT attribute, value, max(n_users) AS users, sum(overall_sum) / nullif(sum(overall_n), 0) AS overall
    FROM cem.group_index WHERE grain = 'hour' AND attribute <> 'all' AND start >= %(start)s AND start < %(end)s
    GROUP BY attribute, value
), new AS (
    SELECT attribute, value, sum(overall_sum) / nullif(sum(overall_n), 0) AS overall
    FROM shadow.group_index WHERE grain = 'hour' AND start >= %(start)s AND start < %(end)s GROUP BY attribute, value
)
SELECT attribute, api.label(value) AS value, users, old.overall, new.overall, new.overall - old.overall
FROM old JOIN new USING (attribute, value) WHERE users >= %(least)s AND value <> 0 AND new.overall <> old.overall
ORDER BY abs(new.overall - old.overall) DESC, attribute, value LIMIT %(limit)s
"""
