"""The audit trail as administrators read it on the screens, through the views of schema `api`."""

import pandas as pd

from store.connection import Connection
from store.screens import frame


def entries(
    connection: Connection, actor: str | None, action: str | None, customer_key: int | None, limit: int
) -> pd.DataFrame:
    """Return the newest entries, of one actor, one action or about one customer where these are given."""
    return frame(
        connection,
        """
        SELECT audit_id, at, actor, action, subject_token::text AS customer, reason, detail FROM api.audit
        WHERE (%(actor)s::text IS NULL OR actor = %(actor)s) AND (%(action)s::text IS NULL OR action = %(action)s)
          AND (%(key)s::bigint IS NULL OR subject_token = %(key)s)
        ORDER BY audit_id DESC LIMIT %(limit)s
        """,
        {"actor": actor, "action": action, "key": customer_key, "limit": limit},
    )


def actors_and_actions(connection: Connection) -> tuple[list[str], list[str]]:
    """Return who is in the audit trail, and what was done."""
    found = connection.execute("SELECT DISTINCT actor, action FROM api.audit").fetchall()
    return sorted({actor for actor, _ in found}), sorted({action for _, action in found})


def broken_at(connection: Connection) -> int | None:
    """Return the first entry that was altered or follows a removed one; None while the chain holds."""
    row = connection.execute("SELECT api.audit_broken_at()").fetchone()
    return row[0] if row else None
