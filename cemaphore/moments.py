"""Moments that a user types: ISO 8601 with an offset, never guessed."""

from datetime import UTC, datetime
from typing import Annotated

import typer


def moment(value: str) -> datetime:
    """Return the aware UTC moment that `value` writes; a usage error for what has no offset or is no moment."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter(
            f"{value!r} is no moment; write ISO 8601 with an offset, such as 2026-01-05T08:00:00Z."
        )
    return found.astimezone(UTC)


From = Annotated[datetime | None, typer.Option("--from", parser=moment, metavar="TIME", help="First moment.")]
To = Annotated[datetime | None, typer.Option("--to", parser=moment, metavar="TIME", help="End, not included.")]
Now = Annotated[
    datetime | None, typer.Option("--now", parser=moment, metavar="TIME", help="Take this for the present time.")
]
At = Annotated[
    datetime | None, typer.Option("--at", parser=moment, metavar="TIME", help="A moment of the day asked for.")
]
