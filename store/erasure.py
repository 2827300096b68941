"""Erasure of a person: nothing leads from them to what is stored any more, and later rows of theirs are refused."""

from dataclasses import dataclass
from typing import Any, LiteralString

from store import audit
from store.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """What an erasure did: how many identifiers of the person it buried, and how many rows it removed or blanked.

    `audit_id` is its entry in the audit trail: with the time there it proves what was done.
    """

    identifiers: int
    rows: int
    audit_id: int


def erase(vault: Vault, identifier: str, *, actor: str, reason: str) -> Erasure:
    """Erase the person behind a normalised identifier, with all identifiers that are theirs now, in one transaction.

    Each identifier leaves a tombstone by which later rows are refused. What they wrote is blanked, what was known of
    them as a subscriber is removed; measurements stay under a token that nothing leads to. A number that has passed to
    somebody else stays theirs, without what was written under it before.
    """
    connection = vault.connection
    with connection.transaction():
        token = vault.find(identifier)
        theirs = {"customer": None, "ever": [], "now": []} if token is None else _all_of_customer(vault, token)
        vault.erase(identifier, actor, reason)
        for other in theirs["now"]:
            if other != token:
                vault.erase_token(other)
        rows = sum(connection.execute(statement, theirs).rowcount for statement in _STATEMENTS)
        done = {"identifiers": len(theirs["now"]), "rows": rows}
        audit_id = audit.record(connection, actor, "erase_records", None, reason, done)
    return Erasure(identifiers=len(theirs["now"]), rows=rows, audit_id=audit_id)


# Rows of what is theirs now, and of what was theirs from the time in which it was.
_OF_THEM: LiteralString = """
r.subscriber_key = ANY(%(ever)s) AND (r.subscriber_key = ANY(%(now)s) OR EXISTS (
    SELECT FROM cem.held_by(%(customer)s) h
    WHERE h.subscriber_key = r.subscriber_key AND r.{time} >= h.valid_from AND r.{time} < h.valid_until))
"""
_CHANGES: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("UPDATE cem.complaint r SET text = NULL, lat = NULL, lon = NULL WHERE", "created_at"),
    ("UPDATE cem.survey r SET text = NULL WHERE", "time"),
    ("DELETE FROM cem.subscriber r WHERE", "valid_from"),
)
_STATEMENTS: tuple[LiteralString, ...] = (
    *(change + _OF_THEM.replace("{time}", time) for change, time in _CHANGES),
    "DELETE FROM cem.identity WHERE subscriber_key = ANY(%(now)s) OR other_key = ANY(%(now)s)",
)


def _all_of_customer(vault: Vault, token: int) -> dict[str, Any]:
    """The customer's key, the identifiers that ever were theirs, and those that are: a number that passed on is not.

    `customer_of` itself stays: it holds tokens only, and scores already made rest on it.
    """
    connection = vault.connection
    (customer,) = connection.execute(
        "SELECT coalesce((SELECT customer_key FROM cem.customer_of WHERE subscriber_key = %(token)s "
        "ORDER BY valid_from DESC LIMIT 1), %(token)s)",
        {"token": token},
    ).fetchone() or (token,)
    held = connection.execute(
        "SELECT subscriber_key, bool_or(valid_until = 'infinity') FROM cem.held_by(%s) GROUP BY 1 ORDER BY 1",
        [customer],
    ).fetchall()
    return {"customer": customer, "ever": [key for key, _ in held], "now": [key for key, now in held if now]}
