"""The jobs of each lane, made; what a lane needs is loaded where it is made, so that no process holds it in vain."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from cemaphore.running.clock import Clock
from cemaphore.running.schedule import Lane, Source
from cemaphore.running.work import Work
from cemaphore.settings import Settings

Log = structlog.typing.FilteringBoundLogger


class Jobs(Protocol):
    """The jobs of one lane, and the sources that they take records from."""

    work: Mapping[str, Work]
    sources: Sequence[Source]

    def close(self) -> None:
        """Leave what is open."""


def jobs_of(lane: Lane, settings: Settings, log: Log, clock: Clock, stable_s: float) -> Jobs:
    """The jobs of a lane; raises `ConfigError` where one cannot work as it is configured."""
    if lane is Lane.INTAKE:
        from cemaphore.running.asking import askings
        from cemaphore.running.folders import watched
        from cemaphore.running.taking import Taking
        from cemaphore.sources import load_sources

        sources = load_sources(settings)
        asked = askings(sources, settings, lambda text: log.warning("source", text=text))
        return Taking(settings, log, watched(settings, sources, stable_s), asked)
    if lane is Lane.SCORING:
        from cemaphore.running.judging import Judging

        return Judging(settings)
    if lane is Lane.TELLING:
        from cemaphore.running.telling import Telling

        return Telling(settings)
    from cemaphore.running.upkeep import Upkeep

    return Upkeep(settings, log, rehearses=clock.rehearses)
