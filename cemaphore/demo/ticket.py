"""Complaints as TM Forum trouble tickets (TMF621 v5, an array per file)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_CHARACTERISTICS = ("cell_id", "app", "satisfaction")


def ticket_json(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return complaints, given as rows of the contract's table, as a JSON array of TroubleTicket resources."""
    return (json.dumps([_ticket(row) for row in rows], ensure_ascii=False, indent=1) + "\n").encode()


def _ticket(row: Mapping[str, Any]) -> dict[str, Any]:
    resolved = row["resolved_at"] is not None
    customer = {"@type": "PartyRef", "@referredType": "Customer", "id": row["subscriber_id"]}
    return {
        "@type": "TroubleTicket",
        "id": row["complaint_id"],
        "href": f"/tmf-api/troubleTicket/v5/troubleTicket/{row['complaint_id']}",
        "creationDate": row["created_at"],
        "lastUpdate": row["updated_at"],
        **({"resolutionDate": row["resolved_at"]} if resolved else {}),
        "name": row["category"],
        "description": row["text"],
        "severity": "Minor",
        "ticketType": row["category"],
        "status": "resolved" if resolved else "acknowledged",
        "channel": {"@type": "ChannelRef", "id": row["channel"], "name": row["channel"]},
        "relatedParty": [{"@type": "RelatedPartyRefOrPartyRoleRef", "role": "customer", "partyOrPartyRole": customer}],
        "troubleTicketCharacteristic": [
            {"@type": "Characteristic", "name": name, "value": row[name]}
            for name in _CHARACTERISTICS
            if row[name] is not None
        ],
    }
