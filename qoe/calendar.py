"""Which days count as weekend: Saturdays, Sundays, and the operator's holidays."""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from qoe.codes import dense

SATURDAY, SUNDAY = 5, 6
_QUARTER_US = 900_000_000  # every zone's offset is a multiple of it


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """An operator's zone and holidays; a holiday is a Sunday to every expectation."""

    zone: ZoneInfo
    holidays: Set[date] = field(default_factory=frozenset)

    def weekday(self, day: date) -> int:
        """Return 0 (Monday) to 6, 6 for a holiday."""
        return SUNDAY if day in self.holidays else day.weekday()

    def weekend(self, day: date) -> bool:
        """Whether the day counts as weekend."""
        return self.weekday(day) >= SATURDAY

    def hours(self, time_us: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return weekday (as `weekday`) and local hour of each time (microseconds since 1970 UTC)."""
        quarters = np.asarray(time_us, dtype=np.int64) // _QUARTER_US
        first = int(quarters.min()) if len(quarters) else 0
        numbers, place = dense(quarters - first)
        local = [datetime.fromtimestamp((first + int(number)) * 900, self.zone) for number in numbers]
        weekday = np.array([self.weekday(moment.date()) for moment in local], dtype=np.int64)
        hour = np.array([moment.hour for moment in local], dtype=np.int64)
        return weekday[place], hour[place]


def parse_holidays(text: str) -> dict[date, str]:
    """Read a file of holidays: a date (ISO 8601) and its name a line, `#` begins a comment.

    Raises ValueError that names the line which is none.
    """
    found: dict[date, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].split(maxsplit=1)
        if not words:
            continue
        try:
            found[date.fromisoformat(words[0])] = words[1].strip() if len(words) > 1 else ""
        except ValueError:
            raise ValueError(f"line {number}: {words[0]!r} is no date; one is 2026-10-01") from None
    return found
