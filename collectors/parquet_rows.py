"""Parquet tables: bounded batches of the contract's columns, names and identifiers as dictionaries."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from collectors.lines import Flaw
from collectors.options import Options
from collectors.raw import Notes, Raw
from collectors.streams import Advance, expand
from records.errors import DataError
from records.kinds import ColumnType, Kind

_CODED = (ColumnType.LABEL, ColumnType.SUBSCRIBER)


def read(
    path: Path, compression: str | None, kind: Kind, options: Options, notes: Notes, advance: Advance
) -> Iterator[Raw | Flaw]:
    """Yield the records of a Parquet file; the first is row 1. A damaged one ends in a flaw after whole batches."""
    with path.open("rb") as file:
        source: BinaryIO = file if compression is None else _spooled(file, compression, options, advance)
        size = path.stat().st_size if compression is None else 0
        try:
            yield from _batches(source, kind, options, notes, advance, size)
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).split("\n")[0][:200]
            problem = DataError(f"its Parquet data cannot be read ({reason}): the rest was not read.", code="corrupt")
            yield Flaw(row_number=None, error=problem, payload=b"")


def _spooled(file: BinaryIO, compression: str, options: Options, advance: Advance) -> BinaryIO:
    """The whole content in memory: Parquet is read from its end, and nothing is spilled to disk in the clear."""
    held = io.BytesIO()
    for piece in expand(file, compression, options, advance):
        held.write(piece)
        if held.tell() > options.max_parquet_spool_bytes:
            raise DataError(
                f"a compressed Parquet file of more than {options.max_parquet_spool_bytes} bytes is not read; "
                "Parquet is compressed inside: deliver it without .gz or .zst.",
                code="too_large",
            )
    held.seek(0)
    return held


def _batches(
    source: BinaryIO, kind: Kind, options: Options, notes: Notes, advance: Advance, size: int
) -> Iterator[Raw]:
    schema = pq.read_schema(source)
    known = [column for column in kind.columns if column.name in schema.names]
    notes.dropped |= set(schema.names) - {column.name for column in known}
    coded = [column.name for column in known if column.type in _CODED and _is_text(schema.field(column.name).type)]
    file = pq.ParquetFile(source, read_dictionary=coded, pre_buffer=False)
    names = [column.name for column in known] or schema.names[:1]
    first, total = 1, max(1, file.metadata.num_rows)
    for batch in file.iter_batches(batch_size=options.block_rows, columns=names, use_threads=False):
        rows = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
        yield Raw(batch=batch, rows=rows)
        advance(size * (first + batch.num_rows - 1) // total - size * (first - 1) // total)
        first += batch.num_rows


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))
