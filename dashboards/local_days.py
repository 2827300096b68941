"""The operator's local days, whatever zone the reader looks in: scores of days are made for these."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from dashboards.database import settings

_YEARS = range(2000, 2100)  # of which there may be data (own)


def name_of(moment: datetime) -> str:
    """Return the local day that holds a moment, as `2026-03-09`."""
    return moment.astimezone(zone()).date().isoformat()


def start_of(name: str) -> datetime | None:
    """Return when the local day of a name such as `2026-03-09` begins; None where no day of ours has that name."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    named = day.isoformat() == name and day.year in _YEARS
    return datetime.combine(day, time(), zone()) if named else None


def today() -> datetime:
    """Return when the present local day began."""
    return datetime.combine(datetime.now(zone()).date(), time(), zone())


def end_of(start: datetime) -> datetime:
    """Return the end of the local day that begins then, also where clocks change on it."""
    # Adding to a plain moment with a zone moves its clock; to one of a frame (pd.Timestamp) it would add an instant.
    local = pd.Timestamp(start).to_pydatetime().astimezone(zone())
    return (local + timedelta(days=1)).astimezone(start.tzinfo)


def on_the_clock(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with `start`, where local days begin, as midnights of these days, for charts."""
    return frame.assign(start=clock(frame["start"], zone()))


def clock(moments: pd.Series, on: ZoneInfo) -> pd.Series:
    """Return moments as the clock of a zone shows them, for charts, which know one time zone only."""
    return pd.to_datetime(moments, utc=True).dt.tz_convert(on).dt.tz_localize(None)


def zone() -> ZoneInfo:
    """Return the operator's time zone, in which days are."""
    return ZoneInfo(settings().time_zone)
