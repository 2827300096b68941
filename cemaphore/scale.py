"""How much machine a number of subscribers takes, by what a session was measured to cost: the sums of docs/scale.md."""

import math
from dataclasses import dataclass

from cemaphore.engines.local import PART_SESSIONS

_HOURS_PER_DAY, _S_PER_HOUR = 24, 3600
_US_PER_S = 1e6
_MS_PER_S = 1e3
_HOURS_PER_MONTH = 730  # a twelfth of a year


@dataclass(frozen=True, kw_only=True)
class Load:
    """What comes in: subscribers, sessions a subscriber and day, and the busiest hour over the mean one."""

    subscribers: float
    sessions_per_day: float
    peak_factor: float

    @property
    def per_day(self) -> float:
        """Sessions of a day."""
        return self.subscribers * self.sessions_per_day

    @property
    def per_peak_hour(self) -> float:
        """Sessions of the busiest hour."""
        return self.per_day / _HOURS_PER_DAY * self.peak_factor


def ratings(passes: int) -> float:
    """How often a session is rated where its hour is scored so often while it fills evenly: a pass rates all of it."""
    return (passes + 1) / 2


def cores(sessions: float, us: float, within_s: float, busy: float = 1.0) -> float:
    """Cores that give each session its processor microseconds within a time, each core busy for that share of it."""
    return sessions * us / _US_PER_S / within_s / busy


def peak_cores(load: Load, collect_us: float, score_us: float, passes: int, busy: float) -> float:
    """Cores that keep up with the busiest hour; the microseconds are of a session, collected once and rated once."""
    return cores(load.per_peak_hour, collect_us + score_us * ratings(passes), _S_PER_HOUR, busy)


def parts(sessions_per_hour: float) -> int:
    """Parts that an hour is read and rated in: the most tasks that it gives Spark."""
    return math.ceil(sessions_per_hour / PART_SESSIONS)


def stored_bytes(load: Load, days: float, bytes_per_session: float) -> float:
    """Bytes of the sessions that are kept for so many days."""
    return load.per_day * days * bytes_per_session


def monthly_cost(cores: float, per_core_hour: float) -> float:
    """Price of cores that are kept for a month."""
    return cores * _HOURS_PER_MONTH * per_core_hour


def viewers(cpu_ms: float, every_s: float, busy: float) -> float:
    """People whose screens a core draws: each page takes so many processor milliseconds, as often as that."""
    return every_s * busy / cpu_ms * _MS_PER_S
