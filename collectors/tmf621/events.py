"""Events of TMF621 (create, attribute value change, status change, resolved, information required) as tickets.

An event holds the whole ticket, or only what changed of it; its own time is the version where the ticket gives none.
Deletions, and events of ticket specifications, hold nothing that a complaint keeps: they are taken and passed over.
"""

import json
from typing import Any

from collectors.listening.requests import RefusalError, document
from collectors.tmf621.tickets import Ticket, ticket

_RESOLVED = "troubleticketresolvedevent"
_PASSED_OVER = ("troubleticketdeleteevent", "troubleticketspecification")


def with_type(body: bytes, name: str | None) -> bytes:
    """The body, with the type of event that only the path told."""
    if name is None:
        return body
    given = document(body)
    if given.get("eventType") or given.get("@type"):
        return body
    return json.dumps({**given, "eventType": name}, ensure_ascii=True).encode()


def read(body: bytes) -> Ticket | None:
    """The ticket of an event's body, None where the event is passed over; raises `RefusalError` or `DataError`."""
    event = document(body)
    kind = str(event.get("eventType") or event.get("@type") or "").lower()
    if kind.startswith(_PASSED_OVER):
        return None
    if kind and not kind.startswith("troubleticket"):
        raise RefusalError(400, "event_type", f"eventType is {kind[:60]!r}; events of trouble tickets are heard.")
    return ticket(_completed(_inside(event), event, kind))


def _inside(event: dict[str, Any]) -> dict[str, Any]:
    inner = event.get("event")
    found = inner.get("troubleTicket", inner) if isinstance(inner, dict) else event.get("troubleTicket")
    if not isinstance(found, dict) or not found.get("id"):
        raise RefusalError(400, "ticket", "event.troubleTicket with its id is missing.", "event.troubleTicket")
    return found


def _completed(found: dict[str, Any], event: dict[str, Any], kind: str) -> dict[str, Any]:
    told = event.get("eventTime") or event.get("timeOccurred") or event.get("timeOcurred")
    version = found.get("lastUpdate") or told or found.get("statusChangeDate")
    whole = {**found, "lastUpdate": version}
    if kind == _RESOLVED and not found.get("resolutionDate"):
        whole["resolutionDate"] = found.get("statusChangeDate") or version
    return whole
