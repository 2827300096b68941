"""Counter values on their way out of a PM file: columns that grow, then go on as one block."""

import pyarrow as pa
import pyarrow.compute as pc

from collectors.raw import Raw


class Values:
    """Rows of counter, object, period and value as text."""

    def __init__(self) -> None:
        self._clear()

    def __len__(self) -> int:
        return len(self._texts)

    def add(
        self, *, pairs: list[tuple[str, str]], object_id: str, end: str, period_s: int, suspect: str, row: int
    ) -> None:
        """Add the values (counter, text) of one object and period."""
        count = len(pairs)
        self._counters += [name for name, _ in pairs]
        self._texts += [text for _, text in pairs]
        self._objects += [object_id] * count
        self._ends += [end] * count
        self._periods += [period_s] * count
        self._suspects += [suspect] * count
        self._rows += [row] * count

    def take(self) -> Raw:
        """Give all rows as one block and begin anew."""
        texts = pa.array(self._texts, pa.string())
        missing = pa.scalar(None, pa.string())
        value = pc.if_else(pc.is_in(texts, value_set=pa.array(["", "NIL", "nil", "null"])), missing, texts)
        vector = pc.match_substring(texts, ",")
        batch = pa.RecordBatch.from_pydict(
            {
                "time": pa.array(self._ends, pa.string()),
                "period_s": pa.array(self._periods, pa.int64()),
                "object_id": pa.array(self._objects, pa.string()),
                "counter": pa.array(self._counters, pa.string()),
                "value": pc.if_else(vector, pc.if_else(_sound(texts), missing, texts), value),
                "suspect": pa.array(self._suspects, pa.string()),
                "bins": _bins(texts, vector),
            }
        )
        rows = pa.array(self._rows, pa.int64())
        self._clear()
        return Raw(batch=batch, rows=rows)

    def _clear(self) -> None:
        self._counters: list[str] = []
        self._texts: list[str] = []
        self._objects: list[str] = []
        self._ends: list[str] = []
        self._periods: list[int] = []
        self._suspects: list[str] = []
        self._rows: list[int] = []


_PART = r"\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NIL|)\s*"


def _sound(texts: pa.StringArray) -> pa.BooleanArray:
    """Which texts are vectors of numbers."""
    return pc.match_substring_regex(texts, rf"^{_PART}(,{_PART})+$")


def _bins(texts: pa.StringArray, vector: pa.BooleanArray) -> pa.ListArray:
    """Vectors as lists of numbers, NIL parts missing; a text that is no vector has none."""
    good = pc.if_else(pc.and_(vector, _sound(texts)), texts, pa.scalar(None, pa.string()))
    parts = pc.split_pattern(good, ",")
    flat = pc.utf8_trim_whitespace(parts.flatten())
    numbers = pc.cast(pc.if_else(pc.is_in(flat, value_set=pa.array(["", "NIL"])), None, flat), pa.float64())
    return pa.ListArray.from_arrays(parts.offsets, numbers, mask=parts.is_null())
