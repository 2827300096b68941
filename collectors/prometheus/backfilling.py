"""Back-filling: the history that a Prometheus server keeps, in chunks that are each in the store exactly once."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.prometheus.memory import Memory
from collectors.prometheus.scraping import rows
from collectors.prometheus.selectors import with_name
from collectors.prometheus.series import check, counter_of, object_of
from collectors.prometheus.server import Range, Server, Steps, on_time
from collectors.prometheus.steps import Told, increases, outages
from collectors.prometheus.targets import MOST_POINTS, ServerTarget
from records.errors import ConfigError, DataError, TransientError
from records.kinds import COUNTERS
from store import scrapes
from store.intake import Intake, Rejected, Tally
from store.scrapes import Outage

_TARGET_LABELS = ("job", "instance", "__name__")


@dataclass(kw_only=True)
class Chunk:
    """One chunk that was read, `start` excluded; `already_loaded` chunks were not asked for again."""

    source: str
    start: datetime
    end: datetime
    already_loaded: bool = False
    series: int = 0
    resets: int = 0
    outages: int = 0
    warnings: tuple[str, ...] = ()
    tally: Tally = field(default_factory=Tally)


Then = Callable[[Chunk], None]


@dataclass(kw_only=True)
class _Read:
    """What a chunk holds, fetched before its transaction begins."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rejected: dict[tuple[str, str], int] = field(default_factory=dict)
    outages: list[Outage] = field(default_factory=list)
    series: int = 0
    resets: int = 0


def backfill(
    target: ServerTarget, intake: Intake, start: datetime, end: datetime, *, then: Then | None = None
) -> Iterator[Chunk]:
    """Read the history of `target` from `start` to `end`, oldest chunk first, each committed before the next.

    Chunks lie on a grid, so that a run that was broken off, or one over a longer time, skips what is in (as long as
    the source's settings are the same). Counters become increases per step, with resets; a step in which a series had
    no sample of its own has no row. `then` is called with each chunk, in its transaction. Raises `ConfigError`,
    `DataError` or `TransientError` with the server's words.
    """
    reach_s = target.step_s * _points(target)
    if start.tzinfo is None or end.tzinfo is None or start >= end:
        raise ConfigError(f"start {start} must lie before end {end}, both with an offset")
    first, last = _floor(start, target.step_s), _floor(end, target.step_s)
    server = Server(target=target)
    try:
        while first < last:
            border = min(_floor(first, reach_s) + timedelta(seconds=reach_s), last)
            yield _chunk(server, intake, first, border, then)
            first = border
    finally:
        server.close()


def catch_up(target: ServerTarget, intake: Intake, now: datetime) -> Iterator[Chunk]:
    """Read what is new since the last call (the first one begins `history_s` back), up to `delay_s` before `now`.

    While the server does not answer, an outage is open and `TransientError` is raised.
    """
    intake.clock_now = now
    connection = intake.connection
    source_id = scrapes.source_number(connection, target.name)
    state = scrapes.state(connection, source_id)
    end = _floor(now - timedelta(seconds=target.delay_s), target.step_s)
    start = state.at if state else end - timedelta(seconds=target.history_s)
    if _floor(start, target.step_s) >= end:
        return

    def done(chunk: Chunk) -> None:
        scrapes.keep(connection, source_id, chunk.end, chunk.series, b"")
        scrapes.came_back(connection, source_id, now)

    try:
        for chunk in backfill(target, intake, start, end, then=done):
            if chunk.already_loaded:
                done(chunk)
            yield chunk
    except TransientError as error:
        with connection.transaction():
            scrapes.went_away(connection, source_id, now, f"server: {error}")
        raise


def _chunk(server: Server, intake: Intake, start: datetime, end: datetime, then: Then | None) -> Chunk:
    target, connection = server.target, intake.connection
    chunk = Chunk(source=target.name, start=start, end=end)
    source_id = scrapes.source_number(connection, target.name)
    key = digest(target, start, end)
    if scrapes.loaded(connection, source_id, COUNTERS.name, key):
        chunk.already_loaded = True
        return chunk
    lead = _lead(target)
    count = lead + round((end - start).total_seconds()) // target.step_s + 1
    steps = Steps(start=start - timedelta(seconds=lead * target.step_s), step_s=target.step_s, count=count)
    read = _Reader(server, steps, lead).read()
    chunk.series, chunk.resets, chunk.outages = read.series, read.resets, len(read.outages)
    chunk.warnings = tuple(dict.fromkeys(server.warnings))
    server.warnings.clear()

    def batches() -> Iterator[pa.RecordBatch | Rejected]:
        for (code, reason), times in read.rejected.items():
            yield Rejected(row_number=None, code=code, reason=f"{reason} ({times} series)")
        for warning in chunk.warnings:
            yield Rejected(row_number=None, code="partial", reason=f"the server warned: {warning}")
        yield from read.batches
        for outage in read.outages:
            scrapes.was_away(connection, source_id, outage)
        if then is not None:
            then(chunk)

    chunk.tally = intake.load(
        COUNTERS,
        source=target.name,
        name=f"{target.access.instance} {start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}",
        digest=key,
        size_bytes=sum(batch.nbytes for batch in read.batches),
        batches=batches,
    )
    return chunk


