"""3GPP performance measurement files, `measCollecFile` (TS 32.435) and `measDataFile` (TS 28.532, 28.550), as counters.

The period is `granPeriod` endTime minus duration, never the header's beginTime. Values come as a list or numbered by
`p`, decided in each `measInfo`. NIL is missing; a value with commas is a vector and goes to `bins`. The object is named
by the non-empty parts of dnPrefix, localDn and measObjLdn, joined by commas. Elements go by their local names.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from collectors.lines import Flaw
from collectors.options import Options
from collectors.pm_values import Values
from collectors.raw import Notes, Raw
from records.errors import DataError

ROOTS = ("measCollecFile", "measDataFile")
_ELEMENTS = ("managedElement", "measEntity")
_PROLOG_BYTES = 64 * 1024
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0+)?S)?)?$")


def read(pieces: Iterable[bytes], options: Options, notes: Notes) -> Iterator[Raw | Flaw]:
    """Yield a row for each counter and object; rows are numbered by the line of their `measValue`."""
    reader = _Reader(options.block_rows)
    try:
        for event, element in _events(_Source(pieces, notes)):
            yield from reader.start(element) if event == "start" else reader.end(element)
    except etree.XMLSyntaxError as error:
        yield from reader.flush()
        text = f"it is broken XML ({error.msg}): the rest was not read."
        yield Flaw(row_number=None, error=DataError(text, code="broken_xml"), payload=b"")
    except DataError as error:
        yield from reader.flush()
        yield Flaw(row_number=None, error=error, payload=b"")
    else:
        yield from reader.flush()


def _events(source: "_Source") -> Iterator[tuple[str, etree._Element]]:
    """Parse with no DTD, no entities, no network; lxml's own limits on depth and size stay on."""
    checked = False
    for event, element in etree.iterparse(
        source,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    ):
        if not checked:
            _check_root(element)
            checked = True
        yield event, element


def _check_root(root: etree._Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    if _local(root) not in ROOTS:
        raise DataError(
            f"its root element is {_local(root)}; measCollecFile (TS 32.435) or measDataFile (TS 28.532) is needed.",
            code="root",
        )


def _doctype() -> DataError:
    return DataError(
        "it has a DOCTYPE, which no 3GPP file has and which may attack its reader: refused.", code="doctype"
    )


class _Source:
    """The stream as lxml reads it; what stands before the XML declaration is dropped, as one vendor's files need."""

    def __init__(self, pieces: Iterable[bytes], notes: Notes) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._failed: DataError | None = None
        while len(self._held) < _PROLOG_BYTES and (piece := self._next()):
            self._held += piece
        head = self._held[:_PROLOG_BYTES]
        declared = re.search(rb"<\?xml\s", head)
        root = re.search(rb"<[A-Za-z_]", head)
        if declared and declared.start() > 3 and (root is None or declared.start() < root.start()):
            notes.warn("the XML declaration is not at the start: what stands before it was dropped.")
            self._held = self._held[declared.start() :]
        if b"<!DOCTYPE" in head[: root.start() if root else None]:
            raise _doctype()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; a break of the stream is raised once all before it was read."""
        if not self._held:
            self._held = self._next()
        if not self._held and self._failed is not None:
            raise self._failed
        size = len(self._held) if size < 0 else size
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    def _next(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except DataError as error:
            self._failed = error
            return b""


class _Reader:
    """What the elements around a value have said so far."""

    def __init__(self, block_rows: int) -> None:
        self._block_rows = block_rows
        self._values = Values()
        self._prefix: str | None = None
        self._element: str | None = None
        self._end = ""
        self._period_s: int | None = None
        self._names: dict[str, str] = {}

    def start(self, element: etree._Element) -> Iterator[Raw | Flaw]:
        """Take in what an element says in its attributes."""
        tag = _local(element)
        if tag == "fileHeader":
            self._prefix = element.get("dnPrefix") or ""
        elif tag in _ELEMENTS:
            self._element = element.get("localDn") or ""
        elif tag == "measInfo":
            self._end, self._period_s, self._names = "", None, {}
            if self._prefix is None:
                raise DataError("it has no fileHeader, so its objects cannot be named.", code="header")
        elif tag == "granPeriod":
            self._end = element.get("endTime") or ""
            self._period_s = _seconds(element.get("duration") or "")
        yield from ()

    def end(self, element: etree._Element) -> Iterator[Raw | Flaw]:
        """Take in a whole element and let it go."""
        tag = _local(element)
        if tag == "measTypes":
            self._names = {str(index): name for index, name in enumerate((element.text or "").split(), 1)}
        elif tag == "measType":
            self._names[element.get("p") or str(len(self._names) + 1)] = (element.text or "").strip()
        elif tag == "measValue":
            try:
                yield from self._value(element)
            except DataError as error:
                yield _flaw(element, error)
            if len(self._values) >= self._block_rows:
                yield from self.flush()
            _forget(element)
        elif tag == "measInfo":
            _forget(element)
        elif tag == "measData" and element.get("beginTime") is None and element.get("endTime") is None:
            self._element = None
            _forget(element)

    def flush(self) -> Iterator[Raw]:
        """Give the rows that are held."""
        if len(self._values):
            yield self._values.take()

    def _value(self, element: etree._Element) -> Iterator[Flaw]:
        """Hold the values of one object; a value that no type names is a flaw of its own."""
        if self._element is None:
            raise DataError(
                "stands under no managedElement or measEntity, so its object cannot be named.", code="element"
            )
        if self._period_s is None:
            raise DataError("has no granPeriod with a duration such as PT900S.", code="period")
        suspect, results = "false", None
        numbered: list[tuple[str, str]] = []
        for child in element:
            tag = _local(child)
            if tag == "measResults":
                results = (child.text or "").split()
            elif tag == "r":
                numbered.append((child.get("p") or str(len(numbered) + 1), (child.text or "").strip()))
            elif tag == "suspect":
                suspect = (child.text or "").strip().lower()
        for p, _ in numbered:
            if p not in self._names:
                yield _flaw(element, DataError(f"has a value p={p[:20]!r} that no measType names.", code="position"))
        parts = (self._prefix, self._element, element.get("measObjLdn"))
        self._values.add(
            pairs=self._pairs(results, numbered),
            object_id=",".join(part.strip() for part in parts if part and part.strip()),
            end=self._end,
            period_s=self._period_s,
            suspect=suspect,
            row=_line(element),
        )

    def _pairs(self, results: list[str] | None, numbered: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if results is not None:
            if len(results) != len(self._names):
                raise DataError(f"has {len(results)} values for {len(self._names)} counters.", code="length")
            return list(zip(self._names.values(), results, strict=True))
        return [(self._names[p], text) for p, text in numbered if p in self._names]


def _seconds(duration: str) -> int | None:
    """Seconds of an ISO 8601 duration without months; None where it is none."""
    match = _DURATION.match(duration.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds or None


def _flaw(element: etree._Element, error: DataError) -> Flaw:
    return Flaw(row_number=_line(element), error=error, payload=etree.tostring(element))


def _line(element: Any) -> int:
    return int(element.sourceline or 0)


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _forget(element: etree._Element) -> None:
    """Free a whole element and those before it: memory does not grow with the file."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
