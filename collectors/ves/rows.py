"""Events to records as read: counters and alarms, numbered by the event that they come from."""

from collections.abc import Iterable, Iterator
from math import isfinite

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.raw import Raw
from collectors.ves.alarms import Alarm
from collectors.ves.events import Event
from collectors.ves.measurements import Measured

_MISSING = pa.array(["", "NIL", "nil", "null"])
_ALARM_TEXTS = ("event_id", "object_id", "alarm_id", "severity", "alarm_condition", "specific_problem", "alarm_type")


def counters(events: Iterable[tuple[int, Event]], block_rows: int) -> Iterator[Raw]:
    """The measurements of numbered events, in blocks of about `block_rows`."""
    block = _Block()
    for row, event in events:
        for one in event.measured:
            block.add(one, row)
        if len(block.texts) >= block_rows:
            yield block.raw()
            block = _Block()
    if block.texts:
        yield block.raw()


class _Block:
    """Values as columns; what those of one object share is kept once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._counters: list[int] = []
        self._objects: list[int] = []
        self._names: dict[str, int] = {}
        self._object_names: dict[str, int] = {}
        self._shared: list[tuple[int, int, int, str, int]] = []

    def add(self, one: Measured, row: int) -> None:
        """Add the values of one object and period."""
        numbers = self._names
        self.texts += one.texts
        self._counters += [numbers.setdefault(name, len(numbers)) for name in one.names]
        number = self._object_names.setdefault(one.object_id, len(self._object_names))
        self._objects.append(number)
        self._shared.append((len(one.texts), one.end_us, one.period_s, one.suspect, row))

    def raw(self) -> Raw:
        """All of it as one block."""
        counts, ends, periods, suspects, rows = zip(*self._shared, strict=True)
        value, bins = _values(self.texts)
        suspect = np.array([text == "true" for text in suspects])
        columns = {
            "time": pa.array(np.repeat(np.array(ends, np.int64), counts)).cast(pa.timestamp("us", "UTC")),
            "period_s": pa.array(np.repeat(np.array(periods, np.int64), counts)),
            "object_id": _named(np.repeat(np.array(self._objects, np.int32), counts), self._object_names),
            "counter": _named(np.array(self._counters, np.int32), self._names),
            "value": value,
            "suspect": pa.array(np.repeat(suspect, counts)),
            "bins": bins,
        }
        numbered = pa.array(np.repeat(np.array(rows, np.int64), counts))
        return Raw(batch=pa.RecordBatch.from_pydict(columns), rows=numbered)


def _named(codes: np.ndarray, names: dict[str, int]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(names), pa.string()))


def _values(given: list[str]) -> tuple[pa.StringArray, pa.ListArray]:
    """Single values as text, missing ones null; vectors, which have commas, as lists of numbers."""
    texts = pc.utf8_trim_whitespace(pa.array(given, pa.string()))
    missing = pc.is_in(texts, value_set=_MISSING)
    vector = pc.match_substring(texts, ",")
    if not pc.any(vector).as_py():
        bins = pa.nulls(len(texts), pa.list_(pa.float64()))
        return pc.if_else(missing, pa.scalar(None, pa.string()), texts), bins
    lists = [_vector(text) if wide else None for text, wide in zip(texts.to_pylist(), vector.to_pylist(), strict=True)]
    bins = pa.array(lists, pa.list_(pa.float64()))
    return pc.if_else(pc.or_(missing, bins.is_valid()), pa.scalar(None, pa.string()), texts), bins


def _vector(text: str) -> list[float | None] | None:
    """Numbers of a vector; None where it is none, so that its text is found to be no number."""
    try:
        numbers = [None if part.strip() in ("", "NIL") else float(part) for part in text.split(",")]
    except ValueError:
        return None
    return numbers if all(number is None or isfinite(number) for number in numbers) else None


def alarms(events: Iterable[tuple[int, Event]]) -> Iterator[Raw]:
    """The alarms of numbered events, in one block."""
    found = [(row, event.alarm) for row, event in events if event.alarm is not None]
    if found:
        yield Raw(batch=_alarms([alarm for _, alarm in found]), rows=pa.array([row for row, _ in found], pa.int64()))


def _alarms(found: list[Alarm]) -> pa.RecordBatch:
    columns = {
        name: pa.array([getattr(alarm, name) for alarm in found], pa.string())
        for name in (*_ALARM_TEXTS, "object_type")
    }
    times = pa.array([alarm.time_us for alarm in found], pa.timestamp("us", "UTC"))
    cleared = pa.array([alarm.cleared for alarm in found], pa.bool_())
    return pa.RecordBatch.from_pydict({**columns, "time": times, "cleared": cleared})
