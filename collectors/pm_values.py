"""Counter values on their way out of a PM file: columns that grow, then go on as one block."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.raw import Raw

_MISSING = pa.array(["", "NIL", "nil", "null"])
_NUMBER = r"\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NIL|)\s*"


class _Names:
    """Names by number, in the order in which they came."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The number of a name."""
        return self.numbers.setdefault(name, len(self.numbers))

    def column(self, codes: np.ndarray) -> pa.DictionaryArray:
        """A column that names its rows by number."""
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(self.numbers), pa.string()))


class Values:
    """Rows of counter, object, period and value as text; what all values of one object share is kept once."""

    def __init__(self) -> None:
        self._clear()

    def __len__(self) -> int:
        return len(self._texts)

    def add(
        self,
        *,
        names: tuple[str, ...],
        texts: list[str],
        object_id: str,
        end: str,
        period_s: int,
        suspect: str,
        row: int,
    ) -> None:
        """Add the values of one object and period, and the counters that they are of."""
        numbers = self._numbers.get(names)
        if numbers is None:
            numbers = self._numbers[names] = [self._counter_names.number(name) for name in names]
        self._counters += numbers
        self._texts += texts
        self._counts.append(len(texts))
        self._objects.append(self._object_names.number(object_id))
        self._ends.append(self._end_names.number(end))
        self._suspects.append(self._suspect_names.number(suspect))
        self._periods.append(period_s)
        self._rows.append(row)

    def take(self) -> Raw:
        """Give all rows as one block and begin anew."""
        texts = pa.array(self._texts, pa.string())
        missing = pa.scalar(None, pa.string())
        value = pc.if_else(pc.is_in(texts, value_set=_MISSING), missing, texts)
        columns = {
            "time": self._end_names.column(self._spread(self._ends)),
            "period_s": pa.array(self._spread(self._periods, np.int64)),
            "object_id": self._object_names.column(self._spread(self._objects)),
            "counter": self._counter_names.column(np.array(self._counters, np.int32)),
            "value": value,
            "suspect": self._suspect_names.column(self._spread(self._suspects)),
            "bins": pa.nulls(len(texts), pa.list_(pa.float64())),
        }
        vector = pc.match_substring(texts, ",")
        if pc.any(vector).as_py():
            columns["value"] = pc.if_else(pc.and_(vector, _sound(texts)), missing, value)
            columns["bins"] = _bins(texts, vector)
        rows = pa.array(self._spread(self._rows, np.int64))
        self._clear()
        return Raw(batch=pa.RecordBatch.from_pydict(columns), rows=rows)

    def _spread(self, values: list[int], kind: type[np.signedinteger] = np.int32) -> np.ndarray:
        """What is said once of each object, for each of its values."""
        return np.repeat(np.array(values, kind), self._counts)

    def _clear(self) -> None:
        self._counter_names, self._object_names = _Names(), _Names()
        self._end_names, self._suspect_names = _Names(), _Names()
        self._numbers: dict[tuple[str, ...], list[int]] = {}
        self._counters: list[int] = []
        self._texts: list[str] = []
        self._counts: list[int] = []
        self._objects: list[int] = []
        self._ends: list[int] = []
        self._periods: list[int] = []
        self._suspects: list[int] = []
        self._rows: list[int] = []


def _sound(texts: pa.StringArray) -> pa.BooleanArray:
    """Which texts are vectors of numbers."""
    return pc.match_substring_regex(texts, rf"^{_NUMBER}(,{_NUMBER})+$")


def _bins(texts: pa.StringArray, vector: pa.BooleanArray) -> pa.ListArray:
    """Vectors as lists of numbers, NIL parts missing; a text that is no vector has none."""
    good = pc.if_else(pc.and_(vector, _sound(texts)), texts, pa.scalar(None, pa.string()))
    parts = pc.split_pattern(good, ",")
    flat = pc.utf8_trim_whitespace(parts.flatten())
    numbers = pc.cast(pc.if_else(pc.is_in(flat, value_set=pa.array(["", "NIL"])), None, flat), pa.float64())
    return pa.ListArray.from_arrays(parts.offsets, numbers, mask=parts.is_null())
