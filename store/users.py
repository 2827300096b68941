"""People who may see the screens: the roles they were given here, every change of them audited."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from records.errors import ConfigError
from store import audit
from store.connection import Connection
from store.screens import frame

ROLES = ("operations", "care", "analyst", "admin")


def listed(connection: Connection) -> pd.DataFrame:
    """Return everybody who was given roles or has logged in; `roles` is None where nobody here decided."""
    return frame(
        connection, "SELECT user_id, name, roles, changed_at, changed_by, seen_at FROM cem.app_user ORDER BY user_id"
    )


def grant(connection: Connection, user_id: str, roles: Sequence[str], *, actor: str, reason: str) -> dict[str, Any]:
    """Add roles to those somebody was given here, whether or not they have logged in yet, and return what they hold.

    Raises `ConfigError` for a role that there is not.
    """
    for role in roles:
        if role not in ROLES:
            raise ConfigError(f"{role} is no role; it is one of {', '.join(ROLES)}")
    return _decide(connection, user_id, "grant roles", actor, reason, list(roles), add=True)


def revoke(connection: Connection, user_id: str, *, actor: str, reason: str) -> dict[str, Any]:
    """Take all roles from somebody at once, also those that the log-in service would give them."""
    return _decide(connection, user_id, "revoke roles", actor, reason, [], add=False)


def _decide(
    connection: Connection, user_id: str, action: str, actor: str, reason: str, roles: list[str], *, add: bool
) -> dict[str, Any]:
    if not user_id.strip():
        raise ConfigError("A user has a name: what the log-in service calls them (setting oidc_user_claim).")
    with connection.transaction():
        row = connection.execute(
            """
            INSERT INTO cem.app_user AS u (user_id, roles, changed_by) VALUES (%(id)s, %(roles)s, %(actor)s)
            ON CONFLICT (user_id) DO UPDATE SET changed_at = now(), changed_by = excluded.changed_by,
                roles = CASE WHEN %(add)s THEN ARRAY(
                    SELECT DISTINCT unnest(coalesce(u.roles, '{}') || excluded.roles) ORDER BY 1)
                ELSE excluded.roles END
            RETURNING roles
            """,
            {"id": user_id.strip(), "roles": sorted(set(roles)), "actor": actor, "add": add},
        ).fetchone()
        held = list(row[0]) if row else []
        audit.record(connection, actor, action, None, reason, {"user": user_id.strip(), "roles": held})
    return {"user_id": user_id.strip(), "roles": held}
