"""Half-open UTC windows: 15 minutes for groups, an hour for users, days in the operator's zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)  # the 3GPP granularity period (TS 32.401)
HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(moment: datetime, length: timedelta) -> datetime:
    """Return the start of the window of that length that holds the (aware) moment, in UTC."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no offset; a moment must say its zone")
    return moment.astimezone(UTC) - (moment - _EPOCH) % length


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the operator's calendar day that holds the moment."""
    return moment.astimezone(zone).date()


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return start and end (UTC, half-open) of a local day; 23 or 25 hours long where clocks change."""
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def starts(first: datetime, end: datetime, length: timedelta) -> list[datetime]:
    """Return the starts of all windows of that length that overlap [first, end)."""
    start = floor(first, length)
    count = max(0, -((start - end.astimezone(UTC)) // length))
    return [start + index * length for index in range(count)]
