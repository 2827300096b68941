"""What a run of a job is given and what it gives back; both pass between processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import psycopg

from records.errors import ConfigError, DataError, TransientError
from store.slots import LIMIT, LOST

Counts = Mapping[str, Any]
OUTCOMES = ("stored", "duplicate", "quarantined")
# Links of complaints are made again each time, and active alerts posted.
_NO_WORK = ("links", "processes", "posted")


class Failure(StrEnum):
    """Kinds of what can go wrong with a run: a closed set, to be counted by."""

    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    DATA = "data"
    DATABASE = "database"
    LIMIT = LIMIT
    LOST = LOST
    OTHER = "other"


def failure_of(error: BaseException) -> Failure:
    """The kind of an error."""
    kinds = {
        psycopg.errors.QueryCanceled: Failure.LIMIT,
        psycopg.Error: Failure.DATABASE,
        ConfigError: Failure.CONFIGURATION,
        TransientError: Failure.TRANSIENT,
        DataError: Failure.DATA,
    }
    return next((kind for type_, kind in kinds.items() if isinstance(error, type_)), Failure.OTHER)


class Counted(Protocol):
    """What became of records."""

    @property
    def stored(self) -> int:
        """Records that are in now."""

    @property
    def duplicate(self) -> int:
        """Records that were in already."""

    @property
    def quarantined(self) -> int:
        """Records that were refused."""


@dataclass(frozen=True, kw_only=True)
class News:
    """What was heard of one source: records by outcome, and whether it answered (None: it was not asked)."""

    source: str
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    up: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run: a connection string whose statements end with the job's limit, the clock's now, and where news go."""

    dsn: str
    now: datetime
    news: list[News] = field(default_factory=list)


Work = Callable[[Call], Counts]


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a run went; `error` is for people, `failure` to count by, `killed`: its process was ended for it."""

    counts: Counts = field(default_factory=dict)
    seconds: float = 0.0
    news: tuple[News, ...] = ()
    error: str | None = None
    failure: Failure | None = None
    killed: bool = False

    @property
    def worked(self) -> bool:
        """Whether it found anything to do."""
        return any(bool(value) for name, value in self.counts.items() if name not in _NO_WORK)


def counts_of(run: Any) -> Counts:
    """The whole numbers of a run."""
    return {name: value for name, value in vars(run).items() if isinstance(value, int)}
