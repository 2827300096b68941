"""What the soak benchmark holds of a database: whether two hold the same, and what is left undone in one."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd
from psycopg import sql

from store.connection import Connection
from store.screens import frame

TABLES = (
    *("session", "touchpoint", "survey", "complaint", "counter"),
    *("user_hour", "user_day", "group_index", "kpi_value", "kqi_value"),
)
# When a row came and by which batch, and numbers that each database deals out for itself.
_OWN = {"arrived_at", "batch_id", "version_id", "created_arrival", "updated_at", "made_at"}
_NAMED = {"object_id", "counter", "value"}  # numbers of labels, compared by what they stand for
_COUNTS = {"n", "bad", "n_users", "bad_users", "n_periods", "period_s", "days"}
_MARKS = ("sessions", "touchpoints", "counters", "days", "periods")


def differences(ours: Connection, theirs: Connection, but: str) -> Mapping[str, int]:
    """Return for each table that differs in how many rows; the source `but` is left out, figures may differ by 1e-5."""
    found = {table: _different(_rows(ours, table, but), _rows(theirs, table, but)) for table in TABLES}
    return {table: count for table, count in found.items() if count}


def unscored(connection: Connection) -> int:
    """Return how many windows wait to be scored, merged into days or into periods."""
    row = connection.execute(
        "SELECT count(DISTINCT (kind, window_start)) FROM cem.dirty WHERE kind = ANY(%s)", [list(_MARKS)]
    ).fetchone()
    return int(row[0]) if row else 0


def longest_gaps(connection: Connection) -> dict[str, float]:
    """Return per job the longest time between two good ends, and since the last one, in seconds.

    Not of jobs of the day, nor of the one that looks every five minutes whether a report is due.
    """
    rows = connection.execute(
        "SELECT job, max(extract(epoch FROM coalesce(after, clock_timestamp()) - finished_at))::float8 FROM "
        "(SELECT job, finished_at, lead(finished_at) OVER (PARTITION BY job ORDER BY finished_at) AS after "
        "FROM cem.job_slot WHERE ok AND job <> ALL(%s)) AS ends GROUP BY job",
        [["aggregate", "retention", "housekeeping", "report"]],
    )
    return dict(rows.fetchall())


def settled_since(connection: Connection, since: datetime | None) -> datetime | None:
    """Return now, or with `since` None once files were collected after it, and scored and searched after that."""
    row = connection.execute(
        "SELECT clock_timestamp(), EXISTS (SELECT FROM cem.job_slot c JOIN cem.job_slot d ON d.job = 'detect' AND d.ok "
        "AND d.started_at > c.finished_at WHERE c.job = 'collect' AND c.ok AND c.started_at > %s)",
        [since],
    ).fetchone()
    assert row is not None
    return None if row[1] else row[0]


def sent(connection: Connection) -> dict[str, str]:
    """Return what became of each message that is addressed to a receiver, by its key."""
    rows = connection.execute("SELECT idempotency_key, outcome FROM cem.delivery WHERE channel <> '*'")
    return dict(rows.fetchall())


def _rows(connection: Connection, table: str, but: str) -> pd.DataFrame:
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'cem' AND table_name = %s "
        "ORDER BY ordinal_position",
        [table],
    ).fetchall()
    shown: list[sql.Composable] = []
    for name, kind in columns:
        if name in _OWN:
            continue
        column = sql.Identifier(name)
        if name == "source_id":
            shown.append(sql.SQL("(SELECT s.name FROM cem.source s WHERE s.source_id = t.source_id) AS source"))
        elif name in _NAMED and kind == "integer":
            shown.append(sql.SQL("(SELECT l.value FROM cem.label l WHERE l.label_id = t.{0}) AS {0}").format(column))
        elif kind != "integer" or name in _COUNTS or name.endswith("_n"):
            shown.append(column)
    source = any(name == "source_id" for name, _ in columns)
    only = sql.SQL("WHERE source_id NOT IN (SELECT source_id FROM cem.source WHERE name = {})").format(sql.Literal(but))
    query = sql.SQL("SELECT {} FROM {} t {}").format(
        sql.SQL(", ").join(shown), sql.Identifier("cem", table), only if source else sql.SQL("")
    )
    return frame(connection, query.as_string(connection))


def _different(ours: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """Rows of one that the other has not, by sorting both alike."""
    if len(ours) != len(theirs):
        return abs(len(ours) - len(theirs))
    figures = [str(name) for name in ours if ours[name].dtype.kind == "f"]
    keys = [str(name) for name in ours if name not in figures]
    mine, other = (_sorted(rows, keys, figures) for rows in (ours, theirs))
    wrong = np.zeros(len(mine), dtype=bool)
    for name in keys:
        wrong |= (mine[name] != other[name]).to_numpy()
    for name in figures:
        wrong |= ~np.isclose(mine[name], other[name].astype(float), rtol=1e-5, atol=1e-6, equal_nan=True)
    return int(wrong.sum())


def _sorted(rows: pd.DataFrame, keys: list[str], figures: list[str]) -> pd.DataFrame:
    text = rows.assign(**{name: rows[name].map(repr) for name in keys})
    return text.sort_values([*keys, *figures], ignore_index=True)
