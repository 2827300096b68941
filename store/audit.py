"""The audit trail: who did what to whom, and why; append-only, each entry chained to the one before it."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from records.errors import ConfigError
from store.connection import Connection


def record(
    connection: Connection,
    actor: str,
    action: str,
    subject_token: int | None,
    reason: str,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Append one entry and return its number; in an autocommit connection it is committed when this returns.

    `detail` must hold no identifier in the clear. Raises `ConfigError` without an actor and a reason.
    """
    if not actor.strip() or not reason.strip():
        raise ConfigError(f"{action} is audited: it needs who does it and why (an actor and a reason).")
    row = connection.execute(
        "INSERT INTO cem.audit (actor, action, subject_token, reason, detail) VALUES (%s, %s, %s, %s, %s) "
        "RETURNING audit_id",
        [actor, action, subject_token, reason, Jsonb(dict(detail or {}))],
    ).fetchone()
    return int(row[0]) if row else 0


def broken_at(connection: Connection) -> int | None:
    """Return the number of the first entry that was altered or follows a removed one; None when the chain holds."""
    row = connection.execute(
        "SELECT min(audit_id) FROM (SELECT entry.audit_id, "
        "entry.sha256 = cem.audit_sha256(entry) "
        "AND entry.prev_sha256 IS NOT DISTINCT FROM lag(entry.sha256) OVER (ORDER BY entry.audit_id) "
        "AND entry.audit_id = row_number() OVER (ORDER BY entry.audit_id) AS holds "
        "FROM cem.audit AS entry) AS checked WHERE NOT holds"
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])
