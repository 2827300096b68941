"""The time that jobs go by: the real one, or in a rehearsal one that begins elsewhere and runs faster."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Clock:
    """At the real moment `real` it is `shown`, and from then on `speed` times faster; without them it is real time.

    Only a rehearsal (the soak benchmark) sets one: it makes windows of 15 minutes close every few seconds. What is
    about the program itself (slots of jobs, limits, leases, how long something took) always goes by real time.
    """

    shown: datetime | None = None
    real: datetime | None = None
    speed: float = 1.0

    def now(self) -> datetime:
        """The present moment, UTC."""
        moment = datetime.now(UTC)
        if self.shown is None or self.real is None:
            return moment
        return self.shown + timedelta(seconds=(moment - self.real).total_seconds() * self.speed)

    @property
    def rehearses(self) -> bool:
        """Whether this is not real time."""
        return self.shown is not None
