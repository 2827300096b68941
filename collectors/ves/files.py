"""VES events in files: a document, a list of them, or one a line; told by content, wherever the file lies.

A file of events may hold counters and alarms: it is then collected as both, one batch each.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from collectors.folders import Found
from collectors.json_records import objects
from collectors.lines import Flaw
from collectors.options import Options
from collectors.raw import Notes, Raw
from collectors.streams import expand
from collectors.ves import rows
from collectors.ves.events import ALARM_DOMAINS, COUNTER_DOMAINS, Event, listed, read
from records.errors import DataError

FIRST, SECOND = "ves", "ves_again"  # formats; what is no record of either kind is told with the first
_JSON = ("json", "ndjson")
_MARK = b'"commonEventHeader"'
_HEAD_BYTES = 64 * 1024
_DOMAIN = re.compile(rb'"domain"\s*:\s*"(\w{1,40})"')
_OVERLAP = 128
_HELD_EVENTS = 256
_LIST_FACTOR = 16  # a list of events is one JSON document; each event keeps to the limit of a record


def split(found: Found, options: Options) -> tuple[Found, ...]:
    """A file of events once for each kind that it holds; any other file as it is."""
    if found.format not in _JSON or not found.path.is_file():
        return (found,)
    try:
        domains = _domains(found, options)
    except (OSError, DataError):
        return (found,)  # its reader will say what is wrong
    if domains is None:
        return (found,)
    kinds = [kind for kind, names in (("counters", COUNTER_DOMAINS), ("alarms", ALARM_DOMAINS)) if domains & {*names}]
    source = options.source or (found.source if found.source not in ("unknown", found.kind) else "ves")
    return tuple(
        replace(found, kind=kind, source=source, format=form, problem=None)
        for kind, form in zip(kinds or ["alarms"], (FIRST, SECOND), strict=False)
    )


def _domains(found: Found, options: Options) -> set[str] | None:
    """The domains that a file speaks of, or None when it holds no events."""
    domains: set[str] = set()
    kept, seen = b"", False
    with found.path.open("rb") as file:
        for piece in expand(file, found.compression, options, lambda _: None):
            kept += piece
            if not seen and len(kept) < _HEAD_BYTES:
                continue
            if not seen and _MARK not in kept:
                return None
            seen = True
            domains.update(match.decode() for match in _DOMAIN.findall(kept))
            kept = kept[-_OVERLAP:]
    if not seen and _MARK not in kept:
        return None
    domains.update(match.decode() for match in _DOMAIN.findall(kept))
    return domains


def records(pieces: Iterable[bytes], found: Found, options: Options, notes: Notes) -> Iterator[Raw | Flaw]:
    """Yield the records of one kind; events are numbered from 1. Wrong ones are told with the first kind only."""
    first = found.format == FIRST
    passed: Counter[str] = Counter()
    held: list[tuple[int, Event]] = []
    for item in _events(pieces, options):
        if isinstance(item, Flaw):
            if first:
                yield item
            continue
        event = item[1]
        if event.kind is None:
            passed[event.domain] += 1
        elif event.kind == found.kind:
            held.append(item)
            for note in event.notes:
                notes.warn(note)
        if len(held) >= _HELD_EVENTS:
            yield from _raws(found, held, options)
            held = []
    yield from _raws(found, held, options)
    for domain, count in passed.items() if first else ():
        notes.warn(f"{count} event(s) of domain {domain[:40]} hold neither counters nor alarms: passed over.")


def _raws(found: Found, held: list[tuple[int, Event]], options: Options) -> Iterator[Raw]:
    yield from rows.counters(held, options.block_rows) if found.kind == "counters" else rows.alarms(held)


def _events(pieces: Iterable[bytes], options: Options) -> Iterator[tuple[int, Event] | Flaw]:
    row = 0
    for item in objects(pieces, _LIST_FACTOR * options.max_record_bytes):
        if isinstance(item, Flaw):
            row += 1
            yield replace(item, row_number=None if item.row_number is None else row)
            continue
        try:
            entries = listed(item[1], bare=True)
        except DataError as error:
            row += 1
            yield Flaw(row_number=row, error=error, payload=_payload(item[1]))
            continue
        for entry, where in entries:
            row += 1
            yield _one(entry, where, row)


def _one(entry: object, where: str, row: int) -> tuple[int, Event] | Flaw:
    try:
        event = read(entry, where)
    except DataError as error:
        return Flaw(row_number=row, error=error, payload=_payload(entry))
    if event.refused is not None:
        return Flaw(row_number=row, error=event.refused, payload=_payload(entry))
    return row, event


def _payload(value: object) -> bytes:
    try:
        return json.dumps(value).encode()
    except (RecursionError, ValueError):
        return b""
