"""Erasure of a person: nothing leads from them to what is stored any more, and later rows of theirs are refused."""

from dataclasses import dataclass

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
    """Erase the person behind a normalised identifier, with all identifiers known to be theirs, in one transaction.

    Each identifier leaves a tombstone by which later rows are refused. What they wrote is blanked, what was known of
    them as a subscriber is removed; measurements stay under a token that nothing leads to.
    """
    connection = vault.connection
    with connection.transaction():
        token = vault.find(identifier)
        tokens = [] if token is None else _all_of_customer(vault, token)
        vault.erase(identifier, actor, reason)
        for other in tokens:
            if other != token:
                vault.erase_token(other)
        rows = sum(connection.execute(statement, {"tokens": tokens}).rowcount for statement in _STATEMENTS)
        done = {"identifiers": len(tokens), "rows": rows}
        audit_id = audit.record(connection, actor, "erase_records", None, reason, done)
    return Erasure(identifiers=len(tokens), rows=rows, audit_id=audit_id)


_STATEMENTS = (
    "UPDATE cem.complaint SET text = NULL, lat = NULL, lon = NULL WHERE subscriber_key = ANY(%(tokens)s)",
    "UPDATE cem.survey SET text = NULL WHERE subscriber_key = ANY(%(tokens)s)",
    "DELETE FROM cem.subscriber WHERE subscriber_key = ANY(%(tokens)s)",
    "DELETE FROM cem.identity WHERE subscriber_key = ANY(%(tokens)s) OR other_key = ANY(%(tokens)s)",
)


def _all_of_customer(vault: Vault, token: int) -> list[int]:
    """`customer_of` itself stays: it holds tokens only, and scores already made rest on it."""
    rows = vault.connection.execute(
        "SELECT subscriber_key FROM cem.customer_of WHERE customer_key = "
        "(SELECT customer_key FROM cem.customer_of WHERE subscriber_key = %s ORDER BY valid_from DESC LIMIT 1)",
        [token],
    )
    return sorted({token, *(row[0] for row in rows)})
