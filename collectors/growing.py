"""A CSV or NDJSON file that is still written to: read on from where it stopped, each piece a batch of its own.

A file is known by the bytes that were read of it, not by its name: SHA-256 of them and their number are kept in the
database and moved in the transaction that stores a piece. A half-written last line waits for its end.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from collectors import tables
from collectors.collection import FileResult
from collectors.delivery import Records
from collectors.folders import Found
from collectors.lines import Flaw, record_ends
from collectors.options import MIB, Options
from collectors.raw import Notes, Raw
from records.kinds import KINDS
from store import progress
from store.intake import Intake, Rejected
from store.progress import FileProgress

FORMATS = ("csv", "ndjson")
_PIECE_BYTES = 32 * MIB
_BLOCK_BYTES = MIB
_TAIL_BYTES = 1024


@dataclass(kw_only=True)
class Place:
    """How far a file was read: its bytes, their running digest, and the rows in them."""

    read_bytes: int = 0
    rows: int = 0
    digest: Any = None
    header: bytes = b""
    tail: bytes = b""

    def fits(self, path: Path) -> bool:
        """Whether the file still holds, right before this place, what was read there."""
        with path.open("rb") as file:
            file.seek(self.read_bytes - len(self.tail))
            return file.read(len(self.tail)) == self.tail

    @property
    def key(self) -> bytes | None:
        """The digest of what was read; None where nothing was."""
        return self.digest.digest() if self.read_bytes else None


def can_grow(found: Found) -> bool:
    """Whether files of this format can be read while they are written."""
    return found.format in FORMATS and found.compression is None and found.problem is None and found.kind is not None


def find_place(found: Found, intake: Intake) -> Place:
    """Where reading of the file stopped, told by its content; the beginning where nothing of it is known."""
    assert found.kind is not None
    size = found.path.stat().st_size
    begun = progress.files_begun(intake.connection, found.source, found.kind, size)
    best = Place(digest=hashlib.sha256())
    running = hashlib.sha256()
    done = 0
    with found.path.open("rb") as file:
        for read_bytes in sorted(begun):
            while done < read_bytes and (block := file.read(min(_BLOCK_BYTES, read_bytes - done))):
                running.update(block)
                done += len(block)
            rows = begun[read_bytes].get(running.digest())
            if rows is not None and done == read_bytes:
                best = Place(read_bytes=done, rows=rows, digest=running.copy())
        if best.read_bytes and found.format == "csv":
            file.seek(0)
            best.header = file.readline(_BLOCK_BYTES)
        file.seek(max(0, best.read_bytes - _TAIL_BYTES))
        best.tail = file.read(min(_TAIL_BYTES, best.read_bytes))
    return best


def read_on(found: Found, place: Place, intake: Intake, options: Options, *, whole: bool = False) -> FileResult | None:
    """Store the next piece and move `place`; None where no further record is whole yet.

    `whole`: the file is said to be finished, so a last line without its end is a record too.
    """
    assert found.kind is not None
    began, kind = time.monotonic(), KINDS[found.kind]
    piece = _next_piece(found, place, whole)
    if not piece:
        return None
    after = _moved(found, place, piece)
    if after.header == piece:  # the names of columns alone are no piece: many files begin alike
        return None
    records = Records(kind, f"{found.path.name} row", options, _reader(found, place, piece, options))
    state = FileProgress(
        name=found.path.name, read_bytes=after.read_bytes, digest=after.digest.digest(), rows_read=after.rows
    )

    def batches() -> Iterator[pa.RecordBatch | Rejected]:
        progress.save_file(intake.connection, found.source, kind.name, place.key, state, intake.clock_now)
        yield from records.batches()

    tally = intake.load(
        kind,
        source=found.source,
        name=f"{found.path.name}@{place.read_bytes}",
        digest=state.digest,
        size_bytes=len(piece),
        batches=batches,
    )
    if tally.already_loaded:  # the whole file was collected when it had this length
        progress.save_file(intake.connection, found.source, kind.name, place.key, state, intake.clock_now)
    place.__dict__.update(after.__dict__)
    return FileResult(
        path=found.path,
        kind=found.kind,
        source=found.source,
        rows_read=tally.rows_read,
        stored=tally.rows_stored,
        duplicate=tally.rows_duplicate,
        quarantined=tally.rows_quarantined,
        seconds=time.monotonic() - began,
        already_loaded=tally.already_loaded,
        reasons=records.reasons(),
        dropped_columns=tuple(sorted(records.notes.dropped)),
        notes=tuple(records.notes.warnings),
    )


def _next_piece(found: Found, place: Place, whole: bool) -> bytes:
    """Whole records from where reading stopped; an over-long line is given as it is, for its reader to refuse."""
    with found.path.open("rb") as file:
        file.seek(place.read_bytes)
        data = file.read(_PIECE_BYTES)
    if whole and len(data) < _PIECE_BYTES:
        return data
    last = record_ends(data, quoted=found.format == "csv")
    if not len(last):
        return data if len(data) == _PIECE_BYTES else b""
    return data[: int(last[-1]) + 1]


def _moved(found: Found, place: Place, piece: bytes) -> Place:
    digest = place.digest.copy()
    digest.update(piece)
    rows = len(record_ends(piece, quoted=found.format == "csv")) + (not piece.endswith(b"\n"))
    header = place.header
    if found.format == "csv" and not place.read_bytes:
        header = piece[: piece.find(b"\n") + 1] or piece
    tail = (place.tail + piece[-_TAIL_BYTES:])[-_TAIL_BYTES:]
    return Place(
        read_bytes=place.read_bytes + len(piece), rows=place.rows + rows, digest=digest, header=header, tail=tail
    )


def _reader(found: Found, place: Place, piece: bytes, options: Options) -> Callable[[Notes], Iterator[Raw | Flaw]]:
    """Reads one piece under the header of its file, its rows numbered as in the whole of it."""
    shift = place.rows - (1 if place.header else 0)

    def read(notes: Notes) -> Iterator[Raw | Flaw]:
        kind = KINDS[found.kind or ""]
        for item in tables.read([place.header, piece], found.format, kind, options, notes, found.mapping):
            if isinstance(item, Raw):
                yield replace(item, rows=pc.add(item.rows, shift))
            else:
                yield replace(item, row_number=None if item.row_number is None else item.row_number + shift)

    return read
