"""Clusters as they are stored: their life, their windows, the customers they hurt and the complaints they explain."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from store.connection import Connection
from store.copying import Arrays, copy_in, copy_out

Ints = NDArray[np.int64]

_COLUMNS: LiteralString = (
    "cluster_id, over_kind, dimension, domain, selector, started_at, detected_at, ended_at, users, sessions, "
    "bad_ratio, expected_ratio, p_value, q_value, severity, evidence, silent_users, recommendation, version_id, "
    "onset_lo, onset_hi, users_hurt, sessions_hurt, certainty"
)


@dataclass(frozen=True, kw_only=True)
class ClusterRow:
    """One cluster; `selector` maps a column to names, `evidence` is a list of pieces.

    `onset_lo` to `onset_hi` holds its start with 95 %; `users` and `sessions` count all that the selector held in its
    life, `users_hurt` and `sessions_hurt` those with bad sessions; `certainty` is the belief in `domain`, 0..1.
    """

    cluster_id: str
    over_kind: str
    dimension: str
    domain: str
    selector: Mapping[str, list[str]]
    started_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    users: int
    sessions: int
    bad_ratio: float
    expected_ratio: float
    p_value: float
    q_value: float
    severity: float
    evidence: list[dict[str, Any]]
    silent_users: int
    recommendation: str
    version_id: int
    onset_lo: datetime | None = None
    onset_hi: datetime | None = None
    users_hurt: int = 0
    sessions_hurt: int = 0
    certainty: float | None = None


def between(connection: Connection, start: datetime, end: datetime) -> list[ClusterRow]:
    """Return the clusters that were open at some time in [start, end), oldest first."""
    return _rows(connection, "started_at < %s AND (ended_at IS NULL OR ended_at > %s)", [end, start])


def open_now(connection: Connection) -> list[ClusterRow]:
    """Return the clusters that have not ended."""
    return _rows(connection, "ended_at IS NULL", [])


def by_id(connection: Connection, cluster_id: str) -> ClusterRow | None:
    """Return one cluster, None where there is none."""
    return next(iter(_rows(connection, "cluster_id = %s", [cluster_id])), None)


def alive(connection: Connection, moment: datetime, grace: timedelta) -> list[ClusterRow]:
    """Return the clusters that began before the moment and were open then, or ended less than `grace` before."""
    return _rows(connection, "started_at < %s AND (ended_at IS NULL OR ended_at > %s)", [moment, moment - grace])


def since(connection: Connection, moment: datetime) -> list[ClusterRow]:
    """Return the clusters that began at the moment or after it."""
    return _rows(connection, "started_at >= %s", [moment])


def _rows(connection: Connection, condition: LiteralString, params: Sequence[Any]) -> list[ClusterRow]:
    # Only our own constants are put into it.
    query: LiteralString = f"SELECT {_COLUMNS} FROM cem.cluster WHERE {condition} ORDER BY started_at, cluster_id"  # noqa: S608
    names = [name.strip() for name in _COLUMNS.split(",")]
    return [ClusterRow(**dict(zip(names, row, strict=True))) for row in connection.execute(query, params)]


def save(connection: Connection, row: ClusterRow) -> None:
    """Insert or replace a cluster; its windows and customers stay."""
    values = {**vars(row), "selector": json.dumps(row.selector), "evidence": json.dumps(row.evidence)}
    names = [name.strip() for name in _COLUMNS.split(",")]
    slots = ", ".join(f"%({name})s" for name in names)
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    connection.execute(
        f"INSERT INTO cem.cluster ({_COLUMNS}, updated_at) VALUES ({slots}, now()) "  # noqa: S608 - ours only
        f"ON CONFLICT (cluster_id) DO UPDATE SET {updates}, updated_at = excluded.updated_at",
        values,
    )


def save_windows(connection: Connection, cluster_id: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Replace the windows of a cluster: rows (start, users, n, bad, expected, p_value, q_value)."""
    connection.execute("DELETE FROM cem.cluster_window WHERE cluster_id = %s", [cluster_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.cluster_window (cluster_id, start, users, n, bad, expected, p_value, q_value) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(cluster_id, *row) for row in rows],
        )


