"""Which jobs there are: how often each runs, how long it may take, and with which others it shares a process."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

SOURCE = "source:"  # before a source's name; the limit of all of them is that of "source"
DAY_S, _LOOK_S, _REPORT_S = 86_400.0, 60.0, 300.0
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Lane(StrEnum):
    """A worker process. Jobs of one lane share it; when one has to be ended by force, so are the others in it."""

    INTAKE = "intake"
    SCORING = "scoring"
    TELLING = "telling"
    UPKEEP = "upkeep"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of `sources.toml`; `interval_s` 0: it is a folder, which is watched and not asked."""

    name: str
    interval_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Jobs that run one after the other in one lane, every so many seconds.

    `daily`: once in each day of the clock, looked at every minute, and tried again where it failed or was lost.
    """

    jobs: tuple[str, ...]
    lane: Lane
    every_s: float = _LOOK_S
    daily: bool = False


def chains(every_s: float, deliver_s: float) -> tuple[Chain, ...]:
    """All chains: what came in is assessed before it is scored, and that before it is searched.

    Telling waits for none of them, and delivering not for judging by rules either.
    """
    return (
        Chain(jobs=("collect",), lane=Lane.INTAKE, every_s=every_s),
        Chain(jobs=("health", "score", "detect"), lane=Lane.SCORING, every_s=every_s),
        Chain(jobs=("alert",), lane=Lane.TELLING, every_s=every_s),
        Chain(jobs=("deliver",), lane=Lane.TELLING, every_s=deliver_s),
        Chain(jobs=("aggregate",), lane=Lane.SCORING, daily=True),
        Chain(jobs=("retention",), lane=Lane.UPKEEP, daily=True),
        Chain(jobs=("housekeeping",), lane=Lane.UPKEEP, daily=True),
        Chain(jobs=("report",), lane=Lane.UPKEEP, every_s=_REPORT_S),
    )


_LANES: Mapping[str, Lane] = {job: chain.lane for chain in chains(1, 1) for job in chain.jobs}


def lane_of(job: str) -> Lane:
    """The lane that a job runs in."""
    return Lane.INTAKE if job.startswith(SOURCE) else _LANES[job]


# Seconds (own). Ample for one file, one hour of records or one kind of rows, after each of which a job has made
# progress that stays: what is ended here goes on there. Collecting has to end with the largest single file.
LIMITS_S: Mapping[str, float] = MappingProxyType(
    {
        "source": 600.0,
        "collect": 3600.0,
        "health": 900.0,
        "score": 3600.0,
        "detect": 3600.0,
        "alert": 300.0,
        "deliver": 600.0,
        "aggregate": 7200.0,
        "retention": 7200.0,
        "housekeeping": 3600.0,
        "report": 600.0,
    }
)


def limit_s(job: str, changed: Mapping[str, float]) -> float:
    """How long a run of this job may take."""
    name = "source" if job.startswith(SOURCE) else job
    return changed.get(name, LIMITS_S[name])


def slot_of(now: datetime, every_s: float) -> datetime:
    """The last multiple of `every_s` since 1970: the slots of a job begin at these moments, on every machine."""
    step = round(every_s * 1_000_000)
    return _EPOCH + (now - _EPOCH) // _MICROSECOND // step * step * _MICROSECOND
