"""Two ways of a block into its table: straight, or, where rows are there already, through a staging table."""

from typing import LiteralString, Protocol

import numpy as np
import pyarrow as pa
from psycopg import sql

from records.kinds import Kind, Redelivery
from store.connection import Connection
from store.copying import copy_in

_ARROW_TYPES = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "timestamptz": pa.timestamp("us", "UTC"),
    "_int4": pa.list_(pa.int32()),
    "_float8": pa.list_(pa.float64()),
}


class Writer(Protocol):
    """Appends blocks to a table; returns how many rows of the block are new."""

    def write(self, rows: pa.RecordBatch) -> int: ...  # noqa: D102 - named by its type


class Straight:
    """Copies into the table itself; a row that is there already is a UniqueViolation."""

    def __init__(self, connection: Connection, kind: Kind) -> None:
        self._connection = connection
        self._table = f"cem.{kind.table}"

    def write(self, rows: pa.RecordBatch) -> int:
        """Append the block."""
        return copy_in(self._connection, self._table, rows)


class Staged:
    """Copies into a temporary table and takes over what is new; of one identity in one delivery the last row wins.

    A kind whose second delivery is ignored keeps what is in the table; one whose second delivery supersedes replaces
    it, which only happens within one version (the same version time, arrival and batch).
    """

    def __init__(self, connection: Connection, kind: Kind) -> None:
        self._connection = connection
        self._kind = kind
        self._table = sql.Identifier("cem", kind.table)
        self._identity = _identity(connection, kind.table)
        connection.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE staging (LIKE {}, staging_row bigint GENERATED ALWAYS AS IDENTITY) "
                "ON COMMIT DROP"
            ).format(self._table)
        )

    def write(self, rows: pa.RecordBatch) -> int:
        """Append what is new of the block."""
        copy_in(self._connection, "pg_temp.staging", rows)
        names = rows.schema.names
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        identity = sql.SQL(", ").join(map(sql.Identifier, self._identity))
        ignore = self._kind.redelivery is Redelivery.IGNORE
        statement: LiteralString = (
            "INSERT INTO {table} ({columns}) SELECT DISTINCT ON ({identity}) {columns} FROM pg_temp.staging "
            "ORDER BY {identity}, staging_row {direction} ON CONFLICT ({identity}) DO {action}"
        )
        insert = sql.SQL(statement).format(
            table=self._table,
            columns=columns,
            identity=identity,
            direction=sql.SQL("ASC" if ignore else "DESC"),
            action=sql.SQL("NOTHING") if ignore else self._replacement(names),
        )
        # xmax is 0 in a row that was inserted, and set in one that was replaced.
        counted = sql.SQL(
            "WITH written AS ({} RETURNING (xmax = 0) AS fresh) SELECT count(*) FILTER (WHERE fresh) FROM written"
        )
        row = self._connection.execute(counted.format(insert)).fetchone()
        self._connection.execute("TRUNCATE pg_temp.staging")
        return int(row[0]) if row else 0

    def _replacement(self, names: list[str]) -> sql.Composable:
        changes = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names if name not in self._identity
        ]
        return sql.SQL("UPDATE SET ") + sql.SQL(", ").join(changes)


def table_types(connection: Connection, table: str) -> dict[str, pa.DataType]:
    """Return the columns of a table of ours with their Arrow types."""
    rows = connection.execute(
        "SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f"cem.{table}"],
    )
    return {name: _ARROW_TYPES[type_name] for name, type_name in rows}


def without_repeats(rows: pa.RecordBatch, identity: tuple[str, ...]) -> pa.RecordBatch:
    """Leave out all but the last row of each identity (columns of whole numbers) of a block without an index."""
    columns = [rows.column(name).cast(pa.int64()).to_numpy(zero_copy_only=False) for name in identity]
    mixed = np.zeros(rows.num_rows, np.uint64)
    for column in columns:
        # An odd multiplier keeps what differs different; equal sums only cost the closer look below.
        mixed = (mixed ^ column.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    if len(np.unique(mixed)) == rows.num_rows:
        return rows
    order = np.lexsort(columns[::-1])
    same = np.ones(max(0, rows.num_rows - 1), np.bool_)
    for column in columns:
        same &= column[order][1:] == column[order][:-1]
    last = np.append(~same, True)
    return rows.take(pa.array(np.sort(order[last])))


def _identity(connection: Connection, table: str) -> tuple[str, ...]:
    row = connection.execute(
        "SELECT array_agg(attname ORDER BY ordinal) FROM pg_index, "
        "unnest(indkey::smallint[]) WITH ORDINALITY AS key (number, ordinal), pg_attribute "
        "WHERE indrelid = %s::regclass AND indisunique AND attrelid = indrelid AND attnum = key.number",
        [f"cem.{table}"],
    ).fetchone()
    return tuple(row[0]) if row and row[0] else ()
