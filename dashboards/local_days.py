"""The operator's local days, whatever zone the reader looks in: scores of days are made for these."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from dashboards.database import settings


def name_of(moment: datetime) -> str:
    """Return the local day that holds a moment, as `2026-03-09`."""
    return moment.astimezone(_zone()).date().isoformat()


def end_of(start: datetime) -> datetime:
    """Return the end of the local day that begins then, also where clocks change on it."""
    # Adding to a plain moment with a zone moves its clock; to one of a frame (pd.Timestamp) it would add an instant.
    local = pd.Timestamp(start).to_pydatetime().astimezone(_zone())
    return (local + timedelta(days=1)).astimezone(start.tzinfo)


def _zone() -> ZoneInfo:
    return ZoneInfo(settings().time_zone)
