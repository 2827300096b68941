"""The sources of `sources.toml` that are asked: each with its interval, and with what it remembers from one time on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cemaphore.collecting import options_of
from cemaphore.settings import Settings
from cemaphore.sources import AnySource, Folder, Kafka, PrometheusApi, PrometheusScrape, Tmf621
from collectors.kafka import Reader, Topics
from collectors.prometheus import Scraper, ScrapeTarget, ServerTarget, catch_up
from collectors.tmf621.polling import TicketServer, poll
from records.errors import CemaphoreError, ConfigError
from store.intake import Intake

_LONGEST_S = 60.0  # one run reads a topic at most this long, so that a program that no longer leads soon stops
_FIRST_WAITS = 5  # a consumer needs a moment to reach its brokers

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one asking brought; `up` False: the source was asked and was away, for this `reason`."""

    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    up: bool = True
    reason: str = ""


class Asked(Protocol):
    """One source; asked by one thread at a time, whichever it is."""

    def ask(self, intake: Intake, now: datetime) -> Answer:
        """Load what is new; raises where the source or the database fails, and the next asking goes on."""

    def close(self) -> None:
        """Leave the source."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A source with its interval; `on_grid`: it is asked at the multiples of the interval since 1970."""

    name: str
    interval_s: float
    asked: Asked
    on_grid: bool = False


class _Scraped:
    def __init__(self, target: ScrapeTarget) -> None:
        self._scraper = Scraper(target)

    def ask(self, intake: Intake, now: datetime) -> Answer:
        done = self._scraper.scrape(intake, now)
        tally = done.tally
        return Answer(
            stored=tally.rows_stored,
            duplicate=tally.rows_duplicate,
            quarantined=tally.rows_quarantined,
            up=done.up,
            reason=done.reason,
        )

    def close(self) -> None:
        self._scraper.close()


@dataclass(frozen=True)
class _Served:
    target: ServerTarget

    def ask(self, intake: Intake, now: datetime) -> Answer:
        stored = quarantined = 0
        for chunk in catch_up(self.target, intake, now):
            stored += chunk.tally.rows_stored
            quarantined += chunk.tally.rows_quarantined
        return Answer(stored=stored, quarantined=quarantined)

    def close(self) -> None:
        """Each asking opens and closes its own connection."""


@dataclass(frozen=True)
class _Polled:
    server: TicketServer
    settings: Settings

    def ask(self, intake: Intake, now: datetime) -> Answer:
        done = poll(self.server, intake, now, options_of(self.settings))
        return Answer(stored=done.stored, quarantined=done.quarantined)

    def close(self) -> None:
        """Each asking opens and closes its own connection."""


class _Heard:
    def __init__(self, topics: Topics, settings: Settings, tell: Tell) -> None:
        try:
            self._reader = Reader(topics, options_of(settings), tell)
        except CemaphoreError:
            raise
        except Exception as error:  # the optional library's own; it names the setting that is wrong
            raise ConfigError(f"Kafka source {topics.name}: {error}") from None
        self._waits = _FIRST_WAITS

    def ask(self, intake: Intake, now: datetime) -> Answer:
        intake.clock_now = now
        tallies = []
        began, waits = time.monotonic(), self._waits
        while waits and time.monotonic() - began < _LONGEST_S:
            waits -= 1
            for batch in self._reader.step(intake):
                tallies.append(batch.tally)
                waits = self._waits = 1
        return Answer(
            stored=sum(tally.rows_stored for tally in tallies),
            duplicate=sum(tally.rows_duplicate for tally in tallies),
            quarantined=sum(tally.rows_quarantined for tally in tallies),
        )

    def close(self) -> None:
        self._reader.close()


def askings(sources: Sequence[AnySource], settings: Settings, tell: Tell) -> list[Asking]:
    """Return the sources that are asked, ready; folders are watched instead.

    Raises `ConfigError` where a source cannot be asked as it is written, or needs what is not installed.
    """
    made: list[Asking] = []
    try:
        made.extend(_asking(source, settings, tell) for source in sources if not isinstance(source, Folder))
    except BaseException:
        for one in made:
            one.asked.close()
        raise
    return made


def _asking(source: PrometheusScrape | PrometheusApi | Tmf621 | Kafka, settings: Settings, tell: Tell) -> Asking:
    home = settings.home
    match source:
        case PrometheusScrape():
            scraped = _Scraped(source.target(home))
            return Asking(name=source.name, interval_s=source.interval_s, asked=scraped, on_grid=True)
        case PrometheusApi():
            return Asking(name=source.name, interval_s=source.interval_s, asked=_Served(source.target(home)))
        case Tmf621():
            return Asking(name=source.name, interval_s=source.interval_s, asked=_Polled(source.target(home), settings))
        case Kafka():
            heard = _Heard(source.read(home), settings, tell)
            return Asking(name=source.name, interval_s=source.wait_s, asked=heard)
