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
from collectors.pm_names import NameCheck
from collectors.pm_runs import Numbered, Runs, written
from collectors.pm_source import Source
from collectors.pm_values import Values
from collectors.raw import Notes, Raw
from records.errors import DataError

_ELEMENTS = ("managedElement", "measEntity")
_HEARD = ("fileHeader", *_ELEMENTS, "measData", "measInfo", "granPeriod", "measValue")
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0+)?S)?)?$")


def read(pieces: Iterable[bytes], options: Options, notes: Notes, name: str = "") -> Iterator[Raw | Flaw]:
    """Yield a row for each counter and object; rows are numbered by the line of their `measValue`.

    The file's `name` is held against its content.
    """
    reader = _Reader(options.block_rows, NameCheck(name, notes))
    source: Source | None = None
    try:
        source = Source(pieces, notes)
        reader.runs = source.runs
        for event, element in _events(source):
            source.progress()
            yield from reader.start(element) if event == "start" else reader.end(element)
    except etree.XMLSyntaxError as error:
        yield from reader.flush()
        yield Flaw(row_number=None, error=_broken(error, source is not None and source.cut_off), payload=b"")
    except DataError as error:
        yield from reader.flush()
        yield Flaw(row_number=None, error=error, payload=b"")
    else:
        yield from reader.flush()


def _events(source: Source) -> Iterator[tuple[str, etree._Element]]:
    """Parse with no DTD, no entities, no network; lxml's own limits on depth and size stay on."""
    events: Iterator[tuple[str, etree._Element]] = etree.iterparse(
        source,
        events=("start", "end"),
        tag=[f"{{*}}{name}" for name in _HEARD],
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return events


def _broken(error: etree.XMLSyntaxError, cut_off: bool) -> DataError:
    if cut_off:
        text = "it is broken XML: it ends before its root element does, so it is cut off or still being written."
        return DataError(f"{text} What came before is in; collect it again when it is whole.", code="unfinished")
    return DataError(f"it is broken XML ({error.msg}): the rest was not read.", code="broken_xml")


class _Reader:
    """What the elements around a value have said so far."""

    def __init__(self, block_rows: int, check: NameCheck) -> None:
        self._check = check
        self.runs = Runs(b"")
        self._block_rows = block_rows
        self._values = Values()
        self._prefix: str | None = None
        self._element: str | None = None
        self._end = ""
        self._period_s: int | None = None
        self._names: dict[str, str] = {}
        self._counters: tuple[str, ...] = ()

    def start(self, element: etree._Element) -> Iterator[Raw | Flaw]:
        """Take in what an element says in its attributes."""
        tag = _local(element)
        if tag == "fileHeader":
            self._prefix = element.get("dnPrefix") or ""
        elif tag in _ELEMENTS:
            self._element = element.get("localDn") or ""
        elif tag == "measInfo":
            self._end, self._period_s, self._names, self._counters = "", None, {}, ()
            if self._prefix is None:
                raise DataError("it has no fileHeader, so its objects cannot be named.", code="header")
        elif tag == "granPeriod":
            self._end = element.get("endTime") or ""
            self._period_s = _seconds(element.get("duration") or "")
            self._check.see(self._end, self._period_s)
        yield from ()

    def end(self, element: etree._Element) -> Iterator[Raw | Flaw]:
        """Take in a whole element and let it go."""
        tag = _local(element)
        if tag == "measValue":
            self._name_counters(element)
            found = self._found(element)
            try:
                yield from self._value(element, found)
            except DataError as error:
                yield _flaw(element, error, found)
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

    def _name_counters(self, value: etree._Element) -> None:
        """Take in the types that stand before a value; those of values before it were taken and let go."""
        info, before = value.getparent(), value.getprevious()
        if info is None or before is None or before.tag == value.tag:
            return
        for types in info.iterchildren("{*}measTypes"):
            self._names = {str(index): name for index, name in enumerate((types.text or "").split(), 1)}
            self._counters = tuple(self._names.values())
        known = self._names
        for one in info.iterchildren("{*}measType"):
            run = self.runs.take(one)
            new = run if run is not None else [(one.get("p") or str(len(self._names) + 1), (one.text or "").strip())]
            self._names = self._names | dict(new)
        if self._names is not known:
            self._counters = tuple(self._names.values())

    def _found(self, value: etree._Element) -> "_Found":
        """What a value holds; a list of results has no places."""
        found = _Found()
        for child in value:
            tag = _local(child)
            if tag == "r":
                run = self.runs.take(child)
                found.numbered += run if run is not None else [found.one(child)]
            elif tag == "measResults":
                found.results = (child.text or "").split()
            elif tag == "suspect":
                found.suspect = (child.text or "").strip().lower()
        return found

    def _value(self, element: etree._Element, found: "_Found") -> Iterator[Flaw]:
        """Hold the values of one object; a value that no type names is a flaw of its own."""
        if self._element is None:
            raise DataError(
                "stands under no managedElement or measEntity, so its object cannot be named.", code="element"
            )
        if self._period_s is None:
            raise DataError("has no granPeriod with a duration such as PT900S.", code="period")
        names, texts = self._counters, found.results
        if texts is None:
            places, texts = _columns(found.numbered)
            if places != tuple(self._names):
                for p in places:
                    if p not in self._names:
                        error = DataError(f"has a value p={p[:20]!r} that no measType names.", code="position")
                        yield _flaw(element, error, found)
                texts = [text for p, text in found.numbered if p in self._names]
                names = tuple(self._names[p] for p in places if p in self._names)
        if len(texts) != len(names):
            raise DataError(f"has {len(texts)} values for {len(names)} counters.", code="length")
        parts = (self._prefix, self._element, element.get("measObjLdn"))
        self._values.add(
            names=names,
            texts=texts,
            object_id=",".join(part.strip() for part in parts if part and part.strip()),
            end=self._end,
            period_s=self._period_s,
            suspect=found.suspect,
            row=_line(element),
        )


class _Found:
    """What one `measValue` holds."""

    def __init__(self) -> None:
        self.numbered: Numbered = []
        self.results: list[str] | None = None
        self.suspect = "false"

    def one(self, element: etree._Element) -> tuple[str, str]:
        """Place and text of an `r` element of the file's own."""
        return element.get("p") or str(len(self.numbered) + 1), (element.text or "").strip()


def _columns(numbered: Numbered) -> tuple[tuple[str, ...], list[str]]:
    if not numbered:
        return (), []
    places, texts = zip(*numbered, strict=True)
    return places, list(texts)


def _seconds(duration: str) -> int | None:
    """Seconds of an ISO 8601 duration without months; None where it is none."""
    match = _DURATION.match(duration.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds or None


def _flaw(element: etree._Element, error: DataError, found: _Found) -> Flaw:
    """The value as it stood in the file, and what is wrong with it."""
    for child in list(element):
        if _local(child) == "r":
            element.remove(child)
    payload = etree.tostring(element, encoding="unicode", with_tail=False)
    if found.numbered:
        head, mark, tail = payload.partition(">") if not payload.endswith("/>") else (payload[:-2], ">", "</measValue>")
        payload = f"{head}{mark}{written(found.numbered)}{tail}"
    return Flaw(row_number=_line(element), error=error, payload=payload.encode())


def _line(element: Any) -> int:
    return int(element.sourceline or 0)


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _forget(element: etree._Element) -> None:
    """Free a whole element and those before it: memory does not grow with the file."""
    parent = element.getparent()
    element.clear()
    if parent is not None:
        del parent[: parent.index(element)]
