"""The turns of a cluster's life and its users by value tier and segment, as they are stored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import LiteralString

from store.connection import Connection

Turn = tuple[datetime, str, str | None]  # at, kind, id of the other cluster


def save_changes(connection: Connection, cluster_id: str, changes: Sequence[Turn]) -> None:
    """Replace the turns of a cluster's life."""
    connection.execute("DELETE FROM cem.cluster_change WHERE cluster_id = %s", [cluster_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.cluster_change (cluster_id, number, at, kind, other_id) VALUES (%s, %s, %s, %s, %s)",
            [(cluster_id, number, *change) for number, change in enumerate(changes, 1)],
        )


def changes(connection: Connection, cluster_ids: Sequence[str]) -> dict[str, list[Turn]]:
    """Return the turns of each cluster's life, oldest first."""
    found: dict[str, list[Turn]] = {}
    for cluster_id, *turn in connection.execute(
        "SELECT cluster_id, at, kind, other_id FROM cem.cluster_change WHERE cluster_id = ANY(%s) "
        "ORDER BY cluster_id, number",
        [list(cluster_ids)],
    ):
        found.setdefault(cluster_id, []).append((turn[0], turn[1], turn[2]))
    return found


def save_tiers(connection: Connection, cluster_id: str, tiers: Mapping[int, tuple[int, int]]) -> None:
    """Replace a cluster's users by value tier: label number to (users, users hurt)."""
    connection.execute("DELETE FROM cem.cluster_tier WHERE cluster_id = %s", [cluster_id])
    _insert(connection, "INSERT INTO cem.cluster_tier (cluster_id, tier, users, users_hurt)", cluster_id, tiers)


def save_segments(connection: Connection, cluster_id: str, segments: Mapping[int, tuple[int, int]]) -> None:
    """Replace a cluster's users by segment: label number to (users, users hurt)."""
    connection.execute("DELETE FROM cem.cluster_segment WHERE cluster_id = %s", [cluster_id])
    _insert(
        connection, "INSERT INTO cem.cluster_segment (cluster_id, segment, users, users_hurt)", cluster_id, segments
    )


def _insert(connection: Connection, into: LiteralString, cluster_id: str, parts: Mapping[int, tuple[int, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            into + " VALUES (%s, %s, %s, %s)", [(cluster_id, code, *counts) for code, counts in sorted(parts.items())]
        )


def tiers(connection: Connection, cluster_ids: Sequence[str]) -> dict[str, list[tuple[str | None, int, int]]]:
    """Return (tier, users, users hurt) of each cluster, most hurt first; the tier is None where it is not known."""
    found: dict[str, list[tuple[str | None, int, int]]] = {}
    for cluster_id, tier, users, hurt in connection.execute(
        "SELECT t.cluster_id, l.value, t.users, t.users_hurt FROM cem.cluster_tier t "
        "LEFT JOIN cem.label l ON l.label_id = t.tier WHERE t.cluster_id = ANY(%s) "
        "ORDER BY t.cluster_id, t.users_hurt DESC, l.value",
        [list(cluster_ids)],
    ):
        found.setdefault(cluster_id, []).append((tier, users, hurt))
    return found
