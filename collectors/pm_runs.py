"""Runs of numbered values and types (`<r p="1">5</r><r p="2">7</r>`) lifted out of a PM file before it is parsed.

Nearly all elements of such a file are of this shape, and a parser spends nearly all of its time on them. A run is
lifted only where every byte of it is plain, so nothing that a parser would refuse or read otherwise passes by it; in
its place stands one empty `r` with a number that no file can know, and as many line ends as the run had.
"""

import re
import secrets
from typing import Any

_NUMBERED = {name: re.compile(rf'<{name} p="([^"<>&]*)">([^<>&\s]*)</{name}>') for name in ("r", "measType")}
_BEFORE = {"r": b"</measValue", "measType": b"<measValue"}  # what ends a run at the latest
_PLAIN = bytes([*range(0x20, 0x7F), 9, 10, 13])  # ASCII without control characters; `&` is told by the pattern
_MOST_WAITING = 100_000
_MOST_KNOWN = 1000
_ASCII_LIKE = re.compile(rb"(?i)utf-?8|us-ascii|iso-8859-\d+")

Numbered = list[tuple[str, str]]


class Runs:
    """The runs that were lifted out of a stream and not yet asked for."""

    def __init__(self, head: bytes) -> None:
        self._name = f"cem-{secrets.token_hex(8)}"
        self._waiting: dict[str, Numbered] = {}
        self._known: dict[bytes, Numbered | None] = {}  # types come again with every element and period
        self._next = 0
        declared = re.match(rb"""<\?xml[^>]*encoding\s*=\s*["']([^"']*)""", head)
        self._open = declared is None or _ASCII_LIKE.fullmatch(declared[1]) is not None

    def lift(self, piece: bytes) -> bytes:
        """Return the piece with its runs lifted out; what a comment or CDATA section may hold is left alone."""
        begin = 0
        if b"<!" in piece:
            begin = max(piece.rfind(b"-->"), piece.rfind(b"]]>"), 0)
            self._open = self._open and begin > piece.rfind(b"<!")
        if not self._open or len(self._waiting) > _MOST_WAITING:
            return piece
        return self._lifted(self._lifted(piece, begin, "r"), begin, "measType")

    def _lifted(self, piece: bytes, begin: int, name: str) -> bytes:
        first, last = f'<{name} p="'.encode(), f"</{name}>".encode()
        kept: list[bytes] = []
        done = 0
        while (start := piece.find(first, begin)) >= 0:
            limit = piece.find(_BEFORE[name], start)
            begin = piece.rfind(last, start, limit if limit >= 0 else len(piece)) + len(last)
            if begin < len(last):
                break
            run = piece[start:begin]
            if (found := self._read(run, name)) is not None:
                kept += [piece[done:start], self._put(found, name), b"\n" * run.count(b"\n")]
                done = begin
        return b"".join([*kept, piece[done:]]) if kept else piece

    def take(self, element: Any) -> Numbered | None:
        """The run that an element stands for; None where it is one of the file's own."""
        number = element.get(self._name)
        return None if number is None else self._waiting.pop(number, None)

    def _put(self, found: Numbered, name: str) -> bytes:
        self._next += 1
        self._waiting[str(self._next)] = found
        return f'<{name} {self._name}="{self._next}"/>'.encode()

    def _read(self, run: bytes, name: str) -> Numbered | None:
        if name == "r":
            return _read(run, name)
        if run not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[run] = _read(run, name)
        return self._known[run]


def written(numbered: Numbered) -> str:
    """The run as it stood in the file, but for its spaces."""
    return "".join(f'<r p="{p}">{text}</r>' for p, text in numbered)


def _read(run: bytes, name: str) -> Numbered | None:
    """Places and texts; None where a tag, a space in a value, a reference or a letter is not of this kind."""
    if run.translate(None, _PLAIN):
        return None
    found = _NUMBERED[name].findall(run.decode("ascii"))
    return found if run.count(b"<") == 2 * len(found) and b"&" not in run else None
