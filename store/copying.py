"""Whole columns in and out of the database by binary COPY, without a Python object per value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import Copy, sql

from records.errors import DataError
from store.connection import Connection

Arrays = dict[str, NDArray[Any]]
Field = tuple[str, str]

_BIG_ENDIAN = {"i2": ">i2", "i4": ">i4", "i8": ">i8", "f4": ">f4", "f8": ">f8", "bool": "?", "time": ">i8"}
_NATIVE = {"i2": "i2", "i4": "i4", "i8": "i8", "f4": "f4", "f8": "f8", "bool": "?", "time": "i8"}
_HEADER_BYTES = 19  # PGCOPY\n\377\r\n\0, flags, length of the header's extension
_TRAILER_BYTES = 2  # a field count of -1
_EPOCH_US = 946_684_800_000_000  # 2000-01-01 UTC, PostgreSQL's zero, in microseconds since 1970
_BLOCK_ROWS = 1 << 18
_COPY_ROWS = 1 << 15  # encoded at a time: some 12 MiB of sessions


def copy_in(connection: Connection, table: str | sql.Composable, batch: pa.RecordBatch) -> int:
    """Append the batch to `table` ("schema.name"), its columns by name; returns the number of rows.

    Types are taken as they are: int32 goes into integer, timestamp[us] into timestamptz, binary(16) into uuid, and
    so on; what does not fit is the database's error.
    """
    if batch.num_rows == 0:
        return 0
    target = sql.Identifier(*table.split(".")) if isinstance(table, str) else table
    columns = sql.SQL(", ").join(map(sql.Identifier, batch.schema.names))
    encoder = ArrowToPostgresBinaryEncoder(batch.schema)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(target, columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoder.write_header())
        for start in range(0, batch.num_rows, _COPY_ROWS):
            copy.write(encoder.write_batch(batch.slice(start, _COPY_ROWS)))
        copy.write(encoder.finish())
    return int(batch.num_rows)


def copy_out(
    connection: Connection,
    query: LiteralString | sql.Composable,
    fields: Sequence[Field],
    params: Sequence[Any] | Mapping[str, Any] = (),
) -> Arrays:
    """Read the whole result of `query` as one array per field; see `copy_out_blocks` for the contract."""
    blocks = list(copy_out_blocks(connection, query, fields, params))
    if not blocks:
        return no_rows(fields)
    if len(blocks) == 1:
        return blocks[0]
    return {name: np.concatenate([block[name] for block in blocks]) for name, _ in fields}


def no_rows(fields: Sequence[Field]) -> Arrays:
    """Return what a result without rows is read as."""
    return {name: np.empty(0, _NATIVE[code]) for name, code in fields}


def copy_out_blocks(
    connection: Connection,
    query: LiteralString | sql.Composable,
    fields: Sequence[Field],
    params: Sequence[Any] | Mapping[str, Any] = (),
    *,
    block_rows: int = _BLOCK_ROWS,
) -> Iterator[Arrays]:
    """Yield the result of `query` in blocks of at most `block_rows` rows, one array per field.

    `fields` names the result's columns in their order, with the type of each: i2, i4, i8, f4, f8, bool, or time
    (timestamptz; int64 microseconds since 1970 UTC). No value may be NULL (coalesce it in the query): then all rows
    have one width and are decoded at once. Raises `DataError` (code "null" or "layout") when they have not.
    """
    layout, width = _layout(fields)
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(
        query if isinstance(query, sql.Composable) else sql.SQL(query)
    )
    with connection.cursor() as cursor, cursor.copy(statement, params) as copy:
        for data in _joined(copy, block_rows):
            if len(data) % width:
                raise DataError(
                    "a result has a NULL, or columns of other types than named; coalesce and cast them in the query",
                    code="layout",
                )
            yield _decode(np.frombuffer(data, layout), fields)


def _layout(fields: Sequence[Field]) -> tuple[np.dtype[Any], int]:
    """A row: int16 number of fields, then for each an int32 length and the value."""
    parts: list[tuple[str, str]] = [("_count", ">i2")]
    for index, (name, code) in enumerate(fields):
        parts += [(f"_length{index}", ">i4"), (name, _BIG_ENDIAN[code])]
    layout = np.dtype(parts)
    return layout, layout.itemsize


def _joined(copy: Copy, block_rows: int) -> Iterator[bytearray]:
    """The rows' bytes, joined by blocks, without the header (it comes with the first row) and the trailer.

    Appending to a bytearray costs a tenth of the receiving; joining a list of psycopg's views costs three times it.
    """
    messages = iter(copy)
    block = bytearray(bytes(next(messages))[_HEADER_BYTES:])
    rows = 1
    for message in messages:
        if len(message) == _TRAILER_BYTES:
            continue
        if rows >= block_rows:
            yield block
            block, rows = bytearray(), 0
        block += message
        rows += 1
    if len(block) > _TRAILER_BYTES:
        yield block


def _decode(block: NDArray[Any], fields: Sequence[Field]) -> Arrays:
    arrays: Arrays = {}
    for index, (name, code) in enumerate(fields):
        if block[f"_length{index}"].min() != np.dtype(_NATIVE[code]).itemsize:
            raise DataError(
                f"column {name} is NULL or not of type {code}: coalesce or cast it", code="null", column=name
            )
        values = block[name].astype(_NATIVE[code])
        arrays[name] = values + _EPOCH_US if code == "time" else values
    return arrays
