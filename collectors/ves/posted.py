"""What was posted to the event listener, on its way into the database: each event once, however often it is sent."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from collectors.listening.database import Database, Opened
from collectors.listening.requests import document
from collectors.listening.sink import DatabaseSink
from collectors.options import Options
from collectors.records import conform
from collectors.ves import rows
from collectors.ves.events import Event, listed, read
from records.kinds import ALARMS, COUNTERS, Kind
from store.events import note_events
from store.intake import Rejected

NAME = "eventListener"


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The events of one request."""

    events: tuple[Event, ...]
    size_bytes: int


def posted(body: bytes, major: str | None = None) -> Posted:
    """Read the body of a request; raises `RefusalError` or `DataError` where anything of it is wrong."""
    events = tuple(read(entry, where, major=major) for entry, where in listed(document(body)))
    return Posted(events=events, size_bytes=len(body))


class EventSink(DatabaseSink):
    """Commits events of any number of requests, in one transaction for each kind of record."""

    def __init__(self, database: Database, source: str, options: Options, tell: Callable[[str], None]) -> None:
        super().__init__(database, source=source, kind=ALARMS, name=NAME, read=posted)
        self._options = options
        self._tell = tell

    def commit(self, contents: Sequence[object]) -> None:
        """Store what the requests hold and was not stored before."""
        requests = [content for content in contents if isinstance(content, Posted)]
        events = [event for request in requests for event in request.events]
        size_bytes = sum(request.size_bytes for request in requests)
        for note in sorted({note for event in events for note in event.notes}):
            self._tell(note)
        with self._database.working() as opened:
            for kind in (COUNTERS, ALARMS):
                chosen = [event for event in events if event.kind == kind.name]
                if chosen:
                    self._load(opened, kind, chosen, size_bytes)

    def _load(self, opened: Opened, kind: Kind, events: list[Event], size_bytes: int) -> None:
        source_id = int(opened.labels.sources([self._source])[0])
        opened.intake.load(
            kind,
            source=self._source,
            name=NAME,
            digest=hashlib.sha256(b"".join(event.digest for event in events)).digest(),
            size_bytes=size_bytes,
            batches=lambda: self._batches(opened, kind, events, source_id),
        )

    def _batches(
        self, opened: Opened, kind: Kind, events: list[Event], source_id: int
    ) -> Iterator[pa.RecordBatch | Rejected]:
        """The records of new events; asked inside the intake's transaction, so noted as seen with their rows."""
        new = note_events(
            opened.connection, source_id, [event.digest for event in events], [event.time_us for event in events]
        )
        chosen: list[tuple[int, Event]] = []
        for row, event in enumerate(events, 1):
            if event.digest in new:
                new.remove(event.digest)
                chosen.append((row, event))
        yield from (_refused(row, event) for row, event in chosen if event.refused is not None)
        raws = rows.counters(chosen, self._options.block_rows) if kind is COUNTERS else rows.alarms(chosen)
        for raw in raws:
            good, rejected = conform(kind, raw, f"{NAME} event", self._options)
            if good is not None:
                yield good
            yield from rejected


def _refused(row: int, event: Event) -> Rejected:
    assert event.refused is not None
    return Rejected(
        row_number=row,
        code=event.refused.code,
        column=event.refused.column,
        reason=f"{NAME} event {row} {event.refused}",
        payload=event.kept,
    )
