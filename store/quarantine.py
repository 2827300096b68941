"""Refused records: what is there and why, one of them opened under audit, and those that are tried again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from records.errors import DataError
from store import audit
from store.connection import Connection
from store.keys import Keys
from store.ledger import quarantine_context

_CHOSEN = """
FROM cem.quarantine q JOIN cem.source s USING (source_id)
WHERE (%(source)s::text IS NULL OR s.name = %(source)s) AND (%(kind)s::text IS NULL OR q.kind = %(kind)s)
  AND (%(code)s::text IS NULL OR q.code = %(code)s) AND (%(ids)s::bigint[] IS NULL OR q.quarantine_id = ANY(%(ids)s))
"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which records are meant: those of all that is given; nothing given means all."""

    source: str | None = None
    kind: str | None = None
    code: str | None = None
    ids: tuple[int, ...] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """As the queries take it."""
        ids = None if self.ids is None else list(self.ids)
        return {"source": self.source, "kind": self.kind, "code": self.code, "ids": ids}


@dataclass(frozen=True, kw_only=True)
class Held:
    """One refused record; `payload` is the record as it came, None where none was kept."""

    quarantine_id: int
    source: str
    kind: str
    name: str
    row_number: int | None
    code: str
    column: str | None
    reason: str
    arrived_at: datetime
    payload: bytes | None = field(default=None, repr=False)


def listed(connection: Connection, choice: Choice, limit: int) -> list[dict[str, Any]]:
    """Return the newest records with their reason, without what they hold."""
    rows = connection.execute(
        "SELECT q.quarantine_id, s.name, q.kind, q.name, q.row_number, q.code, q.column_name, q.reason, q.arrived_at, "
        "q.sealed IS NOT NULL " + _CHOSEN + " ORDER BY q.quarantine_id DESC LIMIT %(limit)s",
        {**choice.parameters, "limit": limit},
    ).fetchall()
    names = ("id", "source", "kind", "name", "row", "code", "column", "reason", "arrived_at", "kept")
    return [dict(zip(names, row, strict=True)) for row in rows]


def counted(connection: Connection, choice: Choice) -> list[dict[str, Any]]:
    """Return how many records there are of each source, kind and reason, the most first."""
    rows = connection.execute(
        "SELECT s.name, q.kind, q.code, q.column_name, count(*), max(q.arrived_at) "
        + _CHOSEN
        + " GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4",
        choice.parameters,
    ).fetchall()
    names = ("source", "kind", "code", "column", "count", "newest")
    return [dict(zip(names, row, strict=True)) for row in rows]


def reveal(connection: Connection, keys: Keys, quarantine_id: int, *, actor: str, reason: str) -> Held:
    """Return one record with what it holds, once the audit trail says who asked and why.

    Raises `DataError` where there is no such record, `ConfigError` without actor and reason.
    """
    audit.record(connection, actor, "show quarantined", None, reason, {"quarantine_id": quarantine_id})
    found = _held(connection, keys, [quarantine_id], lock=False)
    if not found:
        raise DataError(f"there is no record {quarantine_id} in quarantine", code="unknown_record")
    return found[0]


def groups(connection: Connection, choice: Choice, most: int) -> list[tuple[str, str, list[int]]]:
    """Return the numbers of the chosen records by source and kind, oldest first, at most `most` in a group."""
    rows = connection.execute(
        "SELECT s.name, q.kind, array_agg(q.quarantine_id ORDER BY q.quarantine_id) " + _CHOSEN + " GROUP BY 1, 2",
        choice.parameters,
    ).fetchall()
    return [
        (source, kind, ids[start : start + most]) for source, kind, ids in rows for start in range(0, len(ids), most)
    ]


def claim(connection: Connection, keys: Keys, ids: Sequence[int]) -> list[Held]:
    """Return those of the records that are still there, held until the transaction ends; nobody else gets them."""
    return _held(connection, keys, ids, lock=True)


def release(connection: Connection, ids: Sequence[int]) -> None:
    """Remove records that went in, in the transaction that stores them."""
    connection.execute("DELETE FROM cem.quarantine WHERE quarantine_id = ANY(%s)", [list(ids)])


def keep(connection: Connection, quarantine_id: int, code: str, column: str | None, reason: str) -> None:
    """Note why a record was refused once more."""
    connection.execute(
        "UPDATE cem.quarantine SET code = %s, column_name = %s, reason = %s WHERE quarantine_id = %s",
        [code, column, reason.replace("\0", ""), quarantine_id],
    )


def _held(connection: Connection, keys: Keys, ids: Sequence[int], *, lock: bool) -> list[Held]:
    query = (
        "SELECT q.quarantine_id, s.name, q.kind, q.name, q.row_number, q.code, q.column_name, q.reason, q.arrived_at, "
        "q.sealed FROM cem.quarantine q JOIN cem.source s USING (source_id) WHERE q.quarantine_id = ANY(%s) "
        "ORDER BY q.quarantine_id"
    )
    rows = connection.execute(query + " FOR UPDATE OF q SKIP LOCKED" if lock else query, [list(ids)]).fetchall()
    return [
        Held(
            quarantine_id=row[0],
            source=row[1],
            kind=row[2],
            name=row[3],
            row_number=row[4],
            code=row[5],
            column=row[6],
            reason=row[7],
            arrived_at=row[8],
            payload=None if row[9] is None else keys.unseal(bytes(row[9]), quarantine_context(row[2])),
        )
        for row in rows
    ]
