"""What other means and caps would do, fairness and warnings of mixes in the database: read sums, replace results."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from store.connection import Connection
from store.copying import Arrays, Field, copy_in, copy_out
from store.screens import frame

DIMENSIONS = ("network", "device", "app", "service")
MEASURES = (*DIMENSIONS, "overall")
_SUMS = tuple(f"{dimension}_{name}" for dimension in DIMENSIONS for name in ("n", "w", "s1", "s2", "m"))
_PERIOD: tuple[Field, ...] = (
    ("customer_key", "i8"),
    *((name, "i4" if name.endswith("_n") else "f8") for name in _SUMS),
)
_GROUP: tuple[Field, ...] = (
    ("value", "i4"),
    ("n_users", "i4"),
    *((f"{measure}_{name}", code) for measure in MEASURES for name, code in (("n", "i4"), ("sum", "f8"), ("sq", "f8"))),
)
_ANSWERS: tuple[Field, ...] = (
    ("time", "time"),
    ("customer_key", "i8"),
    ("kind", "i4"),
    ("score", "f4"),
    *((f"{dimension}_{name}", "f8") for dimension in DIMENSIONS for name in ("w", "s1", "m")),
)
_TABLES = ("aggregation_choice", "group_fairness", "mix_warning")
_TYPES = {
    **dict.fromkeys(("value", "n_users", "n", "strata", "against", "version_id"), pa.int32()),
    **dict.fromkeys(("crude_p", "adjusted_p"), pa.float64()),
    **dict.fromkeys(("choice", "setting", "attribute", "measure", "compared_with", "mix", "kind"), pa.string()),
    "days": pa.int16(),
    "in_force": pa.bool_(),
    "start": pa.timestamp("us", "UTC"),
}


def last_whole_day(connection: Connection, zone: str) -> datetime | None:
    """Return the start of the newest local day that is scored to its end, or of the newest one; None without scores."""
    row = connection.execute(
        """
        WITH days AS (SELECT start, (start AT TIME ZONE %(zone)s + INTERVAL '1 day') AT TIME ZONE %(zone)s AS until
                      FROM cem.group_index WHERE grain = 'day' AND attribute = 'all'),
             scored AS (SELECT max(start) + INTERVAL '15 minutes' AS until
                        FROM cem.group_index WHERE grain = '15m' AND attribute = 'all')
        SELECT coalesce(max(days.start) FILTER (WHERE days.until <= scored.until), max(days.start)) FROM days, scored
        """,
        {"zone": zone},
    ).fetchone()
    return row[0] if row else None


def newest(connection: Connection) -> datetime | None:
    """Return the start of the day that the results in the database are of."""
    row = connection.execute("SELECT max(start) FROM cem.aggregation_choice").fetchone()
    return row[0] if row else None


def period_sums(connection: Connection, days: int, part: tuple[int, int]) -> Arrays:
    """Return the sums of the trailing period per customer; `part` = (index, count) as in `store.frames`."""
    columns = ", ".join(name for name, _ in _PERIOD)
    query = " ".join(("SELECT", columns, "FROM cem.user_period WHERE days = %s AND mod(customer_key, %s) = %s"))
    return copy_out(connection, query, _PERIOD, [days, part[1], part[0]])


def period_users(connection: Connection, days: int) -> int:
    """Return how many customers have a trailing period."""
    row = connection.execute("SELECT count(*) FROM cem.user_period WHERE days = %s", [days]).fetchone()
    return int(row[0]) if row else 0


def group_sums(connection: Connection, attribute: str, start: datetime) -> Arrays:
    """Return the sums over users of the groups of one attribute on one local day."""
    columns = ", ".join(name for name, _ in _GROUP)
    query = " ".join(("SELECT", columns, "FROM cem.group_index WHERE grain = 'day' AND attribute = %s AND start = %s"))
    return copy_out(connection, query, _GROUP, [attribute, start])


def answers(connection: Connection, days: int) -> tuple[Arrays, dict[int, str]]:
    """Return surveys with the sums of the customer's whole hours in so many days before them, and names of kinds."""
    added = ", ".join(f"sum(u.{name})" for name, _ in _ANSWERS[4:])
    pieces = (
        "SELECT y.time, y.customer_key, y.kind, y.score,", added,
        "FROM (SELECT r.*, coalesce((SELECT m.customer_key FROM cem.customer_of m "
        "WHERE m.subscriber_key = r.subscriber_key AND m.valid_from <= r.time ORDER BY m.valid_from DESC LIMIT 1), "
        "r.subscriber_key) AS customer_key FROM cem.survey r) y",
        "JOIN cem.user_hour u ON u.customer_key = y.customer_key AND u.start + INTERVAL '1 hour' <= y.time",
        "AND u.start >= y.time - %s * INTERVAL '1 day'",
        "GROUP BY y.subscriber_key, y.source_id, y.survey_id, y.time, y.customer_key, y.kind, y.score",
    )  # fmt: skip
    names = connection.execute("SELECT label_id, value FROM cem.label WHERE kind = 'survey_kind'").fetchall()
    return copy_out(connection, " ".join(pieces), _ANSWERS, [days]), dict(names)


def replace(connection: Connection, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Put rows in the place of all that there were; the caller owns the transaction."""
    for name in _TABLES:
        connection.execute(f"DELETE FROM cem.{name}")  # noqa: S608 - one of three names of ours
        rows = tables[name]
        if rows:
            columns = {column: _array(column, [row[column] for row in rows]) for column in rows[0]}
            copy_in(connection, f"cem.{name}", pa.record_batch(columns))


def _array(name: str, values: list[Any]) -> pa.Array:
    kind = _TYPES.get(name)
    if kind is not None:
        return pa.array(values, kind)
    return pa.array(np.array(values, dtype=np.float32), from_pandas=True)


def choices(connection: Connection) -> pd.DataFrame:
    """Return how users' indices lie under each setting, groups of all users first."""
    return frame(
        connection,
        "SELECT * FROM api.aggregation_choices ORDER BY choice DESC, attribute, value, mean DESC",
    )


def fairness(connection: Connection, measure: str | None = None) -> pd.DataFrame:
    """Return the fairness of groups by one measure or by all, the least fair first."""
    return frame(
        connection,
        "SELECT * FROM api.group_fairness WHERE %(measure)s::text IS NULL OR measure = %(measure)s "
        "ORDER BY measure, attribute, fairness",
        {"measure": measure},
    )


def warnings(connection: Connection) -> pd.DataFrame:
    """Return the comparisons that a mix misleads, reversals first."""
    return frame(connection, "SELECT * FROM api.mix_warnings ORDER BY kind, attribute, abs(crude) DESC")
