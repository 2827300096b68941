"""Quarantined records through the collectors once more, after what was wrong has been put right.

A record goes in and leaves the quarantine in one transaction, so it is in once however often, and by however many, it
is tried. What was kept is the record itself: one that was refused as a part of its file that cannot be read alone (a
line of CSV without its header) stays, and its file is to be delivered again.
"""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from collectors.ndjson_rows import as_text
from collectors.options import Options
from collectors.raw import Raw
from collectors.records import conform
from collectors.tmf621.retrying import json_object, ticket_in
from collectors.ves import rows as ves_rows
from collectors.ves.events import Event
from collectors.ves.events import read as read_event
from records.errors import DataError
from records.kinds import COUNTERS, SUBSCRIBER_KINDS, ColumnType, Kind
from store import quarantine
from store.connection import Connection
from store.intake import Intake, Rejected
from store.keys import Keys
from store.quarantine import Held

NAME = "quarantine"
# What the store refuses after the collectors: these records are kept as they are about to be stored.
_REFUSED_BY_STORE = frozenset({"future", "too_old", "not_finite"})
_PREFIXED = re.compile(rf"^({'|'.join(SUBSCRIBER_KINDS)}):(.+)$", re.DOTALL)


@dataclass(kw_only=True)
class Retried:
    """What became of the records that were tried again; `refused` and `unreadable` ones are still there."""

    tried: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    unreadable: int = 0


def retry(intake: Intake, keys: Keys, source: str, kind: Kind, ids: Sequence[int], options: Options) -> Retried:
    """Try records of one source and kind again; those that go in, or are in already, leave the quarantine."""
    done = Retried()
    attempt = _Attempt(intake, keys, kind, ids, options)
    digest = hashlib.sha256(b"retry" + os.urandom(16)).digest()
    tally = intake.load(kind, source=source, name=NAME, digest=digest, size_bytes=0, batches=attempt.batches)
    done.tried = attempt.tried
    done.stored, done.duplicate = tally.rows_stored, tally.rows_duplicate
    done.refused = attempt.refused + tally.rows_quarantined
    done.unreadable = attempt.unreadable
    return done


class _Attempt:
    """One try, which may run twice when rows turn out to be there already."""

    def __init__(self, intake: Intake, keys: Keys, kind: Kind, ids: Sequence[int], options: Options) -> None:
        self.tried = self.refused = self.unreadable = 0
        self._intake = intake
        self._keys = keys
        self._kind = kind
        self._ids = ids
        self._options = options

    def batches(self) -> Iterator[pa.RecordBatch | Rejected]:
        """Claim the records, let go of those that are good, and say why the others are not."""
        self.tried = self.refused = self.unreadable = 0
        tables: dict[str | None, dict[int, dict[str, Any]]] = defaultdict(dict)
        events: dict[int, Event] = {}
        for held in quarantine.claim(self._connection(), self._keys, self._ids):
            self.tried += 1
            try:
                found = _read(held, self._kind)
            except DataError as error:
                self._keep(held.quarantine_id, error.code, error.column, f"{NAME} {held.quarantine_id}: {error}")
                continue
            if found is None:
                self.unreadable += 1
            elif isinstance(found, Event):
                events[held.quarantine_id] = found
            else:
                tables[found.subscriber_kind][held.quarantine_id] = found.fields
        for subscriber_kind, records in tables.items():
            yield from self._records(subscriber_kind, records)
        yield from self._events(events)

    def _records(self, subscriber_kind: str | None, records: dict[int, dict[str, Any]]) -> Iterator[pa.RecordBatch]:
        options = replace(self._options, subscriber_kind=subscriber_kind or self._options.subscriber_kind)
        good, rejected = conform(self._kind, _raw(records, self._kind), NAME, options)
        for record in rejected:
            assert record.row_number is not None
            self._keep(record.row_number, record.code, record.column, record.reason)
        quarantine.release(self._connection(), list(records.keys() - {record.row_number for record in rejected}))
        if good is not None:
            yield good

    def _events(self, events: dict[int, Event]) -> Iterator[pa.RecordBatch | Rejected]:
        """An event holds many counters: those that are still wrong take its place, one by one."""
        quarantine.release(self._connection(), list(events))
        numbered = list(events.items())
        raws = ves_rows.counters(numbered, self._options.block_rows) if self._kind is COUNTERS else None
        for raw in ves_rows.alarms(numbered) if raws is None else raws:
            good, rejected = conform(self._kind, raw, NAME, self._options)
            if good is not None:
                yield good
            yield from rejected

    def _connection(self) -> Connection:
        """The one of the open transaction: a patient intake opens another when the database was away."""
        return self._intake.connection

    def _keep(self, quarantine_id: int, code: str, column: str | None, reason: str) -> None:
        self.refused += 1
        quarantine.keep(self._connection(), quarantine_id, code, column, reason)


@dataclass(frozen=True, kw_only=True)
class _Record:
    """A record by column, and what its `subscriber_id` is where it is told."""

    fields: dict[str, Any]
    subscriber_kind: str | None = None


def _read(held: Held, kind: Kind) -> "_Record | Event | None":
    """What a payload holds; None where it cannot be read alone. Raises `DataError` where it can, and is still wrong."""
    fields = json_object(held.payload)
    if fields is None:
        return None
    if "commonEventHeader" in fields:
        event = read_event(fields, "event")
        if event.refused is not None:
            raise event.refused
        return event
    if kind.name == "complaints" and "complaint_id" not in fields:
        found = ticket_in(held.payload or b"", fields)
        return _Record(fields=dict(found.columns)) if found is not None and found.whole else None
    if not fields.keys() & {column.name for column in kind.columns}:
        return None
    return _as_stored(fields, kind) if held.code in _REFUSED_BY_STORE else _Record(fields=fields)


def _as_stored(fields: dict[str, Any], kind: Kind) -> _Record:
    """A record as it was about to be stored, back in the form that collectors read."""
    given = {name: value for name, value in fields.items() if value is not None}
    for column in kind.columns:
        value = given.get(column.name)
        if column.type is ColumnType.DIGITS8 and isinstance(value, int):
            given[column.name] = f"{value:08d}"
    if kind.name == "identities":
        given["value"] = str(given.get("value")).removeprefix(f"{str(given.get('kind')).strip().lower()}:")
    found = _PREFIXED.match(str(given.get("subscriber_id")))
    if found is None:
        return _Record(fields=given)
    given["subscriber_id"] = found[2]
    given.pop("subscriber_kind", None)
    return _Record(fields=given, subscriber_kind=found[1])


def _raw(records: dict[int, dict[str, Any]], kind: Kind) -> Raw:
    raw = as_text(list(records.values()), list(records), kind)
    if kind is not COUNTERS or not any(record.get("bins") for record in records.values()):
        return raw
    bins = pa.array([record.get("bins") for record in records.values()], pa.list_(pa.float64()))
    return Raw(batch=raw.batch.append_column("bins", bins), rows=raw.rows)
