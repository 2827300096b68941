"""Complaints as TM Forum trouble tickets (TMF621 v4, an array per file)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def ticket_json(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return complaints, given as rows of the contract's table, as a JSON array of TroubleTicket resources."""
    return (json.dumps([_ticket(row) for row in rows], ensure_ascii=False, indent=1) + "\n").encode()


def _ticket(row: Mapping[str, Any]) -> dict[str, Any]:
    resolved = row["resolved_at"] is not None
    places = (("cell", row["cell_id"], "Cell"), ("app", row["app"], "Application"))
    return {
        "id": row["complaint_id"],
        "href": f"/tmf-api/troubleTicket/v4/troubleTicket/{row['complaint_id']}",
        "creationDate": row["created_at"],
        "lastUpdate": row["updated_at"],
        **({"resolutionDate": row["resolved_at"]} if resolved else {}),
        "name": row["category"],
        "description": row["text"],
        "severity": "Minor",
        "ticketType": row["category"],
        "status": "resolved" if resolved else "acknowledged",
        "channel": {"id": row["channel"], "name": row["channel"]},
        "relatedParty": [{"id": row["subscriber_id"], "role": "customer", "@referredType": "Customer"}],
        "relatedEntity": [
            {"id": name, "name": name, "role": role, "@referredType": kind} for role, name, kind in places if name
        ],
        "@type": "TroubleTicket",
    }
