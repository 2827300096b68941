"""Bytes of a file, decompressed in bounded steps: nothing that a header declares is believed or allocated."""

import hashlib
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from collectors.options import MIB, Options
from records.errors import DataError, TransientError

_STEP = 256 * 1024
# A kilobyte of zstd may hold 256 blocks of four bytes that expand to 128 KiB each (RFC 8878 3.1.1.2): 32 MiB.
_ZSTD_STEP = 1024
_MAX_ZSTD_WINDOW = 128 * MIB
Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A file as delivered: SHA-256 of its raw bytes, their number, and when it was last written."""

    digest: bytes
    size_bytes: int
    modified_ns: int


def identify(path: Path) -> Identity:
    """Read the file once for its identity."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        status = path.stat()
        while block := file.read(MIB):
            digest.update(block)
    return Identity(digest=digest.digest(), size_bytes=status.st_size, modified_ns=status.st_mtime_ns)


def unchanged(path: Path, identity: Identity) -> None:
    """Raise `TransientError` when the file was written to since it was identified."""
    status = path.stat()
    if (status.st_size, status.st_mtime_ns) != (identity.size_bytes, identity.modified_ns):
        raise TransientError(f"{path.name} was changed while it was read: nothing of it was stored; collect it again.")


def expand(file: BinaryIO, compression: str | None, options: Options, advance: Advance) -> Iterator[bytes]:
    """Yield the content in blocks of bounded size; `advance` is told of each number of raw bytes used.

    Raises `DataError` where the stream is broken, cut off, or grows past the limits; all before it was yielded.
    """
    pieces = {None: _plain, "gz": _gunzip, "zst": _unzstd}[compression](file)
    consumed = produced = 0
    for used, piece in pieces:
        consumed += used
        advance(used)
        limit, error = _limit(consumed, compression, options)
        if produced + len(piece) > limit:
            yield piece[: limit - produced]
            raise error
        produced += len(piece)
        if piece:
            yield piece


def _limit(consumed: int, compression: str | None, options: Options) -> tuple[int, DataError]:
    """How many bytes may have come out of so many that went in, and what is said of more."""
    largest = sys.maxsize if options.max_source_bytes is None else options.max_source_bytes
    grown = max(options.expansion_floor_bytes, options.max_expansion_ratio * consumed)
    if compression is None or largest <= grown:
        return largest, DataError(f"it holds more than {largest} bytes: the rest was not read.", code="too_large")
    text = (
        f"it expands to more than {options.max_expansion_ratio} times its size: the rest was not read. "
        "If it is genuine, raise CEMAPHORE_MAX_EXPANSION_RATIO."
    )
    return grown, DataError(text, code="expansion")


def _plain(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while block := file.read(_STEP):
        yield len(block), block


def _gunzip(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Members one after another, each step's output bounded."""
    member = zlib.decompressobj(wbits=31)
    fresh = True
    while block := file.read(64 * 1024):
        used = len(block)
        while block:
            if member.eof:
                member, fresh = zlib.decompressobj(wbits=31), True
                block = block.lstrip(b"\0")  # tapes and some tools pad with zeros after the last member
                if not block:
                    break
            try:
                piece = member.decompress(block, _STEP)
            except zlib.error as error:
                raise DataError(
                    f"its gzip data are damaged ({error}): the rest was not read.", code="corrupt"
                ) from None
            fresh = False
            yield used, piece
            used = 0
            block = member.unused_data if member.eof else member.unconsumed_tail
            while not block and not member.eof and len(piece) == _STEP:  # zlib may hold more than it was asked for
                piece = member.decompress(b"", _STEP)
                yield 0, piece
        yield used, b""
    if not member.eof and not fresh:
        raise DataError("its gzip data are cut off: the rest is missing; deliver it whole.", code="truncated")


def _unzstd(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Frames one after another; a window above 128 MiB is refused whatever the header says."""
    frame, begun = _frame(), 0
    fresh = True
    while block := file.read(_ZSTD_STEP):
        used = len(block)
        while block:
            start = file.tell() - len(block)
            if frame.eof:
                frame, begun = _frame(), start
            try:
                piece = frame.decompress(block)
            except zstandard.ZstdError as error:
                yield from _before_damage(file, begun, start)
                reason = str(error).removeprefix("zstd decompressor error: ")
                text = f"its zstd data cannot be read ({reason}): the rest was not read."
                raise DataError(text, code="corrupt") from None
            fresh = False
            yield used, piece
            used = 0
            block = frame.unused_data if frame.eof else b""
    if not frame.eof and not fresh:
        raise DataError("its zstd data are cut off: the rest is missing; deliver it whole.", code="truncated")


def _before_damage(file: BinaryIO, begun: int, start: int) -> Iterator[tuple[int, bytes]]:
    """What the step at `start` holds before the byte that is wrong: the frame is read again, that step by bytes."""
    frame = _frame()
    file.seek(begun)
    while file.tell() < start:
        frame.decompress(file.read(min(_ZSTD_STEP, start - file.tell())))
    try:
        for byte in file.read(_ZSTD_STEP):
            yield 0, frame.decompress(bytes([byte]))
    except zstandard.ZstdError:
        return


def _frame() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj()
