"""What the cluster page reads besides the cluster itself: its turns, its users, and what people did about it."""

import pandas as pd

from store.connection import Connection
from store.screens import frame


def cluster_changes(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return the turns of a cluster's life, oldest first."""
    return frame(
        connection,
        "SELECT at, kind, other_id FROM api.cluster_changes WHERE cluster_id = %(id)s ORDER BY number",
        {"id": cluster_id},
    )


def cluster_parts(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return a cluster's users by value tier and segment (column attribute), most hurt first.

    Numbers below k users are missing, and what a difference would tell them by.
    """
    return frame(
        connection,
        "SELECT attribute, value, users, users_hurt FROM api.cluster_parts WHERE cluster_id = %(id)s "
        "ORDER BY attribute, users_hurt DESC NULLS LAST, value",
        {"id": cluster_id},
    )


def cluster_acts(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return what people did about a cluster and said of its cause, oldest first; `kind` says what."""
    return frame(
        connection,
        "SELECT at, actor, kind, assignee, comment, domain FROM api.cluster_acts WHERE cluster_id = %(id)s ORDER BY at",
        {"id": cluster_id},
    )


def cluster_hands(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return a cluster's newest acknowledgement and assignment: kind, at, actor, assignee."""
    return frame(
        connection,
        "SELECT kind, at, actor, assignee FROM api.cluster_hands WHERE cluster_id = %(id)s",
        {"id": cluster_id},
    )


def verdict_counts(connection: Connection) -> tuple[int, int]:
    """Return how many clusters people have answered on, and on how many of them they agreed with the domain."""
    row = connection.execute("SELECT answers, confirmed FROM api.verdict_counts").fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
