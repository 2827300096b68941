"""The bytes of a PM file on their way to the XML parser: its head looked at first, its appetite bounded."""

import re
from collections.abc import Iterable

from lxml import etree

from collectors.options import MIB
from collectors.pm_runs import Runs
from collectors.raw import Notes
from records.errors import DataError

ROOTS = ("measCollecFile", "measDataFile")
CLOSED = re.compile(rf"</(?:[\w.-]+:)?(?:{'|'.join(ROOTS)})\s*>\s*(?:<!--.*?-->\s*)*$".encode(), re.DOTALL)
TAIL_BYTES = 4096
_PROLOG_BYTES = 64 * 1024
_STEP_BYTES = 1024
_BETWEEN_BYTES = 32 * MIB  # what the parser may hold that is no value: trees take several times the text's size


class Source:
    """The stream as lxml reads it; what stands before the XML declaration is dropped, as one vendor's files need.

    Raises `DataError` for a DOCTYPE and for a root element of another vocabulary.
    """

    def __init__(self, pieces: Iterable[bytes], notes: Notes) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._failed: DataError | None = None
        self._since_bytes = 0
        self._tail = b""
        self._at_end = False
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
        _check_root(self._held[:_PROLOG_BYTES])
        self.runs = Runs(head)
        self._held = self.runs.lift(self._held)

    @property
    def cut_off(self) -> bool:
        """Whether all was read and no root element was closed at its end."""
        return self._at_end and CLOSED.search(self._tail) is None

    def progress(self) -> None:
        """Say that the parser came to an element that is known; what it held before may be let go."""
        self._since_bytes = 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; a break of the stream is raised once all before it was read."""
        if not self._held:
            self._held = self.runs.lift(self._next())
        if not self._held and self._failed is not None:
            raise self._failed
        size = len(self._held) if size < 0 else size
        piece, self._held = self._held[:size], self._held[size:]
        self._since_bytes += len(piece)
        self._at_end = not piece
        self._tail = (self._tail + piece[-TAIL_BYTES:])[-TAIL_BYTES:]
        if self._since_bytes > _BETWEEN_BYTES:
            text = f"it goes on for {_BETWEEN_BYTES // MIB} MiB without any value: the rest was not read."
            raise DataError(text, code="too_long")
        return piece

    def _next(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except DataError as error:
            self._failed = error
            return b""


def _check_root(head: bytes) -> None:
    """Parse the head up to the root element; what is broken there is told by whoever parses all of it."""
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, load_dtd=False, no_network=True)
    for start in range(0, len(head), _STEP_BYTES):
        try:
            parser.feed(head[start : start + _STEP_BYTES])
        except etree.XMLSyntaxError:
            return
        for _, root in parser.read_events():
            assert isinstance(root, etree._Element)
            if root.getroottree().docinfo.internalDTD is not None:
                raise _doctype()
            name = str(root.tag).rpartition("}")[2]
            if name not in ROOTS:
                needed = "measCollecFile (TS 32.435) or measDataFile (TS 28.532) is needed"
                raise DataError(f"its root element is {name[:100]}; {needed}.", code="root")
            return


def _doctype() -> DataError:
    return DataError(
        "it has a DOCTYPE, which no 3GPP file has and which may attack its reader: refused.", code="doctype"
    )
