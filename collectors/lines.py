"""Text cut into blocks of whole records, with what is no text or too long taken out and named."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from records.errors import DataError

_NEWLINE, _QUOTE = 10, 34
# A block of nothing but line ends must not grow to millions of records: each costs far more than its byte.
_STEP_BYTES = 256 * 1024
_MOST_LINES = 262_144


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """A record that is no text of ours: its number, and why."""

    row_number: int | None
    error: DataError
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole records that end in newlines; `first` numbers the first of them. Flawed ones are empty lines."""

    data: bytes
    first: int
    count: int


def blocks(pieces: Iterable[bytes], *, block_bytes: int, max_record_bytes: int, quoted: bool) -> Iterator[Block | Flaw]:
    """Cut a stream of bytes at the ends of records; a stream that breaks ends in a flaw after its whole records.

    `quoted`: a newline inside double quotes does not end a record (RFC 4180).
    """
    cutter = _Cutter(max_record_bytes=max_record_bytes, quoted=quoted)
    try:
        for piece in pieces:
            for start in range(0, len(piece), _STEP_BYTES):
                cutter.add(piece[start : start + _STEP_BYTES])
                if len(cutter.held) >= block_bytes or cutter.lines >= _MOST_LINES:
                    yield from cutter.cut()
    except DataError as error:
        yield from cutter.cut()
        yield Flaw(row_number=None, error=error, payload=b"")
        return
    yield from cutter.finish()


class _Cutter:
    def __init__(self, *, max_record_bytes: int, quoted: bool) -> None:
        self.held = bytearray()
        self.lines = 0  # line ends that came in since the last cut
        self._max = max_record_bytes
        self._quoted = quoted
        self._next = 1
        self._skipping = False  # inside a record that is too long, until its line ends
        self._begun = False

    def add(self, piece: bytes) -> None:
        """Hold a further piece; the byte order mark of UTF-8 is dropped, the rest of an over-long line too."""
        if not self._begun:
            self._begun = True
            piece = piece.removeprefix(b"\xef\xbb\xbf")
        if self._skipping:
            end = piece.find(b"\n")
            if end < 0:
                return
            self._skipping, piece = False, piece[end + 1 :]
        self.held += piece
        self.lines += piece.count(b"\n")

    def cut(self) -> Iterator[Block | Flaw]:
        """Give what is whole; a record that has grown too long is given up to the end of its first line."""
        self.lines = 0
        data = bytes(self.held)
        ends = record_ends(data, self._quoted)
        sizes = np.diff(ends, prepend=-1)
        rest = len(data) - (int(ends[-1]) + 1 if len(ends) else 0)
        self.held = bytearray(data[len(data) - rest :])
        if len(ends):
            yield from self._block(data, ends, sizes)
        if rest > self._max:
            yield from self._give_up()

    def finish(self) -> Iterator[Block | Flaw]:
        """Give the rest at the end of the stream, whether its last line ends or not."""
        if self.held and not self.held.endswith(b"\n"):
            self.held += b"\n"
        yield from self.cut()
        while self.held:  # an open quote: its first line is the flaw, the lines after it stand for themselves
            end = self.held.find(b"\n") + 1
            line = bytes(self.held[:end])
            del self.held[:end]
            yield self._flaw(DataError("has a quote that is never closed.", code="quote"), line)
            yield from self.cut()

    def _give_up(self) -> Iterator[Block | Flaw]:
        end = self.held.find(b"\n") + 1
        self._skipping = end == 0
        line = bytes(self.held[: end or len(self.held)])
        del self.held[: len(line)]
        what = "is longer than" if end == 0 or len(line) > self._max else "has a quote that is not closed within"
        yield self._flaw(DataError(f"{what} {self._max} bytes.", code="too_long"), line[: self._max])
        if not self._skipping:
            yield from self.cut()

    def _block(self, data: bytes, ends: np.ndarray, sizes: np.ndarray) -> Iterator[Block | Flaw]:
        whole = data[: int(ends[-1]) + 1]
        wrong: dict[int, DataError] = {}
        for index in np.flatnonzero(sizes > self._max):
            wrong[int(index)] = DataError(f"is longer than {self._max} bytes.", code="too_long")
        if b"\0" in whole or not _is_text(whole):
            wrong |= _not_text(whole, ends)
        first = self._next
        self._next += len(ends)
        for number, error in sorted(wrong.items()):
            start = int(ends[number - 1]) + 1 if number else 0
            payload = whole[start : int(ends[number])]
            yield Flaw(row_number=first + number, error=error, payload=payload[: self._max])
        yield Block(data=_without(whole, ends, wrong), first=first, count=len(ends))

    def _flaw(self, error: DataError, payload: bytes) -> Flaw:
        number, self._next = self._next, self._next + 1
        return Flaw(row_number=number, error=error, payload=payload)


def record_ends(data: bytes, quoted: bool) -> np.ndarray:
    """Positions of the newlines that end a record."""
    codes = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(codes == _NEWLINE)
    if not quoted or b'"' not in data:
        return newlines
    quotes = np.flatnonzero(codes == _QUOTE)
    inside = np.searchsorted(quotes, newlines) % 2 == 1
    return np.delete(newlines, np.flatnonzero(inside))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_text(data: bytes, ends: np.ndarray) -> dict[int, DataError]:
    wrong: dict[int, DataError] = {}
    start = 0
    for index, end in enumerate(ends.tolist()):
        record = data[start:end]
        if b"\0" in record:
            wrong[index] = DataError("holds a NUL byte; text has none (is it UTF-16? it must be UTF-8).", code="nul")
        elif not _is_text(record):
            wrong[index] = DataError("is not UTF-8; save the file as UTF-8.", code="encoding")
        start = end + 1
    return wrong


def _without(data: bytes, ends: np.ndarray, wrong: dict[int, DataError]) -> bytes:
    """The same number of records, the wrong ones emptied."""
    if not wrong:
        return data
    kept, start = [], 0
    for index in sorted(wrong):
        begin = int(ends[index - 1]) + 1 if index else 0
        kept.append(data[start:begin])
        start = int(ends[index])
    kept.append(data[start:])
    return b"".join(kept)


def first_line(data: bytes) -> tuple[bytes, bytes]:
    """The first line without its end, and all after it."""
    match = re.search(rb"\r?\n", data)
    return (data[: match.start()], data[match.end() :]) if match else (data, b"")
