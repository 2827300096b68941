"""NDJSON tables: one JSON object a line, with the column names of the contract."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pajson

from collectors.lines import Block, Flaw, blocks
from collectors.options import Options
from collectors.raw import Notes, Raw
from records.errors import DataError
from records.kinds import ColumnType, Kind

_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.REAL: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.INTEGERS: pa.list_(pa.int64()),
}
# Writers give identifiers and device codes as text or as numbers; which one, a file says by its first block.
_NUMERIC_CODES = {ColumnType.SUBSCRIBER: pa.int64(), ColumnType.DIGITS8: pa.int64()}


def read(pieces: Iterable[bytes], kind: Kind, options: Options, notes: Notes) -> Iterator[Raw | Flaw]:
    """Yield the records of an NDJSON file; the first line is row 1."""
    schemas = [_schema(kind, {}), _schema(kind, _NUMERIC_CODES)]
    for item in blocks(
        pieces, block_bytes=options.block_bytes, max_record_bytes=options.max_record_bytes, quoted=False
    ):
        if isinstance(item, Flaw):
            yield item
        elif (fast := _fast(item, kind, schemas)) is not None:
            _note_unknown(item.data, kind, notes)
            yield Raw(batch=fast, rows=pa.array(item.first + np.arange(fast.num_rows, dtype=np.int64)))
        else:
            yield from _line_by_line(item, kind, notes)


def _schema(kind: Kind, numeric: dict[ColumnType, pa.DataType]) -> pa.Schema:
    types = _TYPES | numeric
    return pa.schema([(column.name, types.get(column.type, pa.string())) for column in kind.columns])


def _fast(block: Block, kind: Kind, schemas: list[pa.Schema]) -> pa.RecordBatch | None:
    """The block as typed columns, or None where some value is of another type: then each line is looked at."""
    if not re.match(rb"\s*\{", block.data):  # pyarrow 26 ends the process when the first value is null
        return None
    for schema in list(schemas):
        try:
            table = pajson.read_json(
                pa.BufferReader(block.data),
                read_options=pajson.ReadOptions(use_threads=False, block_size=len(block.data) + 1),
                parse_options=pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
        except pa.ArrowInvalid:
            continue
        if table.num_rows != block.count:  # an empty line, or two objects on one
            return None
        schemas.sort(key=lambda other: other is not schema)
        required = kind.required
        present = [
            name for name in table.column_names if name in required or table.column(name).null_count < table.num_rows
        ]
        batches = table.select(present).combine_chunks().to_batches()
        return batches[0] if batches and present else None
    return None


def _note_unknown(data: bytes, kind: Kind, notes: Notes) -> None:
    """Names of the block's first record that the contract does not know."""
    first = json.loads(data[: data.index(b"\n")])
    notes.dropped |= set(first) - {column.name for column in kind.columns}


def _line_by_line(block: Block, kind: Kind, notes: Notes) -> Iterator[Raw | Flaw]:
    known = {column.name for column in kind.columns}
    records: list[dict[str, Any]] = []
    rows: list[int] = []
    for index, line in enumerate(block.data.split(b"\n")[: block.count]):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=str)
            if not isinstance(record, dict):
                raise DataError(f"is a JSON {_name(record)}; an object is needed.", code="json")
        except (ValueError, RecursionError) as error:
            problem = DataError(f"is no JSON ({getattr(error, 'msg', 'too deep')}).", code="json")
            yield Flaw(row_number=block.first + index, error=problem, payload=line)
        except DataError as error:
            yield Flaw(row_number=block.first + index, error=error, payload=line)
        else:
            notes.dropped |= record.keys() - known
            records.append(record)
            rows.append(block.first + index)
    if records:
        yield as_text(records, rows, kind)


def as_text(records: list[dict[str, Any]], rows: list[int], kind: Kind) -> Raw:
    """Records of any JSON values as columns of text, for the same checks as a CSV's."""
    columns = {
        column.name: pa.array([_text(record.get(column.name)) for record in records], pa.string())
        for column in kind.columns
        if column.required or any(record.get(column.name) is not None for record in records)
    }
    return Raw(batch=pa.RecordBatch.from_pydict(columns), rows=pa.array(rows, pa.int64()))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value.encode(errors="replace").decode() if value else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(part, int) for part in value):
        return ";".join(map(str, value))
    return json.dumps(value)


def _name(value: Any) -> str:
    return {list: "array", str: "string", type(None): "null", bool: "boolean"}.get(type(value), "number")