class _Reader:
    """Reads one chunk; the steps up to the one numbered `since` are only there to count from."""

    def __init__(self, server: Server, steps: Steps, since: int) -> None:
        self._server, self._steps, self._target, self._since = server, steps, server.target, since
        self._memory = Memory()
        self._read = _Read()
        self._left_out = {*_TARGET_LABELS, *self._target.object_labels}

    def read(self) -> _Read:
        """Ask for everything that the source names."""
        named = {
            name: selector for selector in self._target.match for name in self._server.names(selector, self._steps)
        }
        counters = self._server.counters(list(named)) if named else set()
        for name, selector in named.items():
            self._metric(name, with_name(selector, name), counted=name in counters)
        for name, query in self._target.queries.items():
            for found in self._server.range(query, self._steps):
                self._add(name, found, self._values(found, found.there))
        if self._target.up:
            for found in self._server.range(self._target.up, self._steps):
                self._read.outages += list(outages(found, self._steps, self._object(found), self._since))
        return self._read

    def _metric(self, name: str, selector: str, *, counted: bool) -> None:
        """Values, when the samples behind them were taken, and for counters how often they began again."""
        values = self._server.range(selector, self._steps)
        taken = _by_labels(self._server.range(f"timestamp({selector})", self._steps))
        again = (
            _by_labels(self._server.range(f"resets({selector}[{self._steps.step_s}s])", self._steps)) if counted else {}
        )
        for found in values:
            sampled = taken.get(_key(found))
            if sampled is None:
                continue
            place = np.where(found.there & sampled.there, on_time(sampled.value, self._steps), -1)
            resets = again.get(_key(found))
            fallen = np.zeros(self._steps.count) if resets is None else np.nan_to_num(resets.value)
            told = (
                increases(found, place, fallen, _lead(self._target), self._since)
                if counted
                else self._values(found, place == np.arange(self._steps.count))
            )
            self._add(name, found, told)

    def _values(self, found: Range, fresh: NDArray[np.bool_]) -> Told:
        ends = np.flatnonzero(found.there & fresh)
        ends = ends[ends > self._since]
        return Told(ends=ends, starts=ends - 1, value=found.value[ends])

    def _add(self, name: str, found: Range, told: Told) -> None:
        labels = dict(found.labels)
        object_id, counter = self._object(found), counter_of(name, labels, self._left_out)
        try:
            check(labels, object_id, counter)
        except DataError as error:
            key = (error.code, str(error))
            self._read.rejected[key] = self._read.rejected.get(key, 0) + 1
            return
        self._read.series += 1
        self._read.resets += told.resets
        if len(told.ends):
            place = np.full(len(told.ends), self._memory.place(object_id, counter), np.intp)
            instants_us = self._steps.first_s * 1_000_000 + np.stack([told.starts, told.ends]) * (
                self._steps.step_s * 1_000_000
            )
            self._read.batches.append(rows(self._memory, place, instants_us[1], instants_us[0], told.value))

    def _object(self, found: Range) -> str:
        return object_of(found.labels, self._target.object_labels, self._target.name)


def digest(target: ServerTarget, start: datetime, end: datetime) -> bytes:
    """Return what tells one chunk from another: the source, what is asked of it, and the time."""
    asked = [
        "prometheus-api", target.name, start.isoformat(), end.isoformat(), target.step_s, target.match,
        dict(target.queries), target.up, target.object_labels, target.max_gap_s,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()


def _lead(target: ServerTarget) -> int:
    """How many steps before a chunk are read, so that a gap across its border is as one inside it."""
    return max(1, target.max_gap_s // target.step_s)


def _points(target: ServerTarget) -> int:
    most = MOST_POINTS - 1 - _lead(target)
    if not 1 <= target.chunk_points <= most:
        raise ConfigError(
            f"chunk_points is {target.chunk_points}; with this step_s and max_gap_s 1 to {most} are possible"
        )
    return target.chunk_points


def _key(found: Range) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in found.labels.items() if name != "__name__"))


def _by_labels(found: list[Range]) -> dict[tuple[tuple[str, str], ...], Range]:
    return {_key(one): one for one in found}


def _floor(moment: datetime, length_s: int) -> datetime:
    seconds = int(moment.timestamp()) // length_s * length_s
    return datetime.fromtimestamp(seconds, UTC)
