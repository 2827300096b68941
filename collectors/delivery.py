"""Records from a stream on their way into the intake: checked, the wrong ones turned away, and each reason counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from collectors.collection import Reason
from collectors.lines import Flaw
from collectors.options import Options
from collectors.raw import Notes, Raw
from collectors.records import conform
from records.errors import DataError
from records.kinds import Kind
from store.intake import Rejected


class Records:
    """What one delivery holds, as often as it is asked for; `place` is what its records are numbered in."""

    def __init__(self, kind: Kind, place: str, options: Options, read: Callable[[Notes], Iterable[Raw | Flaw]]) -> None:
        self.notes = Notes()
        self._kind = kind
        self._place = place
        self._options = options
        self._read = read
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._firsts: dict[tuple[str, str | None], str] = {}

    def batches(self) -> Iterator[pa.RecordBatch | Rejected]:
        """Yield good records in blocks and the others one by one."""
        self.notes = Notes()
        self._counts.clear()
        self._firsts.clear()
        try:
            for item in self._read(self.notes):
                yield from self._taken(item)
        except DataError as error:
            yield self._turned_away(Flaw(row_number=None, error=error, payload=b""))

    def reasons(self) -> tuple[Reason, ...]:
        """Why records were turned away, the most frequent first."""
        return tuple(
            Reason(code=key[0], column=key[1], count=count, first=self._firsts[key])
            for key, count in self._counts.most_common()
        )

    def _taken(self, item: Raw | Flaw) -> Iterator[pa.RecordBatch | Rejected]:
        if isinstance(item, Flaw):
            yield self._turned_away(item)
            return
        good, rejected = conform(self._kind, item, self._place, self._options)
        if good is not None:
            yield good
        for record in rejected:
            self._count(record)
            yield record

    def _turned_away(self, flaw: Flaw) -> Rejected:
        number = "" if flaw.row_number is None else f" {flaw.row_number}"
        reason = f"{self._place}{number} {flaw.error}"
        record = Rejected(
            row_number=flaw.row_number,
            code=flaw.error.code,
            column=flaw.error.column,
            reason=reason,
            payload=flaw.payload,
        )
        self._count(record)
        return record

    def _count(self, record: Rejected) -> None:
        key = (record.code, record.column)
        self._counts[key] += 1
        self._firsts.setdefault(key, record.reason)
