"""Scraping: one page of one exporter into the store, exactly once, with the last samples that it is counted from."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
import pyarrow as pa

from collectors.prometheus.exposition import ACCEPT, Limits, parse
from collectors.prometheus.fetching import Answer, Fetcher, UnreachableError
from collectors.prometheus.increases import changes
from collectors.prometheus.memory import NEVER, Memory
from collectors.prometheus.sampling import Sampled, Sampler
from collectors.prometheus.targets import MIB, ScrapeTarget
from records.errors import DataError
from records.kinds import COUNTERS
from store import scrapes
from store.intake import Intake, Rejected, Tally

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = pa.timestamp("us", "UTC")
_SPARE_SERIES = 10_000


@dataclass(kw_only=True)
class Scrape:
    """What became of one scrape.

    `up` False: no usable page, `reason` says why, and an outage is open. `firsts` counters gave no increase yet,
    `resets` began again, `without_value` were NaN, `gone` series were there last time and are not now;
    `empty_families` have a HELP or TYPE and no sample.
    """

    source: str
    at: datetime
    up: bool = True
    reason: str = ""
    samples: int = 0
    firsts: int = 0
    resets: int = 0
    without_value: int = 0
    gone: int = 0
    empty_families: int = 0
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0


class Scraper:
    """Scrapes one target again and again; what it remembers is a copy of what the database holds."""

    def __init__(self, target: ScrapeTarget) -> None:
        self.target = target
        self._fetcher = Fetcher(target.access)
        self._remember(Memory())

    def close(self) -> None:
        """Close the connection to the target."""
        self._fetcher.close()

    def scrape(self, intake: Intake, now: datetime) -> Scrape:
        """Fetch one page and load it; a target that gives none becomes an outage, never values.

        A scrape of the same time (see `moment`) that is in already is not loaded again. Raises `ConfigError` for what
        a person must mend, and what the database raises; all else that can go wrong is in the result.
        """
        began = perf_counter()
        result = Scrape(source=self.target.name, at=moment(now, self.target.interval_s))
        intake.clock_now = now
        try:
            answer = self._fetcher.get(accept=ACCEPT)
        except UnreachableError as error:
            self._away(intake, result, f"{error.code}: {error}")
        else:
            self.load(answer, intake, result)
        result.seconds = perf_counter() - began
        return result

    def load(self, answer: Answer, intake: Intake, result: Scrape) -> None:
        """Load one answer; `result` gets what became of it."""
        if answer.status != 200:
            self._away(intake, result, f"status: it answered {answer.status}")
            return
        try:
            self._recall(scrapes.state(intake.connection, self._source(intake)))
            sampled = self._sample(answer, result)
        except DataError as error:
            self._unreadable(answer, error, intake, result)
            return
        counted = Scrape(source=result.source, at=result.at)
        result.tally = intake.load(
            COUNTERS,
            source=self.target.name,
            name=self._name(result),
            digest=digest(self.target.name, result.at),
            size_bytes=len(answer.body),
            batches=lambda: self._batches(answer, sampled, intake, counted),
        )
        if not result.tally.already_loaded:
            self._memory.at, self._unsure = result.at, False
            if self._sampler.known > 2 * counted.samples + _SPARE_SERIES:
                self._remember(Memory())  # too many series of the past: those still of use are read anew
            for name in ("samples", "firsts", "resets", "without_value", "gone", "empty_families"):
                setattr(result, name, getattr(counted, name))

    def _sample(self, answer: Answer, result: Scrape) -> Sampled:
        limits = Limits(max_samples=self.target.max_samples, max_line_bytes=self.target.max_line_bytes)
        return self._sampler.sample(parse(answer, limits), result.at)

    def _batches(
        self, answer: Answer, sampled: Sampled, intake: Intake, result: Scrape
    ) -> Iterator[pa.RecordBatch | Rejected]:
        """Runs inside the batch's transaction; the page was parsed before it, and is again where others were faster."""
        connection, source_id = intake.connection, self._source(intake)
        if self._recall(scrapes.state(connection, source_id)):
            sampled = self._sample(answer, result)
        yield from sampled.rejected
        yield self._rows(sampled, result)
        since_us = _us(result.at) - self.target.max_gap_s * 1_000_000
        scrapes.keep(connection, source_id, result.at, *self._memory.dump(since_us))
        scrapes.came_back(connection, source_id, result.at)

    def _recall(self, state: scrapes.State | None) -> bool:
        """Remember what the database holds where it is something else; returns whether it was."""
        if (state.at if state else None) == self._memory.at and not self._unsure:
            return False
        try:
            self._remember(Memory.load(state.at, state.samples) if state else Memory())
        except DataError:  # written by another version: counters are counted from this scrape on
            self._remember(Memory())
            self._memory.at = state.at if state else None
        return True

    def _rows(self, sampled: Sampled, result: Scrape) -> pa.RecordBatch:
        memory, places, samples = self._memory, sampled.places, sampled.samples
        previous_us = NEVER if memory.at is None else _us(memory.at)
        self._unsure = True  # until the batch is committed: after one that is rolled back, all is read anew
        last_us = memory.time_us[places]
        found = changes(
            samples,
            memory.value[places],
            last_us,
            previous_us=previous_us,
            interval_us=self.target.interval_s * 1_000_000,
            max_gap_us=self.target.max_gap_s * 1_000_000,
        )
        newer = samples.at_us > last_us
        result.samples, result.empty_families = sampled.read, sampled.empty_families
        result.firsts, result.resets = int(found.first.sum()), int(found.reset.sum())
        result.without_value = int(np.isnan(samples.value).sum())
        there = np.zeros(len(memory.value), bool)
        there[places] = True
        result.gone = 0 if previous_us == NEVER else int((~there & (memory.time_us >= previous_us)).sum())
        memory.value[places[newer]] = samples.value[newer]
        memory.time_us[places[newer]] = samples.at_us[newer]
        told = np.flatnonzero(found.tells)
        return rows(memory, places[told], samples.at_us[told], found.start_us[told], found.value[told])

    def _unreadable(self, answer: Answer, error: DataError, intake: Intake, result: Scrape) -> None:
        """Keep a page that is none, sealed; the target counts as away, as for Prometheus."""
        refused = Rejected(row_number=None, code=error.code, reason=str(error), payload=answer.body[:MIB])

        def batches() -> Iterator[Rejected]:
            yield refused
            self._note(intake, result)

        result.up, result.reason = False, f"{error.code}: {error}"
        result.tally = intake.load(
            COUNTERS,
            source=self.target.name,
            name=self._name(result),
            digest=digest(self.target.name, result.at, answer.body),
            size_bytes=len(answer.body),
            batches=batches,
        )

    def _away(self, intake: Intake, result: Scrape, reason: str) -> None:
        result.up, result.reason = False, reason
        with intake.connection.transaction():
            self._note(intake, result)

    def _note(self, intake: Intake, result: Scrape) -> None:
        scrapes.went_away(intake.connection, self._source(intake), result.at, result.reason)

    def _source(self, intake: Intake) -> int:
        return scrapes.source_number(intake.connection, self.target.name)

    def _name(self, result: Scrape) -> str:
        return f"{self.target.access.instance} {result.at:%Y-%m-%dT%H:%M:%SZ}"

    def _remember(self, memory: Memory) -> None:
        self._memory = memory
        self._sampler = Sampler(self.target, memory)
        self._unsure = False


