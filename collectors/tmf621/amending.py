"""Tickets that tell only what changed, as amendments of the complaints that they are of."""

from datetime import UTC, datetime
from typing import Any

from collectors.tmf621.tickets import Ticket
from records.errors import DataError
from store.amendments import Amendment

_LONGEST_LABEL = 1000


def amendment(found: Ticket, row_number: int) -> Amendment:
    """What a ticket that is not whole tells; raises `DataError` where it says no time."""
    columns = found.columns
    version_at = _moment(columns.get("updated_at"), "updated_at")
    if version_at is None:
        raise DataError("the event gives neither lastUpdate nor eventTime", code="missing", column="updated_at")
    return Amendment(
        complaint_id=str(columns["complaint_id"])[:_LONGEST_LABEL],
        version_at=version_at,
        digest=found.digest,
        row_number=row_number,
        channel=_label(columns.get("channel")),
        category=_label(columns.get("category")),
        status=_label(columns.get("status")),
        text=_text(columns.get("text")),
        resolved_at=_moment(columns.get("resolved_at"), "resolved_at"),
        payload=found.payload,
    )


def _moment(given: Any, column: str) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise DataError(f"{column} is no time as 2026-03-01T12:00:00+08:00", code="time", column=column) from None
    if moment.tzinfo is None:
        raise DataError(f"{column} has no offset, and it is not guessed", code="no_offset", column=column)
    if not 1970 <= moment.year < 2200:
        raise DataError(f"{column} is outside 1970 to 2199", code="time_range", column=column)
    return moment.astimezone(UTC)


def _label(given: Any) -> str | None:
    text = _text(given)
    return None if text is None else text[:_LONGEST_LABEL]


def _text(given: Any) -> str | None:
    if given is None or given == "":
        return None
    return str(given).replace("\0", "")
