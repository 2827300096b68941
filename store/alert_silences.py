"""Silences as they are stored, and the changes that people made and nobody was told of yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class SilenceRow:
    """A silence: alerts that fit every one of `matchers` (field to a value, or to a pattern with `*`) are not told."""

    silence_id: int
    matchers: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    actor: str
    comment: str


def silences(connection: Connection, after: datetime | None = None, limit: int = 1000) -> list[SilenceRow]:
    """Return silences, newest first; with `after` those that end later."""
    names = tuple(SilenceRow.__dataclass_fields__)
    rows = connection.execute(
        "SELECT silence_id, matchers, starts_at, ends_at, actor, comment FROM cem.alert_silence "
        "WHERE ends_at > coalesce(%s, '-infinity'::timestamptz) ORDER BY silence_id DESC LIMIT %s",
        [after, limit],
    )
    return [SilenceRow(**dict(zip(names, row, strict=True))) for row in rows]


def untold(connection: Connection) -> list[tuple[int, str, dict[str, Any]]]:
    """Return (change_id, alert_id, facts as JSON) of what people did and nobody was told of, oldest first; locked.

    The facts are those of now: where an alert changed twice, only its newest state is told.
    """
    return connection.execute(
        "SELECT c.change_id, c.alert_id, a.detail FROM cem.alert_change c JOIN cem.alert a USING (alert_id) "
        "WHERE c.to_tell ORDER BY c.change_id FOR UPDATE OF c"
    ).fetchall()


def noted(connection: Connection, change_ids: list[int]) -> None:
    """Note that these changes were queued."""
    connection.execute(
        "UPDATE cem.alert_change SET to_tell = false, told = true WHERE change_id = ANY(%s)", [change_ids]
    )
