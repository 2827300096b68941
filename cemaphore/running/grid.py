"""A trigger of APScheduler that fires where slots begin, also after a run out of turn."""

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

from cemaphore.running.schedule import slot_of


class Grid(BaseTrigger):
    """Fires at the multiples of `every_s` since 1970."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The multiple after the last firing, or after now."""
        return slot_of(previous_fire_time or now, self._every_s) + timedelta(seconds=self._every_s)
