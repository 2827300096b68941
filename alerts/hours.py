"""When nobody is to be disturbed: quiet hours of rules, and maintenance windows, once or again and again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Span:
    """Every day, or on some `days` (0 is Monday), from a local time to another; over midnight where that is earlier."""

    begin: time
    end: time
    days: tuple[int, ...] = tuple(range(7))

    def until(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The end of the span that holds the moment; None where none does."""
        local = at.astimezone(zone)
        for day in (local.date() - _DAY, local.date()):
            begin = datetime.combine(day, self.begin, zone)
            end = datetime.combine(day, self.end, zone)
            if end <= begin:
                end = datetime.combine(day + _DAY, self.end, zone)
            if day.weekday() in self.days and begin <= local < end:
                return end
        return None


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Quiet hours of a rule: severities below `below` wait until they are over."""

    span: Span
    below: str


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """Planned work, from `start` to `end` or in `span`: alerts that `match` (attribute to values) are not told."""

    name: str
    start: datetime | None = None
    end: datetime | None = None
    span: Span | None = None
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def until(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the work that goes on at the moment ends; None where none does."""
        if self.span is not None:
            return self.span.until(at, zone)
        if self.start is None or self.end is None:
            return None
        return self.end if self.start <= at < self.end else None

    def touches(self, about: Mapping[str, frozenset[str]]) -> bool:
        """Whether an alert is about what is worked on; `about` names an alert's attributes and their values."""
        return all(set(values) & about.get(name, frozenset()) for name, values in self.match.items())
