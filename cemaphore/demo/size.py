"""How large a demo world is, when it begins and in which zone its operator lives."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from records.errors import ConfigError

SECTORS = 3  # cells of a site
FAULT_DAYS = 10  # the faults lie in days 8 to 10


@dataclass(frozen=True, kw_only=True)
class WorldSize:
    """The size of a world; its start is a Monday, so that the weekend lies before the days with faults.

    `sessions_per_user_day` is the mean of users who each have their own constant rate, never below 0.9 times the
    mean. The hazards are per bad session or touchpoint caused by a fault and per user and day otherwise.
    """

    users: int = 5_000
    sites: int = 50
    models: int = 30
    apps: int = 12
    days: int = FAULT_DAYS
    sessions_per_user_day: float = 35.0
    touchpoints_per_user_day: float = 1.0
    surveys_per_user_day: float = 0.01
    counter_days: int = 4
    file_hours: int = 1
    complaint_hazard: float = 0.012
    background_complaints_per_user_day: float = 0.0018
    billing_wave: float = 0.006
    start: date = date(2026, 3, 2)
    zone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        limits = {"users": 200, "sites": 15, "models": 8, "apps": 12, "days": FAULT_DAYS}
        for name, least in limits.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; a demo world needs at least {least}")
        if self.apps > 12:
            raise ConfigError(f"apps is {self.apps}; the demo world knows 12")
        if self.models > 60:
            raise ConfigError(f"models is {self.models}; the demo world knows 60")
        if self.start.weekday() != 0:
            raise ConfigError(f"start is {self.start.isoformat()}, a {self.start:%A}; a demo world starts on a Monday")
        if self.file_hours not in (1, 24):
            raise ConfigError(f"file_hours is {self.file_hours}; a file holds 1 or 24 hours")

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.sites * SECTORS

    @property
    def hours(self) -> int:
        """Number of hours from the first local midnight on."""
        return self.days * 24

    @property
    def begins(self) -> datetime:
        """The first local midnight, with its offset."""
        return datetime.combine(self.start, time(), ZoneInfo(self.zone))

    def moment(self, hours: float) -> datetime:
        """Return the local time that is so many hours after the beginning."""
        return (self.begins.astimezone(UTC) + timedelta(hours=hours)).astimezone(ZoneInfo(self.zone))


DEFAULT = WorldSize()
FAST = WorldSize(
    users=800,
    sites=20,
    models=12,
    sessions_per_user_day=15.0,
    touchpoints_per_user_day=5.0,
    surveys_per_user_day=0.03,
    counter_days=3,
    file_hours=24,
    complaint_hazard=0.05,
    background_complaints_per_user_day=0.009,
    billing_wave=0.025,
)
