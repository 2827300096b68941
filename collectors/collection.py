"""Files into the store, one after another: what each one held, what was stored, and what was turned away and why."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from collectors import parquet_rows, pm_xml, tables, tickets
from collectors.folders import Found, find
from collectors.lines import Flaw
from collectors.mapped import mapped
from collectors.options import Options
from collectors.problems import discreet
from collectors.raw import Notes, Raw
from collectors.records import conform
from collectors.streams import Identity, expand, identify, unchanged
from collectors.ves import files as ves_files
from records.errors import DataError, TransientError
from records.kinds import KINDS, Redelivery
from store.intake import Intake, Rejected

Progress = Callable[[Path, int], None]
_PEEK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One way in which records of a file were wrong: how many, and the first one's message."""

    code: str
    column: str | None
    count: int
    first: str


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """What came of one file; `error` is why nothing of it was read, `temporary` that another try may work."""

    path: Path
    kind: str | None
    source: str
    rows_read: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    already_loaded: bool = False
    error: str | None = None
    temporary: bool = False
    reasons: tuple[Reason, ...] = ()
    dropped_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def collect(
    paths: Sequence[Path], *, intake: Intake, options: Options | None = None, progress: Progress | None = None
) -> Iterator[FileResult]:
    """Collect files and folders, one committed batch for each file; `progress` hears of raw bytes as they are read.

    Raises `TransientError` when the database fails; what was yielded before is stored.
    """
    chosen = options or Options()
    for found in find(paths, chosen):
        for part in ves_files.split(found, chosen):
            yield _collected(part, intake, chosen, progress)


def _collected(found: Found, intake: Intake, options: Options, progress: Progress | None) -> FileResult:
    began = time.monotonic()
    if found.problem is not None or found.kind is None:
        return FileResult(path=found.path, kind=found.kind, source=found.source, error=found.problem)
    try:
        identity = identify(found.path)
        if not identity.size_bytes:
            return FileResult(path=found.path, kind=found.kind, source=found.source, notes=("the file is empty.",))
        reading = Reading(found, identity, options, progress)
        tally = intake.load(
            KINDS[found.kind],
            source=found.source,
            name=found.path.name,
            digest=identity.digest,
            size_bytes=identity.size_bytes,
            batches=reading.batches,
        )
    except (OSError, FileChangedError) as error:
        text = str(error) if isinstance(error, FileChangedError) else f"cannot be read: {error.strerror or error}."
        temporary = isinstance(error, FileChangedError)
        return FileResult(path=found.path, kind=found.kind, source=found.source, error=text, temporary=temporary)
    except DataError as error:
        text = f"nothing of it was stored: {error}"
        return FileResult(path=found.path, kind=found.kind, source=found.source, error=text)
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
        reasons=reading.reasons(),
        dropped_columns=tuple(sorted(map(discreet, reading.notes.dropped))),  # without a header they are values
        notes=(*reading.said(tally.already_loaded), *_corrected(found.kind, tally.name_known)),
    )


def _corrected(kind: str, name_known: bool) -> tuple[str, ...]:
    if not name_known:
        return ()
    replaces = KINDS[kind].redelivery is Redelivery.SUPERSEDE
    what = "what it says again replaces what was said" if replaces else "records that are in stay as they are"
    return (f"a file of this name came before with other content: {what}.",)


class FileChangedError(TransientError):
    """A file was written to while it was read."""


