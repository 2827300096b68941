"""A ticket as it came over HTTP: its digest, its version, and whether it is whole or tells only what changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from collectors.tickets import complaint
from records.errors import DataError

_DIGEST_BYTES = 16
_LAST_US = 7_258_118_400_000_000  # 2200-01-01: what lies beyond is no version but a mistake


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One ticket; `columns` are those of a complaint as text, `version_us` microseconds since 1970 (0: not told)."""

    columns: Mapping[str, Any] = field(repr=False)
    digest: bytes
    version_us: int
    payload: bytes = field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether it can stand for itself; else it tells what changed of a ticket that is known."""
        return bool(self.columns.get("created_at") and self.columns.get("subscriber_id"))


def ticket(given: dict[str, Any]) -> Ticket:
    """Read a ticket; raises `DataError` where it cannot be told from others."""
    try:
        text = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        payload = text.encode()
    except (RecursionError, UnicodeEncodeError):
        raise DataError("the ticket is nested too deep, or holds half of a surrogate pair", code="json") from None
    columns = complaint(given)
    if not isinstance(columns.get("complaint_id"), str) or not columns["complaint_id"]:
        raise DataError("the ticket has no id", code="missing", column="complaint_id")
    return Ticket(
        columns=columns,
        digest=hashlib.sha256(payload).digest()[:_DIGEST_BYTES],
        version_us=_microseconds(columns.get("updated_at") or columns.get("created_at")),
        payload=payload,
    )


def _microseconds(given: object) -> int:
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return 0
    if moment is None or moment.tzinfo is None:
        return 0
    found = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)
    return found if 0 <= found < _LAST_US else 0
