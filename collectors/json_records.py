"""JSON objects one after another out of a stream: a single one, an array, or one a line, none held for long."""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Any

from collectors.lines import Flaw
from records.errors import DataError

_SPACE = " \t\r\n"
_NEAR_END = 16


def objects(pieces: Iterable[bytes], max_record_bytes: int) -> Iterator[tuple[int, dict[str, Any]] | Flaw]:
    """Yield (row, object), the first being row 1; what is no object, is broken or too long is a flaw."""
    reader = _Reader(pieces, max_record_bytes)
    try:
        yield from reader.read()
    except DataError as error:
        yield Flaw(row_number=None, error=error, payload=b"")


class _Reader:
    def __init__(self, pieces: Iterable[bytes], max_record_bytes: int) -> None:
        self._pieces = iter(pieces)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._max = max_record_bytes
        self._held = ""
        self._ended = False
        self._array = False

    def read(self) -> Iterator[tuple[int, dict[str, Any]] | Flaw]:
        """Yield all objects or flaws; resynchronises at line ends outside arrays."""
        row = 0
        self._array = self._skip(_SPACE) == "["
        if self._array:
            self._held = self._held[1:]
        while (mark := self._skip(_SPACE + ("," if self._array else ""))) and not (self._array and mark == "]"):
            row += 1
            try:
                value = self._one()
                if not isinstance(value, dict):
                    raise DataError("is no JSON object.", code="json")
            except (DataError, RecursionError) as error:
                problem = error if isinstance(error, DataError) else DataError("is nested too deep.", code="json")
                yield Flaw(row_number=row, error=problem, payload=self._held[: self._max].encode(errors="replace"))
                if not isinstance(error, DataError) or "object" not in str(error):
                    if self._array:
                        raise DataError(
                            f"the array is broken at its entry {row}: the rest was not read.", code="json"
                        ) from None
                    self._next_line()
            else:
                yield row, value
        if self._array and not mark:
            raise DataError("the array is cut off: the rest is missing; deliver it whole.", code="truncated")

    def _one(self) -> Any:
        while True:
            try:
                value, end = json.JSONDecoder(parse_constant=str).raw_decode(self._held)
            except json.JSONDecodeError as error:
                open_ended = error.pos >= len(self._held) - _NEAR_END or error.msg.startswith("Unterminated string")
                if not open_ended or not self._more():
                    raise DataError(f"is no JSON ({error.msg}).", code="json") from None
            else:
                if end < len(self._held) or not self._more():
                    self._held = self._held[end:]
                    return value
            if len(self._held) > 2 * self._max:
                raise DataError(f"is longer than {self._max} bytes.", code="too_long")

    def _skip(self, over: str) -> str:
        """Drop leading characters of `over`; the first other one, or '' at the end."""
        while True:
            self._held = self._held.lstrip(over)
            if self._held or not self._more():
                return self._held[:1]

    def _next_line(self) -> None:
        while (end := self._held.find("\n")) < 0:
            self._held = ""
            if not self._more():
                return
        self._held = self._held[end + 1 :]

    def _more(self) -> bool:
        """Hold a further piece; False at the end. Text that is no UTF-8 ends the stream."""
        if self._ended:
            return False
        piece = next(self._pieces, b"")
        self._ended = not piece
        try:
            self._held += self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError:
            raise DataError("it is not UTF-8: the rest was not read; save it as UTF-8.", code="encoding") from None
        return not self._ended