class Reading:
    """One file as batches of records, as often as it is asked for."""

    def __init__(self, found: Found, identity: Identity, options: Options, progress: Progress | None) -> None:
        assert found.kind is not None
        self.notes = Notes()
        self._found = found
        self._kind = KINDS[found.kind]
        self._identity = identity
        self._options = options
        self._progress = progress
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._firsts: dict[tuple[str, str | None], str] = {}
        self._records = 0
        self._place = f"{found.path.name} {'line' if found.format == 'xml' else 'row'}"

    def batches(self) -> Iterator[pa.RecordBatch | Rejected]:
        """Yield good records in blocks and the others one by one, from the start of the file."""
        self.notes, self._records = Notes(), 0
        self._counts.clear()
        self._firsts.clear()
        try:
            for item in self._items():
                yield from self._taken(item)
        except DataError as error:
            yield self._turned_away(Flaw(row_number=None, error=error, payload=b""))
        try:
            unchanged(self._found.path, self._identity)
        except TransientError as error:
            raise FileChangedError(str(error)) from None

    def reasons(self) -> tuple[Reason, ...]:
        """Why records were turned away, the most frequent first."""
        return tuple(
            Reason(code=key[0], column=key[1], count=count, first=self._firsts[key])
            for key, count in self._counts.most_common()
        )

    def said(self, already_loaded: bool) -> tuple[str, ...]:
        """What is to be said of the file as a whole."""
        empty = not already_loaded and not self._records and not self._counts
        return (*self.notes.warnings, *(["the file holds no records."] if empty else []))

    def _taken(self, item: Raw | Flaw) -> Iterator[pa.RecordBatch | Rejected]:
        if isinstance(item, Flaw):
            yield self._turned_away(item)
            return
        self._records += item.batch.num_rows
        good, rejected = conform(self._kind, item, self._place, self._options)
        if good is not None:
            yield good
        for record in rejected:
            self._count(record)
            yield record

    def _turned_away(self, flaw: Flaw) -> Rejected:
        name = self._found.path.name
        place = f"{name}: " if flaw.row_number is None else f"{self._place} {flaw.row_number} "
        record = Rejected(
            row_number=flaw.row_number,
            code=flaw.error.code,
            column=flaw.error.column,
            reason=f"{place}{flaw.error}",
            payload=flaw.payload,
        )
        self._count(record)
        return record

    def _count(self, record: Rejected) -> None:
        key = (record.code, record.column)
        self._counts[key] += 1
        self._firsts.setdefault(key, record.reason)

    def _items(self) -> Iterator[Raw | Flaw]:
        found, options = self._found, self._options
        if found.format == "parquet":
            named = self._kind if found.mapping is None else found.mapping.given_kind
            items = parquet_rows.read(found.path, found.compression, named, options, self.notes, self._advance)
            yield from items if found.mapping is None else mapped(items, found.mapping)
            return
        with found.path.open("rb") as file:
            pieces = expand(file, found.compression, options, self._advance)
            if found.format == "xml":
                self._only_counters()
                yield from pm_xml.read(pieces, options, self.notes, found.path.name)
            elif found.format in (ves_files.FIRST, ves_files.SECOND):
                yield from ves_files.records(pieces, found, options, self.notes)
            elif found.format == "csv" or found.mapping is not None:
                yield from tables.read(pieces, found.format, self._kind, options, self.notes, found.mapping)
            else:
                yield from self._json(pieces)

    def _json(self, pieces: Iterator[bytes]) -> Iterator[Raw | Flaw]:
        """Complaints without our column names are tickets of TMF621; all else is a table, one object a line."""
        head, rest = _peek(pieces)
        if self._kind.name == "complaints" and b'"complaint_id"' not in head:
            yield from tickets.read(rest, self._options, self.notes)
            return
        if head.lstrip().startswith(b"["):
            self.notes.warn("the file is a JSON array; a table is NDJSON: one object a line.")
        yield from tables.read(rest, "ndjson", self._kind, self._options, self.notes)

    def _only_counters(self) -> None:
        if self._kind.name != "counters":
            raise DataError(
                f"it is XML, which only counters (3GPP PM files) come in; its place says {self._kind.name}.",
                code="kind",
            )

    def _advance(self, raw_bytes: int) -> None:
        if self._progress is not None:
            self._progress(self._found.path, raw_bytes)


def _peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and the stream as if they had not been read; a break comes after them."""
    held: list[bytes] = []
    broken: list[DataError] = []
    try:
        while sum(map(len, held)) < _PEEK_BYTES and (piece := next(pieces, b"")):
            held.append(piece)
    except DataError as error:
        broken.append(error)

    def again() -> Iterator[bytes]:
        yield from held
        if broken:
            raise broken[0]
        yield from pieces

    return b"".join(held)[:_PEEK_BYTES], again()
