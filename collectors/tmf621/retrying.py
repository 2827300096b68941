"""Changes of tickets that were told before the ticket itself: tried again once it is known."""

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

from collectors.listening.requests import RefusalError
from collectors.tmf621.amending import amendment
from collectors.tmf621.events import read
from collectors.tmf621.tickets import Ticket, ticket
from records.errors import DataError
from records.kinds import COMPLAINTS
from store import quarantine
from store.amendments import amended
from store.intake import Intake
from store.keys import Keys
from store.labels import Labels
from store.ledger import Delivery, open_entry
from store.quarantine import Held

NAME = "quarantine"


def retry_changes(intake: Intake, labels: Labels, keys: Keys, source: str, ids: Sequence[int]) -> tuple[int, int]:
    """Amend complaints by the changes among these records; returns how many went in, and how many are refused still."""
    connection = intake.connection
    delivery = Delivery(
        kind=COMPLAINTS,
        source_id=int(labels.sources([source])[0]),
        name=NAME,
        digest=hashlib.sha256(b"retry" + os.urandom(16)).digest(),
        size_bytes=0,
        arrived_at=intake.clock_now,
    )
    stored = refused = 0
    with connection.transaction():
        changes = [(held, found) for held in quarantine.claim(connection, keys, ids) if (found := _change(held))]
        entry = open_entry(connection, delivery, keys) if changes else None
        if entry is None:
            return 0, 0
        for held, found in changes:
            if amended(connection, labels, entry, amendment(found, held.quarantine_id)):
                quarantine.release(connection, [held.quarantine_id])
                stored += 1
            else:
                refused += 1
        entry.close(0.0)
    return stored, refused


def _change(held: Held) -> Ticket | None:
    """The change of a ticket that a record holds, None where it holds something else, or is still wrong."""
    fields = json_object(held.payload)
    if held.kind != COMPLAINTS.name or fields is None or "complaint_id" in fields:
        return None
    try:
        found = ticket_in(held.payload or b"", fields)
        if found is None or found.whole:
            return None
        amendment(found, held.quarantine_id)
    except DataError:
        return None
    return found


def ticket_in(payload: bytes, fields: dict[str, Any]) -> Ticket | None:
    """The ticket that a payload is, or that an event in it tells of; None where there is none."""
    try:
        if "event" in fields:
            return read(payload)
        return ticket(fields) if fields.get("id") else None
    except RefusalError as error:
        raise DataError(error.text, code=error.code) from None


def json_object(payload: bytes | None) -> dict[str, Any] | None:
    """The JSON object that a payload is, None where it is none."""
    try:
        found = json.loads(payload or b"")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
