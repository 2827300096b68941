"""Sums of customers in the database: of one window, merged over several, and of the customers that changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import sql

from store.connection import Connection
from store.copying import Arrays, Field, copy_out

DIMENSIONS = ("network", "device", "app", "service")
SCORES = (*DIMENSIONS, "overall")
PARTS = ("n", "w", "s1", "s2", "m")
_SUMS = tuple(f"{dimension}_{name}" for dimension in DIMENSIONS for name in PARTS)
_COUNTS: tuple[Field, ...] = (("customer_key", "i8"), ("n", "i4"), ("bad", "i4"))
_FIELDS: tuple[Field, ...] = (*_COUNTS, *((name, "i4" if name.endswith("_n") else "f8") for name in _SUMS))
_MERGED: tuple[Field, ...] = (*_FIELDS, ("start", "time"))
_DAYS: tuple[Field, ...] = (*_COUNTS, ("start", "time"))
_SQL = {"i4": "integer", "f8": "double precision"}
_ADDED = ", ".join(f"sum(r.{name})::{_SQL[code]}" for name, code in _FIELDS[1:])
Part = tuple[int, int]


def in_window(connection: Connection, table: str, start: datetime) -> Arrays:
    """Return the sums of all customers in one window, ordered by customer, with the version they were made with."""
    query = " ".join(("SELECT", ", ".join(name for name, _ in _FIELDS), f", version_id FROM cem.{table}"))
    fields = (*_FIELDS, ("version_id", "i4"))
    return copy_out(connection, query + " WHERE start = %s ORDER BY customer_key", fields, [start])


def merged(
    connection: Connection, table: str, start: datetime, end: datetime, part: Part = (0, 1), schema: str = "cem"
) -> Arrays:
    """Add the sums of customers over the windows that start in [start, end); `start` is the newest of a customer.

    `table` is user_hour or user_day; `part` = (index, count) takes the customers whose key leaves that rest. The sums
    are multiples of one power of two (`qoe.indices.Sums`), so that no order of adding changes them.
    """
    pieces: tuple[LiteralString, ...] = ("SELECT r.customer_key,", _ADDED, f", max(r.start) FROM {schema}.{table} r")
    query = " ".join(pieces) + " WHERE r.start >= %s AND r.start < %s AND mod(r.customer_key, %s) = %s"
    return copy_out(connection, query + " GROUP BY r.customer_key", _MERGED, [start, end, part[1], part[0]])


def merged_changed(connection: Connection, table: str, starts: Sequence[datetime]) -> Arrays:
    """The same of the customers in the list of `store.touched`, over the windows at `starts`, found by their key."""
    # The starts are named one by one, as the table's one index begins with them, and bounded, which excludes chunks.
    pieces: tuple[LiteralString, ...] = (
        "SELECT r.customer_key,",
        _ADDED,
        ", max(r.start) FROM unnest(%s::timestamptz[]) AS window_start CROSS JOIN changed c",
        f"JOIN cem.{table} r ON r.start = window_start AND r.customer_key = c.customer_key",
        "WHERE r.start >= %s AND r.start <= %s GROUP BY r.customer_key",
    )
    return copy_out(connection, " ".join(pieces), _MERGED, [list(starts), min(starts), max(starts)])


def counts(connection: Connection, start: datetime, end: datetime, part: Part = (0, 1)) -> Arrays:
    """Return the counts of customers of each day that starts in [start, end)."""
    query = "SELECT customer_key, n, bad, start FROM cem.user_day WHERE start >= %s AND start < %s"
    return copy_out(connection, query + " AND mod(customer_key, %s) = %s", _DAYS, [start, end, part[1], part[0]])


def counts_changed(connection: Connection, starts: Sequence[datetime]) -> Arrays:
    """The same of the customers in the list of `store.touched`, on the days at `starts`."""
    query: tuple[LiteralString, ...] = (
        "SELECT r.customer_key, r.n, r.bad, r.start FROM unnest(%s::timestamptz[]) AS day CROSS JOIN changed c",
        "JOIN cem.user_day r ON r.start = day AND r.customer_key = c.customer_key",
        "WHERE r.start >= %s AND r.start <= %s",
    )
    return copy_out(connection, " ".join(query), _DAYS, [list(starts), min(starts), max(starts)])


def scores(connection: Connection, table: str, start: datetime, end: datetime, part: Part = (0, 1)) -> Arrays:
    """Return counts and indices of customers in the windows that start in [start, end); NaN: no index."""
    made = ", ".join(f"coalesce({name}, 'NaN')" for name in SCORES)
    query = " ".join(("SELECT customer_key, n, bad,", made, f"FROM cem.{table}"))
    fields = (*_COUNTS, *((name, "f4") for name in SCORES))
    query += " WHERE start >= %s AND start < %s AND mod(customer_key, %s) = %s"
    return copy_out(connection, query, fields, [start, end, part[1], part[0]])


def count(connection: Connection, table: str, start: datetime, end: datetime) -> int:
    """Return how many rows of customers start in [start, end)."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE start >= %s AND start < %s").format(sql.Identifier("cem", table))
    row = connection.execute(query, [start, end]).fetchone()
    return int(row[0]) if row else 0


def delete_changed(connection: Connection, table: str, start: datetime, end: datetime) -> None:
    """Delete the rows of the changed customers that start in [start, end)."""
    query = "DELETE FROM {} r USING changed c WHERE r.start >= %s AND r.start < %s AND r.customer_key = c.customer_key"
    connection.execute(sql.SQL(query).format(sql.Identifier("cem", table)), [start, end])
