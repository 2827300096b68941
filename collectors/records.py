"""Records as read to records as stored: each column cast and checked, each wrong record turned away with its reason."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.casting import cast, stored_type
from collectors.coded import Coded
from collectors.names import labels
from collectors.options import Options
from collectors.problems import Problem, plain, sentence
from collectors.raw import Raw
from collectors.subscribers import subscribers
from records.kinds import Column, ColumnType, Kind
from store.intake import Rejected

_MAX_IDENTITY_BYTES = 1000  # a B-tree entry of PostgreSQL holds 2704 bytes at most
_FIRST_EVENT, _LAST_EVENT = (
    pa.scalar(0, pa.timestamp("us", "UTC")),
    pa.scalar(7_258_118_400_000_000, pa.timestamp("us", "UTC")),
)
_SILENT = (ColumnType.SUBSCRIBER, ColumnType.TEXT)


def conform(kind: Kind, raw: Raw, place: str, options: Options) -> tuple[pa.RecordBatch | None, list[Rejected]]:
    """Return the good records as `Intake` takes them, and the others each with its first reason.

    `place` is the file's name and what its records are numbered by: `a.csv row`.
    """
    made = _Made(kind, raw, options)
    for column in kind.columns:
        made.add(column)
    wrong = made.wrong()
    arrays = {**made.arrays, "row_number": raw.rows}
    batch = pa.RecordBatch.from_pydict(arrays)
    if not wrong.any():
        return batch, []
    good = batch.filter(pa.array(~wrong))
    return (good if good.num_rows else None), _rejected(made, wrong, place)


class _Made:
    """The columns made so far and what is wrong in them."""

    def __init__(self, kind: Kind, raw: Raw, options: Options) -> None:
        self.raw = raw
        self.arrays: dict[str, pa.Array] = {}
        self.found: list[tuple[Column, Problem]] = []
        self._kind = kind
        self._options = options
        if "bins" in raw.batch.schema.names and kind.table == "counter":
            self.arrays["bins"] = raw.batch.column("bins")

    def wrong(self) -> np.ndarray:
        """Which records have any problem."""
        wrong = np.zeros(self.raw.batch.num_rows, bool)
        for _, problem in self.found:
            wrong |= problem.mask
        return wrong

    def add(self, column: Column) -> None:
        """Make one column of the stored record."""
        if column.name not in self.raw.batch.schema.names:
            if column.required:
                self._absent(column)
            return
        values = self.raw.batch.column(column.name)
        array, problems = self._made(column, values)
        self._found(column, problems)
        if column.required and array.null_count:
            missing = plain(array.is_null())
            for problem in problems:
                missing &= ~problem.mask
            self._found(column, [Problem(mask=missing, code="missing", why="is missing; it is required")])
        self.arrays[column.name] = array

    def _made(self, column: Column, values: pa.Array) -> tuple[pa.Array, list[Problem]]:
        if column.type is ColumnType.SUBSCRIBER:
            coded, problems = subscribers(values, self._kinds(column), self._options)
            return coded.array(), problems
        if column.type is ColumnType.LABEL:
            coded, problems = labels(column, values)
            return coded.array(), problems
        result = cast(column, values, stored_type(self._kind.table, column))
        if column.name == self._kind.event_time:
            outside = pc.or_(pc.less(result.values, _FIRST_EVENT), pc.greater_equal(result.values, _LAST_EVENT))
            result.refuse(outside, "time_range", "; a time from 1970 to 2199 is needed")
        if column.type is ColumnType.TEXT and column.name in self._kind.identity:
            long = pc.greater(pc.binary_length(result.values), _MAX_IDENTITY_BYTES)
            result.refuse(long, "too_long", f"is longer than {_MAX_IDENTITY_BYTES} bytes")
        return result.values, result.problems

    def _kinds(self, column: Column) -> Coded | None:
        """The column that says what kind of identifier this one holds."""
        name = {"sessions": "subscriber_kind", "identities": "kind"}.get(self._kind.name)
        if name is None or name not in self.raw.batch.schema.names or (name == "kind") != (column.name == "value"):
            return None
        return labels(self._kind.column(name), self.raw.batch.column(name))[0]

    def _found(self, column: Column, problems: list[Problem]) -> None:
        self.found += [(column, problem) for problem in problems if problem.mask.any()]

    def _absent(self, column: Column) -> None:
        has = ", ".join(column.name for column in self._kind.columns if column.name in self.raw.batch.schema.names)
        has = has or "none"
        why = f"is no column of this file; it is required. Known columns found: {has}."
        everywhere = np.ones(self.raw.batch.num_rows, bool)
        self.found.append((column, Problem(mask=everywhere, code="missing_column", why=why)))


def _rejected(made: _Made, wrong: np.ndarray, place: str) -> list[Rejected]:
    """Each wrong record with its first problem, in the order of the file."""
    indices = np.flatnonzero(wrong)
    first = np.full(len(wrong), -1)
    for number in range(len(made.found) - 1, -1, -1):
        first[made.found[number][1].mask] = number
    records = _records(made.raw.batch.take(pa.array(indices)))
    rows = made.raw.rows.take(pa.array(indices)).to_pylist()
    rejected = []
    for index, row, record in zip(indices, rows, records, strict=True):
        column, problem = made.found[first[index]]
        value = None if column.type in _SILENT else record.get(column.name)
        where = place.rpartition(" ")[0] if problem.code == "missing_column" else f"{place} {row}"
        reason = f"{where}: {sentence(column.name, value, problem.why)}"
        payload = json.dumps(record, ensure_ascii=False, default=str).encode()
        rejected.append(Rejected(row_number=row, code=problem.code, column=column.name, reason=reason, payload=payload))
    return rejected


def _records(batch: pa.RecordBatch) -> list[dict[str, object]]:
    try:
        return [{key: value for key, value in record.items() if value is not None} for record in batch.to_pylist()]
    except (UnicodeDecodeError, ValueError, OverflowError):
        return [
            {key: value for key, value in zip(batch.schema.names, values, strict=True) if value is not None}
            for values in zip(*(_readable(column) for column in batch.columns), strict=True)
        ]


def _readable(column: pa.Array) -> list[object]:
    """Values one by one, text that is no UTF-8 and times beyond Python's as they can be shown."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [value and value.decode(errors="replace") for value in pc.cast(column, pa.binary()).to_pylist()]
    if pa.types.is_timestamp(column.type):
        return list(pc.cast(column, pa.int64()).to_pylist())
    return list(column.to_pylist())