def windows(connection: Connection, cluster_id: str) -> list[tuple[Any, ...]]:
    """Return the windows of a cluster, oldest first: (start, users, n, bad, expected, p_value, q_value)."""
    return connection.execute(
        "SELECT start, users, n, bad, expected, p_value, q_value FROM cem.cluster_window "
        "WHERE cluster_id = %s ORDER BY start",
        [cluster_id],
    ).fetchall()


def save_users(connection: Connection, cluster_id: str, users: Mapping[str, Ints]) -> None:
    """Replace the customers of a cluster: arrays customer, n, bad, first_bad_us, last_bad_us (0: never)."""
    connection.execute("DELETE FROM cem.cluster_user WHERE cluster_id = %s", [cluster_id])
    never = users["last_bad_us"] == 0
    moment = pa.timestamp("us", tz="UTC")
    batch = pa.record_batch(
        {
            "cluster_id": pa.array([cluster_id] * len(never), pa.string()),
            "customer_key": pa.array(users["customer"], pa.int64()),
            "n": pa.array(users["n"].astype(np.int32)),
            "bad": pa.array(users["bad"].astype(np.int32)),
            "first_bad": pa.array(users["first_bad_us"], pa.int64(), mask=never).cast(moment),
            "last_bad": pa.array(users["last_bad_us"], pa.int64(), mask=never).cast(moment),
        }
    )
    copy_in(connection, "cem.cluster_user", batch)


def users(connection: Connection, cluster_id: str) -> Arrays:
    """Return the customers of a cluster, sorted: arrays customer, n, bad, first_bad_us, last_bad_us (0: never)."""
    found = copy_out(
        connection,
        "SELECT customer_key, n::bigint, bad::bigint, coalesce(first_bad, 'epoch'), coalesce(last_bad, 'epoch') "
        "FROM cem.cluster_user WHERE cluster_id = %s",
        (("customer", "i8"), ("n", "i8"), ("bad", "i8"), ("first_bad_us", "time"), ("last_bad_us", "time")),
        [cluster_id],
    )
    order = np.argsort(found["customer"])
    return {name: values[order] for name, values in found.items()}


def delete(connection: Connection, cluster_ids: Sequence[str]) -> None:
    """Remove clusters with all that hangs on them."""
    connection.execute("DELETE FROM cem.cluster WHERE cluster_id = ANY(%s)", [list(cluster_ids)])


def links(connection: Connection, cluster_ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
    """Return (complaint_id, probability) of each cluster, the likeliest first."""
    found: dict[str, list[tuple[str, float]]] = {}
    for cluster_id, complaint_id, probability in connection.execute(
        "SELECT cluster_id, complaint_id, probability FROM cem.complaint_link WHERE cluster_id = ANY(%s) "
        "ORDER BY probability DESC, complaint_id",
        [list(cluster_ids)],
    ):
        found.setdefault(cluster_id, []).append((complaint_id, probability))
    return found


def windows_between(
    connection: Connection, cluster_ids: Sequence[str], start: datetime, end: datetime
) -> dict[str, list[tuple[datetime, int, float, float]]]:
    """Return (start, n, bad, expected) of each cluster's windows in [start, end), oldest first."""
    found: dict[str, list[tuple[datetime, int, float, float]]] = {}
    for cluster_id, *window in connection.execute(
        "SELECT cluster_id, start, n, bad, expected FROM cem.cluster_window WHERE cluster_id = ANY(%s) "
        "AND start >= %s AND start < %s ORDER BY cluster_id, start",
        [list(cluster_ids), start, end],
    ):
        found.setdefault(cluster_id, []).append((window[0], window[1], float(window[2]), window[3]))
    return found
