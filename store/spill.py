"""A bounded, encrypted buffer on disk for what must not be lost while the database is away: first in, first out.

Segments are files `NNNNNNNNNN.spill`: a line of text (format, key number), then records of a length (4 bytes, big
endian) and the payload under AES-256-GCM, bound to its buffer, segment and offset, so that none can be altered, moved
or repeated unseen. `append` returns once the bytes are on the disk (fsync); a segment goes when all of it was replayed,
so after a kill some records come a second time: what takes them must count an event once.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from records.errors import ConfigError, DataError, TransientError
from store.keys import Keys

_MAGIC = b"cemaphore spill 1 key "
_LENGTH_BYTES = 4
_SUFFIX = ".spill"
_DAMAGED = ".damaged"
_SEGMENT_BYTES = 4 << 20
_MAX_RECORD_BYTES = 64 << 20


class SpillFullError(TransientError):
    """The buffer has reached its size, or the disk has no room left."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far a reader has come: everything before this point."""

    segment: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Spilled:
    """Payloads in the order in which they came; `until` is for `Spill.forget`."""

    payloads: list[bytes]
    until: Place


class Spill:
    """One buffer in one directory, used by one process; `name` says whose it is and is part of the seal.

    Not safe for use by two threads at once. Raises `ConfigError` when another process holds the directory.
    """

    def __init__(
        self, directory: Path, keys: Keys, *, name: str, max_bytes: int, segment_bytes: int = _SEGMENT_BYTES
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._name = name
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(directory)
        self._segments = {int(path.stem): path.stat().st_size for path in directory.glob(f"*{_SUFFIX}")}
        self._writing: BinaryIO | None = None
        self._safe_bytes = 0  # of the segment that is written to: what a sync has returned for
        self._next = max(self._segments, default=0) + 1
        self._place = Place(segment=min(self._segments, default=self._next), offset=0)

    @property
    def size_bytes(self) -> int:
        """Bytes on the disk."""
        return sum(self._segments.values())

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be replayed."""
        return not self._segments

    def append(self, payloads: Sequence[bytes]) -> int:
        """Write payloads and wait for the disk; returns how many of them, from the first on, are safe there.

        Fewer than all means that the buffer is full. Raises `SpillFullError` when the disk refuses them all.
        """
        taken = 0
        try:
            for payload in payloads:
                if self.size_bytes + len(payload) + 256 > self._max_bytes:  # 256: above header, nonce and tag
                    break
                self._write(payload)
                taken += 1
            self._sync()
        except OSError as error:
            self._give_up()
            raise SpillFullError(f"the spill in {self._directory} cannot be written: {error.strerror}") from None
        return taken

    def read(self, max_bytes: int) -> Spilled:
        """Return the oldest payloads that were not forgotten, about `max_bytes` of them; none when it is empty.

        Raises `DataError` once for a segment that was altered; it is set aside and the rest goes on.
        """
        payloads: list[bytes] = []
        size, place = 0, self._place
        while size < max_bytes and self._segments:
            if place.segment not in self._segments:
                later = [number for number in self._segments if number > place.segment]
                if not later:
                    break
                place = Place(segment=min(later), offset=0)
            try:
                payload, end = self._record(place)
            except DataError:
                if payloads:
                    break
                self._set_aside(place.segment)
                raise
            if payload is None:
                if payloads:
                    break
                self._finish(place.segment)
                self._place = place = Place(segment=place.segment + 1, offset=0)
                continue
            payloads.append(payload)
            size += len(payload)
            place = Place(segment=place.segment, offset=end)
        return Spilled(payloads=payloads, until=place)

    def forget(self, until: Place) -> None:
        """Let go of everything before `until`."""
        self._place = until
        for number in sorted(number for number in self._segments if number < until.segment):
            self._finish(number)
        if until.offset >= self._segments.get(until.segment, until.offset + 1):
            self._finish(until.segment)
            self._place = Place(segment=until.segment + 1, offset=0)

    def close(self) -> None:
        """Let go of the directory."""
        self._stop_writing()
        self._lock.close()

    def _record(self, place: Place) -> tuple[bytes | None, int]:
        """The record at `place` and where it ends; None at the end of its segment or where its write was cut off."""
        with self._path(place.segment).open("rb") as file:
            header = file.readline(64)
            if not header.endswith(b"\n"):
                return None, 0
            if header != self._header:
                raise DataError(f"{file.name} was sealed with another key; kept as *{_DAMAGED}.", code="sealed")
            offset = max(place.offset, len(header))
            file.seek(offset)
            length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
            sealed = file.read(length) if 0 < length <= _MAX_RECORD_BYTES else b""
        if not sealed or len(sealed) < length:
            return None, 0  # never acknowledged: the program or the machine ended while it was written
        try:
            payload = self._keys.unseal(sealed, self._context(place.segment, offset))
        except DataError:
            text = f"{file.name} is damaged from byte {offset} on; kept as *{_DAMAGED}."
            raise DataError(text, code="sealed") from None
        return payload, offset + _LENGTH_BYTES + length

    def _set_aside(self, number: int) -> None:
        """Keep a damaged segment under another name, and go on behind it."""
        if number == self._next - 1:
            self._stop_writing()
        path = self._path(number)
        path.rename(path.with_suffix(_DAMAGED))
        self._segments.pop(number)
        self._place = Place(segment=number + 1, offset=0)

    @property
    def _header(self) -> bytes:
        return _MAGIC + str(self._keys.key_id).encode() + b"\n"

    def _write(self, payload: bytes) -> None:
        if self._writing is None or self._segments[self._next - 1] >= self._segment_bytes:
            self._sync()
            self._begin()
        assert self._writing is not None
        number = self._next - 1
        sealed = self._keys.seal(payload, self._context(number, self._segments[number]))
        self._writing.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._segments[number] += _LENGTH_BYTES + len(sealed)

    def _begin(self) -> None:
        self._stop_writing()
        number = self._next
        descriptor = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._writing = os.fdopen(descriptor, "wb")
        self._next += 1
        self._safe_bytes = 0
        self._writing.write(self._header)
        self._segments[number] = len(self._header)
        _sync_directory(self._directory)

    def _sync(self) -> None:
        if self._writing is not None:
            self._writing.flush()
            os.fsync(self._writing.fileno())
            self._safe_bytes = self._segments[self._next - 1]

    def _stop_writing(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.close()

    def _give_up(self) -> None:
        """After a failed write: cut off what was not acknowledged; the next append begins a new segment."""
        number = self._next - 1
        with suppress(OSError):
            self._stop_writing()
        if number in self._segments:
            with suppress(OSError):
                os.truncate(self._path(number), self._safe_bytes)
            self._segments[number] = self._safe_bytes

    def _finish(self, number: int) -> None:
        if number == self._next - 1:
            self._stop_writing()
        self._path(number).unlink(missing_ok=True)
        self._segments.pop(number, None)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:010}{_SUFFIX}"

    def _context(self, number: int, offset: int) -> bytes:
        return f"cem.spill {self._name} {number} {offset}".encode()


def _locked(directory: Path) -> BinaryIO:
    file = (directory / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ConfigError(f"{directory} is in use by another listener: give each one a spill of its own.") from None
    return file


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