def scrape(target: ScrapeTarget, intake: Intake, now: datetime) -> Scrape:
    """Scrape a target once; what earlier scrapes counted is read from the database."""
    scraper = Scraper(target)
    try:
        return scraper.scrape(intake, now)
    finally:
        scraper.close()


def moment(now: datetime, interval_s: int) -> datetime:
    """Return the time that a scrape bears: the last multiple of the interval, or the whole second.

    A scrape within a tenth of the interval after a multiple of it bears that multiple, so that its periods lie whole
    inside the 15-minute windows; another one bears its own second.
    """
    second = (now - _EPOCH) // timedelta(seconds=1)
    grid = second // interval_s * interval_s
    late = now - _EPOCH - timedelta(seconds=grid)
    return _EPOCH + timedelta(seconds=grid if late <= timedelta(seconds=interval_s) / 10 else second)


def digest(source: str, at: datetime, unreadable: bytes = b"") -> bytes:
    """Return what tells one scrape from another: its source and its time, and the page where it could not be read."""
    return hashlib.sha256(f"prometheus-scrape\n{source}\n{at.isoformat()}\n".encode() + unreadable).digest()


def rows(
    memory: Memory, places: np.ndarray, end_us: np.ndarray, start_us: np.ndarray, value: np.ndarray
) -> pa.RecordBatch:
    """Return rows of counters; a value that is not a number is stored as none."""
    objects, counters = memory.named(places)
    period_s = np.maximum(1, np.rint((end_us - start_us) / 1e6)).astype(np.int32)
    return pa.record_batch(
        {
            "time": pa.array(end_us.astype(np.int64)).cast(_INSTANT),
            "period_s": pa.array(period_s),
            "object_id": objects,
            "counter": counters,
            "value": pa.array(value, pa.float64(), mask=np.isnan(value)),
        }
    )


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
