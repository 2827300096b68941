"""Trouble tickets of TM Forum TMF621, versions 4 and 5, as complaints.

| complaint | ticket |
|---|---|
| complaint_id, created_at, updated_at, resolved_at | id, creationDate, lastUpdate, resolutionDate |
| subscriber_id | characteristic `subscriber_id`, `msisdn`, `imsi` or `account`; else the related party in role |
| | `customer`, `subscriber` or `user` |
| channel, category, status | channel.name, ticketType, status |
| text | description, else name |
| cell_id, app, lat, lon, satisfaction | the characteristic of that name; cell_id else a related entity in role `cell` |

In version 5 a related party is wrapped in `partyOrPartyRole`, a related entity in `entity`, and characteristics are
`troubleTicketCharacteristic`; in version 4 parties and entities are plain (TMF621 v4.0.0 and v5.0.1).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from collectors.json_records import objects
from collectors.lines import Flaw
from collectors.ndjson_rows import as_text
from collectors.options import Options
from collectors.raw import Notes, Raw
from records.kinds import COMPLAINTS

_PARTY_ROLES = ("customer", "subscriber", "user")
_IDENTIFIERS = ("subscriber_id", "msisdn", "imsi", "account")
_CHARACTERISTICS = ("cell_id", "app", "lat", "lon", "satisfaction")
_BLOCK_ROWS = 4096


def read(pieces: Iterable[bytes], options: Options, notes: Notes) -> Iterator[Raw | Flaw]:
    """Yield the tickets of a JSON file as raw complaints; the first is row 1."""
    records: list[dict[str, Any]] = []
    rows: list[int] = []
    for item in objects(pieces, options.max_record_bytes):
        if isinstance(item, Flaw):
            yield item
            continue
        rows.append(item[0])
        records.append(complaint(item[1]))
        if len(rows) == _BLOCK_ROWS:
            yield as_text(records, rows, COMPLAINTS)
            records, rows = [], []
    if records:
        yield as_text(records, rows, COMPLAINTS)


def complaint(ticket: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a complaint that a ticket gives; a record of the table's own form stays as it is."""
    if "complaint_id" in ticket:
        return ticket
    given = _characteristics(ticket)
    channel = ticket.get("channel")
    return {
        "complaint_id": ticket.get("id"),
        "created_at": ticket.get("creationDate"),
        "updated_at": ticket.get("lastUpdate"),
        "resolved_at": ticket.get("resolutionDate"),
        "subscriber_id": next((given[name] for name in _IDENTIFIERS if given.get(name)), None) or _party(ticket),
        "channel": (channel.get("name") or channel.get("id")) if isinstance(channel, dict) else channel,
        "category": ticket.get("ticketType"),
        "status": ticket.get("status"),
        "text": ticket.get("description") or ticket.get("name"),
        **{name: given.get(name) for name in _CHARACTERISTICS},
        "cell_id": given.get("cell_id") or _entity(ticket, "cell"),
    }


def _characteristics(ticket: dict[str, Any]) -> dict[str, Any]:
    listed = _dicts(ticket.get("troubleTicketCharacteristic")) + _dicts(ticket.get("characteristic"))
    return {str(one.get("name")).lower(): one.get("value") for one in listed}


def _party(ticket: dict[str, Any]) -> Any:
    parties = _dicts(ticket.get("relatedParty"))
    for role in _PARTY_ROLES:
        for party in parties:
            inner = party.get("partyOrPartyRole")
            whole = {**inner, **party} if isinstance(inner, dict) else party
            if role in {str(whole.get("role")).lower(), str(whole.get("@referredType")).lower()}:
                return (inner.get("id") if isinstance(inner, dict) else None) or party.get("id")
    return None


def _entity(ticket: dict[str, Any], role: str) -> Any:
    for related in _dicts(ticket.get("relatedEntity")):
        inner = related.get("entity")
        whole = {**inner, **related} if isinstance(inner, dict) else related
        if role in {str(whole.get("role")).lower(), str(whole.get("@referredType")).lower()}:
            return whole.get("id")
    return None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
